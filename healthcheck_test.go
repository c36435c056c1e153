package main

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
)

func TestHealthcheck(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir(), withGoodKey)
	_, port, err := net.SplitHostPort(p.address)
	if err != nil {
		t.Fatal(err)
	}
	for _, bind := range []string{p.address, ":" + port, "0.0.0.0:" + port, "[::]:" + port, "localhost:" + port} {
		if check, status := exit(t, t.TempDir(), []string{"BIND=" + bind}, "healthcheck"); status != 0 {
			t.Errorf("BIND=%s: exit status %d, want 0: %s", bind, status, check.stderr.String())
		}
	}
	if check, status := exit(t, t.TempDir(), []string{"BIND=127.0.0.1:1"}, "healthcheck", "-bind", p.address); status != 0 {
		t.Errorf("-bind: exit status %d, want 0: %s", status, check.stderr.String())
	}
	p.kill()
	check, status := exit(t, t.TempDir(), []string{"BIND=" + p.address}, "healthcheck")
	if log := check.stderr.String(); status != 1 || strings.Count(log, "\n") != 1 {
		t.Errorf("without the service: exit status %d, want 1 and one line: %s", status, log)
	}
}

func TestHealthcheckOverTLS(t *testing.T) {
	t.Parallel()
	for name, bind := range map[string]string{"TCP": "127.0.0.1:0", "socket": "unix:socket"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			writeCertificate(t, filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem"), "any")
			p := start(t, folder, []string{"BIND=" + bind, "TLS_CERT_FILE=cert.pem", "TLS_KEY_FILE=key.pem"})
			address := "BIND=" + bind
			if name == "TCP" {
				address = "BIND=" + p.address
			}
			if check, status := exit(t, folder, []string{address, "TLS_CERT_FILE=cert.pem", "TLS_KEY_FILE=key.pem"}, "healthcheck"); status != 0 {
				t.Errorf("exit status %d, want 0: %s", status, check.stderr.String())
			}
			if _, status := exit(t, folder, []string{address}, "healthcheck"); status != 1 {
				t.Errorf("without TLS: exit status %d, want 1", status)
			}
		})
	}
}
