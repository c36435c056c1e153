package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// awaitLog waits for a complete line of the log with text in it, after the first offset
// bytes, and returns the log since then.
func (p *process) awaitLog(t *testing.T, offset int, text string) string {
	t.Helper()
	waitFor(t, fmt.Sprintf("the log to say %q", text), func() bool {
		_, after, found := strings.Cut(p.stderr.String()[offset:], text)
		return found && strings.Contains(after, "\n")
	})
	return p.stderr.String()[offset:]
}

// swapSecret makes folder a Secret as Kubernetes mounts it, with the given files: each of
// them is a symbolic link through ..data, which is replaced as a whole.
func swapSecret(t *testing.T, folder string, files map[string]string) {
	t.Helper()
	version, err := os.MkdirTemp(folder, "..version-")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		writeFile(t, filepath.Join(version, name), text)
		os.Symlink(filepath.Join("..data", name), filepath.Join(folder, name)) // it is there from the second time on
	}
	next := filepath.Join(folder, "..next")
	if err := os.Symlink(filepath.Base(version), next); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, filepath.Join(folder, "..data")); err != nil {
		t.Fatal(err)
	}
}

// TestReloadByItself changes each of the files, in the ways in which that happens, without
// a signal.
func TestReloadByItself(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	secret := filepath.Join(folder, "secret")
	if err := os.Mkdir(secret, 0o700); err != nil {
		t.Fatal(err)
	}
	swapSecret(t, secret, map[string]string{"signing.key": goodKey, "credentials": goodCredential})
	revoked := filepath.Join(folder, "revoked")
	writeFile(t, revoked, "")
	certFile, keyFile := filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	writeCertificate(t, certFile, keyFile, "first")
	p := start(t, folder, []string{"SIGNING_KEY_FILE=secret/signing.key", "MINT_CREDENTIALS_FILE=secret/credentials", "REVOKED_FILE=revoked", "TLS_CERT_FILE=cert.pem", "TLS_KEY_FILE=key.pem"})
	p.useTLS(t, certFile)

	offset := len(p.stderr.String())
	swapSecret(t, secret, map[string]string{"signing.key": otherKey + "\n" + goodKey, "credentials": otherCredential})
	p.awaitLog(t, offset, "mints="+fingerprint("tokenmint key", otherKey))
	p.awaitLog(t, offset, "fingerprints=["+fingerprint("tokenmint credential", otherCredential))
	for credential, want := range map[string]int{goodCredential: 401, otherCredential: 200} {
		if status, _ := p.mintAs(t, credential, nil); status != want {
			t.Errorf("minting is a %d, want %d", status, want)
		}
	}

	offset = len(p.stderr.String())
	writeFile(t, revoked+".new", "an-id\n")
	if err := os.Rename(revoked+".new", revoked); err != nil {
		t.Fatal(err)
	}
	p.awaitLog(t, offset, `msg="revoked tokens" count=1`)

	offset = len(p.stderr.String())
	writeCertificate(t, certFile, keyFile, "second")
	p.awaitLog(t, offset, `msg="TLS certificate"`)
	p.useTLS(t, certFile)
	if status, _ := p.mintAs(t, otherCredential, nil); status != 200 {
		t.Errorf("with the second certificate, minting is a %d", status)
	}
	if log := p.stderr.String(); strings.Contains(log, "level=ERROR") {
		t.Error("the log should have no error")
	}
	for _, file := range []string{"signing_keys", "mint_credentials", "revoked_tokens", "tls"} {
		p.awaitMetric(t, `tokenmint_reloads_total{file="`+file+`",result="success"}`, "1")
	}
	if status := p.stop(t); status != 0 {
		t.Errorf("exit status %d, want 0", status)
	}
}

// awaitMetric waits until a series in /metrics has a value: the service logs a reload
// before it counts it.
func (p *process) awaitMetric(t *testing.T, series, value string) {
	t.Helper()
	waitFor(t, series+" to be "+value, func() bool {
		_, metrics, err := p.send("GET", "/metrics", "")
		if err != nil {
			t.Fatal(err)
		}
		return strings.Contains(metrics, "\n"+series+" "+value+"\n")
	})
}

