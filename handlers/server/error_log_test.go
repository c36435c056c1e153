package server

import (
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
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
