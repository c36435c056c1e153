package keyfile

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"tokenmint/jwtcore"
)

// publishedKey is a key that the service's specification publishes, so it is not a
// secret.
const publishedKey = "a9ddbcaba8c0ac1a0a812dc0c2f08514b23f2db0a68343cb8199ebb38a6d91e4ebfb378e22ad39c2d01d0b4ec9c34aa91056862ddace3fbbd6852ee60c36acbf"

// mint returns a token that depends only on key. The tokens of two keys are equal
// only if the keys are.
func mint(key *jwtcore.Key) string {
	return string(key.Mint(nil, jwtcore.Claims{IssuedAt: time.Unix(0, 0), Data: []byte(`1`)}))
}

func TestParse(t *testing.T) {
	long := func(c string, n int) string { return strings.Repeat(c, n) }
	tests := []struct {
		name, text string
		secrets    []string
		reason     string // empty if the text is good
	}{
		{"one key", long("a", 64), []string{long("a", 64)}, ""},
		{"with LF", long("a", 64) + "\n", []string{long("a", 64)}, ""},
		{"with CR LF", long("a", 64) + "\r\n", []string{long("a", 64)}, ""},
		{"with CR", long("a", 64) + "\r", []string{long("a", 64)}, ""},
		{"two keys", long("a", 64) + "\n" + long("b", 64), []string{long("a", 64), long("b", 64)}, ""},
		{"blank lines", "\n\r\n" + long("a", 64) + "\n \t\n" + long("b", 64) + "\r\n\n", []string{long("a", 64), long("b", 64)}, ""},
		{"white space is part of a key", " " + long("a", 63) + "\n", []string{" " + long("a", 63)}, ""},
		{"hex is text", publishedKey, []string{publishedKey}, ""},
		{"not ASCII", long("é", 32), []string{long("é", 32)}, ""},
		{"the longest", long("a", MaxKeySize), []string{long("a", MaxKeySize)}, ""},
		{"too long", long("a", MaxKeySize+1), nil, "line 1: 16385 bytes, but a key has at most 16384"},
		{"one byte short", long("a", 63), nil, "line 1: 63 bytes, but HS512 needs at least 64 (RFC 7518 section 3.2)"},
		{"CR does not count", long("a", 63) + "\r", nil, "63 bytes"},
		{"the second key too short", long("a", 64) + "\nshort\n", nil, "line 2: 5 bytes"},
		{"empty", "", nil, "there is no key"},
		{"only blank lines", "\n\r\n  \n", nil, "there is no key"},
		{"not UTF-8", long("\xff", 64), nil, "line 1: the key is not UTF-8"},
	}
	for _, test := range tests {
		keys, err := Parse([]byte(test.text))
		if test.reason != "" {
			if !errors.Is(err, ErrKey) || !strings.Contains(err.Error(), test.reason) {
				t.Errorf("%s: %v, want a text with %q", test.name, err, test.reason)
			}
			continue
		}
		if err != nil || len(keys) != len(test.secrets) {
			t.Errorf("%s: %d keys, %v", test.name, len(keys), err)
			continue
		}
		for i, secret := range test.secrets {
			if mint(keys[i]) != mint(jwtcore.NewKey(jwtcore.HS512, []byte(secret))) {
				t.Errorf("%s: key %d is not %.8q...", test.name, i, secret)
			}
		}
	}
}

func TestRead(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if keys, err := Read(write("good", publishedKey+"\n"+publishedKey+"\n")); err != nil || len(keys) != 2 {
		t.Errorf("%d keys, %v", len(keys), err)
	}
	secret := "not-long-enough-and-secret"
	bad := map[string]string{
		"missing":     filepath.Join(folder, "missing"),
		"a folder":    folder,
		"empty":       write("empty", ""),
		"short":       write("short", secret),
		"over 1 MiB":  write("large", strings.Repeat(publishedKey+"\n", 9000)),
		"a long line": write("long", strings.Repeat("a", MaxKeySize+1)),
	}
	for name, path := range bad {
		_, err := Read(path)
		if !errors.Is(err, ErrKey) {
			t.Errorf("%s: %v, want ErrKey", name, err)
			continue
		}
		if !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %q, want one line with the path and without the key", name, err)
		}
	}
	if _, err := Read(bad["missing"]); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v, want fs.ErrNotExist", err)
	}
}

func TestCreate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "signing.key")
	if created, err := Create(path); !created || err != nil {
		t.Fatalf("created: %t, %v", created, err)
	}
	text, err := os.ReadFile(path)
	if err != nil || !regexp.MustCompile(`^[0-9a-f]{128}\n$`).Match(text) {
		t.Errorf("the file is not 128 hex digits and a line feed: %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if created, err := Create(path); created || err != nil {
		t.Errorf("the second time: created: %t, %v", created, err)
	}
	if again, _ := os.ReadFile(path); !bytes.Equal(again, text) {
		t.Error("the second call changed the file")
	}
	if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 1 {
		t.Errorf("the folder has %d files, want 1", len(entries))
	}
	other := filepath.Join(t.TempDir(), "signing.key")
	Create(other)
	if second, _ := os.ReadFile(other); bytes.Equal(second, text) {
		t.Error("two new keys are equal")
	}
}

func TestCreateWithoutFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "missing", "signing.key")
	if created, err := Create(path); created || !errors.Is(err, ErrKey) {
		t.Errorf("created: %t, %v", created, err)
	}
}

func TestCreateRace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "signing.key")
	texts := make([]string, 16)
	creators := make([]bool, len(texts))
	start := make(chan struct{})
	var wait sync.WaitGroup
	for i := range texts {
		wait.Go(func() {
			<-start
			created, err := Create(path)
			if err != nil {
				t.Error(err)
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Error(err)
			}
			texts[i], creators[i] = string(text), created
		})
	}
	close(start)
	wait.Wait()
	count := 0
	for i, text := range texts {
		if len(text) != 129 || text != texts[0] {
			t.Errorf("call %d: the file had %d bytes or another key", i, len(text))
		}
		if creators[i] {
			count++
		}
	}
	if count != 1 {
		t.Errorf("%d calls created the file, want 1", count)
	}
}
