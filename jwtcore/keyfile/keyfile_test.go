package keyfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tokenmint/jwtcore"
)

// publishedKey is a key that the service's specification publishes, so it is not a
// secret.
const publishedKey = "a9ddbcaba8c0ac1a0a812dc0c2f08514b23f2db0a68343cb8199ebb38a6d91e4ebfb378e22ad39c2d01d0b4ec9c34aa91056862ddace3fbbd6852ee60c36acbf"

// mint returns a token that depends only on key. The tokens of two keys are equal
// only if the keys are.
func mint(key *jwtcore.Key) string {
	return string(key.Mint(nil, jwtcore.Claims{IssuedAt: time.Unix(0, 0), Data: []byte(`1`)}))
}

// writeFile writes text to a file of the given name in folder, and returns its
// path.
func writeFile(t *testing.T, folder, name, text string) string {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestParseKey(t *testing.T) {
	long := func(c string, n int) string { return strings.Repeat(c, n) }
	tests := []struct {
		name, text, secret string
		reason             string // empty if the text is good
	}{
		{"a key", secretA, secretA, ""},
		{"LF", secretA + "\n", secretA, ""},
		{"CR LF", secretA + "\r\n", secretA, ""},
		{"CR", secretA + "\r", secretA, ""},
		{"hex is text", publishedKey, publishedKey, ""},
		{"not ASCII", long("é", 32), long("é", 32), ""},
		{"white space inside", long("a b", 32), long("a b", 32), ""},
		{"# inside", secretA + "#", secretA + "#", ""},
		{"quotes that differ", `"` + secretA + "'", `"` + secretA + "'", ""},
		{"a quote at the end", secretA + `"`, secretA + `"`, ""},
		{"a lower-case name", "key=" + secretA, "key=" + secretA, ""},
		{"a name that starts with a digit", "1A=" + secretA, "1A=" + secretA, ""},
		{"= after other characters", "A.B=" + secretA, "A.B=" + secretA, ""},
		{"only export", "export " + secretA, "export " + secretA, ""},
		{"the shortest", long("a", MinKeySize), long("a", MinKeySize), ""},
		{"the longest", long("a", MaxKeySize), long("a", MaxKeySize), ""},
		{"the longest, CR LF", long("a", MaxKeySize) + "\r\n", long("a", MaxKeySize), ""},

		{"too long", long("a", MaxKeySize+1), "", "line 1: 16385 bytes, but a key has at most 16384"},
		{"a byte short", long("a", 63), "", "line 1: 63 bytes, but HS512 needs at least 64 (RFC 7518 section 3.2)"},
		{"CR does not count", long("a", 63) + "\r", "", "line 1: 63 bytes"},
		{"two keys", secretA + "\n" + secretB, "", "more than one line: put several keys into a file"},
		{"two line breaks", secretA + "\n\n", "", "more than one line"},
		{"a line break before", "\n" + secretA, "", "more than one line"},
		{"a comment above", "# comment\n" + secretA, "", "more than one line"},
		{"a blank line below", secretA + "\n ", "", "more than one line"},
		{"empty", "", "", "there is no key"},
		{"a space", " ", "", "there is no key"},
		{"line breaks", "\r\n\n", "", "there is no key"},
		{"a comment", "# " + secretA, "", "there is no key"},
		{"a comment with LF", "#" + secretA + "\n", "", "there is no key"},
	}
	for _, test := range tests {
		key, _, err := ParseKey(test.text)
		if test.reason != "" {
			checkRefusal(t, test.name, test.text, test.reason, err, ErrKey)
		} else if err != nil {
			t.Errorf("%s: %v", test.name, err)
		} else if mint(key) != mint(jwtcore.NewKey(jwtcore.HS512, []byte(test.secret))) {
			t.Errorf("%s: the key is not %.80q", test.name, test.secret)
		}
	}
	for _, test := range lineTests {
		if strings.Contains(strings.TrimSuffix(test.text, "\n"), "\n") || test.reason == "" {
			continue
		}
		_, _, err := ParseKey(test.text)
		checkRefusal(t, test.name, test.text, test.reason, err, ErrKey)
	}
}

func TestWarningsAboutKeys(t *testing.T) {
	const published = "this key is published"
	const few = "this key has fewer than 8 different bytes"
	tests := []struct {
		name, text string
		want       []string // in the order of the lines
	}{
		{"good keys", secretA + "\n" + strings.Repeat("01234567", 8), nil},
		{"the published key", secretA + "\n" + publishedKey + "\r\n", []string{"line 2: " + published}},
		{"its characters in another order", publishedKey[1:] + publishedKey[:1], nil},
		{"few bytes", strings.Repeat("0123456", 10), []string{"line 1: " + few}},
		{"few characters of two bytes", strings.Repeat("éèêëàâ", 8), []string{"line 1: " + few}},
		{"all of them", "\n" + publishedKey + "\n#\n" + strings.Repeat("0", 64), []string{"line 2: " + published, "line 4: " + few}},
	}
	for _, test := range tests {
		path := writeFile(t, t.TempDir(), "signing.key", test.text)
		_, warnings, err := ReadKeys(path)
		if err != nil || !startWith(warnings, path+": ", test.want) {
			t.Errorf("%s: %q, %v, want %q", test.name, warnings, err, test.want)
		}
		for _, warning := range warnings {
			if strings.Contains(warning, "\n") || quotes(warning, test.text) {
				t.Errorf("%s: %q, want one line that quotes nothing", test.name, warning)
			}
		}
	}
	if _, warnings, err := ParseKey(publishedKey + "\n"); err != nil || !startWith(warnings, "", []string{"line 1: " + published}) {
		t.Errorf("ParseKey: %q, %v", warnings, err)
	}
}

// startWith reports whether each text starts with prefix and the start beside it.
func startWith(texts []string, prefix string, starts []string) bool {
	return slices.EqualFunc(texts, starts, func(text, start string) bool { return strings.HasPrefix(text, prefix+start) })
}

// checkFileError checks an error about the file at path, whose content is text.
func checkFileError(t *testing.T, path, text, reason string, err, class error) {
	t.Helper()
	checkRefusal(t, reason, text, reason, err, class)
	if err != nil && !strings.Contains(err.Error(), path) {
		t.Errorf("%v, want the path", err)
	}
}

func TestReadKeys(t *testing.T) {
	folder := t.TempDir()
	largest := strings.Repeat("#\n", (maxFileSize-len(secretA))/2) + secretA
	path := writeFile(t, folder, "largest", largest)
	if keys, warnings, err := ReadKeys(path); len(keys) != 1 || warnings != nil || err != nil || len(largest) != maxFileSize {
		t.Errorf("%d keys in %d bytes, %q, %v", len(keys), len(largest), warnings, err)
	}
	for text, reason := range map[string]string{
		"#\n" + largest[:maxFileSize-1]: "has more than 1048576 bytes",
		secretA[1:]:                     "line 1: 63 bytes",
		"\n":                            "there is no key",
	} {
		path := writeFile(t, folder, "bad", text)
		keys, warnings, err := ReadKeys(path)
		checkFileError(t, path, secretA, reason, err, ErrKey)
		if keys != nil || warnings != nil {
			t.Errorf("%s: %d keys, %q", reason, len(keys), warnings)
		}
	}
	_, _, err := ReadKeys(filepath.Join(folder, "missing"))
	checkFileError(t, filepath.Join(folder, "missing"), "", "no such file", err, ErrKey)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v, want fs.ErrNotExist", err)
	}
	_, _, err = ReadKeys(folder)
	checkFileError(t, folder, "", "is not a regular file", err, ErrKey)
}

// TestAwaitKeys reads a file that another process has created and not yet
// written to.
func TestAwaitKeys(t *testing.T) {
	const enough, tooLong = 1900 * time.Millisecond, 2100 * time.Millisecond
	tests := []struct {
		name   string
		after  time.Duration
		change func(path string) error
		want   error // nil if the key is read
	}{
		{"written in time", enough, func(path string) error { return os.WriteFile(path, []byte(secretA+"\n"), 0o600) }, nil},
		{"written too late", tooLong, func(path string) error { return os.WriteFile(path, []byte(secretA+"\n"), 0o600) }, ErrKey},
		{"removed, because the write failed", enough, os.Remove, fs.ErrNotExist},
	}
	for _, test := range tests {
		synctest.Test(t, func(t *testing.T) {
			path := writeFile(t, t.TempDir(), "signing.key", "")
			go func() {
				time.Sleep(test.after)
				if err := test.change(path); err != nil {
					t.Error(err)
				}
			}()
			keys, _, err := AwaitKeys(path)
			if !errors.Is(err, test.want) || (len(keys) == 1) != (test.want == nil) {
				t.Errorf("%s: %d keys, %v, want %v", test.name, len(keys), err, test.want)
			}
			time.Sleep(tooLong)
		})
	}
}
