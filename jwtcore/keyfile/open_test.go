//go:build unix

package keyfile

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// irregularFiles returns the paths of files in folder that are not regular, by what
// an error calls them.
func irregularFiles(t *testing.T, folder string) map[string]string {
	t.Helper()
	fifo, socket, link := filepath.Join(folder, "fifo"), filepath.Join(folder, "socket"), filepath.Join(folder, "link")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	if err := os.Symlink("fifo", link); err != nil {
		t.Fatal(err)
	}
	return map[string]string{"pipe": fifo, "socket": socket, "device": "/dev/null", "folder": folder, "a pipe": link}
}

// TestIrregularFiles reads files that are not regular. Opening the FIFO would wait
// for a writer, for ever. Opening the socket would fail with another error, so the
// error shows that no file is opened to find out what it is.
func TestIrregularFiles(t *testing.T) {
	folder, err := os.MkdirTemp("", "") // the path of a socket has at most about 100 bytes
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(folder)
	for kind, path := range irregularFiles(t, folder) {
		_, err := ReadFile(path)
		if err == nil || !strings.Contains(err.Error(), path+" is not a regular file") || !strings.HasSuffix(err.Error(), kind) {
			t.Errorf("%s: ReadFile: %v", kind, err)
		}
		_, _, err = ReadKeys(path)
		checkFileError(t, path, "", "is not a regular file", err, ErrKey)
		_, _, err = ReadCredentials(path)
		checkFileError(t, path, "", "is not a regular file", err, ErrCredential)
		revoked, _, err := ReadRevoked(path)
		checkFileError(t, path, "", "is not a regular file", err, ErrRevoked)
		if revoked != nil {
			t.Errorf("%s: ReadRevoked returns %d ids", kind, revoked.Len())
		}
		if created, err := Create(path); created || err != nil {
			t.Errorf("%s: Create: %t, %v", kind, created, err)
		}
	}
}

// TestSwappedPath opens paths that became those of other kinds of file after
// openRegular had looked at them.
func TestSwappedPath(t *testing.T) {
	folder, err := os.MkdirTemp("", "")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(folder)
	for kind, path := range irregularFiles(t, folder) {
		opened := make(chan error, 1)
		go func() {
			_, _, err := openNow(path, os.O_RDONLY)
			opened <- err
		}()
		select {
		case err := <-opened:
			if err == nil || !strings.Contains(err.Error(), path) {
				t.Errorf("%s: %v, want an error with the path", kind, err)
			} else if kind != "socket" && !strings.Contains(err.Error(), "is not a regular file") { // a socket cannot be opened
				t.Errorf("%s: %v", kind, err)
			}
		case <-time.After(time.Minute):
			t.Errorf("%s: opening it blocks", kind)
		}
	}
}

func TestSymbolicLinks(t *testing.T) {
	folder := t.TempDir()
	writeFile(t, folder, "file", secretA)
	path := filepath.Join(folder, "link")
	for _, link := range [][2]string{{"file", "data"}, {"data", "link"}} { // as Kubernetes mounts a Secret
		if err := os.Symlink(link[0], filepath.Join(folder, link[1])); err != nil {
			t.Fatal(err)
		}
	}
	if content, err := ReadFile(path); err != nil || string(content) != secretA {
		t.Errorf("%d bytes, %v", len(content), err)
	}
	if err := os.Remove(filepath.Join(folder, "file")); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(path); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("%v, want fs.ErrNotExist and the path", err)
	}
}

func TestModeWarnings(t *testing.T) {
	path := writeFile(t, t.TempDir(), "file", secretA)
	for mode, want := range map[fs.FileMode]string{
		0o600: "", 0o400: "", 0o640: "", 0o660: "", 0o770: "",
		0o644: "0644", 0o602: "0602", 0o601: "0601", 0o666: "0666", 0o777: "0777",
	} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		keys, aboutKeys, err := ReadKeys(path)
		if err != nil || len(keys) != 1 {
			t.Fatal(err)
		}
		credentials, aboutCredentials, err := ReadCredentials(path)
		if err != nil || len(credentials) != 1 {
			t.Fatal(err)
		}
		revoked, aboutRevoked, err := ReadRevoked(path)
		if err != nil || revoked.Len() != 1 {
			t.Fatal(err)
		}
		for _, warnings := range [][]string{aboutKeys, aboutCredentials, aboutRevoked} {
			if want == "" && warnings != nil || want != "" && !startWith(warnings, path+": ", []string{"mode " + want}) {
				t.Errorf("%04o: %q", mode, warnings)
			}
		}
	}
}

// TestReadStopsAtLimit reads a file of 64 MiB, most of which must stay unread.
func TestReadStopsAtLimit(t *testing.T) {
	path := writeFile(t, t.TempDir(), "large", "")
	if err := os.Truncate(path, 64<<20); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	content, err := ReadFile(path)
	runtime.ReadMemStats(&after)
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 16<<20 || content != nil || err == nil {
		t.Errorf("%d bytes allocated, %d read, %v", allocated, len(content), err)
	}
}
