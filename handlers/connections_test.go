package handlers

import (
	"bufio"
	"bytes"
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

// serveOnConnections serves on a listener of ours, and returns how to dial it.
func serveOnConnections(t *testing.T, secured bool) (*Connections, func() net.Conn) {
	t.Helper()
	connections := listenForTest(t)
	server := httptest.NewUnstartedServer(newService(t, new(bytes.Buffer)))
	server.Listener.Close()
	server.Listener = connections
	server.Config.ConnState = connections.Track
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

// TestDrain closes what is idle at once, and waits for the rest.
func TestDrain(t *testing.T) {
	const request = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
	for _, secured := range []bool{false, true} {
		connections, dial := serveOnConnections(t, secured)
		idle, waiting := dial(), dial()
		for _, connection := range []net.Conn{idle, waiting} {
			io.WriteString(connection, request)
			if _, err := http.ReadResponse(bufio.NewReader(connection), nil); err != nil {
				t.Fatal(err)
			}
		}
		io.WriteString(waiting, request[:10])
		time.Sleep(50 * time.Millisecond) // for it to arrive

		ctx, cancel := context.WithTimeout(t.Context(), handshakeTime+200*time.Millisecond)
		err := connections.Drain(ctx, time.Minute)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("secured %t: with half a request in flight: %v", secured, err)
		}
		if rest, err := io.ReadAll(idle); err != nil || !strings.HasSuffix(string(rest), `{"status":"ok"}`) && len(rest) > 0 {
			t.Errorf("secured %t: the idle connection: %q, %v", secured, rest, err)
		}
		drained := make(chan error)
		go func() { drained <- connections.Drain(t.Context(), time.Minute) }()
		io.WriteString(waiting, request[10:])
		answer, err := http.ReadResponse(bufio.NewReader(waiting), nil)
		if err != nil || answer.StatusCode != 200 {
			t.Errorf("secured %t: the other half: %v, %v", secured, answer, err)
		}
		if err := <-drained; err != nil {
			t.Errorf("secured %t: at the end: %v", secured, err)
		}
	}
}

// TestDrainBoundsWhatIsNoRequest leaves two bytes behind an answer, which could
// begin a request, and never do.
func TestDrainBoundsWhatIsNoRequest(t *testing.T) {
	t.Parallel()
	connections, dial := serveOnConnections(t, false)
	stray := dial()
	io.WriteString(stray, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
	if _, err := http.ReadResponse(bufio.NewReader(stray), nil); err != nil {
		t.Fatal(err)
	}
	io.WriteString(stray, "\r\n")
	time.Sleep(50 * time.Millisecond) // for it to arrive
	const headerTimeout = 500 * time.Millisecond
	began := time.Now()
	if err := connections.Drain(t.Context(), headerTimeout); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took < headerTimeout || took > headerTimeout+2*time.Second {
		t.Errorf("it took %v", took)
	}
}
