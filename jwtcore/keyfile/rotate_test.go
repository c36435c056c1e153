package keyfile

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// secretC is a third secret for the tests.
var secretC = strings.Repeat("ThirdKey", 8)

// The fingerprints of the secrets.
const (
	fingerprintA = "fe4bb582"
	fingerprintB = "fdf30d4e"
	fingerprintC = "451d6e3b"
)

// Two keys with one fingerprint.
var (
	twin1 = fmt.Sprintf("%064d", 18615)
	twin2 = fmt.Sprintf("%064d", 29152)
)

const fingerprintOfTwins = "e2ff789a"

// shorthand abbreviates the secrets in the tables of the tests.
var shorthand = strings.NewReplacer("A", secretA, "B", secretB, "C", secretC, "1", twin1, "2", twin2)

// newKey matches a key that AddKey has made.
var newKey = regexp.MustCompile(`\b[0-9a-f]{128}\b`)

// addTests are texts before and after addKey, in which N is the new key.
var addTests = []struct{ name, text, want string }{
	{"one key", "A\n", "A\nN\n"},
	{"two keys", "A\nB\n", "A\nB\nN\n"},
	{"no line break at the end", "A", "A\nN\n"},
	{"no line break after two keys", "A\nB", "A\nB\nN\n"},
	{"no line break after a comment", "A\n# b", "A\n# b\nN\n"},
	{"no line break after spaces", "A\n  ", "A\n  \nN\n"},
	{"CR LF", "A\r\n", "A\r\nN\r\n"},
	{"CR LF, but not at the end", "A\r\nB", "A\r\nB\r\nN\r\n"},
	{"CR at the end", "A\r", "A\r\nN\r\n"},
	{"CR LF and CR", "A\r\nB\r", "A\r\nB\r\nN\r\n"},
	{"LF and CR", "A\nB\r", "A\nB\r\nN\n"},
	{"CR LF after LF", "A\nB\r\n", "A\nB\r\nN\n"},
	{"blank lines and comments", "\n# a\nA\n\n\n", "\n# a\nA\n\n\nN\n"},
}

