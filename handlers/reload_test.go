package handlers

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestChangeWhileReading changes files while they are read: the warning about their mode
// comes after the text is read and before it is used. The service does not replace what it
// has, logs no error, and reads the files again.
func TestChangeWhileReading(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o604); err != nil {
			t.Fatal(err)
		}
		return path
	}
	secret := func(letter string) string { return strings.Repeat(letter, 64) }
	var changing bool
	files := &Files{SigningKeys: write("keys", secret("A")), Revoked: write("revoked", "a\n")}
	files.Logger = slog.New(slog.NewTextHandler(writerFunc(func(text []byte) (int, error) {
		for name, change := range map[string]string{"keys: mode 0604": secret("C"), "revoked: mode 0604": "c\n"} {
			if changing && bytes.Contains(text, []byte(name)) {
				write(strings.TrimSuffix(name, ": mode 0604"), change)
			}
		}
		return len(text), nil
	}), nil))
	keys, err := files.ReadSigningKeys()
	if err != nil {
		t.Fatal(err)
	}
	revoked, err := files.ReadRevoked()
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	s := newService(t, &log, func(c *Config) { c.SigningKeys, c.Revoked = keys, revoked })

	write("keys", secret("B"))
	write("revoked", "b\n")
	changing = true
	for _, r := range s.reloads(files, nil) {
		s.reload(r)
		now := time.Unix(1700000000, 0)
		if watcher := files.watchers[r.label]; watcher.Settled(now) || !watcher.Settled(now.Add(time.Second)) {
			t.Errorf("%s: the file is not read again", r.label)
		}
	}
	if got := s.keys()[0].Fingerprint(); got != keys[0].Fingerprint() {
		t.Errorf("the service uses the key %s, want %s", got, keys[0].Fingerprint())
	}
	if got := s.revoked.Load().Len(); got != 2 {
		t.Errorf("%d tokens are revoked, want a and b", got)
	}
	if strings.Contains(log.String(), "level=ERROR") {
		t.Errorf("the log has an error: %s", log.String())
	}

	changing = false
	for _, r := range s.reloads(files, nil) {
		s.reload(r)
	}
	if s.keys()[0].Fingerprint() != newKeys(secret("C"))[0].Fingerprint() || s.revoked.Load().Len() != 1 {
		t.Errorf("the service does not use the new files: %s", log.String())
	}
}
