//go:build unix

package keyfile

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
)

// TestCreateOnFullDisk checks that Create leaves no file behind if it cannot write
// the key. It runs createOnFullDisk in a process of its own, because the testing
// package writes files too.
func TestCreateOnFullDisk(t *testing.T) {
	const variable = "TEST_FULL_DISK_FOLDER"
	if folder := os.Getenv(variable); folder != "" {
		createOnFullDisk(t, folder)
		return
	}
	folder := t.TempDir()
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestCreateOnFullDisk$")
	command.Env = append(os.Environ(), variable+"="+folder)
	if output, err := command.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, output)
	}
	if entries, err := os.ReadDir(folder); len(entries) != 0 || err != nil {
		t.Errorf("the folder has %d files, want none, %v", len(entries), err)
	}
}

// createOnFullDisk calls Create and createDirectly while the process may only write
// files that are smaller than a key. The error is EFBIG, where a full disk gives
// ENOSPC.
func createOnFullDisk(t *testing.T, folder string) {
	signal.Ignore(syscall.SIGXFSZ)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: MinKeySize, Max: limit.Max}); err != nil {
		t.Fatal(err)
	}
	created, err := Create(filepath.Join(folder, "signing.key"))
	directErr := createDirectly(filepath.Join(folder, "direct.key"), newKeyText())
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil { // coverage is written at the end
		t.Fatal(err)
	}
	if created || !errors.Is(err, ErrKey) || !errors.Is(err, syscall.EFBIG) {
		t.Errorf("created: %t, %v, want EFBIG", created, err)
	}
	if !errors.Is(directErr, syscall.EFBIG) {
		t.Errorf("createDirectly: %v, want EFBIG", directErr)
	}
}
