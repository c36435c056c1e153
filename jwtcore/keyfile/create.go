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
	"syscall"
)

// Create creates the named file, mode 0600, with one key of 64 random bytes as
// 128 hex digits. It does nothing if the file exists. Created reports whether
// this call created the file.
//
// Processes that start at once in one folder all read the same key: the file
// appears with the key in it or, on a file system without hard links, empty, and
// then AwaitKeys waits.
func Create(path string) (created bool, err error) {
	return create(path, os.Link)
}

// create is Create with link in place of os.Link.
func create(path string, link func(oldPath, newPath string) error) (created bool, err error) {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return false, nil // ReadKeys returns any error
	}
	switch err := createFile(path, newKeyText(), link); {
	case err == nil:
		return true, nil
	case errors.Is(err, fs.ErrExist):
		return false, nil
	default:
		return false, fmt.Errorf("%w: %w", ErrKey, createError(path, err))
	}
}

// createError returns err, which ends the creation of the file at path, with what to do
// about it. It leaves out the name of the temporary file.
func createError(path string, err error) error {
	if pathErr := new(fs.PathError); errors.As(err, &pathErr) {
		err = pathErr.Err
	}
	folder, absErr := filepath.Abs(filepath.Dir(path))
	if absErr != nil {
		folder = filepath.Dir(path)
	}
	advice := ""
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		advice = ": create the folder, or name a file in another one"
	case errors.Is(err, fs.ErrPermission):
		advice = fmt.Sprintf(": give user %d the right to write to the folder, or name a key file that exists", os.Geteuid())
	case errors.Is(err, syscall.EROFS):
		advice = ": name a file in a folder that can be written to, or a key file that exists"
	}
	return fmt.Errorf("cannot create %s in the folder %s: %w%s", filepath.Base(path), folder, err, advice)
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
func createFile(path string, text []byte, link func(oldPath, newPath string) error) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".signing.key-*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	if err := write(file, text); err != nil {
		return err
	}
	err = link(file.Name(), path)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	return createDirectly(path, text)
}

// createDirectly is createFile for a file system without hard links, such as FAT,
// SMB and some that use FUSE. Their errors for a link differ. For a moment the file
// is empty, see AwaitKeys, but never incomplete: a key fits into one block, so
// one write writes all of it or nothing.
func createDirectly(path string, text []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := write(file, text); err != nil {
		os.Remove(path) // so that the next start can try again
		return err
	}
	return nil
}

// write writes text to file and closes it.
func write(file *os.File, text []byte) error {
	_, err := file.Write(text)
	return cmp.Or(err, file.Sync(), file.Close())
}
