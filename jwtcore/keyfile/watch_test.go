//go:build unix

package keyfile

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// change is one way in which a file can change.
type change struct {
	name  string
	apply func(t *testing.T, path string)
}

// replaceFile puts a new file with text in the place of path, as most editors do.
func replaceFile(t *testing.T, path, text string) {
	t.Helper()
	must(t, os.Rename(writeFile(t, t.TempDir(), "new", text), path))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var changes = []change{
	{"written in place", func(t *testing.T, path string) { must(t, os.WriteFile(path, []byte("longer text"), 0)) }},
	{"written in place, with text of the same length", func(t *testing.T, path string) {
		before, err := os.Stat(path)
		must(t, err)
		must(t, os.WriteFile(path, []byte("TEXT"), 0))
		must(t, os.Chtimes(path, time.Time{}, before.ModTime().Add(time.Nanosecond)))
	}},
	{"written in place, with text of the same length, and its age kept", func(t *testing.T, path string) {
		before, err := os.Stat(path)
		must(t, err)
		must(t, os.WriteFile(path, []byte("TEXT"), 0))
		must(t, os.Chtimes(path, time.Time{}, before.ModTime()))
	}},
	{"replaced", func(t *testing.T, path string) { replaceFile(t, path, "text") }},
	{"replaced by a file of the same age", func(t *testing.T, path string) {
		before, err := os.Stat(path)
		must(t, err)
		replaceFile(t, path, "TEXT")
		must(t, os.Chtimes(path, time.Time{}, before.ModTime()))
	}},
	{"removed", func(t *testing.T, path string) { must(t, os.Remove(path)) }},
	{"replaced by a folder", func(t *testing.T, path string) {
		must(t, os.Remove(path))
		must(t, os.Mkdir(path, 0o700))
	}},
	{"replaced by a FIFO", func(t *testing.T, path string) {
		must(t, os.Remove(path))
		must(t, syscall.Mkfifo(path, 0o600))
	}},
	{"its mode", func(t *testing.T, path string) { must(t, os.Chmod(path, 0o604)) }},
}

// TestWatcher checks that a Watcher reports each change once, a second after it.
func TestWatcher(t *testing.T) {
	for _, change := range changes {
		t.Run(change.name, func(t *testing.T) {
			path := writeFile(t, t.TempDir(), "file", "text")
			w := NewWatcher(path)
			now := time.Unix(1700000000, 0)
			settled := func(at time.Duration) bool { return w.Settled(now.Add(at)) }
			if settled(0) || settled(time.Hour) {
				t.Fatal("it has changed before it did")
			}
			now = now.Add(2 * time.Hour)
			change.apply(t, path)
			if settled(0) || settled(999*time.Millisecond) {
				t.Error("it has settled before a second has passed")
			}
			if !settled(time.Second) || !settled(time.Minute) {
				t.Error("it has not settled after a second")
			}
			w.BeginRead()
			if settled(time.Minute) || settled(time.Hour) {
				t.Error("it has changed after it was read")
			}
		})
	}
}

// TestWatcherOfAFileThatAppears checks the changes of a file that could not be read.
func TestWatcherOfAFileThatAppears(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	w := NewWatcher(path)
	now := time.Unix(1700000000, 0)
	if w.Settled(now) || w.Settled(now.Add(time.Hour)) {
		t.Error("a file that is missing has changed")
	}
	writeFile(t, filepath.Dir(path), "file", "text")
	if w.Settled(now) || !w.Settled(now.Add(time.Second)) {
		t.Error("the file has not appeared after a second")
	}
}

// TestWatcherWaits writes a file bit by bit. It has not settled until a second after the
// last bit.
func TestWatcherWaits(t *testing.T) {
	path := writeFile(t, t.TempDir(), "file", "")
	w := NewWatcher(path)
	now := time.Unix(1700000000, 0)
	for i := range 20 {
		must(t, os.WriteFile(path, make([]byte, i+1), 0))
		now = now.Add(900 * time.Millisecond)
		if w.Settled(now) {
			t.Fatalf("it has settled after %d bytes", i+1)
		}
	}
	if !w.Settled(now.Add(time.Second)) {
		t.Error("it has not settled")
	}
}

// TestWatcherBack undoes a change before it has settled.
func TestWatcherBack(t *testing.T) {
	folder := t.TempDir()
	path, aside := writeFile(t, folder, "file", "text"), filepath.Join(folder, "aside")
	w := NewWatcher(path)
	now := time.Unix(1700000000, 0)
	must(t, os.Rename(path, aside))
	w.Settled(now)
	must(t, os.Rename(aside, path))
	if w.Settled(now.Add(time.Second)) || w.Settled(now.Add(time.Hour)) {
		t.Error("the same file has changed")
	}
}

// TestWatcherWhileReading changes a file while it is read, and undoes that.
func TestWatcherWhileReading(t *testing.T) {
	folder := t.TempDir()
	path, aside := writeFile(t, folder, "file", "text"), filepath.Join(folder, "aside")
	w := NewWatcher(path)
	if !w.EndRead() {
		t.Error("the file has changed before it did")
	}
	w.BeginRead()
	must(t, os.Rename(path, aside))
	if w.EndRead() {
		t.Error("the file has not changed")
	}
	must(t, os.Rename(aside, path))
	now := time.Unix(1700000000, 0)
	if w.Settled(now) || !w.Settled(now.Add(time.Second)) {
		t.Error("the file has not settled after a second")
	}
}

// TestWatcherOfSymbolicLinks swaps the folder behind a symbolic link, as Kubernetes does
// with a Secret, and one of two files.
func TestWatcherOfSymbolicLinks(t *testing.T) {
	folder := t.TempDir()
	for _, version := range []string{"1", "2"} {
		must(t, os.Mkdir(filepath.Join(folder, version), 0o700))
		writeFile(t, filepath.Join(folder, version), "tls.key", "text")
		writeFile(t, filepath.Join(folder, version), "tls.crt", "text")
	}
	link := func(version string) {
		must(t, os.Symlink(version, filepath.Join(folder, "new")))
		must(t, os.Rename(filepath.Join(folder, "new"), filepath.Join(folder, "..data")))
	}
	link("1")
	for _, name := range []string{"tls.key", "tls.crt"} {
		must(t, os.Symlink(filepath.Join("..data", name), filepath.Join(folder, name)))
	}
	w := NewWatcher(filepath.Join(folder, "tls.crt"), filepath.Join(folder, "tls.key"))
	now := time.Unix(1700000000, 0)
	link("2")
	if w.Settled(now) || !w.Settled(now.Add(time.Second)) {
		t.Error("the new folder has not settled after a second")
	}
	w.BeginRead()
	must(t, os.WriteFile(filepath.Join(folder, "2", "tls.key"), []byte("other"), 0))
	if w.Settled(now) || !w.Settled(now.Add(time.Second)) {
		t.Error("the second file has not settled after a second")
	}
	link("1")
	if w.Settled(now.Add(time.Minute)) || !w.Settled(now.Add(time.Minute+time.Second)) {
		t.Error("the old folder has not settled after a second")
	}
}
