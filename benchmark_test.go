package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
)

// BenchmarkRequests sends requests on about 64 connections to a service in this
// process. Its CPU profile becomes default.pgo, which shows the compiler what
// runs often. The clients only write and read, so that they hardly appear in it.
func BenchmarkRequests(b *testing.B) {
	ctx, stop := context.WithCancel(b.Context())
	variables := map[string]string{"BIND": "127.0.0.1:0", "SIGNING_KEY": goodKey, "GRACEFUL_TIMEOUT": "0s"}
	var stderr synchronizedBuffer
	ended := make(chan error)
	go func() {
		ended <- run(ctx, nil, func(name string) (string, bool) { return variables[name], variables[name] != "" }, stdio{err: &stderr})
	}()
	defer func() {
		stop()
		<-ended
	}()
	waitFor(b, "the service to listen", func() bool { return listening.MatchString(stderr.String()) })
	c := wireClient{address: listening.FindStringSubmatch(stderr.String())[1]}

	mint := tokenRequest("POST", `{"user_data":"this is test"}`)
	_, minted, _ := strings.Cut(c.first(b, mint), `{"JWT Token":"`)
	token := strings.TrimSuffix(minted, `"}`)
	for _, bench := range []struct{ name, request string }{
		{"mint", mint},
		{"inspect", tokenRequest("GET", inspection(token, goodKey))},
		{"gate", "GET /auth HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token + "\r\n\r\n"},
	} {
		size := len(c.first(b, bench.request))
		b.Run(bench.name, func(b *testing.B) {
			b.SetParallelism(max(1, 64/runtime.GOMAXPROCS(0)))
			b.RunParallel(func(pb *testing.PB) { c.repeat(b, pb, []byte(bench.request), size) })
		})
	}
}

// wireClient sends requests that are ready-made bytes.
type wireClient struct{ address string }

// first sends a request once, and returns the answer that repeat will get.
func (c wireClient) first(b *testing.B, request string) string {
	connection, err := net.Dial("tcp", c.address)
	if err != nil {
		b.Fatal(err)
	}
	defer connection.Close()
	io.WriteString(connection, strings.Replace(request, "\r\n", "\r\nConnection: close\r\n", 1))
	answer, err := io.ReadAll(connection)
	if err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 200 ")) {
		b.Fatalf("answer %q, %v, want 200", answer, err)
	}
	return strings.Replace(string(answer), "Connection: close\r\n", "", 1)
}

// repeat sends a request as often as pb demands. Each answer must have size
// bytes.
func (c wireClient) repeat(b *testing.B, pb *testing.PB, request []byte, size int) {
	connection, err := net.Dial("tcp", c.address)
	if err != nil {
		b.Error(err)
		return
	}
	defer connection.Close()
	answer := make([]byte, size)
	for pb.Next() {
		connection.Write(request)
		if _, err := io.ReadFull(connection, answer); err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 200 ")) {
			b.Errorf("answer %q, %v, want 200", answer, err)
			return
		}
	}
}
