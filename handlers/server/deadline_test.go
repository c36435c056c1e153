package server

import (
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"testing"
	"time"
)

// lateness is how late a deadline may take effect on a busy machine.
const lateness = deadlineInterval + 2*time.Second

// accept returns both ends of a connection: the accepted one and the client's.
func accept(t *testing.T, l *connections) (net.Conn, net.Conn) {
	t.Helper()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		client.Close()
		accepted.Close()
	})
	return accepted, client
}

func listenForTest(t *testing.T) *connections {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	connections := trackConnections(listener)
	connections.max = 10
	return connections
}

// checkExpires calls operation and checks that it fails after that time because
// of its deadline. If operation does not return, the connection is closed.
func checkExpires(t *testing.T, c net.Conn, what string, after time.Duration, operation func() error) {
	t.Helper()
	defer time.AfterFunc(after+2*lateness, func() { c.Close() }).Stop()
	began := time.Now()
	err := operation()
	took := time.Since(began)
	if !errors.Is(err, os.ErrDeadlineExceeded) || took < after || took > after+lateness {
		t.Errorf("%s: %v after %v, want a deadline error after %v", what, err, took, after)
	}
}

func TestReadDeadline(t *testing.T) {
	t.Parallel()
	accepted, client := accept(t, listenForTest(t))
	read := func() error {
		_, err := accepted.Read(make([]byte, 8))
		return err
	}
	succeed := func(what string) {
		t.Helper()
		io.WriteString(client, "text")
		if err := read(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	succeed("before any deadline")

	accepted.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
	checkExpires(t, accepted, "a deadline", 300*time.Millisecond, read)
	checkExpires(t, accepted, "a deadline that has passed", 0, read)

	accepted.SetReadDeadline(time.Now().Add(time.Millisecond))
	time.AfterFunc(time.Millisecond/2, func() { accepted.SetReadDeadline(time.Now().Add(time.Second)) })
	checkExpires(t, accepted, "a deadline that moves away", time.Second-50*time.Millisecond, read)

	accepted.SetReadDeadline(time.Now().Add(time.Hour))
	time.AfterFunc(100*time.Millisecond, func() { accepted.SetReadDeadline(time.Now()) })
	checkExpires(t, accepted, "a deadline that comes near", 100*time.Millisecond, read)

	accepted.SetReadDeadline(time.Time{})
	time.AfterFunc(3*deadlineInterval, func() { io.WriteString(client, "late") })
	if err := read(); err != nil {
		t.Errorf("without a deadline: %v", err)
	}

	accepted.SetReadDeadline(time.Now())
	time.Sleep(3 * deadlineInterval)
	io.WriteString(client, "too late")
	checkExpires(t, accepted, "a deadline that expired between reads", 0, read)
	accepted.SetReadDeadline(time.Time{})
	if err := read(); err != nil {
		t.Errorf("a read after the deadline was moved: %v", err)
	}

	// net/http sets such a deadline after every request.
	time.AfterFunc(10*time.Millisecond, func() { accepted.SetReadDeadline(time.Unix(1, 0)) })
	began := time.Now()
	checkExpires(t, accepted, "a deadline long ago", 0, read)
	if took := time.Since(began); took > deadlineInterval/2 {
		t.Errorf("a deadline long ago: it took %v", took)
	}
	checkExpires(t, accepted, "a deadline long ago, before the read", 0, read)
	accepted.SetReadDeadline(time.Unix(1, 0))
	accepted.SetReadDeadline(time.Time{})
	succeed("after deadlines long ago")
}

// TestDeadlineAsReadBegins moves the deadline to long ago just before, while and
// just after a read begins. The timer does not know the connection, so it cannot
// hide a deadline that was missed.
func TestDeadlineAsReadBegins(t *testing.T) {
	t.Parallel()
	l := listenForTest(t)
	accepted, client := accept(t, l)
	l.mutex.Lock()
	clear(l.open)
	l.mutex.Unlock()
	defer time.AfterFunc(20*time.Second, func() { accepted.Close() }).Stop()
	for i := range 20_000 {
		moved := make(chan bool)
		go func() {
			for range i % 50 {
				runtime.Gosched()
			}
			accepted.SetReadDeadline(time.Unix(1, 0))
			close(moved)
		}()
		if _, err := accepted.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("read %d: %v", i, err)
		}
		<-moved
		accepted.SetReadDeadline(time.Time{})
	}
	io.WriteString(client, "more")
	if n, err := accepted.Read(make([]byte, 8)); n != 4 || err != nil {
		t.Errorf("the next read: %d bytes, %v", n, err)
	}
}

func TestWriteDeadline(t *testing.T) {
	t.Parallel()
	accepted, _ := accept(t, listenForTest(t))
	write := func() error { // until the buffers are full: the client does not read
		for {
			if _, err := accepted.Write(make([]byte, 1<<20)); err != nil {
				return err
			}
		}
	}
	accepted.SetDeadline(time.Now().Add(300 * time.Millisecond))
	checkExpires(t, accepted, "a deadline", 250*time.Millisecond, write)
	if _, err := accepted.Read(make([]byte, 8)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("SetDeadline does not end a read: %v", err)
	}
	accepted.SetWriteDeadline(time.Now().Add(600 * time.Millisecond))
	checkExpires(t, accepted, "the next deadline", 500*time.Millisecond, write)
}

// TestDeadlineTimer checks that the timer stops when no connection is left, and
// runs again for the next one.
func TestDeadlineTimer(t *testing.T) {
	t.Parallel()
	l := listenForTest(t)
	for range 3 {
		accepted, _ := accept(t, l)
		accepted.SetReadDeadline(time.Now().Add(time.Millisecond))
		checkExpires(t, accepted, "a deadline", 0, func() error {
			_, err := accepted.Read(make([]byte, 8))
			return err
		})
		accepted.Close()
		time.Sleep(2 * deadlineInterval)
		l.mutex.Lock()
		if l.timer.Stop() {
			t.Error("the timer runs, but there are no connections")
		}
		l.mutex.Unlock()
	}
}

// TestOneDeadlineTimer opens one connection after another, never two at a time.
func TestOneDeadlineTimer(t *testing.T) {
	t.Parallel()
	l := listenForTest(t)
	timer := l.timer
	for range 100 {
		accepted, _ := accept(t, l)
		accepted.Close()
	}
	if l.timer != timer {
		t.Error("each connection has its own timer")
	}
}
