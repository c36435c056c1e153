package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestErrorLog logs errors for some minutes, several each second.
func TestErrorLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var text strings.Builder
		log := &errorLog{logger: slog.New(slog.NewTextHandler(&text, nil))}
		for i := range 1000 {
			fmt.Fprintf(log, "error %d\n", i)
			time.Sleep(180 * time.Millisecond)
		}
		log.flush()
		synctest.Wait()
		lines := strings.Split(strings.TrimSpace(text.String()), "\n")
		if len(lines) != 4 || !strings.Contains(lines[0], `msg="error 0"`) || !strings.Contains(lines[1], `count=333 last="error 333"`) {
			t.Errorf("the log has %d lines, want the first error and one a minute with the count:\n%s", len(lines), text.String())
		}
		time.Sleep(3 * errorLogInterval)
		fmt.Fprintf(log, "late\n")
		log.flush()
		if !strings.HasSuffix(text.String(), "msg=late\n") {
			t.Errorf("an error after a pause should be logged at once:\n%s", text.String())
		}
	})
}

// synchronizedBuilder is a strings.Builder that a test reads while a server logs.
type synchronizedBuilder struct {
	mutex sync.Mutex
	text  strings.Builder
}

func (b *synchronizedBuilder) Write(p []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.text.Write(p)
}

func (b *synchronizedBuilder) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.text.String()
}

// TestHandshakeErrors sends what is not TLS to a server that speaks it.
func TestHandshakeErrors(t *testing.T) {
	t.Parallel()
	var text synchronizedBuilder
	l, dial := serve(t, true, func(s *Server) { s.errors.logger = slog.New(slog.NewTextHandler(&text, nil)) })
	for range 100 {
		plain := dial().(*tls.Conn).NetConn()
		io.WriteString(plain, "no TLS record at all\r\n\r\n")
		if _, err := io.ReadAll(plain); err != nil {
			t.Error(err)
		}
	}
	waitUntil(t, func() bool {
		l.errors.mutex.Lock()
		defer l.errors.mutex.Unlock()
		return l.errors.count == 99
	})
	if log := text.String(); strings.Count(log, "\n") != 1 || !strings.Contains(log, "TLS handshake error") {
		t.Errorf("the log should have one line: %s", log)
	}
	for _, method := range []string{"GET", "HEAD", "POST", "QUERY", "PUT", "OPTIONS"} {
		plain := dial().(*tls.Conn).NetConn()
		io.WriteString(plain, method+" / HTTP/1.1\r\nHost: x\r\n\r\n")
		if answer, err := io.ReadAll(plain); !strings.HasPrefix(string(answer), "HTTP/1.1 400 ") {
			t.Errorf("%s over plain HTTP: %q, %v, want 400", method, answer, err)
		}
	}
	if err := ask(dial()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// TestLongHandshakeError sends names of protocols that the error of TLS quotes.
func TestLongHandshakeError(t *testing.T) {
	t.Parallel()
	var text synchronizedBuilder
	_, dial := serve(t, true, func(s *Server) { s.errors.logger = slog.New(slog.NewTextHandler(&text, nil)) })
	names := slices.Repeat([]string{strings.Repeat("\x1b", 255)}, 40)
	client := tls.Client(dial().(*tls.Conn).NetConn(), &tls.Config{InsecureSkipVerify: true, NextProtos: names})
	if err := client.Handshake(); err == nil {
		t.Error("the server should refuse the protocols")
	}
	waitUntil(t, func() bool { return strings.HasSuffix(text.String(), "\n") })
	if log := text.String(); len(log) > 2<<10 || strings.Count(log, "\n") != 1 || !strings.Contains(log, "unsupported application protocols") {
		t.Errorf("%d bytes logged, want one line of at most 2 KiB: %.3000s", len(log), log)
	}
}

// TestStopLogsErrors stops a server that has counted errors.
func TestStopLogsErrors(t *testing.T) {
	t.Parallel()
	var text synchronizedBuilder
	config := newTestConfig(mustListen(t, "127.0.0.1:0"))
	config.Logger = slog.New(slog.NewTextHandler(&text, nil))
	server := mustNew(t, config)
	ctx, stop := context.WithCancel(t.Context())
	for range 3 {
		server.errors.log("an error")
	}
	stop()
	if err := server.Serve(ctx); err != nil {
		t.Error(err)
	}
	if log := text.String(); !strings.Contains(log, "count=2") {
		t.Errorf("the log should have the number of errors: %s", log)
	}
}

// TestLongHandshake sends a ClientHello that has no end.
func TestLongHandshake(t *testing.T) {
	t.Parallel()
	_, dial := serve(t, true)
	client := dial().(*tls.Conn).NetConn()
	// A handshake record of 16 KiB (RFC 8446 §5.1), with a part of a ClientHello of
	// 60,000 bytes (§4).
	record := append([]byte{22, 3, 1, 64, 0, 1, 0, 0xea, 0x60}, make([]byte, 16<<10-4)...)
	for range 3 {
		client.Write(record) // fails if the server closes the connection
	}
	began := time.Now()
	io.Copy(io.Discard, client)
	if took := time.Since(began); took > headerTimeout/2 {
		t.Errorf("the server closed the connection after %v, when its header was late", took)
	}
}

// TestSetCertificate replaces the certificate of a running server.
func TestSetCertificate(t *testing.T) {
	t.Parallel()
	config := newTestConfig(mustListen(t, "127.0.0.1:0"))
	if err := mustNew(t, config).SetCertificate(newCertificate(t)); err == nil {
		t.Error("a server without TLS takes a certificate")
	}
	config.Certificate = newCertificate(t)
	server := mustNew(t, config)
	if err := server.SetCertificate(nil); err == nil {
		t.Error("a server with TLS gives up its certificate")
	}
	second := newCertificate(t)
	if err := server.SetCertificate(second); err != nil || server.certificate.Load() != second {
		t.Errorf("the certificate was not replaced: %v", err)
	}
}
