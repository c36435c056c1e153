package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSigningKeyFromEnvironment(t *testing.T) {
	folder := t.TempDir()
	p := start(t, folder, []string{"SIGNING_KEY=" + goodKey + "\r\n", "SIGNING_KEY_FILE="})
	if !p.verifies(t, p.mint(t), goodKey) {
		t.Error("not signed with SIGNING_KEY")
	}
	if entries, _ := os.ReadDir(folder); len(entries) != 0 {
		t.Errorf("a file was made: %v", entries)
	}
}

func TestSigningKeyFile(t *testing.T) {
	folder := t.TempDir()
	other := strings.Repeat("x", 64)
	if err := os.WriteFile(filepath.Join(folder, "keys"), []byte("\n"+goodKey+"\r\n\n"+other+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, folder, []string{"SIGNING_KEY_FILE=missing"}, "-signing-key-file", "keys") // the flag wins
	if !p.verifies(t, p.mint(t), goodKey) {
		t.Error("not signed with the first key of the file")
	}
}

// TestRotation puts a new key above the old one, and then files that are wrong.
func TestRotation(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "signing.key")
	writeFile(t, path, goodKey+"\n")
	p := start(t, folder, nil)
	newKey := strings.Repeat("n", 64)
	writeFile(t, path, newKey+"\n"+goodKey+"\n")
	if !p.verifies(t, p.mint(t), goodKey) {
		t.Error("the file was read without a SIGHUP")
	}
	if line := p.hangUp(t, 1); !strings.Contains(line, "level=INFO") {
		t.Errorf("logged: %s", line)
	}
	if !p.verifies(t, p.mint(t), newKey) {
		t.Error("SIGHUP did not rotate the key")
	}
	secret := "short-and-secret"
	for name, text := range map[string]string{"short": secret, "a short second key": goodKey + "\n" + secret, "empty": "", "not text": strings.Repeat("\xff", 64)} {
		writeFile(t, path, text)
		line := p.hangUp(t, 1)
		if !strings.Contains(line, "level=ERROR") || strings.Count(line, "\n") != 1 || strings.Contains(line, secret) {
			t.Errorf("%s: logged: %s", name, line)
		}
		if !p.verifies(t, p.mint(t), newKey) {
			t.Errorf("%s: a bad file changed the keys", name)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if line := p.hangUp(t, 1); !strings.Contains(line, "level=ERROR") || !p.verifies(t, p.mint(t), newKey) {
		t.Errorf("no file: logged: %s", line)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("SIGHUP made a key file")
	}
}

func TestNoRotationOfTheVariable(t *testing.T) {
	p := start(t, t.TempDir(), []string{"SIGNING_KEY=" + goodKey})
	if line := p.hangUp(t, 1); !strings.Contains(line, "SIGNING_KEY is read at start alone") || strings.Contains(line, goodKey) {
		t.Errorf("logged: %s", line)
	}
	if !p.verifies(t, p.mint(t), goodKey) {
		t.Error("SIGHUP changed the key")
	}
}
