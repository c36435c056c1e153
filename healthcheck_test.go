package main

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
)

func TestHealthcheck(t *testing.T) {
	p := start(t, t.TempDir(), nil)
	_, port, _ := net.SplitHostPort(p.address)
	for _, bind := range []string{p.address, ":" + port, "0.0.0.0:" + port, "[::]:" + port, "localhost:" + port} {
		if err := command(t.TempDir(), []string{"BIND=" + bind}, "healthcheck").Run(); err != nil {
			t.Errorf("%s: %v", bind, err)
		}
	}
	if err := command(t.TempDir(), []string{"BIND=127.0.0.1:1"}, "healthcheck", "-bind", p.address).Run(); err != nil {
		t.Errorf("with the flag: %v", err)
	}
	p.stop(t)
	check := command(t.TempDir(), []string{"BIND=" + p.address}, "healthcheck")
	check.Run()
	if status := check.ProcessState.ExitCode(); status != 1 || strings.Count(check.stderr.String(), "\n") != 1 {
		t.Errorf("after the stop: exit status %d, %s", status, check.stderr.String())
	}
}

func TestHealthcheckOverTLS(t *testing.T) {
	folder := t.TempDir()
	writeCertificate(t, filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem"), "any")
	files := []string{"TLS_CERT_FILE=cert.pem", "TLS_KEY_FILE=key.pem"}
	for _, bind := range []string{"127.0.0.1:0", "unix:socket"} {
		p := start(t, folder, append(files, "BIND="+bind))
		address := p.address
		if bind == "unix:socket" {
			address = bind
		}
		if err := command(folder, append(files, "BIND="+address), "healthcheck").Run(); err != nil {
			t.Errorf("%s: %v", bind, err)
		}
		if command(folder, []string{"BIND=" + address}, "healthcheck").Run() == nil {
			t.Errorf("%s: passes without TLS", bind)
		}
		p.stop(t)
	}
}
