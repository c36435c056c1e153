package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestSigningKeyFromEnvironment(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	p := start(t, folder, []string{"SIGNING_KEY=" + goodKey + "\r\n", "SIGNING_KEY_FILE="})
	if !p.mintsWith(t, goodKey) {
		t.Error("the service does not mint with SIGNING_KEY")
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 0 {
		t.Errorf("the folder contains %v, want nothing; %v", entries, err)
	}
}

func TestSigningKeyFile(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	writeFile(t, filepath.Join(folder, "keys"), "\n"+goodKey+"\r\n\n"+otherKey+"\n")
	p := start(t, folder, []string{"SIGNING_KEY_FILE=missing"}, "-signing-key-file", "keys") // the flag wins
	if !p.mintsWith(t, goodKey) {
		t.Error("the service does not mint with the first key of the file")
	}
}

// reloadLine matches a log line about one of the files that SIGHUP makes the service
// read again.
var reloadLine = regexp.MustCompile(`"(signing keys|mint credentials|revoked tokens|TLS certificate)"|stay as they were|SIGHUP does not`)

// hangUp sends SIGHUP, waits for the given number of log lines about files, and
// returns all that was logged since.
func (p *process) hangUp(t *testing.T, lines int) string {
	t.Helper()
	before := len(p.stderr.String())
	p.signal(t, syscall.SIGHUP)
	logged := func() string { return p.stderr.String()[before:] }
	waitFor(t, "the log lines about SIGHUP", func() bool {
		count := 0
		for line := range strings.Lines(logged()) {
			if strings.HasSuffix(line, "\n") && reloadLine.MatchString(line) {
				count++
			}
		}
		return count >= lines
	})
	return logged()
}

// TestRotation puts a new key above the old one, and then replaces the file
// with unusable ones.
func TestRotation(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "signing.key")
	writeFile(t, path, goodKey+"\n")
	p := start(t, folder, nil)
	writeFile(t, path, otherKey+"\n"+goodKey+"\n")
	if log := p.hangUp(t, 1); !strings.Contains(log, "level=INFO") {
		t.Errorf("the log should report the new keys: %s", log)
	}
	if !p.mintsWith(t, otherKey) {
		t.Error("after SIGHUP, the service does not mint with the new first key")
	}

	for name, text := range map[string]string{"short key": shortKey, "short second key": goodKey + "\n" + shortKey, "empty file": "", "key that is not text": strings.Repeat("\xff", 64)} {
		writeFile(t, path, text)
		log := p.hangUp(t, 1)
		if !strings.Contains(log, "level=ERROR") || strings.Count(log, "\n") != 1 {
			t.Errorf("%s: the log should have one line, an error: %s", name, log)
		}
		if strings.Contains(log, shortKey) {
			t.Errorf("%s: the log should not contain the key: %s", name, log)
		}
		if !p.mintsWith(t, otherKey) {
			t.Errorf("%s: SIGHUP changed the keys", name)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if log := p.hangUp(t, 1); !strings.Contains(log, "level=ERROR") {
		t.Errorf("missing file: the log should have an error: %s", log)
	}
	if !p.mintsWith(t, otherKey) {
		t.Error("missing file: SIGHUP changed the keys")
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("SIGHUP created a key file")
	}
}

// TestReloadOfFIFO puts a FIFO, and a device, in place of each file and sends SIGHUP.
// Neither must keep the service from reloading, serving and stopping.
func TestReloadOfFIFO(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	paths := map[string]string{}
	for _, name := range []string{"signing.key", "credentials", "revoked", "cert.pem", "key.pem"} {
		paths[name] = filepath.Join(folder, name)
	}
	writeFile(t, paths["signing.key"], goodKey)
	writeFile(t, paths["credentials"], goodCredential)
	writeFile(t, paths["revoked"], "id")
	writeCertificate(t, paths["cert.pem"], paths["key.pem"], "any")
	p := start(t, folder, []string{"MINT_CREDENTIALS_FILE=credentials", "REVOKED_FILE=revoked", "TLS_CERT_FILE=cert.pem", "TLS_KEY_FILE=key.pem"})
	p.useTLS(t, paths["cert.pem"])
	for name, path := range paths {
		text := readFile(t, path)
		for what, replace := range map[string]func() error{
			"FIFO":   func() error { return syscall.Mkfifo(path, 0o600) },
			"device": func() error { return os.Symlink("/dev/zero", path) },
		} {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if err := replace(); err != nil {
				t.Fatal(err)
			}
			if log := p.hangUp(t, 4); strings.Count(log, "level=ERROR") != 1 || !strings.Contains(log, "regular file") {
				t.Errorf("%s in place of %s: the log should have one error: %s", what, name, log)
			}
			if status, _ := p.mintAs(t, goodCredential, nil); status != 200 {
				t.Errorf("%s in place of %s: minting is a %d", what, name, status)
			}
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		writeFile(t, path, text)
	}
	if log := p.hangUp(t, 4); strings.Contains(log, "level=ERROR") {
		t.Errorf("with the files back in place, the log should have no error: %s", log)
	}
	if status := p.stop(t); status != 0 {
		t.Errorf("exit status %d, want 0", status)
	}
}

// TestFingerprints checks what the log has about keys, at start and after SIGHUP.
func TestFingerprints(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "signing.key")
	good, other := fingerprint("tokenmint key", goodKey), fingerprint("tokenmint key", otherKey)
	writeFile(t, path, goodKey+"\n")
	p := start(t, folder, nil)
	if log, want := p.stderr.String(), "count=1 fingerprints=["+good+"] mints="+good; !strings.Contains(log, want) {
		t.Errorf("the log should have %s: %s", want, log)
	}
	writeFile(t, path, otherKey+"\n"+goodKey+"\n")
	if log, want := p.hangUp(t, 1), `count=2 fingerprints="[`+other+" "+good+`]" mints=`+other; !strings.Contains(log, want) {
		t.Errorf("the log should have %s: %s", want, log)
	}
}

// TestKeyWarnings starts the service with keys that it uses, but warns about.
func TestKeyWarnings(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "signing.key")
	writeFile(t, path, strings.Repeat("abc", 30))
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	p := start(t, folder, nil)
	if log := p.stderr.String(); strings.Count(log, "level=WARN") != 2 || strings.Contains(log, "abcabc") {
		t.Errorf("the log should have two warnings, without the key: %s", log)
	}
}

func TestNoRotationOfTheVariable(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir(), withGoodKey)
	if log := p.hangUp(t, 1); !strings.Contains(log, "SIGNING_KEY is read at start only") || strings.Contains(log, goodKey) {
		t.Errorf("the log should explain that SIGNING_KEY is read at start only, without the key: %s", log)
	}
	if !p.mintsWith(t, goodKey) {
		t.Error("SIGHUP changed the key")
	}
}

// TestNoReloadDuringStop sends SIGHUP to a service that is stopping: it goes on with
// the keys that it has.
func TestNoReloadDuringStop(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "signing.key")
	writeFile(t, path, goodKey+"\n")
	p := start(t, folder, nil)
	finish := startRequest(t, p)
	p.awaitAccept(t)
	p.signal(t, syscall.SIGTERM)
	waitFor(t, "the stop to begin", func() bool { return strings.Contains(p.stderr.String(), "stopping") })
	p.signal(t, syscall.SIGHUP)
	time.Sleep(200 * time.Millisecond) // for the service to read the file, if it does
	if err := finish(); err != nil {
		t.Error(err)
	}
	if status := p.wait(t); status != 0 || len(reloadLine.FindAllString(p.stderr.String(), -1)) != 1 {
		t.Errorf("exit status %d, want 0 and no log line about keys but that of the start", status)
	}
}
