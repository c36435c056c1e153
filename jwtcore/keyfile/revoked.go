package keyfile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"

	"tokenmint/jwtcore"
)

const (
	// maxRevokedLine is the number of bytes in the longest line of a file of revoked
	// tokens: far more than an id needs. The rest of a longer line is not kept.
	maxRevokedLine = 16 << 10

	// maxFaults is the number of wrong lines that an error names. It counts the others.
	maxFaults = 3
)

// ErrRevoked is wrapped by all errors about files of revoked tokens that cannot be used,
// or of which some lines cannot.
var ErrRevoked = errors.New("unusable list of revoked tokens")

// Revoked is a set of revoked tokens. It is immutable, so goroutines can share it.
type Revoked struct {
	ids       *digests
	before    time.Time
	hasBefore bool // because before may be any time
}

// ReadRevoked returns the tokens that the named file revokes. A line of it is the "jti"
// of a token, or "before" and a time (RFC 3339), which revokes the tokens that were
// issued earlier or do not say when. If there are several times, the latest one counts.
// Lines are under the rules of the package, except that they may repeat, and have no
// white space but that after "before". The file must be a regular file. Its size is not
// limited: it is read in pieces.
//
// If some lines are wrong, the error names the first of them, and revoked is what the
// good lines revoke. If the file cannot be read at all, revoked is nil. If it does not
// exist, the error wraps fs.ErrNotExist.
//
// The warnings, one line each, are about a file that users other than its owner and
// group can use.
func ReadRevoked(path string) (revoked *Revoked, warnings []string, err error) {
	file, mode, err := openRegular(path, os.O_RDONLY)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrRevoked, err)
	}
	defer file.Close()
	revoked, err = parseRevoked(file)
	if err != nil {
		return revoked, nil, fmt.Errorf("%s: %w: %w", path, ErrRevoked, err)
	}
	return revoked, modeWarnings(path, mode), nil
}

// parseRevoked returns the tokens that the good lines of text revoke. It reads text
// twice, to count the ids before it makes room for them: a slice that grows leaves four
// times its size behind, which the garbage collector lets pile up.
func parseRevoked(text io.ReadSeeker) (*Revoked, error) {
	r := new(Revoked)
	count := 0
	r.readLines(text, func([]byte) { count++ }) // the second time returns the error
	if _, err := text.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	ids := make([]digest, 0, count)
	err := r.readLines(text, func(id []byte) { ids = append(ids, newDigest(id)) })
	r.ids = newDigests(ids)
	return r, err
}

// readLines calls addID for each id in text, and keeps the latest time in it. The error
// names the lines that are wrong.
func (r *Revoked) readLines(text io.Reader, addID func(id []byte)) error {
	reader := bufio.NewReader(text)
	var line []byte
	var err error
	var faults faults
	for number := 1; err == nil; number++ {
		line, err = nextLine(reader, line)
		if fault := r.parseLine(trimLineBreak(line), addID); fault != nil {
			faults.add(number, fault)
		}
	}
	if err != io.EOF {
		return err
	}
	return faults.err()
}

// nextLine returns the next line of a file, with its line break, in the memory of line.
// It leaves out the end of a line that is too long.
func nextLine(reader *bufio.Reader, line []byte) ([]byte, error) {
	const room = maxRevokedLine + len("\r\n") + 1
	line = line[:0]
	for {
		part, err := reader.ReadSlice('\n')
		line = append(line, part[:min(len(part), room-len(line))]...)
		if err != bufio.ErrBufferFull {
			return line, err
		}
	}
}

