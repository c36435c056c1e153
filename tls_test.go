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

// useTLS makes send use TLS. It then trusts only the certificate in certFile,
// for localhost.
func (p *process) useTLS(t *testing.T, certFile string) {
	t.Helper()
	trusted := x509.NewCertPool()
	if !trusted.AppendCertsFromPEM([]byte(readFile(t, certFile))) {
		t.Fatalf("no certificate in %s", certFile)
	}
	p.scheme = "https"
	p.useTransport(&http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted, ServerName: "localhost"}})
}

// TestTLS serves with a certificate, and replaces it by SIGHUP.
func TestTLS(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	certFile, keyFile := filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	writeCertificate(t, certFile, keyFile, "first")
	p := start(t, folder, []string{"TLS_CERT_FILE=cert.pem", "TLS_KEY_FILE=key.pem"})
	p.useTLS(t, certFile)
	token := p.mint(t)

	for version, want := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		connection, err := tls.Dial("tcp", p.address, &tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version, NextProtos: []string{"h2", "http/1.1"}})
		if (err == nil) != want {
			t.Errorf("%s: %v, want a handshake %t", tls.VersionName(version), err, want)
		}
		if err != nil {
			continue
		}
		if protocol := connection.ConnectionState().NegotiatedProtocol; protocol != "http/1.1" {
			t.Errorf("%s: protocol %q, want http/1.1", tls.VersionName(version), protocol)
		}
		connection.Close()
	}
	if got := exchange(t, p.address, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 400 ") {
		t.Errorf("plain HTTP to the TLS port: %q, want 400", got)
	}
	// Only after this line does the next one belong to the SIGHUP.
	waitFor(t, "the log line about refused handshakes", func() bool {
		return strings.Contains(p.stderr.String(), "TLS handshake error")
	})

	firstCertificate, firstKey := readFile(t, certFile), readFile(t, keyFile)
	for what, spoil := range map[string]func(){
		"key file without a key":     func() { writeFile(t, keyFile, "no key") },
		"certificate of another key": func() { writeCertificate(t, certFile, filepath.Join(folder, "another"), "mismatched") },
		"missing certificate":        func() { os.Remove(certFile) },
	} {
		writeFile(t, certFile, firstCertificate)
		writeFile(t, keyFile, firstKey)
		spoil()
		if log := p.hangUp(t, 2); strings.Count(log, "level=ERROR") != 1 || !strings.Contains(log, "the TLS certificate and its key stay as they were") {
			t.Errorf("%s: the log should have one error, about the TLS keys: %s", what, log)
		}
		if !p.verifies(t, token, readKey(t, filepath.Join(folder, "signing.key"))) {
			t.Errorf("%s: the token does not verify after SIGHUP", what)
		}
	}
	writeCertificate(t, certFile, keyFile, "second")
	if log := p.hangUp(t, 2); strings.Contains(log, "level=ERROR") {
		t.Errorf("the log should have no error: %s", log)
	}
	if _, _, err := p.send("GET", "/healthz", ""); err == nil {
		t.Error("the service still uses the first certificate")
	}
	p.useTLS(t, certFile)
	p.mint(t)
	if status := p.stop(t); status != 0 {
		t.Errorf("exit status %d, want 0", status)
	}
}
