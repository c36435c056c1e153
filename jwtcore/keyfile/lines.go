package keyfile

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"unicode"
	"unicode/utf8"
)

// line is a line of a file that holds a secret.
type line struct {
	number int    // from 1
	secret []byte // a part of the file's text
}

// parseLines returns the lines of text that hold a secret. It returns an error if
// one of them breaks the rules of the package, or if check returns an error for a
// secret.
func parseLines(text []byte, check func(secret []byte) error) ([]line, error) {
	var lines []line
	numbers := map[[sha256.Size]byte]int{} // of the lines, by the digest of their secrets
	number := 0
	for secret := range bytes.Lines(text) {
		number++
		secret = trimLineBreak(secret)
		if len(bytes.TrimSpace(secret)) == 0 || secret[0] == '#' {
			continue
		}
		err := checkLine(secret)
		if err == nil {
			err = check(secret)
		}
		digest := sha256.Sum256(secret)
		if first := numbers[digest]; err == nil && first != 0 {
			err = fmt.Errorf("the same as line %d: remove one of them", first)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		numbers[digest] = number
		lines = append(lines, line{number, secret})
	}
	return lines, nil
}

// trimLineBreak removes LF, and then CR, from the end of line. The CR may be there
// without the LF, because what sets a variable often splits its file at LF alone.
func trimLineBreak(line []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte{'\n'}), []byte{'\r'})
}

// assignment matches a line of a file of environment variables. If only = follows
// the name, it is the padding of a secret in base32 or base64.
var assignment = regexp.MustCompile(`^(export +)?[A-Z_][A-Z0-9_]*=+[^=]`)

// isAssignment reports whether line is an assignment. Few lines of a long list get as far
// as the regular expression.
func isAssignment(line []byte) bool {
	return bytes.Contains(line, []byte{'='}) && assignment.Match(line)
}

// byteOrderMark is U+FEFF, with which some editors start each file.
const byteOrderMark = "\uFEFF"

// checkLine returns an error if secret, a line without its line break, is probably
// more or less than the secret that was meant.
func checkLine(secret []byte) error {
	first, last := secret[0], secret[len(secret)-1]
	switch {
	case bytes.Contains(secret, []byte(byteOrderMark)):
		return errors.New("a byte order mark: save the text as UTF-8 without one")
	case bytes.HasPrefix(secret, []byte("\xFF\xFE")), bytes.HasPrefix(secret, []byte("\xFE\xFF")):
		return errors.New("a byte order mark of UTF-16: save the text as UTF-8 without one")
	case !utf8.Valid(secret):
		return errors.New("not UTF-8: save the text as UTF-8, or spell random bytes in hex or base64")
	case len(bytes.TrimSpace(secret)) < len(secret):
		return errors.New("white space at the start or the end: remove it")
	case first == last && (first == '"' || first == '\''):
		return errors.New("quotes around the text: remove them")
	case isAssignment(secret):
		return errors.New("an assignment, NAME=value: keep only the value")
	case bytes.ContainsFunc(secret, unicode.IsControl):
		return errors.New("a control character, such as a tab: remove it")
	default:
		return nil
	}
}