// parseLine calls addID if line is an id, or keeps the time in it if that is the latest.
// It returns an error if line is neither of these, nor blank, nor a comment.
func (r *Revoked) parseLine(line []byte, addID func(id []byte)) error {
	switch {
	case bytes.HasPrefix(line, []byte{'#'}):
		return nil
	case len(line) > maxRevokedLine:
		return fmt.Errorf("more than %d bytes", maxRevokedLine)
	case len(bytes.TrimSpace(line)) == 0:
		return nil
	}
	if err := checkLine(line); err != nil {
		return err
	}
	first, rest, _ := bytes.Cut(line, []byte{' '})
	switch {
	case string(first) == "before":
		return r.parseTime(bytes.TrimSpace(rest))
	case bytes.ContainsFunc(line, unicode.IsSpace):
		return errors.New("white space inside: write one jti a line, or before and a time")
	}
	if err := checkID(line); err != nil {
		return err
	}
	addID(line)
	return nil
}

// checkID returns an error if line is probably not the id that was meant: a line that
// was meant to revoke something must not be ignored.
func checkID(line []byte) error {
	switch {
	case isToken(line):
		return errors.New("a whole token: write only its jti")
	case isTime(line), bytes.HasPrefix(line, []byte("before=")), bytes.HasPrefix(line, []byte("before:")):
		return errors.New("a time needs the word before and a space in front of it")
	case bytes.ContainsAny(line[:1], `"'`), bytes.ContainsAny(line[len(line)-1:], `"',;`):
		return errors.New("punctuation around the text: write only the jti")
	case bytes.ContainsFunc(line, func(r rune) bool { return unicode.Is(unicode.Cf, r) }):
		return errors.New("an invisible character: write only the jti")
	default:
		return nil
	}
}

// isToken reports whether line is a token, whose id is elsewhere.
func isToken(line []byte) bool {
	if bytes.Count(line, []byte{'.'}) != 2 {
		return false // without the cost of an error, a million times
	}
	_, err := jwtcore.Parse(string(line))
	return err == nil
}

// isTime reports whether line is a time alone.
func isTime(line []byte) bool {
	if len(line) < len("2006-01-02T5:04:05Z") || line[4] != '-' || line[7] != '-' {
		return false // without the cost of an error, a million times
	}
	_, err := time.Parse(time.RFC3339, string(line))
	return err == nil
}

// parseTime keeps the time in text if it is the latest.
func (r *Revoked) parseTime(text []byte) error {
	before, err := time.Parse(time.RFC3339, string(text))
	if err != nil { // which quotes the text
		return errors.New("no time of RFC 3339 after before: write it like 2026-01-31T18:00:00Z")
	}
	r.revokeBefore(before)
	return nil
}

// revokeBefore revokes the tokens that were issued before a time.
func (r *Revoked) revokeBefore(before time.Time) {
	if !r.hasBefore || before.After(r.before) {
		r.before, r.hasBefore = before, true
	}
}

// faults are the errors in the lines of a file.
type faults struct {
	first []string
	count int
}

func (f *faults) add(number int, fault error) {
	f.count++
	if f.count <= maxFaults {
		f.first = append(f.first, fmt.Sprintf("line %d: %v", number, fault))
	}
}

// err returns the faults as one error, or nil if there are none.
func (f *faults) err() error {
	text := strings.Join(f.first, "; ")
	switch more := f.count - len(f.first); {
	case f.count == 0:
		return nil
	case more == 0:
		return errors.New(text)
	default:
		return fmt.Errorf("%s; and %d more", text, more)
	}
}

// Revokes reports whether the token is revoked.
func (r *Revoked) Revokes(token *jwtcore.Token) bool {
	if id, ok := token.ID(); ok && r.ids.contain(newDigest([]byte(id))) {
		return true
	}
	issuedAt, ok := token.IssuedAt()
	return r.hasBefore && (!ok || issuedAt.Before(r.before))
}

// With returns the union of the two sets.
func (r *Revoked) With(other *Revoked) *Revoked {
	union := &Revoked{ids: r.ids.with(other.ids), before: r.before, hasBefore: r.hasBefore}
	if other.hasBefore {
		union.revokeBefore(other.before)
	}
	return union
}

// Len returns the number of ids in the set.
func (r *Revoked) Len() int { return r.ids.len() }

// Before returns the time before which all tokens are revoked. Ok is false if there is
// none.
func (r *Revoked) Before() (before time.Time, ok bool) { return r.before, r.hasBefore }
