package main

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// TestHeaderLimit sends headers up to the limit of 16 KiB, and over it.
func TestHeaderLimit(t *testing.T) {
	p := start(t, t.TempDir(), nil)
	for size, want := range map[int]int{8 << 10: 200, 16<<10 - 1: 200, 16<<10 + 1: 431, 64 << 10: 431} {
		connection, err := net.Dial("tcp", p.address)
		if err != nil {
			t.Fatal(err)
		}
		request := "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: "
		request += strings.Repeat("x", size-len(request)-4) + "\r\n\r\n"
		io.WriteString(connection, request)
		answer := make([]byte, 12)
		io.ReadFull(connection, answer)
		if got := string(answer); got != fmt.Sprintf("HTTP/1.1 %d", want) {
			t.Errorf("a header of %d bytes: %q, want %d", size, got, want)
		}
		connection.Close()
	}
}

// slowConnections opens count connections, sends begin on each, and then a byte
// every half a second, until the service hangs up. For each it tells how long
// that took, and what came back.
func slowConnections(t *testing.T, address string, count int, begin string) <-chan slowEnd {
	t.Helper()
	ends := make(chan slowEnd, count)
	for range count {
		connection, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { connection.Close() })
		began := time.Now()
		if _, err := io.WriteString(connection, begin); err != nil {
			t.Fatal(err)
		}
		go func() {
			for { // until the connection is closed
				time.Sleep(500 * time.Millisecond)
				if _, err := io.WriteString(connection, "x"); err != nil {
					return
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

type slowEnd struct {
	after  time.Duration
	answer string
}

// TestSlowClients holds hundreds of connections that send slowly: they are cut
// at their limits, and whoever else asks is served at once.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir(), nil)
	const count = 200
	const head = "POST /token HTTP/1.1\r\nHost: x\r\n"
	headers := slowConnections(t, p.address, count, head+"X-Slow: ")
	bodies := slowConnections(t, p.address, count, head+"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{")
	silent := slowConnections(t, p.address, count, "")
	check := func(what string, ends <-chan slowEnd, limit time.Duration, answer string) {
		for range count {
			end := <-ends
			if end.after < limit-time.Second || end.after > limit+3*time.Second || !strings.HasPrefix(end.answer, answer) {
				t.Errorf("%s: cut after %v with %q, want %v", what, end.after, end.answer, limit)
			}
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		check("a slow header", headers, headerTimeout, "")
		check("a slow first line", silent, headerTimeout, "")
		check("a slow body", bodies, readTimeout, "HTTP/1.1 400 ")
	}()
	fresh := 0
	for {
		select {
		case <-done:
			if fresh < 20 {
				t.Errorf("only %d fresh requests", fresh)
			}
			return
		case <-time.After(50 * time.Millisecond):
		}
		began := time.Now()
		p.mint(t)
		if took := time.Since(began); took > time.Second {
			t.Errorf("a fresh request took %v", took)
		}
		fresh++
	}
}
