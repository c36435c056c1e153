package keyfile

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
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
		{"with CR CR LF", long("a", 64) + "\r\r\n", []string{long("a", 64)}, ""},
		{"with CR", long("a", 64) + "\r", []string{long("a", 64)}, ""},
		{"two keys", long("a", 64) + "\n" + long("b", 64), []string{long("a", 64), long("b", 64)}, ""},
		{"blank lines", "\n\r\n" + long("a", 64) + "\n \t\n" + long("b", 64) + "\r\n\n", []string{long("a", 64), long("b", 64)}, ""},
		{"white space is part of a key", " " + long("a", 63) + "\n", []string{" " + long("a", 63)}, ""},
		{"CR before a key is part of it", "\r" + long("a", 63), []string{"\r" + long("a", 63)}, ""},
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
			if !errors.Is(err, ErrKey) || !strings.Contains(err.Error(), test.reason) || keys != nil {
				t.Errorf("%s: %d keys, %v, want none and a text with %q", test.name, len(keys), err, test.reason)
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
	largest := strings.Repeat(publishedKey[1:]+"\n", maxFileSize/len(publishedKey))
	if keys, err := Read(write("largest", largest)); err != nil || len(largest) != maxFileSize {
		t.Errorf("%d keys in %d bytes, %v", len(keys), len(largest), err)
	}
	secret := "not-long-enough-and-secret"
	tests := []struct{ name, path, reason string }{
		{"missing", filepath.Join(folder, "missing"), "no such file"},
		{"a folder", folder, "is a directory"},
		{"empty", write("empty", ""), "there is no key"},
		{"short", write("short", secret), "line 1: 26 bytes"},
		{"a byte too large", write("large", largest+"\n"), "has more than 1048576 bytes"},
		{"a long line", write("long", strings.Repeat("a", MaxKeySize+1)), "line 1: 16385 bytes"},
	}
	for _, test := range tests {
		_, err := Read(test.path)
		if !errors.Is(err, ErrKey) || !strings.Contains(err.Error(), test.reason) {
			t.Errorf("%s: %v, want a text with %q", test.name, err, test.reason)
			continue
		}
		if !strings.Contains(err.Error(), test.path) || strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %q, want one line with the path and without the key", test.name, err)
		}
	}
	if _, err := Read(filepath.Join(folder, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v, want fs.ErrNotExist", err)
	}
}

// TestReadStopsAtLimit reads a file of 64 MiB, most of which must stay unread.
func TestReadStopsAtLimit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "large")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 64<<20); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Read(path)
	runtime.ReadMemStats(&after)
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 16<<20 || !errors.Is(err, ErrKey) {
		t.Errorf("%d bytes allocated, %v", allocated, err)
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
}

// TestCreateRandomBytes checks that each byte of a new key is random.
func TestCreateRandomBytes(t *testing.T) {
	folder := t.TempDir()
	seen := make([]map[string]bool, MinKeySize) // the values of each byte
	for i := range seen {
		seen[i] = map[string]bool{}
	}
	for n := range 8 {
		path := filepath.Join(folder, strconv.Itoa(n))
		if created, err := Create(path); !created || err != nil {
			t.Fatalf("created: %t, %v", created, err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := range seen {
			seen[i][string(text[2*i:2*i+2])] = true
		}
	}
	for i, values := range seen {
		if len(values) == 1 {
			t.Errorf("byte %d is the same in all keys", i)
		}
	}
}

// TestCreateTouchesNothing checks that Create leaves the folder alone if the path
// is in use, because the folder may be read-only.
func TestCreateTouchesNothing(t *testing.T) {
	folder := t.TempDir()
	file, link := filepath.Join(folder, "file"), filepath.Join(folder, "link")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("missing", link); err != nil {
		t.Fatal(err)
	}
	past := time.Unix(1000, 0)
	if err := os.Chtimes(folder, past, past); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, link, filepath.Join(file, "signing.key")} {
		if created, err := Create(path); created || err != nil {
			t.Errorf("%s: created: %t, %v", path, created, err)
		}
		if info, err := os.Stat(folder); err != nil || !info.ModTime().Equal(past) {
			t.Errorf("%s: Create changed the folder, %v", path, err)
		}
		if _, err := Read(path); !errors.Is(err, ErrKey) {
			t.Errorf("%s: Read returns %v, want ErrKey", path, err)
		}
	}
}

// TestCreateInOneFolder checks that Create uses no other folder: a link cannot
// lead from one file system to another.
func TestCreateInOneFolder(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", filepath.Join(folder, "missing"))
	if created, err := Create(filepath.Join(folder, "signing.key")); !created || err != nil {
		t.Errorf("created: %t, %v", created, err)
	}
}

func TestCreateFails(t *testing.T) {
	folder := t.TempDir()
	t.Chdir(folder)
	for _, path := range []string{"", filepath.Join("missing", "signing.key")} {
		if created, err := Create(path); created || !errors.Is(err, ErrKey) {
			t.Errorf("%q: created: %t, %v", path, created, err)
		}
	}
	if entries, err := os.ReadDir(folder); len(entries) != 0 || err != nil {
		t.Errorf("the folder has %d files, want none, %v", len(entries), err)
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
