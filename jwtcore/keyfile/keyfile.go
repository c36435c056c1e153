// Package keyfile creates and reads files of signing keys.
//
// A key file is UTF-8 text with one key a line. The first key mints, and all of
// them verify. A key is the text of its line itself: what looks like hex is not
// decoded. CR and LF at the end of a line are not part of the key, and blank
// lines are skipped. No error quotes a key.
package keyfile

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"unicode/utf8"

	"tokenmint/jwtcore"
)

const (
	// MinKeySize is the size in bytes of the shortest key: the size of its MACs,
	// as RFC 7518 §3.2 requires for HS512.
	MinKeySize = 64

	// MaxKeySize is the size in bytes of the longest key. With such a key, even if
	// every character of it is escaped, the largest token still fits into a
	// request that inspects it.
	MaxKeySize = 16 << 10

	// maxFileSize is far more than the keys of any rotation need. It keeps a wrong
	// path, such as a log's or a device's, from filling the memory.
	maxFileSize = 1 << 20
)

// ErrKey is wrapped by all errors about keys, and about files of keys, that
// cannot be used.
var ErrKey = errors.New("unusable signing key")

// Parse returns the keys in text, the content of a key file, for HS512. It is an
// error if there is no key, or one that is shorter than MinKeySize, longer than
// MaxKeySize or not UTF-8, which no JSON string could carry to an inspection.
func Parse(text []byte) ([]*jwtcore.Key, error) {
	var keys []*jwtcore.Key
	number := 0
	for line := range bytes.Lines(text) {
		number++
		secret := bytes.TrimRight(line, "\r\n")
		if len(bytes.TrimSpace(secret)) == 0 {
			continue
		}
		if err := check(secret); err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", ErrKey, number, err)
		}
		keys = append(keys, jwtcore.NewKey(jwtcore.HS512, secret))
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%w: there is no key", ErrKey)
	}
	return keys, nil
}

// check returns an error if secret cannot be a key.
func check(secret []byte) error {
	switch {
	case len(secret) < MinKeySize:
		return fmt.Errorf("%d bytes, but HS512 needs at least %d (RFC 7518 section 3.2)", len(secret), MinKeySize)
	case len(secret) > MaxKeySize:
		return fmt.Errorf("%d bytes, but a key has at most %d", len(secret), MaxKeySize)
	case !utf8.Valid(secret):
		return errors.New("the key is not UTF-8 text")
	default:
		return nil
	}
}

// Read returns the keys in the named file, as Parse does.
func Read(path string) ([]*jwtcore.Key, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxFileSize+1))
	defer clear(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	if len(text) > maxFileSize {
		return nil, fmt.Errorf("%w: %s has more than %d bytes", ErrKey, path, maxFileSize)
	}
	keys, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return keys, nil
}

// Create creates the named file, mode 0600, with one key of 64 random bytes as
// 128 hex digits. It does nothing if the file exists. Created reports whether
// this call created the file.
//
// The file appears with the key in it or not at all. So processes that start at
// once in one folder all read the same key.
func Create(path string) (created bool, err error) {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return false, nil // Read returns any error
	}
	temporary, err := writeNewKey(filepath.Dir(path))
	if err != nil {
		return false, fmt.Errorf("%w: cannot create %s: %w", ErrKey, path, err)
	}
	defer os.Remove(temporary)
	// A link never replaces the file of a faster process, but a rename would.
	switch err := os.Link(temporary, path); {
	case err == nil:
		return true, nil
	case errors.Is(err, fs.ErrExist):
		return false, nil
	default:
		return false, fmt.Errorf("%w: cannot create %s: %w", ErrKey, path, err)
	}
}

// writeNewKey writes a new key to a temporary file in folder, mode 0600, and
// returns the path of the file.
func writeNewKey(folder string) (path string, err error) {
	file, err := os.CreateTemp(folder, ".signing.key-*")
	if err != nil {
		return "", err
	}
	secret := make([]byte, MinKeySize)
	rand.Read(secret) // never fails: it would crash the program first
	_, writeErr := fmt.Fprintln(file, hex.EncodeToString(secret))
	if err := cmp.Or(writeErr, file.Sync(), file.Close()); err != nil {
		os.Remove(file.Name())
		return "", err
	}
	return file.Name(), nil
}
