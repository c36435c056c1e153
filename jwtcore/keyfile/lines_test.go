package keyfile

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode/utf16"

	"tokenmint/jwtcore"
)

// The secrets of the tests are as long as the shortest key, and have the characters
// of a credential.
var (
	secretA = strings.Repeat("firstKey", 8)
	secretB = strings.Repeat("2nd~KEY-", 8)
)

// inUTF16 returns text in UTF-16, without a byte order mark.
func inUTF16(text string, bigEndian bool) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(text)) {
		high, low := byte(unit>>8), byte(unit)
		if bigEndian {
			b.Write([]byte{high, low})
		} else {
			b.Write([]byte{low, high})
		}
	}
	return b.String()
}

// lineTests are texts of files of keys and of credentials, whose rules are the
// same.
var lineTests = []struct {
	name, text string
	secrets    []string
	reason     string // empty if the text is good
}{
	{"one secret", secretA, []string{secretA}, ""},
	{"LF", secretA + "\n", []string{secretA}, ""},
	{"CR LF", secretA + "\r\n", []string{secretA}, ""},
	{"CR", secretA + "\r", []string{secretA}, ""},
	{"two secrets", secretA + "\n" + secretB, []string{secretA, secretB}, ""},
	{"two secrets, CR LF", secretA + "\r\n" + secretB + "\r\n", []string{secretA, secretB}, ""},
	{"blank lines", "\n\r\n" + secretA + "\n \t\n\u00a0\n" + secretB + "\r\n\n", []string{secretA, secretB}, ""},
	{"comments", "#\n# comment\n" + secretA + "\n#" + secretB + "\r\n", []string{secretA}, ""},
	{"a comment of 64 bytes", "# comment " + strings.Repeat("c", 54) + "\n" + secretA, []string{secretA}, ""},
	{"a comment that is not UTF-8", "# cl\xe9\n" + secretA, []string{secretA}, ""},
	{"the same comment twice", "# comment\n# comment\n" + secretA, []string{secretA}, ""},
	{"base64 padding", "A" + secretA + "==", []string{"A" + secretA + "=="}, ""},
	{"base32 padding", strings.Repeat("ABCDEFGH", 8) + "======", []string{strings.Repeat("ABCDEFGH", 8) + "======"}, ""},
	{"a lower-case name", "signing_key" + strings.Repeat("=", 64), []string{"signing_key" + strings.Repeat("=", 64)}, ""},

	{"empty", "", nil, "there is no "},
	{"only blank lines", "\n\r\n  \n", nil, "there is no "},
	{"only comments", "# " + secretA + "\n#" + secretB, nil, "there is no "},
	{"comments at CR alone", "# comment\r" + secretA + "\r", nil, "there is no "},

	{"byte order mark", "\ufeff" + secretA, nil, "line 1: a byte order mark: "},
	{"byte order mark before a comment", "\ufeff# comment\n" + secretA, nil, "line 1: a byte order mark: "},
	{"byte order mark before a blank line", "\ufeff\r\n" + secretA, nil, "line 1: a byte order mark: "},
	{"byte order mark in a later line", secretA + "\n\ufeff" + secretB, nil, "line 2: a byte order mark: "},
	{"byte order mark in quotes", `"` + "\ufeff" + secretA + `"`, nil, "line 1: a byte order mark: "},
	{"byte order mark at the end", secretA + "\ufeff\n", nil, "line 1: a byte order mark: "},
	{"UTF-16 little-endian", "\xff\xfe" + inUTF16(secretA+"\r\n", false), nil, "line 1: a byte order mark of UTF-16: "},
	{"UTF-16 big-endian", "\xfe\xff" + inUTF16(secretA+"\r\n", true), nil, "line 1: a byte order mark of UTF-16: "},
	{"UTF-16 with a comment first", "\xff\xfe" + inUTF16("# comment\n"+secretA, false), nil, "line 1: a byte order mark of UTF-16: "},
	{"UTF-16 little-endian without a mark", inUTF16("# comment\n"+secretA, false), nil, "line 2: a control character"},
	{"UTF-16 big-endian without a mark", inUTF16("# comment\n"+secretA, true), nil, "line 1: a control character"},
	{"not UTF-8", secretA + "\n" + secretB + "\xff", nil, "line 2: not UTF-8: "},
	{"cut in a character", secretA + "\xc3", nil, "line 1: not UTF-8: "},
	{"a surrogate", secretA + "\xed\xa0\x80", nil, "line 1: not UTF-8: "},

	{"space before", " " + secretA, nil, "line 1: white space at the start or the end: "},
	{"space after", secretA + " \n", nil, "line 1: white space at the start or the end: "},
	{"space before CR LF", secretA + "\n" + secretB + " \r\n", nil, "line 2: white space at the start or the end: "},
	{"space before a comment", " # comment\n" + secretA, nil, "line 1: white space at the start or the end: "},
	{"tab after", secretA + "\t", nil, "line 1: white space at the start or the end: "},
	{"CR CR LF", secretA + "\r\r\n", nil, "line 1: white space at the start or the end: "},
	{"CR before", "\r" + secretA, nil, "line 1: white space at the start or the end: "},
	{"no-break space after", secretA + "\u00a0\n", nil, "line 1: white space at the start or the end: "},
	{"next line after", secretA + "\u0085\n", nil, "line 1: white space at the start or the end: "},
	{"line separator before", "\u2028" + secretA, nil, "line 1: white space at the start or the end: "},
	{"ideographic space after", secretA + "\u3000", nil, "line 1: white space at the start or the end: "},

	{"double quotes", `"` + secretA + `"`, nil, "line 1: quotes around the text: "},
	{"single quotes", "'" + secretA + "'\r\n", nil, "line 1: quotes around the text: "},
	{"only quotes", `""`, nil, "line 1: quotes around the text: "},

	{"assignment", "SIGNING_KEY=" + secretA, nil, "line 1: an assignment, NAME=value: "},
	{"assignment in quotes", `SIGNING_KEY="` + secretA + `"`, nil, "line 1: an assignment, NAME=value: "},
	{"export", "export SIGNING_KEY=" + secretA, nil, "line 1: an assignment, NAME=value: "},
	{"export with spaces", "export   K='" + secretA + "'", nil, "line 1: an assignment, NAME=value: "},
	{"assignment of padding", "_K2=" + strings.Repeat("=", 64) + "a", nil, "line 1: an assignment, NAME=value: "},
	{"assignment of a space", "A= " + secretA, nil, "line 1: an assignment, NAME=value: "},

	{"NUL", secretA + "\x00a", nil, "line 1: a control character"},
	{"tab", secretA + "\n" + secretB + "\ta", nil, "line 2: a control character"},
	{"CR inside", secretA + "\r" + secretB, nil, "line 1: a control character"},
	{"CR alone ends lines", secretA + "\r" + secretB + "\r", nil, "line 1: a control character"},
	{"vertical tab inside", secretA + "\v" + secretB, nil, "line 1: a control character"},
	{"escape", "\x1b[0m" + secretA, nil, "line 1: a control character"},
	{"the last of C0", secretA + "\x1fa", nil, "line 1: a control character"},
	{"DEL", secretA + "\x7f", nil, "line 1: a control character"},
	{"the first of C1", secretA + "\u0080", nil, "line 1: a control character"},
	{"next line inside", secretA + "\u0085a", nil, "line 1: a control character"},
	{"the last of C1", secretA + "\u009f", nil, "line 1: a control character"},

	{"the same twice", secretA + "\n" + secretA + "\n", nil, "line 2: the same as line 1: "},
	{"the same across comments", "# first\n" + secretA + "\r\n\n" + secretB + "\n# second\n" + secretA, nil, "line 6: the same as line 2: "},
	{"the second too short", secretA + "\nshort\n", nil, "line 2: 5 "},
}

