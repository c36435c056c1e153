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

// serve starts a server, with TLS if secured is true, after configure has changed
// it. It returns its connections and a function that opens one.
func serve(t *testing.T, secured bool, configure ...func(*Server)) (*connections, func() net.Conn) {
	t.Helper()
	listener := mustListen(t, "127.0.0.1:0")
	config := newTestConfig(listener)
	if secured {
		config.Certificate = newCertificate(t)
	}
	server := mustNew(t, config)
	for _, change := range configure {
		change(server)
	}
	go server.http.Serve(server.listeners[0])
	t.Cleanup(func() { server.http.Close() })
	return server.listeners[0], func() net.Conn {
		connection, err := net.Dial("tcp", listener.Addr().String())
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

// newCertificate returns a certificate that httptest makes for 127.0.0.1.
func newCertificate(t *testing.T) *tls.Certificate {
	t.Helper()
	server := httptest.NewTLSServer(answerOK)
	server.Close()
	return &server.TLS.Certificates[0]
}

// TestDrain checks that drain closes an idle connection at once, and waits for
// one on which half a request has arrived.
func TestDrain(t *testing.T) {
	t.Parallel()
	const request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
	for _, secured := range []bool{false, true} {
		connections, dial := serve(t, secured)
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
	connections, dial := serve(t, false)
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

// TestDrainAnswersPipelinedRequests sends two requests at once and stops the server
// while it works on the first. Both must be answered.
func TestDrainAnswersPipelinedRequests(t *testing.T) {
	t.Parallel()
	for _, secured := range []bool{false, true} {
		entered, leave := make(chan bool, 2), make(chan bool)
		connections, dial := serve(t, secured, func(s *Server) {
			s.listeners[0].handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				entered <- true
				<-leave
				io.WriteString(w, "ok")
			})
		})
		client := dial()
		const request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
		io.WriteString(client, request+request)
		<-entered
		drained := make(chan error)
		go func() { drained <- connections.drain(t.Context(), time.Minute) }()
		time.Sleep(handshakeTime + 50*time.Millisecond) // until drain closes what is idle
		reader := bufio.NewReader(client)
		for i := range 2 {
			leave <- true
			if response, err := http.ReadResponse(reader, nil); err != nil || response.StatusCode != 200 {
				t.Fatalf("secured %t: response %d: %v, %v", secured, i, response, err)
			} else if text, err := io.ReadAll(response.Body); string(text) != "ok" {
				t.Errorf("secured %t: response %d: %q, %v", secured, i, text, err)
			}
		}
		if err := <-drained; err != nil {
			t.Error(err)
		}
	}
}

// TestPipelinedRequestIsOwedResponse checks that drain does not close a connection
// in the moment between two requests that arrived together.
func TestPipelinedRequestIsOwedResponse(t *testing.T) {
	t.Parallel()
	l := listenForTest(t)
	accepted, client := accept(t, l)
	const request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
	io.WriteString(client, request+request)
	for i, want := range []int{1, 0} {
		if n, err := accepted.Read(make([]byte, 1024)); n != len(request) || err != nil {
			t.Fatalf("request %d: %d bytes, %v", i, n, err)
		}
		trackState(accepted, http.StateActive)
		io.WriteString(accepted, "the response")
		trackState(accepted, http.StateIdle)
		if busy := l.closeIdle(false); busy != want {
			t.Errorf("after request %d: %d connections are owed a response, want %d", i, busy, want)
		}
	}
}
