package server

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestAbortedResponseCanBeRead cuts responses short while their clients are still
// sending. They read what was written, and then see that the end is missing.
func TestAbortedResponseCanBeRead(t *testing.T) {
	t.Parallel()
	part := strings.Repeat("part ", 4_000)
	listener := mustListen(t, "127.0.0.1:0")
	config := newTestConfig(listener)
	config.Endpoints[0].Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		control.EnableFullDuplex()
		io.ReadFull(r.Body, make([]byte, 10))
		io.WriteString(w, part)
		control.Flush()
		panic(http.ErrAbortHandler)
	})
	server := mustNew(t, config)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- server.Serve(ctx) }()
	for range 20 {
		body, sent := io.Pipe()
		go func() {
			for _, err := sent.Write([]byte("x")); err == nil; _, err = sent.Write([]byte("x")) {
				time.Sleep(time.Millisecond)
			}
		}()
		response, err := http.Post("http://"+listener.Addr().String(), "text/plain", body)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond) // in which a reset would arrive
		text, err := io.ReadAll(response.Body)
		if string(text) != part || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("read %d of %d bytes, %v", len(text), len(part), err)
		}
		sent.Close()
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestAbortAfterBody cuts a response short when the request has arrived to its end, and
// net/http waits for the next one. The connection of a client that goes on waiting is closed.
func TestAbortAfterBody(t *testing.T) {
	t.Parallel()
	listener := mustListen(t, "127.0.0.1:0")
	config := newTestConfig(listener)
	config.Endpoints[0].Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).EnableFullDuplex()
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, "part")
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	server := mustNew(t, config)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- server.Serve(ctx) }()
	connection, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close() // only at the end
	io.WriteString(connection, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx")
	connection.SetReadDeadline(time.Now().Add(30 * time.Second))
	if text, err := io.ReadAll(connection); err != nil || !strings.HasSuffix(string(text), "4\r\npart\r\n") {
		t.Errorf("%q, %v", text, err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("the stop: %v", err)
	}
}

// TestAbortedResponseIsNotRead cuts a response short whose client, over TLS, does not
// read. Its connection is closed.
func TestAbortedResponseIsNotRead(t *testing.T) {
	t.Parallel()
	server, listener := serveUnread(t)
	server.listeners[0].handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	closed := make(chan bool)
	server.http.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			close(closed)
		}
	}
	go server.http.Serve(server.listeners[0])
	io.WriteString(listener.connectUnread(t), "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	select {
	case <-closed:
	case <-time.After(30 * time.Second):
		t.Error("the connection stays open for ever")
	}
}