func TestLinesOfKeys(t *testing.T) {
	for _, test := range lineTests {
		keys, _, err := parseKeys([]byte(test.text))
		if test.reason != "" {
			checkRefusal(t, test.name, test.text, test.reason, err, ErrKey)
			continue
		}
		if err != nil || len(keys) != len(test.secrets) {
			t.Errorf("%s: %d keys, %v", test.name, len(keys), err)
			continue
		}
		for i, secret := range test.secrets {
			if mint(keys[i]) != mint(jwtcore.NewKey(jwtcore.HS512, []byte(secret))) {
				t.Errorf("%s: key %d is not %q", test.name, i, secret)
			}
		}
	}
}

func TestLinesOfCredentials(t *testing.T) {
	for _, test := range lineTests {
		credentials, err := parseCredentials([]byte(test.text))
		if test.reason != "" {
			checkRefusal(t, test.name, test.text, test.reason, err, ErrCredential)
			continue
		}
		if err != nil || len(credentials) != len(test.secrets) {
			t.Errorf("%s: %d credentials, %v", test.name, len(credentials), err)
			continue
		}
		for i, secret := range test.secrets {
			if credentials[i] != NewCredential(secret) {
				t.Errorf("%s: credential %d is not %q", test.name, i, secret)
			}
		}
	}
}

