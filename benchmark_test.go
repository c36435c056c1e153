package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
)

// BenchmarkRequests asks a service in this process, over some 64 connections. Its
// profile becomes default.pgo, from which the compiler learns what runs often:
// its clients only write and read, so as to leave little of their own in it.
func BenchmarkRequests(b *testing.B) {
	ctx, stop := context.WithCancel(b.Context())
	variables := map[string]string{"BIND": "127.0.0.1:0", "SIGNING_KEY": goodKey, "GRACEFUL_TIMEOUT": "0s"}
	var stderr synchronizedBuffer
	ended := make(chan error)
	go func() {
		ended <- run(ctx, nil, func(name string) (string, bool) { return variables[name], variables[name] != "" }, &stderr)
	}()
	defer func() {
		stop()
		<-ended
	}()
	waitFor(b, "the service to listen", func() bool { return listening.MatchString(stderr.String()) })
	c := wireClient{address: listening.FindStringSubmatch(stderr.String())[1]}

	const mint = "POST /token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 28\r\n\r\n" + `{"user_data":"this is test"}`
	_, minted, _ := strings.Cut(c.first(b, mint), `{"JWT Token":"`)
	token := strings.TrimSuffix(minted, `"}`)
	inspection := `{"Token":"` + token + `","Signing_key":"` + goodKey + `"}`
	for _, bench := range []struct{ name, request string }{
		{"mint", mint},
		{"inspect", fmt.Sprintf("GET /token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(inspection), inspection)},
		{"gate", "GET /auth HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token + "\r\n\r\n"},
	} {
		size := len(c.first(b, bench.request))
		b.Run(bench.name, func(b *testing.B) {
			b.SetParallelism(max(1, 64/runtime.GOMAXPROCS(0)))
			b.RunParallel(func(pb *testing.PB) { c.repeat(b, pb, []byte(bench.request), size) })
		})
	}
}

// wireClient writes requests as they go over the wire.
type wireClient struct{ address string }

// first returns all of the answer to a request.
func (c wireClient) first(b *testing.B, request string) string {
	connection, err := net.Dial("tcp", c.address)
	if err != nil {
		b.Fatal(err)
	}
	defer connection.Close()
	io.WriteString(connection, strings.Replace(request, "\r\n", "\r\nConnection: close\r\n", 1))
	answer, err := io.ReadAll(connection)
	if err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 200 ")) {
		b.Fatalf("%s, %v", answer, err)
	}
	return strings.Replace(string(answer), "Connection: close\r\n", "", 1)
}

// repeat sends a request again and again, whose answers have size bytes each.
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
			b.Errorf("%s, %v", answer, err)
			return
		}
	}
}
