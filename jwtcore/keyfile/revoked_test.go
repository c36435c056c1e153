package keyfile

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode"

	"tokenmint/jwtcore"
)

// tokenOf returns a token with claims.
func tokenOf(t testing.TB, claims string) *jwtcore.Token {
	t.Helper()
	token, err := jwtcore.Parse("e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".")
	if err != nil {
		t.Fatalf("%s: %v", claims, err)
	}
	return &token
}

// tokenWithID returns a token whose "jti" is id.
func tokenWithID(t testing.TB, id string) *jwtcore.Token {
	t.Helper()
	text, err := json.Marshal(id)
	if err != nil {
		t.Fatal(err)
	}
	return tokenOf(t, `{"iat":1668676907,"jti":`+string(text)+`}`)
}

// mustRevoke returns what text revokes. All lines of it are good.
func mustRevoke(t testing.TB, text string) *Revoked {
	t.Helper()
	revoked, err := parseRevoked(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return revoked
}

func TestRevokedIDs(t *testing.T) {
	for _, id := range []string{
		"0e5cdc4bc96a19d7fdb331ec8113dad0",
		"0E5CDC4B-C96A-19D7-FDB3-31EC8113DAD0",
		"https://example.com/tokens?a=b&c=%20#fragment",
		"urn:ietf:rfc:7519",
		"7", "-", "\\", `a"b`, "a,b", "a.b.c", "x#y", "before-2026", "Before", "beforehand", "jti=5",
		"é", "日本語😀", "e\u0301", "2026-01-31", "before-2026-01-31T18:00:00Z",
		strings.Repeat("x", maxRevokedLine),
	} {
		revoked := mustRevoke(t, "# comment\n\n"+id+"\r\nother\n"+id+"\n"+id)
		if revoked.Len() != 2 || !revoked.Revokes(tokenWithID(t, id)) {
			t.Errorf("%.50q is not revoked, or not once, by %d ids", id, revoked.Len())
		}
		for _, other := range []string{id + " ", id + "\n", id + "x", strings.ToUpper(id) + "x", "", "#"} {
			if revoked.Revokes(tokenWithID(t, other)) {
				t.Errorf("%.50q is revoked by %.50q", other, id)
			}
		}
	}
}

// TestRevokedClaims compares a file with tokens in other spellings, and with tokens that
// have no id.
func TestRevokedClaims(t *testing.T) {
	revoked := mustRevoke(t, "ab/é😀\n7\nnull\n[]\n")
	for claims, want := range map[string]bool{
		`{"jti":"ab/é😀"}`:                              true,
		`{"jti":"\u0061b\/\u00e9\ud83d\ude00"}`:        true,
		`{"\u006ati" : "\u0061\u0062/é\uD83D\uDE00" }`: true,
		`{"jti":"7"}`:       true,
		`{"jti":7}`:         false,
		`{"jti":null}`:      false,
		`{"jti":[]}`:        false,
		`{"jti":["ab/é😀"]}`: false,
		`{"jti":""}`:        false,
		`{"sub":"ab/é😀"}`:   false,
		`{"x":{"jti":"7"}}`: false,
		`{}`:                false,
	} {
		if got := revoked.Revokes(tokenOf(t, claims)); got != want {
			t.Errorf("%s: %t, want %t", claims, got, want)
		}
	}
}

func TestRevokedBefore(t *testing.T) {
	tests := []struct {
		lines, claims string
		want          bool
	}{
		{"before 2022-11-17T09:21:47Z", `{"iat":1668676906}`, true},
		{"before 2022-11-17T09:21:47Z", `{"iat":1668676906.999}`, true},
		{"before 2022-11-17T09:21:47Z", `{"iat":1668676907}`, false},
		{"before 2022-11-17T09:21:47Z", `{"iat":1668676908}`, false},
		{"before 2022-11-17T09:21:47.5Z", `{"iat":1668676907.25}`, true},
		{"before 2022-11-17T09:21:47.5Z", `{"iat":1668676907.5}`, false},
		{"before 2022-11-17T10:21:47+01:00\r", `{"iat":1668676906}`, true},
		{"before 2022-11-17T10:21:47+01:00\r", `{"iat":1668676907}`, false},
		{"before   2022-11-17T09:21:47Z", `{"iat":1668676906}`, true},

		{"before 2022-11-17T09:21:47Z", `{}`, true},
		{"before 2022-11-17T09:21:47Z", `{"iat":"1668676908"}`, true},
		{"before 2022-11-17T09:21:47Z", `{"iat":null}`, true},
		{"before 2022-11-17T09:21:47Z", `{"iat":1e400}`, false},
		{"before 2022-11-17T09:21:47Z", `{"iat":-1e400}`, true},
		{"before 0001-01-01T00:00:00Z", `{"jti":"x"}`, true}, // Go's zero time
		{"before 0000-01-01T00:00:00Z", `{"jti":"x"}`, true},
		{"before 0001-01-01T00:00:00Z", `{"iat":0}`, false},
		{"before 9999-12-31T23:59:59Z", `{"iat":1668676907}`, true},

		{"before 2022-11-17T09:21:47Z\nbefore 2021-01-01T00:00:00Z", `{"iat":1668676906}`, true},
		{"before 2021-01-01T00:00:00Z\nbefore 2022-11-17T09:21:47Z", `{"iat":1668676906}`, true},
		{"before 2021-01-01T00:00:00Z\nbefore 2022-11-17T09:21:47Z", `{"iat":1668676907}`, false},
		{"x\nbefore 2022-11-17T09:21:47Z\ny", `{"iat":1668676907,"jti":"y"}`, true},
		{"x\nbefore 2022-11-17T09:21:47Z\ny", `{"iat":1668676907,"jti":"z"}`, false},
		{"x", `{}`, false},
		{"", `{"iat":-1e400}`, false},
	}
	for _, test := range tests {
		if got := mustRevoke(t, test.lines).Revokes(tokenOf(t, test.claims)); got != test.want {
			t.Errorf("%q revokes %s: %t, want %t", test.lines, test.claims, got, test.want)
		}
	}
	if before, ok := mustRevoke(t, "before 2022-11-17T09:21:47Z").Before(); !ok || !before.Equal(time.Unix(1668676907, 0)) {
		t.Errorf("Before returns %v, %t", before, ok)
	}
	if _, ok := mustRevoke(t, "x").Before(); ok {
		t.Error("without such a line, Before returns a time")
	}
}

// TestLinesOfRevoked has the lines of keys and of credentials. Repeats, short lines and
// files without a line are good here.
func TestLinesOfRevoked(t *testing.T) {
	for _, test := range lineTests {
		revoked, err := parseRevoked(strings.NewReader(test.text))
		if strings.HasPrefix(test.reason, "line ") && !strings.Contains(test.reason, "same as") && !strings.Contains(test.reason, "2: 5") {
			if err == nil || !strings.HasPrefix(err.Error(), test.reason) || quotes(err.Error(), test.text) {
				t.Errorf("%s: %v, want %s", test.name, err, test.reason)
			}
			continue
		}
		if err != nil || test.secrets != nil && revoked.Len() != len(test.secrets) {
			t.Errorf("%s: %d ids, %v", test.name, revoked.Len(), err)
		}
		for _, id := range test.secrets {
			if !revoked.Revokes(tokenWithID(t, id)) {
				t.Errorf("%s: %q is not revoked", test.name, id)
			}
		}
	}
}

// TestWrongRevokedLines puts each wrong line between two good ones, which still revoke.
func TestWrongRevokedLines(t *testing.T) {
	const (
		inside = "white space inside: "
		noTime = "no time of RFC 3339 after before: "
	)
	tests := []struct{ line, reason string }{
		{"first second", inside},
		{"first\u00a0second", inside},
		{"first\u3000second", inside},
		{"first # comment", inside},
		{"Before 2026-01-31T18:00:00Z", inside},
		{"before\u00a02026-01-31T18:00:00Z", inside},
		{"first\tsecond", "a control character"},
		{"before\t2026-01-31T18:00:00Z", "a control character"},
		{" first", "white space at the start or the end"},
		{"before ", "white space at the start or the end"},
		{" before 2026-01-31T18:00:00Z", "white space at the start or the end"},
		{"before 2026-01-31T18:00:00Z ", "white space at the start or the end"},
		{"before", noTime},
		{"before noon", noTime},
		{"before 2026-01-31", noTime},
		{"before 2026-01-31T18:00:00", noTime},
		{"before 2026-01-31 18:00:00Z", noTime},
		{"before 2026-01-31T18:00Z", noTime},
		{"before 31 Jan 26 18:00 UTC", noTime},
		{"before 2026-02-30T18:00:00Z", noTime},
		{"before 2026-01-31T18:00:00Z # comment", noTime},
		{"before 1769882400", noTime},
		{`"first"`, "quotes around the text"},
		{"JTI=first", "an assignment"},
		{"first\xff", "not UTF-8"},
		{"\ufefffirst", "a byte order mark"},
		{strings.Repeat("x", maxRevokedLine+1), "more than 16384 bytes"},
		{strings.Repeat("x", 5*maxRevokedLine), "more than 16384 bytes"},
		{strings.Repeat(" ", 5*maxRevokedLine) + "x", "more than 16384 bytes"},
		{strings.Repeat("x", maxRevokedLine+2) + "\r" + strings.Repeat("x", 9000), "more than 16384 bytes"},
		{"e30.e30.", "a whole token: "},
		{"2026-01-31T18:00:00Z", "a time needs the word before"},
		{"before=2026-01-31T18:00:00Z", "a time needs the word before"},
		{"before:2026-01-31T18:00:00Z", "a time needs the word before"},
		{`"first",`, "punctuation around"},
		{`"first`, "punctuation around"},
		{"'first", "punctuation around"},
		{`first"`, "punctuation around"},
		{"first,", "punctuation around"},
		{"first;", "punctuation around"},
		{"first\u200b", "an invisible character"},
		{"first\u202e", "an invisible character"},
		{mint(jwtcore.NewKey(jwtcore.HS512, []byte(secretA))), "a whole token: "},
	}
	for _, test := range tests {
		for _, end := range []string{"\n", "\r\n"} {
			text := "good" + end + test.line + end + "better" + end + "before 2020-01-01T00:00:00Z"
			revoked, err := parseRevoked(strings.NewReader(text))
			if err == nil || !strings.HasPrefix(err.Error(), "line 2: "+test.reason) || strings.Contains(err.Error(), ";") {
				t.Errorf("%.60q: %v, want line 2: %s", test.line, err, test.reason)
				continue
			}
			if strings.Contains(err.Error(), "\n") || quotes(strings.ReplaceAll(err.Error(), "2026-01-31T18:00:00Z", ""), test.line) {
				t.Errorf("%.60q: %q quotes it", test.line, err)
			}
			if revoked.Len() != 2 || !revoked.Revokes(tokenWithID(t, "good")) || !revoked.Revokes(tokenWithID(t, "better")) ||
				!revoked.Revokes(tokenOf(t, `{"iat":1}`)) || revoked.Revokes(tokenWithID(t, "first")) {
				t.Errorf("%.60q: the other lines do not revoke what they should: %d ids", test.line, revoked.Len())
			}
		}
	}
}

// TestRevokedReadError checks that a file that can be read only in part is not taken for
// a whole one.
func TestRevokedReadError(t *testing.T) {
	failed := errors.New("disk")
	revoked, err := parseRevoked(&failingReader{text: "first\nsecond\nthi", err: failed})
	if !errors.Is(err, failed) || revoked.Len() != 3 || !revoked.Revokes(tokenWithID(t, "second")) {
		t.Errorf("%v, %d ids", err, revoked.Len())
	}
}

// failingReader returns err after its text.
type failingReader struct {
	text string
	at   int
	err  error
}

func (r *failingReader) Read(p []byte) (n int, err error) {
	if r.at == len(r.text) {
		return 0, r.err
	}
	n = copy(p, r.text[r.at:])
	r.at += n
	return n, nil
}

func (r *failingReader) Seek(int64, int) (int64, error) {
	r.at = 0
	return 0, nil
}

func TestManyWrongLines(t *testing.T) {
	for text, want := range map[string]string{
		"a b\n":                    "line 1: white space inside: write one jti a line, or before and a time",
		"good\n\na b\n#\n'c'":      "line 3: white space inside: write one jti a line, or before and a time; line 5: quotes around the text: remove them",
		strings.Repeat("'c'\n", 3): "line 1: quotes around the text: remove them; line 2: quotes around the text: remove them; line 3: quotes around the text: remove them",
		strings.Repeat("'c'\n", 100_000) + "good": "line 1: quotes around the text: remove them; line 2: quotes around the text: remove them; line 3: quotes around the text: remove them; and 99997 more",
	} {
		revoked, err := parseRevoked(strings.NewReader(text))
		if err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
		if revoked.Revokes(tokenWithID(t, "good")) != strings.Contains(text, "good") {
			t.Errorf("%v: the good line does not revoke", err)
		}
	}
}

func TestReadRevoked(t *testing.T) {
	folder := t.TempDir()
	revoked, warnings, err := ReadRevoked(writeFile(t, folder, "good", "# why\n"+secretA+"\n"+strings.Repeat("#", 3*maxRevokedLine)+"\r\nlast"))
	if err != nil || warnings != nil || revoked.Len() != 2 || !revoked.Revokes(tokenWithID(t, secretA)) || !revoked.Revokes(tokenWithID(t, "last")) {
		t.Errorf("%d ids, %q, %v", revoked.Len(), warnings, err)
	}
	if revoked, _, err := ReadRevoked(writeFile(t, folder, "empty", "")); err != nil || revoked.Len() != 0 || revoked.Revokes(tokenOf(t, `{}`)) {
		t.Errorf("empty: %d ids, %v", revoked.Len(), err)
	}
	path := writeFile(t, folder, "bad", secretA+"\n"+secretB+" x\n")
	revoked, _, err = ReadRevoked(path)
	checkFileError(t, path, secretB, "line 2: white space inside", err, ErrRevoked)
	if revoked.Len() != 1 || !revoked.Revokes(tokenWithID(t, secretA)) {
		t.Errorf("bad: %d ids", revoked.Len())
	}
	path = filepath.Join(folder, "missing")
	revoked, _, err = ReadRevoked(path)
	checkFileError(t, path, "", "no such file", err, ErrRevoked)
	if !errors.Is(err, fs.ErrNotExist) || revoked != nil {
		t.Errorf("missing: %v, want fs.ErrNotExist", err)
	}
}

// TestReadRevokedMemory reads a file that is larger than one of keys may be, with a line
// that is too long. Each id takes 16 bytes, and the index 256 KiB.
func TestReadRevokedMemory(t *testing.T) {
	const count = 100_000
	var text bytes.Buffer
	for i := range count {
		fmt.Fprintf(&text, "# id %d\n%032x\n", i, i)
	}
	text.WriteString(strings.Repeat("x", 4<<20))
	path := writeFile(t, t.TempDir(), "large", text.String())
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	revoked, _, err := ReadRevoked(path)
	runtime.ReadMemStats(&after)
	checkFileError(t, path, "", fmt.Sprintf("line %d: more than 16384 bytes", 2*count+1), err, ErrRevoked)
	if revoked.Len() != count {
		t.Fatalf("%d ids", revoked.Len())
	}
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > count*16+1<<20 {
		t.Errorf("%d bytes allocated", allocated)
	}
	for _, id := range []int{0, 1, count / 2, count - 1} {
		if !revoked.Revokes(tokenWithID(t, fmt.Sprintf("%032x", id))) {
			t.Errorf("id %d is not revoked", id)
		}
	}
	if revoked.Revokes(tokenWithID(t, fmt.Sprintf("%032x", count))) {
		t.Error("an id that is not in the file is revoked")
	}
}

func TestRevokedWith(t *testing.T) {
	tokens := map[string]*jwtcore.Token{}
	for _, claims := range []string{`{"iat":1262304000,"jti":"a"}`, `{"iat":1262304000,"jti":"b"}`, `{"iat":1262304000,"jti":"c"}`, `{"iat":0}`, `{}`} {
		tokens[claims] = tokenOf(t, claims)
	}
	texts := []string{"", "a", "b\nc", "a\nb", "before 1990-01-01T00:00:00Z", "before 1970-01-01T00:00:00Z\na", "before 0001-01-01T00:00:00Z", "before 2020-01-01T00:00:00Z"}
	for _, first := range texts {
		for _, second := range texts {
			one, two, want := mustRevoke(t, first), mustRevoke(t, second), mustRevoke(t, first+"\n"+second)
			union := one.With(two)
			before, ok := union.Before()
			wantBefore, wantOK := want.Before()
			if union.Len() != want.Len() || ok != wantOK || !before.Equal(wantBefore) {
				t.Errorf("%q and %q: %d ids, %v, %t", first, second, union.Len(), before, ok)
			}
			for claims, token := range tokens {
				if union.Revokes(token) != (one.Revokes(token) || two.Revokes(token)) {
					t.Errorf("%q and %q: %s: %t", first, second, claims, union.Revokes(token))
				}
			}
		}
	}
}

// FuzzRevoked compares ReadRevoked with a plain way to read the lines, which has the whole
// text in memory and the ids in a map.
func FuzzRevoked(f *testing.F) {
	for _, test := range lineTests {
		f.Add([]byte(test.text))
	}
	f.Add([]byte("before 2026-01-31T18:00:00Z\nid\r\nid\nbefore  \nbefore"))
	f.Fuzz(func(t *testing.T, text []byte) {
		ids, wrong := map[string]bool{}, 0
		for line := range bytes.SplitSeq(text, []byte("\n")) {
			line = bytes.TrimSuffix(line, []byte("\r"))
			words := bytes.FieldsFunc(line, unicode.IsSpace)
			switch {
			case len(words) == 0, line[0] == '#':
			case checkLine(line) != nil, len(line) > maxRevokedLine:
				wrong++
			case string(words[0]) == "before" && (len(words) == 1 || line[len("before")] == ' '):
				if _, err := time.Parse(time.RFC3339, string(words[len(words)-1])); len(words) != 2 || err != nil {
					wrong++
				}
			case len(words) > 1, parses(line), isTimeAlone(line), doubtful.Match(line):
				wrong++
			default:
				ids[string(line)] = true
			}
		}
		revoked, err := parseRevoked(bytes.NewReader(text))
		if revoked.Len() != len(ids) || (err != nil) != (wrong > 0) {
			t.Fatalf("%d ids, %v, want %d and %d wrong lines", revoked.Len(), err, len(ids), wrong)
		}
		for id := range ids {
			if !revoked.Revokes(tokenWithID(t, id)) {
				t.Errorf("%q is not revoked", id)
			}
		}
		if err != nil {
			checkFuzzedError(t, bytes.ReplaceAll(text, []byte("2026-01-31T18:00:00Z"), nil), err)
		}
	})
}

// doubtful matches lines that are probably no ids.
var doubtful = regexp.MustCompile(`^["']|["',;]$|\p{Cf}|^before[=:]`)

func isTimeAlone(line []byte) bool {
	_, err := time.Parse(time.RFC3339, string(line))
	return err == nil
}

func parses(line []byte) bool {
	_, err := jwtcore.Parse(string(line))
	return err == nil
}

// BenchmarkRevokes reports what a million revoked ids cost a request.
func BenchmarkRevokes(b *testing.B) {
	const count = 1_000_000
	var text bytes.Buffer
	for i := range count {
		fmt.Fprintf(&text, "%032x\n", i)
	}
	revoked := mustRevoke(b, text.String())
	var tokens []*jwtcore.Token // half of them are revoked
	for i := range 1 << 14 {
		tokens = append(tokens, tokenWithID(b, fmt.Sprintf("%032x", i*123_456_789%(2*count))))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		revoked.Revokes(tokens[i%len(tokens)])
	}
}

// BenchmarkReadRevoked reports the time and the memory that it takes to read a million
// ids.
func BenchmarkReadRevoked(b *testing.B) {
	const count = 1_000_000
	var text bytes.Buffer
	for i := range count {
		fmt.Fprintf(&text, "%032x\n", i)
	}
	file := bytes.NewReader(text.Bytes())
	b.ReportAllocs()
	for b.Loop() {
		file.Reset(text.Bytes())
		if revoked, err := parseRevoked(file); err != nil || revoked.Len() != count {
			b.Fatal(err)
		}
	}
}
