package handlers

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"tokenmint/jwtcore"
	"tokenmint/jwtcore/ijson"
	"tokenmint/jwtcore/keyfile"
)

// Command is an execution of a command of the command line: what it reads and writes.
// All fields except Arguments are required.
type Command struct {
	Arguments []string // one value; if there is none, each line of Stdin is one
	Stdin     io.Reader
	Stdout    io.Writer
	Now       func() time.Time

	// Logger receives an error for each value that is malformed. It is never given a
	// part of the value.
	Logger *slog.Logger
}

// ErrReported means that some values were malformed, or tokens not valid. The Logger or
// the answers have the details.
var ErrReported = errors.New("some values were not good")

// Errors of values in the command line and on standard input.
var (
	errNoValue       = errors.New("neither an argument nor a line of standard input")
	errValueTooLarge = errors.New("it is too large: at most 256 KiB can be minted, claims included, and 512 KiB inspected")
	errNullUserData  = errors.New("null is not user_data: pass another JSON value, or -claims")
	errUnquoted      = errors.New(`a string needs quotes, "like this" (in a shell, '"like this"')`)
)

// Minting is what a command mints for each user data.
type Minting struct {
	Count     int            // tokens, at least 1
	ExpiresIn time.Duration  // as ParseExpiresIn returns it; 0 for tokens that do not expire
	Claims    jsontext.Value // an object with the additional claims, or nil
}

// Check returns an error that names the flag if a field of m is wrong. MaxExpiresIn is
// the longest lifetime of a token, or 0.
func (m Minting) Check(maxExpiresIn time.Duration) error {
	switch {
	case m.Count < 1:
		return errors.New("-n is less than 1")
	case maxExpiresIn > 0 && m.ExpiresIn == 0:
		return fmt.Errorf("-expires-in is required, because MAX_EXPIRES_IN (or -max-expires-in) is set: at most %v", maxExpiresIn)
	case maxExpiresIn > 0 && m.ExpiresIn > maxExpiresIn:
		return fmt.Errorf("-expires-in is longer than MAX_EXPIRES_IN (or -max-expires-in): at most %v", maxExpiresIn)
	case m.Claims == nil:
		return nil
	}
	if _, err := jwtcore.AppendClaims(nil, m.Claims); err != nil {
		return fmt.Errorf("-claims: %w", err)
	}
	return nil
}

// request returns the request for tokens with userData.
func (m Minting) request(userData []byte) (mintRequest, error) {
	request := mintRequest{userData: userData, claims: m.Claims, expiresIn: int64(m.ExpiresIn / time.Second)}
	if len(userData)+len(m.Claims) > maxMintBody { // could become a token that is too large to inspect
		return request, errValueTooLarge
	}
	err := ijson.Check(userData)
	switch {
	case err != nil && isUnquoted(userData):
		return request, fmt.Errorf("%w; %w", err, errUnquoted)
	case err != nil:
		return request, err
	case isNull(userData) && m.Claims == nil:
		return request, errNullUserData
	default:
		return request, nil
	}
}

// isUnquoted reports whether text, which is not JSON, may be a string without its quotes.
func isUnquoted(text []byte) bool {
	text = bytes.TrimSpace(text)
	return len(text) == 0 || strings.IndexByte(`{["`, text[0]) < 0
}

// Mint writes new tokens, one a line. The values of the command are user data. M must
// have passed its Check with the MaxExpiresIn of s.
func (s *Service) Mint(c Command, m Minting) error {
	v := newValues(c, "user_data", maxMintBody)
	random := bufio.NewReaderSize(rand.Reader, randomBuffer)
	return v.each(func(userData []byte) error {
		request, err := m.request(userData)
		for i := 0; i < m.Count && err == nil; i++ {
			if _, err = s.appendToken(&v.answer, request, v.now, random); err == nil {
				err = v.writeAnswer()
			}
		}
		return err
	})
}

// Inspect writes what POST /token/verify responds with for each token, a line each. It
// tries the service's own keys. The error is ErrReported unless all tokens verify and are
// valid.
func (s *Service) Inspect(c Command) error { return c.inspect(s.inspectWithOwnKeys) }

// InspectWithKeyFile is like Service.Inspect, but tries the one key in the named file. It
// may be of any length. Encoding is its form, see jwtcore.DecodeSecret.
func InspectWithKeyFile(c Command, path, encoding string) error {
	key, err := readInspectionKey(path, encoding)
	if err != nil {
		return err
	}
	defer clear(key)
	return c.inspect(func(request inspectRequest) (inspection, error) {
		request.signingKey, request.keyEncoding = bytes.Clone(key), []byte(encoding)
		return inspectWithKey(request)
	})
}

