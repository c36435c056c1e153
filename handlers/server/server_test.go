package server

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain runs more tests at a time than there are processors, unless -parallel is
// set, because most of them wait.
func TestMain(m *testing.M) {
	flag.Parse()
	parallelSet := false
	flag.Visit(func(f *flag.Flag) { parallelSet = parallelSet || f.Name == "test.parallel" })
	if !parallelSet {
		flag.Set("test.parallel", "12")
	}
	os.Exit(m.Run())
}

// newTestConfig returns a complete Config with an endpoint on each listener.
func newTestConfig(listeners ...net.Listener) Config {
	config := Config{MemoryLimit: 1 << 30, GracefulTimeout: time.Minute, Logger: slog.New(slog.DiscardHandler)}
	for _, listener := range listeners {
		config.Endpoints = append(config.Endpoints, Endpoint{"test", listener, answerOK})
	}
	return config
}

// mustListen returns a listener on bind, which is closed when the test ends.
func mustListen(t testing.TB, bind string) net.Listener {
	t.Helper()
	listener, err := Listen(bind)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener
}

// mustNew returns a server with config.
func mustNew(t testing.TB, config Config) *Server {
	t.Helper()
	server, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	return server
}

func TestNewRefusesIncompleteConfig(t *testing.T) {
	t.Parallel()
	for name, remove := range map[string]func(*Config){
		"Endpoints":   func(c *Config) { c.Endpoints = nil },
		"Listener":    func(c *Config) { c.Endpoints[0].Listener = nil },
		"Handler":     func(c *Config) { c.Endpoints[0].Handler = nil },
		"MemoryLimit": func(c *Config) { c.MemoryLimit = 0 },
		"Logger":      func(c *Config) { c.Logger = nil },
	} {
		config := newTestConfig(mustListen(t, "127.0.0.1:0"))
		remove(&config)
		if _, err := New(config); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
}

// TestServe asks a server over TCP and over a Unix socket, with the client that
// this package makes for its address, and stops it.
func TestServe(t *testing.T) {
	t.Parallel()
	binds := []string{"127.0.0.1:0", "unix:" + filepath.Join(t.TempDir(), "socket")}
	if runtime.GOOS == "linux" {
		binds = append(binds, fmt.Sprintf("unix:@tokenmint-test-%d", os.Getpid())) // not a file
	}
	for _, bind := range binds {
		listener := mustListen(t, bind)
		config := newTestConfig(listener)
		drained := 0
		config.OnDrain = func() { drained++ }
		server := mustNew(t, config)
		if listener.Addr().Network() == "tcp" {
			bind = listener.Addr().String()
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- server.Serve(ctx) }()
		response, err := NewClient(bind).Get("http://anywhere/")
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(response.Body)
		response.Body.Close()
		if string(text) != "ok" || err != nil {
			t.Errorf("%s: %q, %v", bind, text, err)
		}
		cancel()
		if err := <-ended; err != nil || drained != 1 {
			t.Errorf("%s: the stop: %v, OnDrain called %d times", bind, err, drained)
		}
		if _, err := NewClient(bind).Get("http://anywhere/"); err == nil {
			t.Errorf("%s: answered after the stop", bind)
		}
	}
}

// breakingListener accepts nothing. Its Accept fails when it is broken.
type breakingListener struct {
	net.Listener
	broken chan error
}

func (l *breakingListener) Accept() (net.Conn, error) { return nil, <-l.broken }

// TestServeReturnsErrorOfListener lets the listener fail before and during a
// stop.
func TestServeReturnsErrorOfListener(t *testing.T) {
	t.Parallel()
	for _, stopping := range []bool{false, true} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		broken := &breakingListener{listener, make(chan error, 1)}
		ctx, cancel := context.WithCancel(t.Context())
		server := mustNew(t, newTestConfig(broken))
		server.config.OnDrain = func() { broken.broken <- errors.New("broken") }
		if stopping {
			cancel()
		} else {
			server.config.OnDrain()
		}
		if err := server.Serve(ctx); err == nil || err.Error() != "broken" {
			t.Errorf("stopping %t: Serve returned %v, want the listener's error", stopping, err)
		}
		cancel()
	}
}

// TestCloseLeavesSocketOfSuccessor closes a listener whose socket another one
// has replaced.
func TestCloseLeavesSocketOfSuccessor(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "socket")
	first, err := listenUnix(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	second, err := listenUnix(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := stopConnecting(first); err != nil {
		t.Error(err)
	}
	first.Close()
	first.Close() // http.Server closes its listener again
	connection, err := net.Dial("unix", path)
	if err != nil {
		t.Fatalf("the successor's socket is gone: %v", err)
	}
	connection.Close()
	second.Close()
	if _, err := os.Lstat(path); err == nil {
		t.Error("the successor's socket is still there after it closed")
	}
}

// TestCloseWhileFolderIsLocked closes a listener while another process holds the lock
// of its folder: the socket stays, but the listener closes.
func TestCloseWhileFolderIsLocked(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "socket")
	listener, err := listenUnix(path)
	if err != nil {
		t.Fatal(err)
	}
	unlock, err := lockFolder(path)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	if err := listener.Close(); err != nil {
		t.Error(err)
	}
	if _, err := net.Dial("unix", path); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("connect after Close: %v, want it refused", err)
	}
}

// BenchmarkRequest measures requests over 64 connections, whose deadlines are
// kept by one timer or, as net/http does it, by one for each. The machine's CPU
// time includes the clients'.
func BenchmarkRequest(b *testing.B) {
	for _, bench := range []struct {
		name  string
		track bool
	}{{"OneTimer", true}, {"TimerPerDeadline", false}} {
		b.Run(bench.name, func(b *testing.B) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			server := mustNew(b, newTestConfig(listener))
			defer server.http.Close()
			if bench.track {
				go server.http.Serve(server.listeners[0])
			} else {
				server.http.ConnState, server.http.ConnContext, server.http.Handler = nil, nil, answerOK
				go server.http.Serve(listener)
			}
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) { askRepeatedly(b, pb, listener.Addr()) })
		})
	}
}

func askRepeatedly(b *testing.B, pb *testing.PB, address net.Addr) {
	connection, err := net.Dial("tcp", address.String())
	if err != nil {
		b.Error(err)
		return
	}
	defer connection.Close()
	response := make([]byte, 4<<10)
	for pb.Next() {
		io.WriteString(connection, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		if n, err := connection.Read(response); err != nil || !bytes.HasPrefix(response[:n], []byte("HTTP/1.1 200 ")) {
			b.Errorf("%q, %v", response[:n], err)
			return
		}
	}
}