// TestBadFileIsLoggedOnce makes the key file bad twice, and then good. The service logs
// each change once, and goes on with the keys that it has.
func TestBadFileIsLoggedOnce(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "signing.key")
	writeFile(t, path, goodKey)
	p := start(t, folder, nil)
	p.awaitMetric(t, `tokenmint_last_reload_success{file="signing_keys"}`, "1")
	for failures, spoil := range []func(){func() { writeFile(t, path, shortKey) }, func() { os.Remove(path) }} {
		offset := len(p.stderr.String())
		spoil()
		p.awaitLog(t, offset, "the signing keys stay as they were")
		time.Sleep(2500 * time.Millisecond) // in which a second line would come
		if log := p.stderr.String()[offset:]; strings.Count(log, "\n") != 1 || strings.Contains(log, shortKey) {
			t.Errorf("the log should have one line, without the key: %s", log)
		}
		p.awaitMetric(t, `tokenmint_reloads_total{file="signing_keys",result="failure"}`, fmt.Sprint(failures+1))
		p.awaitMetric(t, `tokenmint_last_reload_success{file="signing_keys"}`, "0")
		if !p.mintsWith(t, goodKey) {
			t.Error("the service does not mint with the key that it has")
		}
	}
	offset := len(p.stderr.String())
	writeFile(t, path, otherKey)
	p.awaitLog(t, offset, `msg="signing keys"`)
	p.awaitMetric(t, `tokenmint_last_reload_success{file="signing_keys"}`, "1")
	if !p.mintsWith(t, otherKey) {
		t.Error("the service does not mint with the new key")
	}
}

// TestNoHalfFile writes a key file in pieces, in a time in which the service looks at it
// many times.
func TestNoHalfFile(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "signing.key")
	writeFile(t, path, goodKey)
	p := start(t, folder, nil)
	offset := len(p.stderr.String())
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	var longestPause time.Duration // on a loaded machine, the service may take one for the end
	for i := range len(otherKey) / 3 {
		paused := time.Now()
		time.Sleep(100 * time.Millisecond)
		if _, err := file.WriteString(otherKey[3*i:][:3]); err != nil {
			t.Fatal(err)
		}
		longestPause = max(longestPause, time.Since(paused))
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	log := p.awaitLog(t, offset, "mints="+fingerprint("tokenmint key", otherKey))
	if strings.Count(log, "\n") != 1 && longestPause < time.Second/2 {
		t.Errorf("the log should have one line: %s", log)
	}
}

// TestNoHalfFileAfterPause empties a key file and writes it in two pieces, of which the
// first could be a key, so late that the service has read the empty file.
func TestNoHalfFileAfterPause(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "signing.key")
	writeFile(t, path, goodKey)
	p := start(t, folder, nil)
	writeFile(t, path, "")
	time.Sleep(2 * time.Second)
	offset := len(p.stderr.String())
	paused := time.Now()
	writeFile(t, path, otherKey)
	time.Sleep(100 * time.Millisecond)
	writeFile(t, path, otherKey+otherKey)
	pause := time.Since(paused) // on a loaded machine, the service may take the half for all
	log := p.awaitLog(t, offset, "mints="+fingerprint("tokenmint key", otherKey+otherKey))
	if strings.Contains(log, "mints="+fingerprint("tokenmint key", otherKey)) && pause < time.Second/2 {
		t.Errorf("the service has used half of the file: %s", log)
	}
}

// TestCreatedKeyIsNoChange starts the service without a key file. That it creates one is no
// reason to read it again.
func TestCreatedKeyIsNoChange(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir(), nil)
	time.Sleep(2500 * time.Millisecond) // in which the service would read the file
	p.awaitMetric(t, `tokenmint_reloads_total{file="signing_keys",result="success"}`, "0")
}
