package keyfile

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Create creates the named file, mode 0600, with one key of 64 random bytes as
// 128 hex digits. It does nothing if the file exists. Created reports whether
// this call created the file.
//
// The file appears with the key in it or not at all. So processes that start at
// once in one folder all read the same key.
func Create(path string) (created bool, err error) {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return false, nil // ReadKeys returns any error
	}
	switch err := createFile(path, newKeyText()); {
	case err == nil:
		return true, nil
	case errors.Is(err, fs.ErrExist):
		return false, nil
	default:
		return false, fmt.Errorf("%w: cannot create %s: %w", ErrKey, path, err)
	}
}

// newKeyText returns the text of a file with one new key.
func newKeyText() []byte {
	secret := make([]byte, MinKeySize)
	rand.Read(secret) // never fails: it would crash the program first
	return append(hex.AppendEncode(nil, secret), '\n')
}

// createFile creates the named file with text in it. The error wraps fs.ErrExist if
// another process was faster. A link never replaces the file of that process, but
// a rename would.
func createFile(path string, text []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".signing.key-*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	if err := write(file, text); err != nil {
		return err
	}
	return os.Link(file.Name(), path)
}

// write writes text to file and closes it.
func write(file *os.File, text []byte) error {
	_, err := file.Write(text)
	return cmp.Or(err, file.Sync(), file.Close())
}
