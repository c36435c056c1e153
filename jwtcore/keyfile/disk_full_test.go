//go:build unix

package keyfile

import (
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
)

// TestCreateOnFullDisk checks that Create leaves no file behind if the key cannot
// be written. A limit of the size of files does what a full disk would do.
func TestCreateOnFullDisk(t *testing.T) {
	folder := t.TempDir()
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	small := limit
	small.Cur = MinKeySize
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &small); err != nil {
		t.Fatal(err)
	}
	created, err := Create(filepath.Join(folder, "signing.key"))
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	if created || !errors.Is(err, ErrKey) || !errors.Is(err, syscall.EFBIG) {
		t.Errorf("created: %t, %v, want EFBIG", created, err)
	}
	if entries, err := os.ReadDir(folder); len(entries) != 0 || err != nil {
		t.Errorf("the folder has %d files, want none, %v", len(entries), err)
	}
}
