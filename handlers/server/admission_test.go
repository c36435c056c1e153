package server

import (
	"bufio"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// ask sends a request and reads its response.
func ask(connection net.Conn) error {
	if _, err := io.WriteString(connection, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		return err
	}
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		return err
	}
	_, err = io.ReadAll(response.Body)
	return err
}

// isOpen reports whether the server has not closed the connection, on which it has
// nothing to send.
func isOpen(connection net.Conn) bool {
	connection.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	_, err := connection.Read(make([]byte, 1))
	connection.SetReadDeadline(time.Time{})
	return errors.Is(err, os.ErrDeadlineExceeded)
}

// serveAtMost starts a server with a bound of limit connections. The first function
// that it returns opens a connection, and the second waits until the server has put it
// into a phase.
func serveAtMost(t *testing.T, limit int) (dial func() net.Conn, await func(c net.Conn, phase int32)) {
	t.Helper()
	l, dialOnly := serve(t, false, func(s *Server) { s.listeners[0].max = limit })
	await = func(client net.Conn, phase int32) {
		waitUntil(t, func() bool {
			l.mutex.Lock()
			defer l.mutex.Unlock()
			for c := range l.open {
				if c.RemoteAddr().String() == client.LocalAddr().String() {
					return c.phase.Load() == phase
				}
			}
			return false
		})
	}
	return func() net.Conn {
		connection := dialOnly()
		await(connection, requestPhase)
		return connection
	}, await
}

// stuckRequest is a request without its body.
const stuckRequest = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"

func waitUntil(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited too long")
		}
	}
}

// TestConnectionBound opens one connection more than the bound, several times. Each
// time the one that has waited longest must be closed.
func TestConnectionBound(t *testing.T) {
	t.Parallel()
	dial, await := serveAtMost(t, 4)
	silent, partial, busy, idle := dial(), dial(), dial(), dial()
	io.WriteString(partial, "GET / HTTP/1.1\r\nHo") // a header in part still waits
	io.WriteString(busy, stuckRequest)
	await(busy, busyPhase)
	if err := ask(idle); err != nil {
		t.Fatal(err)
	}
	await(idle, answeredPhase)
	order := []net.Conn{silent, partial, idle}
	for i, next := range order {
		fresh := dial()
		order = append(order, fresh)
		if isOpen(next) {
			t.Errorf("connection %d is open, but it has waited longest", i)
		}
		if open := order[i+1]; !isOpen(open) {
			t.Errorf("connection %d is closed, but it has not waited longest", i+1)
		}
	}
	io.WriteString(busy, "some body")
	if response, err := http.ReadResponse(bufio.NewReader(busy), nil); err != nil || response.StatusCode != 200 {
		t.Errorf("the busy connection: %v, %v", response, err)
	}
}

// TestConnectionBoundOfBusy fills the server with requests that do not end. The one
// in progress longest must make room, but not before stuckTime.
func TestConnectionBoundOfBusy(t *testing.T) {
	t.Parallel()
	const limit = 3
	dial, await := serveAtMost(t, limit)
	began := time.Now()
	var stuck []net.Conn
	for range limit {
		connection := dial()
		io.WriteString(connection, stuckRequest)
		await(connection, busyPhase)
		stuck = append(stuck, connection)
	}
	if err := ask(dial()); err != nil {
		t.Errorf("a new client: %v", err)
	}
	if took := time.Since(began); took < stuckTime {
		t.Errorf("a request was cut off after %v", took)
	}
	if open := []bool{isOpen(stuck[0]), isOpen(stuck[1]), isOpen(stuck[2])}; !slices.Equal(open, []bool{false, true, true}) {
		t.Errorf("open connections: %t, want all but the first", open)
	}
}

// TestStuckGoesBeforeNew fills the server with requests that are stuck, and one
// connection that is new. The next one must take the place of a stuck one.
func TestStuckGoesBeforeNew(t *testing.T) {
	t.Parallel()
	const limit = 3
	dial, await := serveAtMost(t, limit)
	var stuck []net.Conn
	for range limit - 1 {
		connection := dial()
		io.WriteString(connection, stuckRequest)
		await(connection, busyPhase)
		stuck = append(stuck, connection)
	}
	time.Sleep(stuckTime)
	fresh := dial()
	if err := ask(dial()); err != nil {
		t.Errorf("another client: %v", err)
	}
	if isOpen(stuck[0]) {
		t.Error("the request that is stuck for longest is open")
	}
	if err := ask(fresh); err != nil {
		t.Errorf("the new connection: %v", err)
	}
}

// TestEndpointsHaveSharesOfTheirOwn fills one endpoint of two with connections.
func TestEndpointsHaveSharesOfTheirOwn(t *testing.T) {
	t.Parallel()
	first, second := mustListen(t, "127.0.0.1:0"), mustListen(t, "127.0.0.1:0")
	config := newTestConfig(first, second)
	config.MemoryLimit = 8 * 2 * connectionMemory // for eight connections
	config.Endpoints[1].Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "second") })
	server := mustNew(t, config)
	for _, l := range server.listeners {
		go server.http.Serve(l)
	}
	t.Cleanup(func() { server.http.Close() })
	dial := func(listener net.Listener) net.Conn {
		connection, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { connection.Close() })
		return connection
	}
	kept := dial(second)
	if err := ask(kept); err != nil {
		t.Fatal(err)
	}
	var connections []net.Conn
	for range 20 {
		connection := dial(first)
		if err := ask(connection); err != nil {
			t.Fatal(err)
		}
		connections = append(connections, connection)
	}
	open := 0
	for _, connection := range connections {
		if isOpen(connection) {
			open++
		}
	}
	if open != 4 {
		t.Errorf("%d connections of the first endpoint are open, want 4", open)
	}
	io.WriteString(kept, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	if text, err := io.ReadAll(kept); err != nil || !strings.HasSuffix(string(text), "second") {
		t.Errorf("the second endpoint: %q, %v", text, err)
	}
}

func TestMaxConnections(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		memory, descriptors int64
		want                int
	}{
		{256 << 20, 1 << 20, 1365},
		{256 << 20, 300, 268},
		{256 << 20, 40, 20},
		{1, 1, 1},
		{1 << 40, math.MaxInt64, 5592405},
		{math.MaxInt64, 1024, 992},
	} {
		if got := maxConnections(test.memory, test.descriptors); got != test.want {
			t.Errorf("%d bytes, %d descriptors: %d connections, want %d", test.memory, test.descriptors, got, test.want)
		}
	}
}
