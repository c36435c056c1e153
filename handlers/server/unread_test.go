package server

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"os"
	"testing"
	"time"
)

// pipes is a listener whose connections have no buffers: each write waits until the
// client reads.
type pipes struct {
	accepted chan net.Conn
	closed   context.Context
	close    context.CancelFunc
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.accepted:
		return c, nil
	case <-p.closed.Done():
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error {
	p.close()
	return nil
}

func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes", Net: "unix"} }

// connectUnread connects a client that shakes hands over TLS and reads nothing
// after that.
func (p pipes) connectUnread(t *testing.T) *tls.Conn {
	t.Helper()
	ours, theirs := net.Pipe()
	t.Cleanup(func() { ours.Close() })
	p.accepted <- theirs
	// TLS 1.3 has the server write after the handshake.
	client := tls.Client(ours, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12})
	if err := client.Handshake(); err != nil {
		t.Fatal(err)
	}
	return client
}

// serveUnread starts a server on pipes, over TLS.
func serveUnread(t *testing.T) (*Server, pipes) {
	t.Helper()
	listener := pipes{accepted: make(chan net.Conn)}
	listener.closed, listener.close = context.WithCancel(t.Context())
	config := newTestConfig(listener)
	config.Certificate = newCertificate(t)
	return mustNew(t, config), listener
}

// TestCloseOfUnreadConnection has net/http close a connection whose client does not
// read. It must end, with the alert that TLS writes first.
func TestCloseOfUnreadConnection(t *testing.T) {
	t.Parallel()
	server, listener := serveUnread(t)
	closed := make(chan bool)
	server.http.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			close(closed)
		}
	}
	server.http.ReadHeaderTimeout = 3 * time.Second // in which a slow machine can shake hands
	go server.http.Serve(server.listeners[0])
	listener.connectUnread(t)
	select {
	case <-closed:
	case <-time.After(30 * time.Second):
		t.Error("the connection stays open for ever")
	}
}

// TestStopWithUnreadConnections stops a server with clients that do not read, and
// are owed a response. To close one after the other over TLS would take minutes.
func TestStopWithUnreadConnections(t *testing.T) {
	t.Parallel()
	server, listener := serveUnread(t)
	server.config.GracefulTimeout = 100 * time.Millisecond
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx) }()
	for range 30 {
		listener.connectUnread(t)
	}
	stop()
	select {
	case err := <-ended:
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the stop: %v, want the graceful timeout", err)
		}
	case <-time.After(30 * time.Second):
		t.Error("the stop waits for clients")
	}
}

// TestWriteWithoutDeadline lets the time pass that a write without a deadline may
// take.
func TestWriteWithoutDeadline(t *testing.T) {
	t.Parallel()
	ours, theirs := net.Pipe()
	defer ours.Close()
	transport := newTransport(theirs)
	ended := make(chan error)
	write := func() {
		_, err := transport.Write([]byte("unread"))
		ended <- err
	}
	go write()
	go ours.Read(make([]byte, len("unread")))
	if err := <-ended; err != nil || transport.write.at.Load() != never {
		t.Fatalf("a write that was read: %v, deadline %d", err, transport.write.at.Load())
	}
	go write()
	for range 10_000 {
		transport.write.enforce(time.Now().Add(writeTimeout + time.Second))
		select {
		case err := <-ended:
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("a write that is not read: %v, want the deadline", err)
			}
			return
		case <-time.After(time.Millisecond):
		}
	}
	t.Error("a write that is not read never ends")
}
