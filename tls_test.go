package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// writeCertificate writes a new certificate for localhost, and its key.
func writeCertificate(t *testing.T, certFile, keyFile, organization string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{Organization: []string{organization}},
		DNSNames:     []string{"localhost"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	privateKey, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, certFile, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})))
	writeFile(t, keyFile, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: privateKey})))
}

// useTLS makes send speak TLS, and trust what is in certFile, for localhost.
func (p *process) useTLS(t *testing.T, certFile string) {
	t.Helper()
	text, err := os.ReadFile(certFile)
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	if !trusted.AppendCertsFromPEM(text) {
		t.Fatalf("no certificate in %s", certFile)
	}
	p.scheme = "https"
	p.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted, ServerName: "localhost"}}}
}

// TestTLS serves with a certificate, and takes another with SIGHUP.
func TestTLS(t *testing.T) {
	folder := t.TempDir()
	certFile, keyFile := filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	writeCertificate(t, certFile, keyFile, "first")
	p := start(t, folder, []string{"TLS_CERT_FILE=cert.pem", "TLS_KEY_FILE=key.pem"})
	p.useTLS(t, certFile)
	token := p.mint(t)

	for version, want := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		connection, err := tls.Dial("tcp", p.address, &tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version, NextProtos: []string{"h2", "http/1.1"}})
		if (err == nil) != want {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
		if err == nil {
			if protocol := connection.ConnectionState().NegotiatedProtocol; protocol != "http/1.1" {
				t.Errorf("%s: %q", tls.VersionName(version), protocol)
			}
			connection.Close()
		}
	}
	if got := exchange(t, p.address, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.0 400 ") {
		t.Errorf("plain HTTP to the TLS port: %q", got)
	}

	for _, bad := range []func(){
		func() { writeFile(t, keyFile, "no key") },
		func() { writeCertificate(t, certFile, filepath.Join(folder, "another"), "mismatched") },
		func() { os.Remove(certFile) },
	} {
		bad()
		if line := p.hangUp(t, 2); strings.Count(line, "level=ERROR") != 1 || !strings.Contains(line, "the tls keys stay as they were") {
			t.Errorf("logged: %s", line)
		}
		if !p.verifies(t, token, readKey(t, filepath.Join(folder, "signing.key"))) {
			t.Error("not verified")
		}
	}
	writeCertificate(t, certFile, keyFile, "second")
	if line := p.hangUp(t, 2); strings.Contains(line, "level=ERROR") {
		t.Errorf("logged: %s", line)
	}
	if _, _, err := p.send("GET", "/healthz", ""); err == nil {
		t.Error("the first certificate is still shown")
	}
	p.useTLS(t, certFile)
	p.mint(t)
	if status := p.stop(t); status != 0 {
		t.Errorf("exit status %d: %s", status, p.stderr.String())
	}
}
