// Package keyfile creates, reads and changes files of secrets: the keys that sign tokens,
// and the credentials of those who may mint. It also reads files of revoked tokens, whose
// lines are under similar rules: see ReadRevoked.
//
// Such a file is UTF-8 text with one secret a line. The secret is the text of its
// line itself: what looks like hex is not decoded. LF or CR LF ends a line. Blank
// lines and lines that start with # are skipped. In a file of keys, the first key
// mints, and all of them verify.
//
// A line that was probably not meant as it is written is an error, because its
// author would sign with a key that no one else has, or hand out a credential that
// does not work. These are lines with
//
//   - a byte order mark, or text that is not UTF-8,
//   - white space at the start or the end,
//   - quotes around the secret,
//   - an assignment, NAME=value or export NAME=value, with an upper-case name; but
//     a name that only = follows is a secret, in base32 or base64 with padding,
//   - a control character,
//   - a secret that an earlier line has,
//   - a secret that is too short or too long.
//
// Errors give the number of the line and say what to do. No error or warning quotes
// a secret.
package keyfile

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

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

	// minDifferentBytes is the number of different bytes below which a key is a
	// placeholder rather than random: the probability that 64 random hex digits
	// have fewer is about 10^-19.
	minDifferentBytes = 8

	// publishedKeyDigest is the SHA-256 of the key that the specification of the
	// service publishes for its test vectors.
	publishedKeyDigest = "3b86dc0ab5e052363ecb7e75774651d04d0fca333106143d90f9a8e5546b3b28"
)

// ErrKey is wrapped by all errors about keys, and about files of keys, that
// cannot be used.
var ErrKey = errors.New("unusable signing key")

var errNoKey = errors.New("there is no key: blank lines and lines that start with # do not count")

// ReadKeys returns the keys in the named file, for HS512. It is an error if there
// is no key, if a line breaks the rules of the package or if the file is not a
// regular file of at most 1 MiB. If the file does not exist, the error wraps
// fs.ErrNotExist, and Create can create it.
//
// The warnings, one line each, are about a file that users other than its owner and
// group can use, and about keys that can be guessed.
func ReadKeys(path string) (keys []*jwtcore.Key, warnings []string, err error) {
	text, mode, err := read(path)
	defer clear(text)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	keys, warnings, err = parseKeys(text)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	for i := range warnings {
		warnings[i] = path + ": " + warnings[i]
	}
	return keys, append(modeWarnings(path, mode), warnings...), nil
}

// createTime is the time that createDirectly may take from the creation of a file
// to the end of the write. After each pollInterval, a reader looks again.
const (
	createTime   = 2 * time.Second
	pollInterval = 20 * time.Millisecond
)

// AwaitKeys is ReadKeys for a process that starts. While there is no key in the file,
// it waits up to two seconds, because the Create of another process may be about to
// write one. Later, another program may be writing the file in pieces, of which
// AwaitKeys could return the first.
func AwaitKeys(path string) (keys []*jwtcore.Key, warnings []string, err error) {
	keys, warnings, err = ReadKeys(path)
	for waited := time.Duration(0); errors.Is(err, errNoKey) && waited < createTime; waited += pollInterval {
		time.Sleep(pollInterval)
		keys, warnings, err = ReadKeys(path)
	}
	return keys, warnings, err
}

// ParseKey returns the key in text, for HS512. Text is one line under the rules of
// the package, with or without its line break. The warnings are those of ReadKeys
// about a key.
func ParseKey(text string) (key *jwtcore.Key, warnings []string, err error) {
	if strings.Contains(strings.TrimSuffix(text, "\n"), "\n") && strings.TrimSpace(text) != "" {
		return nil, nil, fmt.Errorf("%w: more than one line: put several keys into a file", ErrKey)
	}
	keys, warnings, err := parseKeys([]byte(text))
	if err != nil {
		return nil, nil, err
	}
	return keys[0], warnings, nil
}

// parseKeys returns the keys in text, of which there is at least one. The warnings
// start with the number of a line.
func parseKeys(text []byte) (keys []*jwtcore.Key, warnings []string, err error) {
	lines, err := parseKeyLines(text)
	if err != nil {
		return nil, nil, err
	}
	for _, line := range lines {
		keys = append(keys, line.key())
		if weakness := weakness(line.secret); weakness != "" {
			warnings = append(warnings, fmt.Sprintf("line %d: %s", line.number, weakness))
		}
	}
	return keys, warnings, nil
}

// parseKeyLines returns the lines of text that hold a key, of which there is at least
// one.
func parseKeyLines(text []byte) ([]line, error) {
	lines, err := parseLines(text, checkKey)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("%w: %w", ErrKey, errNoKey)
	}
	return lines, nil
}

// key returns the key in l.
func (l line) key() *jwtcore.Key { return jwtcore.NewKey(jwtcore.HS512, l.secret) }

// checkKey returns an error if secret has too few or too many bytes for a key.
func checkKey(secret []byte) error {
	switch {
	case len(secret) < MinKeySize:
		return fmt.Errorf("%d bytes, but HS512 needs at least %d (RFC 7518 section 3.2)", len(secret), MinKeySize)
	case len(secret) > MaxKeySize:
		return fmt.Errorf("%d bytes, but a key has at most %d", len(secret), MaxKeySize)
	default:
		return nil
	}
}

// weakness returns why a key is easy to guess, or "" if no reason is known.
func weakness(secret []byte) string {
	different := map[byte]bool{}
	for _, b := range secret {
		different[b] = true
	}
	digest := sha256.Sum256(secret)
	switch {
	case hex.EncodeToString(digest[:]) == publishedKeyDigest:
		return "this key is published, so anyone can sign with it: replace it"
	case len(different) < minDifferentBytes:
		return fmt.Sprintf("this key has fewer than %d different bytes, so it is easy to guess: replace it with a random one", minDifferentBytes)
	default:
		return ""
	}
}
