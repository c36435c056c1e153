package keyfile

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"
)

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
		if _, _, err := ReadKeys(path); !errors.Is(err, ErrKey) {
			t.Errorf("%s: ReadKeys returns %v, want ErrKey", path, err)
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