// checkRefusal checks that err wraps class, has reason in its text, is one line and
// quotes no line of text.
func checkRefusal(t *testing.T, name, text, reason string, err, class error) {
	t.Helper()
	if !errors.Is(err, class) || !strings.Contains(err.Error(), reason) {
		t.Errorf("%s: %v, want a text with %q", name, err, reason)
		return
	}
	if strings.Contains(err.Error(), "\n") || quotes(err.Error(), text) {
		t.Errorf("%s: %q, want one line that quotes nothing", name, err)
	}
}

// quotes reports whether message contains 8 bytes of a line of text.
func quotes(message, text string) bool {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		for i := 0; i+8 <= len(line); i++ {
			if strings.Contains(message, line[i:i+8]) {
				return true
			}
		}
	}
	return false
}

// FuzzLines checks that a file of the secrets that were accepted holds the same
// secrets, that each of them is a line of the text, and that errors are one line
// and quote none.
func FuzzLines(f *testing.F) {
	for _, test := range lineTests {
		f.Add([]byte(test.text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		before := bytes.Clone(text)
		for name, check := range map[string]func([]byte) error{"key": checkKey, "credential": checkCredential} {
			lines, err := parseLines(text, check)
			if !bytes.Equal(text, before) {
				t.Fatalf("%s: the text was changed", name)
			}
			if err != nil {
				checkFuzzedError(t, text, err)
				continue
			}
			var file [][]byte
			for _, line := range lines {
				whole := bytes.Split(text, []byte{'\n'})[line.number-1]
				if !bytes.Equal(bytes.TrimSuffix(whole, []byte{'\r'}), line.secret) {
					t.Errorf("%s: line %d is %q, not the secret %q", name, line.number, whole, line.secret)
				}
				file = append(file, line.secret)
			}
			again, err := parseLines(bytes.Join(file, []byte{'\n'}), check)
			if err != nil || len(again) != len(lines) {
				t.Fatalf("%s: %d secrets, %v, want %d again", name, len(again), err, len(lines))
			}
			for i := range again {
				if !bytes.Equal(again[i].secret, lines[i].secret) {
					t.Errorf("%s: %q became %q", name, lines[i].secret, again[i].secret)
				}
			}
		}
		if _, _, err := ParseKey(string(text)); err != nil {
			checkFuzzedError(t, text, err)
		}
	})
}

// checkFuzzedError checks that err is one line and contains no line of text, unless
// that is so short that an error may have it by chance.
func checkFuzzedError(t *testing.T, text []byte, err error) {
	t.Helper()
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("%q has more than one line", err)
	}
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(line)
		if len(line) >= 8 && strings.Contains(err.Error(), string(line)) {
			t.Errorf("%q quotes %q", err, line)
		}
	}
}
