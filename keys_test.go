package main

import (
	"os"
	"path/filepath"
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

// hangUp sends SIGHUP, waits for the given number of log lines about keys, and
// returns all that was logged since.
func (p *process) hangUp(t *testing.T, lines int) string {
	t.Helper()
	before := len(p.stderr.String())
	p.signal(t, syscall.SIGHUP)
	logged := func() string { return p.stderr.String()[before:] }
	waitFor(t, "the log lines about SIGHUP", func() bool {
		count := 0
		for line := range strings.Lines(logged()) {
			if strings.HasSuffix(line, "\n") && strings.Contains(line, "keys") {
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
	if !p.mintsWith(t, goodKey) {
		t.Error("the service read the file again without a SIGHUP")
	}
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
	if status := p.wait(t); status != 0 || strings.Contains(p.stderr.String(), "keys") {
		t.Errorf("exit status %d, want 0 and no log line about keys", status)
	}
}
