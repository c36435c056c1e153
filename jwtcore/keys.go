package jwtcore

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
)

const (
	// MinKeySize is the size in bytes of the shortest key that signs: as long
	// as the MAC itself, as RFC 7518 §3.2 demands of HS512.
	MinKeySize = 64

	// MaxKeySize is the size in bytes of the longest key that signs. With it,
	// and with every character of it escaped, the largest token still fits into
	// a request that inspects it.
	MaxKeySize = 16 << 10

	// maxKeyFileSize is far more than the keys of any rotation, and keeps a
	// wrong path, a device or a log say, from being read into memory.
	maxKeyFileSize = 1 << 20
)

// ParseKeys reads the service's own keys, one a line, of which the first mints
// and all verify. A key is the line's UTF-8 text itself: what looks like hex
// is not decoded. CR and LF at a line's end are not part of it, and blank
// lines are skipped. It fails with ErrKey for text without a key, and for a
// key under MinKeySize, over MaxKeySize or not in UTF-8, which no JSON string
// could carry to an inspection.
func ParseKeys(text []byte) ([]*Key, error) {
	var keys []*Key
	number := 0
	for line := range bytes.Lines(text) {
		number++
		secret := bytes.TrimRight(line, "\r\n")
		if len(bytes.TrimSpace(secret)) == 0 {
			continue
		}
		if err := checkSecret(secret); err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", ErrKey, number, err)
		}
		keys = append(keys, NewKey(HS512, secret))
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%w: there is none", ErrKey)
	}
	return keys, nil
}

func checkSecret(secret []byte) error {
	switch {
	case len(secret) < MinKeySize:
		return fmt.Errorf("%d bytes, where HS512 needs at least %d (RFC 7518 section 3.2)", len(secret), MinKeySize)
	case len(secret) > MaxKeySize:
		return fmt.Errorf("%d bytes, where %d are the most", len(secret), MaxKeySize)
	case !utf8.Valid(secret):
		return errors.New("it is not UTF-8 text")
	default:
		return nil
	}
}

// ReadKeyFile reads the keys in the file at path, as ParseKeys has them.
func ReadKeyFile(path string) ([]*Key, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxKeyFileSize+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	if len(text) > maxKeyFileSize {
		return nil, fmt.Errorf("%w: %s is over %d bytes", ErrKey, path, maxKeyFileSize)
	}
	keys, err := ParseKeys(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return keys, nil
}

// CreateKeyFile makes the file at path, mode 0600, with one key of 64 random
// bytes as 128 hex digits, unless something is there already, and reports
// whether it did. The file appears with the key in it or not at all, so of
// processes that start at once on one folder all read the same key.
func CreateKeyFile(path string) (created bool, err error) {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return false, nil // what is wrong with it, ReadKeyFile will say
	}
	temporary, err := writeNewKey(filepath.Dir(path))
	if err != nil {
		return false, fmt.Errorf("%w: cannot make %s: %w", ErrKey, path, err)
	}
	defer os.Remove(temporary)
	// A link, unlike a rename, never replaces the file of a faster process.
	switch err := os.Link(temporary, path); {
	case err == nil:
		return true, nil
	case errors.Is(err, fs.ErrExist):
		return false, nil
	default:
		return false, fmt.Errorf("%w: cannot make %s: %w", ErrKey, path, err)
	}
}

// writeNewKey writes a new key to a temporary file in folder, mode 0600, and
// returns the file's path.
func writeNewKey(folder string) (path string, err error) {
	file, err := os.CreateTemp(folder, ".signing.key-*")
	if err != nil {
		return "", err
	}
	secret := make([]byte, MinKeySize)
	rand.Read(secret) // does not fail: it would end the program first
	_, writeErr := fmt.Fprintln(file, hex.EncodeToString(secret))
	if err := cmp.Or(writeErr, file.Sync(), file.Close()); err != nil {
		os.Remove(file.Name())
		return "", err
	}
	return file.Name(), nil
}