func TestAddKeyToText(t *testing.T) {
	for _, test := range addTests {
		text := []byte(shorthand.Replace(test.text))
		edited, err := addKey(text, nil)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if got := newKey.ReplaceAllString(string(edited), "N"); got != shorthand.Replace(test.want) {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
		if string(text) != shorthand.Replace(test.text) {
			t.Errorf("%s: the old text was changed", test.name)
		}
	}
}

// editTests are texts before and after an edit of the key with the fingerprint.
var editTests = []struct {
	name, text, fingerprint string
	promoted, removed       string // or reasons of errors, if they do not end in a line
}{
	{"the last of two", "A\nB\n", fingerprintB, "B\nA\n", "A\n"},
	{"the last of three", "A\nB\nC\n", fingerprintC, "C\nA\nB\n", "A\nB\n"},
	{"the second of three", "A\nB\nC\n", fingerprintB, "B\nA\nC\n", "A\nC\n"},
	{"the first", "A\nB\n", fingerprintA, "A\nB\n", "the key fe4bb582 mints: promote another key first"},
	{"the only one", "A\n", fingerprintA, "A\n", "the key fe4bb582 mints"},
	{"the first, no line break at the end", "A\nB", fingerprintA, "A\nB", "mints"},
	{"upper case", "A\nB\n", strings.ToUpper(fingerprintB), "B\nA\n", "A\n"},
	{"no line break at the end", "A\nB", fingerprintB, "B\nA\n", "A\n"},
	{"no line break at the end of another", "A\nB\nC", fingerprintB, "B\nA\nC\n", "A\nC"},
	{"CR LF", "A\r\nB\r\nC", fingerprintC, "C\r\nA\r\nB\r\n", "A\r\nB\r\n"},
	{"CR at the end", "A\nB\r", fingerprintB, "B\r\nA\n", "A\n"},
	{"different line breaks", "A\nB\r\nC\n", fingerprintB, "B\r\nA\nC\n", "A\nC\n"},
	{"comments", "# top\n\n# a\nA\n# b\nB\n# end\n", fingerprintB, "# top\n\n# a\nB\nA\n# b\n# end\n", "# top\n\n# a\nA\n# b\n# end\n"},
	{"comments of old keys", "#B\nA\n#A\nB\n#B", fingerprintB, "#B\nB\nA\n#A\n#B\n", "#B\nA\n#A\n#B"},
	{"a comment in Latin-1", "# cl\xe9\nA\nB\n", fingerprintB, "# cl\xe9\nB\nA\n", "# cl\xe9\nA\n"},

	{"another key", "A\nB\n", fingerprintC, "no key has the fingerprint 451d6e3b: the file has fe4bb582, fdf30d4e", "no key has the fingerprint 451d6e3b"},
	{"a key in a comment", "A\n#B\n", fingerprintB, "no key has the fingerprint fdf30d4e: the file has fe4bb582", "no key has"},
	{"two keys with one fingerprint", "A\n1\n2\n", fingerprintOfTwins, "two keys have the fingerprint e2ff789a, in the lines 2 and 3: edit", "two keys have"},
	{"the first of two with one fingerprint", "1\nA\n\n2\n", fingerprintOfTwins, "in the lines 1 and 4", "two keys have"},
	{"a key as a fingerprint", "A\nB\n", secretB, "not a fingerprint, which has 8 hex digits", "not a fingerprint"},
	{"a part of a key", "A\nB\n", secretB[:8], "not a fingerprint", "not a fingerprint"},
	{"7 digits", "A\nB\n", fingerprintB[1:], "not a fingerprint", "not a fingerprint"},
	{"10 digits", "A\nB\n", fingerprintB + "00", "not a fingerprint", "not a fingerprint"},
	{"white space", "A\nB\n", fingerprintB + " ", "not a fingerprint", "not a fingerprint"},
	{"no fingerprint, two keys", "A\nB\n", "", "B\nA\n", "not a fingerprint"},
	{"no fingerprint, three keys", "A\nB\nC", "", "C\nA\nB\n", "not a fingerprint"},
	{"no fingerprint, two keys with the same", "A\n1\n2\n", "", "2\nA\n1\n", "not a fingerprint"},
	{"no fingerprint, one key", "# a\nA\n# b\n", "", "there is only one key: add another one first", "not a fingerprint"},
}

func TestEditKeysInText(t *testing.T) {
	for _, test := range editTests {
		for i, edit := range []func([]byte, []line, string) ([]byte, error){promoteKey, removeKey} {
			want := []string{test.promoted, test.removed}[i]
			text := []byte(shorthand.Replace(test.text))
			keys, err := parseKeyLines(text)
			if err != nil {
				t.Fatal(err)
			}
			edited, err := edit(text, keys, test.fingerprint)
			if string(text) != shorthand.Replace(test.text) {
				t.Errorf("%s: the old text was changed", test.name)
			}
			if strings.Contains(want, "A") {
				if err != nil || string(edited) != shorthand.Replace(want) {
					t.Errorf("%s: got %q, %v, want %q", test.name, edited, err, want)
				}
				continue
			}
			class := err // any
			if strings.HasPrefix(want, "not a") {
				class = ErrFingerprint
			}
			checkRefusal(t, test.name, secretA+"\n"+secretB+"\n"+secretC, want, err, class)
		}
	}
}

// otherLines returns the lines of text that hold no key, with their line breaks.
func otherLines(text []byte, keys []line) [][]byte {
	lines := slices.Collect(bytes.Lines(text))
	for i, key := range keys {
		lines = slices.Delete(lines, key.number-1-i, key.number-i)
	}
	return lines
}

// secretsOf returns the secrets in keys.
func secretsOf(keys []line) (secrets []string) {
	for _, key := range keys {
		secrets = append(secrets, string(key.secret))
	}
	return secrets
}

// FuzzEdits edits each good text. The keys must be the promised ones, and all other
// lines must stay as they are, except that the last one may get a line break.
func FuzzEdits(f *testing.F) {
	for _, test := range addTests {
		f.Add([]byte(shorthand.Replace(test.text)), uint(0))
	}
	for i, test := range editTests {
		f.Add([]byte(shorthand.Replace(test.text)), uint(i))
	}
	for i, test := range lineTests {
		f.Add([]byte(test.text), uint(i))
	}
	f.Fuzz(func(t *testing.T, text []byte, n uint) {
		keys, err := parseKeyLines(text)
		if err != nil {
			return
		}
		secrets := secretsOf(keys)
		chosen := int(n % uint(len(keys)))
		fingerprint := keys[chosen].key().Fingerprint()
		if fingerprints := fingerprintsOf(keys); slices.Index(fingerprints, fingerprint) != chosen || slices.Contains(fingerprints[chosen+1:], fingerprint) {
			return // two keys have it
		}

		added, err := addKey(text, keys)
		if err != nil {
			t.Fatal(err)
		}
		after := checkEdit(t, "add", text, added)
		if len(after) != len(secrets)+1 || !slices.Equal(after[:len(secrets)], secrets) || !newKey.MatchString(after[len(secrets)]) {
			t.Errorf("add: %q became %q", secrets, after)
		}

		promoted, err := promoteKey(text, keys, fingerprint)
		if err != nil {
			t.Fatal(err)
		}
		want := slices.Insert(slices.Delete(slices.Clone(secrets), chosen, chosen+1), 0, secrets[chosen])
		if after := checkEdit(t, "promote", text, promoted); !slices.Equal(after, want) {
			t.Errorf("promote %d: %q became %q", chosen, secrets, after)
		}

		removed, err := removeKey(text, keys, fingerprint)
		if chosen == 0 {
			if err == nil {
				t.Errorf("the first key was removed")
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if after := checkEdit(t, "remove", text, removed); !slices.Equal(after, slices.Delete(secrets, chosen, chosen+1)) {
			t.Errorf("remove %d: the keys are %q", chosen, after)
		}
	})
}

// checkEdit checks that edited is a good text with the same other lines as text. It
// returns the secrets in edited.
func checkEdit(t *testing.T, name string, text, edited []byte) []string {
	t.Helper()
	before, err := parseKeyLines(text)
	if err != nil {
		t.Fatalf("%s: the old text was changed: %v", name, err)
	}
	after, err := parseKeyLines(edited)
	if err != nil {
		t.Fatalf("%s: %q became %q: %v", name, text, edited, err)
	}
	same := func(a, b []byte) bool {
		return bytes.Equal(a, b) || bytes.Equal(trimLineBreak(a), trimLineBreak(b)) && !bytes.HasSuffix(a, []byte{'\n'})
	}
	if !slices.EqualFunc(otherLines(text, before), otherLines(edited, after), same) {
		t.Errorf("%s: %q became %q", name, text, edited)
	}
	return secretsOf(after)
}

// TestFingerprintsOfLines checks that fingerprints are those of the keys that sign.
func TestFingerprintsOfLines(t *testing.T) {
	text := shorthand.Replace("# top\nA\nB\r\nC")
	lines, err := parseKeyLines([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	keys, _, err := parseKeys([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for i, fingerprint := range fingerprintsOf(lines) {
		if keys[i].Fingerprint() != fingerprint || fingerprint != []string{fingerprintA, fingerprintB, fingerprintC}[i] {
			t.Errorf("key %d: %s, want %s", i, fingerprint, keys[i].Fingerprint())
		}
	}
}
