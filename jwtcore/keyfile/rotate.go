package keyfile

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

var (
	// ErrRotation is wrapped by all errors of AddKey, PromoteKey and RemoveKey.
	ErrRotation = errors.New("keys not changed")

	// ErrFingerprint is wrapped by errors about a text that is no fingerprint. They
	// do not quote it, because it may be a key.
	ErrFingerprint = errors.New("not a fingerprint, which has 8 hex digits")
)

// AddKey adds a new key, like that of Create, below the other lines of the named file,
// and returns its fingerprint. It is an error if a line of the file breaks the rules of
// the package.
//
// AddKey, PromoteKey and RemoveKey keep the comments and blank lines where they are, and
// the owner and the mode of the file. They replace the file in one step, so that its
// readers see either the old keys or the new ones. A file that cannot be replaced is
// written in place, and then one of the warnings says so. The others are those of
// ReadKeys about the mode. On an error the file is as it was before. Calls for the same
// file wait for each other, in this process and in others.
func AddKey(path string) (fingerprint string, warnings []string, err error) {
	fingerprints, warnings, err := editKeys(path, addKey)
	if err != nil {
		return "", nil, err
	}
	return fingerprints[len(fingerprints)-1], warnings, nil
}

// PromoteKey moves a key of the named file above the others, so that it mints: the
// key with the fingerprint or, if that is empty, the last key. It returns the
// fingerprint of the key, and does nothing if the key mints already.
func PromoteKey(path, fingerprint string) (promoted string, warnings []string, err error) {
	fingerprints, warnings, err := editKeys(path, func(text []byte, keys []line) ([]byte, error) {
		return promoteKey(text, keys, fingerprint)
	})
	if err != nil {
		return "", nil, err
	}
	return fingerprints[0], warnings, nil
}

// RemoveKey removes the key with the fingerprint from the named file. It is an error
// if that key mints.
func RemoveKey(path, fingerprint string) (warnings []string, err error) {
	_, warnings, err = editKeys(path, func(text []byte, keys []line) ([]byte, error) {
		return removeKey(text, keys, fingerprint)
	})
	return warnings, err
}

// editKeys changes the named file to what edit returns for its text and for the lines
// of it that hold a key. It returns the fingerprints of the keys that the file then has.
func editKeys(path string, edit func(text []byte, keys []line) ([]byte, error)) (fingerprints []string, warnings []string, err error) {
	warnings, err = editFile(path, func(text []byte) ([]byte, error) {
		keys, err := parseKeyLines(text)
		if err != nil {
			return nil, err
		}
		edited, err := edit(text, keys)
		if err != nil {
			return nil, err
		}
		if len(edited) > maxFileSize {
			return nil, fmt.Errorf("the file would have more than %d bytes", maxFileSize)
		}
		keys, err = parseKeyLines(edited) // so that no edit can make a bad file
		fingerprints = fingerprintsOf(keys)
		return edited, err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w: %w", path, ErrRotation, err)
	}
	return fingerprints, warnings, nil
}

// fingerprintsOf returns the fingerprints of keys.
func fingerprintsOf(keys []line) []string {
	var fingerprints []string
	for _, key := range keys {
		fingerprints = append(fingerprints, key.key().Fingerprint())
	}
	return fingerprints
}

// addKey returns text with the line of a new key at its end.
func addKey(text []byte, _ []line) ([]byte, error) {
	newKey := bytes.TrimSuffix(newKeyText(), []byte{'\n'})
	return slices.Concat(endLastLine(text), newKey, lineBreak(text)), nil
}

// promoteKey returns text with the line of a key directly above that of the first
// one.
func promoteKey(text []byte, keys []line, fingerprint string) ([]byte, error) {
	promoted := keys[len(keys)-1]
	if fingerprint != "" {
		var err error
		if promoted, err = findKey(keys, fingerprint); err != nil {
			return nil, err
		}
	} else if len(keys) == 1 {
		return nil, errors.New("there is only one key: add another one first")
	}
	if promoted.number == keys[0].number {
		return text, nil
	}
	lines := slices.Collect(bytes.Lines(endLastLine(text)))
	line := lines[promoted.number-1]
	lines = slices.Delete(lines, promoted.number-1, promoted.number)
	lines = slices.Insert(lines, keys[0].number-1, line)
	return bytes.Join(lines, nil), nil
}

// removeKey returns text without the line of the key with the fingerprint.
func removeKey(text []byte, keys []line, fingerprint string) ([]byte, error) {
	removed, err := findKey(keys, fingerprint)
	if err != nil {
		return nil, err
	}
	if removed.number == keys[0].number {
		return nil, fmt.Errorf("the key %s mints: promote another key first", removed.key().Fingerprint())
	}
	lines := slices.Collect(bytes.Lines(text))
	return bytes.Join(slices.Delete(lines, removed.number-1, removed.number), nil), nil
}

// findKey returns the one of keys that has the fingerprint, whose letter case does
// not matter.
func findKey(keys []line, fingerprint string) (line, error) {
	if _, err := hex.DecodeString(fingerprint); err != nil || len(fingerprint) != 8 {
		return line{}, ErrFingerprint
	}
	fingerprint = strings.ToLower(fingerprint)
	fingerprints := fingerprintsOf(keys)
	found := slices.Index(fingerprints, fingerprint)
	if found < 0 {
		return line{}, fmt.Errorf("no key has the fingerprint %s: the file has %s", fingerprint, strings.Join(fingerprints, ", "))
	}
	if other := slices.Index(fingerprints[found+1:], fingerprint); other >= 0 {
		return line{}, fmt.Errorf("two keys have the fingerprint %s, in the lines %d and %d: edit the file by hand", fingerprint, keys[found].number, keys[found+1+other].number)
	}
	return keys[found], nil
}

// endLastLine returns text with a line break at its end.
func endLastLine(text []byte) []byte {
	switch {
	case bytes.HasSuffix(text, []byte{'\n'}):
		return text
	case bytes.HasSuffix(text, []byte{'\r'}):
		return slices.Concat(text, []byte{'\n'})
	default:
		return slices.Concat(text, lineBreak(text))
	}
}

// lineBreak returns the line break of the first line of text.
func lineBreak(text []byte) []byte {
	first, _, _ := bytes.Cut(text, []byte{'\n'})
	if bytes.HasSuffix(first, []byte{'\r'}) {
		return []byte("\r\n")
	}
	return []byte{'\n'}
}
