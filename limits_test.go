package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestHeaderLimit sends headers of up to and over the limit of 16 KiB.
func TestHeaderLimit(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir(), withGoodKey)
	for size, want := range map[int]int{8 << 10: 200, 16<<10 - 1: 200, 16<<10 + 1: 431, 64 << 10: 431} {
		request := "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: "
		request += strings.Repeat("x", size-len(request)-4) + "\r\n\r\n"
		connection, err := net.Dial("tcp", p.address)
		if err != nil {
			t.Fatal(err)
		}
		connection.SetDeadline(time.Now().Add(patience))
		io.WriteString(connection, request) // fails if the service closes the connection before the end
		answer := make([]byte, len("HTTP/1.1 200"))
		_, err = io.ReadFull(connection, answer)
		if got := string(answer); got != fmt.Sprintf("HTTP/1.1 %d", want) {
			t.Errorf("header of %d bytes: %q, %v, want %d", size, got, err, want)
		}
		connection.Close()
	}
}

// slowEnd is how the service ended a slow connection.
type slowEnd struct {
	after  time.Duration
	answer string
}

// slowConnections opens count connections, sends begin on each of them, and
// then a byte every half second until the service closes it.
func slowConnections(t *testing.T, address string, count int, begin string) <-chan slowEnd {
	t.Helper()
	ends := make(chan slowEnd, count)
	for range count {
		began := time.Now()
		connection, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { connection.Close() })
		connection.SetDeadline(began.Add(patience))
		if _, err := io.WriteString(connection, begin); err != nil {
			t.Fatal(err)
		}
		go func() {
			for {
				time.Sleep(500 * time.Millisecond)
				if _, err := io.WriteString(connection, "x"); err != nil {
					return // the connection is closed
				}
			}
		}()
		go func() {
			answer := make([]byte, 4096)
			n, _ := io.ReadFull(connection, answer)
			ends <- slowEnd{time.Since(began), string(answer[:n])}
		}()
	}
	return ends
}

// TestSlowClients opens hundreds of connections that send slowly. The service
// must close them at their time limits, and serve others without delay.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir(), withGoodKey)
	const (
		count       = 200
		headerLimit = 5 * time.Second
		bodyLimit   = 10 * time.Second
		head        = "POST /token HTTP/1.1\r\nHost: x\r\n"
	)
	bodies := slowConnections(t, p.address, count, head+"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{")
	headers := slowConnections(t, p.address, count, head+"X-Slow: ")
	firstLines := slowConnections(t, p.address, count, "")
	check := func(what string, ends <-chan slowEnd, limit time.Duration, answer string) {
		for range count {
			// A slow machine may add to the limit, but 5 s more would be another limit.
			end := <-ends
			if end.after < limit || end.after > limit+4500*time.Millisecond {
				t.Errorf("%s: closed after %v, want %v", what, end.after, limit)
			}
			if !strings.HasPrefix(end.answer, answer) {
				t.Errorf("%s: answer %q, want %q", what, end.answer, answer)
			}
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		check("slow header", headers, headerLimit, "")
		check("slow first line", firstLines, headerLimit, "")
		check("slow body", bodies, bodyLimit, "HTTP/1.1 400 ")
	}()
	fresh := 0
	for {
		select {
		case <-done:
			if fresh < 20 {
				t.Errorf("%d other requests were answered meanwhile, want 20", fresh)
			}
			return
		case <-time.After(50 * time.Millisecond):
		}
		began := time.Now()
		p.mint(t)
		// A request that waited for the slow ones would take as long as they do.
		if took := time.Since(began); took > 4*time.Second {
			t.Errorf("another request took %v", took)
		}
		fresh++
	}
}

// TestBodyMemory holds back one body of 512 KiB more than fit into a quarter of the
// memory limit. Exactly one must be refused, and small ones served.
func TestBodyMemory(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir(), append([]string{"GOMEMLIMIT=16MiB"}, withGoodKey...))
	const bodySize, limit = 512 << 10, 16 << 20
	head := fmt.Sprintf("QUERY /token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", bodySize)
	type end struct {
		client   *client
		response *http.Response
		err      error
	}
	var clients []*client
	ends := make(chan end, limit/4/bodySize+1)
	for range limit/4/bodySize + 1 { // one too many, whichever arrives last
		c := newClient(t, p.address)
		io.WriteString(c.connection, head+strings.Repeat(" ", bodySize-1)) // fails if the service closes the connection
		clients = append(clients, c)
		go func() {
			response, err := http.ReadResponse(c.reader, nil)
			ends <- end{c, response, err}
		}()
	}
	refused := <-ends
	if r := refused.response; refused.err != nil || r.StatusCode != 503 || r.Header.Get("Retry-After") != "1" || !r.Close {
		t.Fatalf("a body too many: %v, %v, want a 503 with Retry-After and Connection: close", r, refused.err)
	}
	p.mint(t)
	for _, c := range clients {
		if c != refused.client {
			io.WriteString(c.connection, "x")
		}
	}
	for range limit / 4 / bodySize {
		if held := <-ends; held.err != nil || held.response.StatusCode != 400 {
			t.Errorf("a body that was held back: %v, %v, want a 400, because it is not JSON", held.response, held.err)
		}
	}
	waitFor(t, "large bodies to be served again", func() bool {
		status, _, err := p.send("QUERY", "/token", strings.Repeat(" ", bodySize))
		return err == nil && status == 400
	})
}

// TestFewDescriptors connects more clients than the process may open descriptors. A
// new client must be served all the same.
func TestFewDescriptors(t *testing.T) {
	t.Parallel()
	p := newProcess(t.TempDir(), append([]string{"BIND=127.0.0.1:0"}, withGoodKey...))
	p.Path, p.Args = "/bin/sh", []string{"sh", "-c", `ulimit -n 64 && exec "$0"`, binary}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	waitFor(t, "the service to listen", p.listens)
	for range 200 {
		newClient(t, p.address)
	}
	p.mint(t)
	if log := p.stderr.String(); strings.Contains(log, "level=WARN") {
		t.Errorf("the log should have no warning: %s", log)
	}
}
