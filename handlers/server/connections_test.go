package server

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// answerOK answers every request.
var answerOK = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok") })

// serveTracked serves on tracked connections and returns a function that opens
// one.
func serveTracked(t *testing.T, secured bool) (*connections, func() net.Conn) {
	t.Helper()
	connections := listenForTest(t)
	server := httptest.NewUnstartedServer(answerOK)
	server.Listener.Close()
	server.Listener = connections
	server.Config.ConnState = connections.track
	if secured {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return connections, func() net.Conn {
		connection, err := net.Dial("tcp", connections.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { connection.Close() })
		connection.SetDeadline(time.Now().Add(10 * time.Second))
		if secured {
			return tls.Client(connection, &tls.Config{InsecureSkipVerify: true})
		}
		return connection
	}
}

// TestDrain checks that drain closes an idle connection at once, and waits for
// one on which half a request has arrived.
func TestDrain(t *testing.T) {
	t.Parallel()
	const request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
	for _, secured := range []bool{false, true} {
		connections, dial := serveTracked(t, secured)
		idle, waiting := dial(), dial()
		for _, connection := range []net.Conn{idle, waiting} {
			io.WriteString(connection, request)
			if _, err := http.ReadResponse(bufio.NewReader(connection), nil); err != nil {
				t.Fatal(err)
			}
		}
		io.WriteString(waiting, request[:10])
		time.Sleep(50 * time.Millisecond) // until it has arrived

		ctx, cancel := context.WithTimeout(t.Context(), handshakeTime+200*time.Millisecond)
		err := connections.drain(ctx, time.Minute)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("secured %t: drain with half a request in flight: %v, want the context's error", secured, err)
		}
		if rest, err := io.ReadAll(idle); err != nil || !strings.HasSuffix(string(rest), "ok") && len(rest) > 0 {
			t.Errorf("secured %t: the idle connection: %q, %v", secured, rest, err)
		}
		drained := make(chan error)
		go func() { drained <- connections.drain(t.Context(), time.Minute) }()
		io.WriteString(waiting, request[10:])
		answer, err := http.ReadResponse(bufio.NewReader(waiting), nil)
		if err != nil || answer.StatusCode != 200 {
			t.Errorf("secured %t: the other half: %v, %v", secured, answer, err)
		}
		if err := <-drained; err != nil {
			t.Errorf("secured %t: drain: %v", secured, err)
		}
	}
}

// TestDrainBoundsHeader sends two bytes after a response, with which a request
// could begin, and nothing after them.
func TestDrainBoundsHeader(t *testing.T) {
	t.Parallel()
	connections, dial := serveTracked(t, false)
	stray := dial()
	io.WriteString(stray, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if _, err := http.ReadResponse(bufio.NewReader(stray), nil); err != nil {
		t.Fatal(err)
	}
	io.WriteString(stray, "\r\n")
	time.Sleep(50 * time.Millisecond) // until it has arrived
	const headerTimeout = 500 * time.Millisecond
	began := time.Now()
	if err := connections.drain(t.Context(), headerTimeout); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took < headerTimeout || took > headerTimeout+2*time.Second {
		t.Errorf("drain took %v, want %v", took, headerTimeout)
	}
}