// readInspectionKey returns the text of the one key in the named file.
func readInspectionKey(path, encoding string) ([]byte, error) {
	text, err := keyfile.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("-key-file: %w", err)
	}
	text = bytes.TrimSuffix(bytes.TrimSuffix(text, []byte{'\n'}), []byte{'\r'})
	secret, err := jwtcore.DecodeSecret(text, encoding)
	clear(secret)
	switch {
	case len(text) == 0:
		err = errors.New("it has no key")
	case bytes.ContainsAny(text, "\r\n"):
		err = errors.New("it has more than one line: put the key alone into a file")
	}
	if err != nil {
		clear(text)
		return nil, fmt.Errorf("-key-file: %s: %w", path, err)
	}
	return text, nil
}

func (c Command) inspect(find func(request inspectRequest) (inspection, error)) error {
	v := newValues(c, "token", maxInspectBody)
	return v.each(func(token []byte) error {
		i, err := find(inspectRequest{token: token})
		if err != nil {
			return err
		}
		if !i.isGood(v.now) {
			v.failed = true
		}
		v.answer.text = i.appendTo(v.answer.text, v.now)
		joinLines(v.answer.text)
		return v.writeAnswer()
	})
}

// isGood reports whether the token verifies and is valid at now.
func (i inspection) isGood(now time.Time) bool {
	validity, ok := i.validity(now)
	return i.verdict == nil && (!ok || validity.State == jwtcore.StateValid)
}

// values are the values of a command, and its answers to them.
type values struct {
	command Command
	name    string     // of a value
	lines   lineReader // of standard input
	answer  answer     // to the current value
	answers *bufio.Writer
	failed  bool

	// now is the time when something was last read or written. It is at most a second
	// old: what fills a buffer takes much less.
	now time.Time
}

// newValues returns the values of c, of at most limit bytes each.
func newValues(c Command, name string, limit int) *values {
	v := &values{command: c, name: name, now: c.Now()}
	v.lines = lineReader{buffer: bufio.NewReaderSize(v, streamBuffer), limit: limit, memory: newBodyMemory(minBodyMemory)}
	v.answers = bufio.NewWriterSize(v, streamBuffer)
	return v
}

// each calls process with each value, and logs the errors that it returns. It is an error
// if there is no value.
func (v *values) each(process func(value []byte) error) error {
	var err error
	if len(v.command.Arguments) > 0 {
		err = v.take([]byte(v.command.Arguments[0]), process)
	} else {
		err = v.eachLine(process)
	}
	if writeErr := v.answers.Flush(); writeErr != nil { // also if an earlier write failed
		return fmt.Errorf("standard output: %w", writeErr)
	}
	if err == nil && v.failed {
		return ErrReported
	}
	return err
}

// eachLine is each for the lines of standard input.
func (v *values) eachLine(process func(value []byte) error) error {
	none := true
	for {
		l, ok := v.lines.next()
		if !ok || l.err == errBodyCutShort {
			break
		}
		none = false
		if err := v.takeLine(l, process); err != nil {
			return err
		}
	}
	switch {
	case v.lines.err != io.EOF:
		return fmt.Errorf("standard input: %w", v.lines.err)
	case none:
		return fmt.Errorf("no %s: %w", v.name, errNoValue)
	default:
		return nil
	}
}

// takeLine is take for a line.
func (v *values) takeLine(l line, process func(value []byte) error) error {
	defer l.release()
	if l.err != nil { // it is too long: there is memory for one long line
		return v.report(errValueTooLarge)
	}
	return v.take(bytes.TrimSuffix(l.text, []byte{'\r'}), process)
}

// take calls process with a value, and logs its error. The error that take returns is
// that of a write.
func (v *values) take(value []byte, process func(value []byte) error) error {
	v.answer.text = v.answer.text[:0]
	if err := process(value); err != nil {
		return v.report(err)
	}
	return nil
}

// report logs the error of the current value, after it has written the answers to those
// before. The error that it returns is that of a write.
func (v *values) report(err error) error {
	if err := v.answers.Flush(); err != nil {
		return err
	}
	v.failed = true
	label := v.name
	if v.lines.number > 0 {
		label = fmt.Sprintf("line %d", v.lines.number)
	}
	v.command.Logger.Error(label + ": " + err.Error())
	return nil
}

// writeAnswer writes the answer as a line, and makes room for another one.
func (v *values) writeAnswer() error {
	v.answer.text = append(v.answer.text, '\n')
	if len(v.answer.text) > v.answers.Available() { // so that an interrupt cuts no answer
		if err := v.answers.Flush(); err != nil {
			return err
		}
	}
	_, err := v.answers.Write(v.answer.text)
	v.answer.text = v.answer.text[:0]
	return err
}

// Read reads from standard input. Before it waits for that, it writes the answers that
// are ready.
func (v *values) Read(p []byte) (int, error) {
	if err := v.answers.Flush(); err != nil {
		return 0, err
	}
	n, err := v.command.Stdin.Read(p)
	v.now = v.command.Now()
	return n, err
}

// Write writes to standard output.
func (v *values) Write(p []byte) (int, error) {
	n, err := v.command.Stdout.Write(p)
	v.now = v.command.Now()
	return n, err
}
