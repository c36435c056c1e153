package policy

import (
	"errors"
	"net/url"
	"regexp/syntax"
	"strings"
	"testing"
)

// TestPatterns checks that a pattern matches a text from its first to its last character.
func TestPatterns(t *testing.T) {
	for _, test := range []struct {
		pattern string
		matches []string
		others  []string
	}{
		{`.+@example\.com`, []string{"ada@example.com"}, []string{"@example.com", "ada@example.com.evil.example", "ada@exampleXcom", "ada@example.com\n", "x\nada@example.com", "ada@EXAMPLE.com"}},
		{`a|b`, []string{"a", "b"}, []string{"", "ab", "ax", "xb", "a|b"}},
		{`ab|a`, []string{"ab", "a"}, []string{"abb", "b"}},
		{`a|ab`, []string{"ab", "a"}, []string{"abb", "b"}}, // not only the first that matches
		{`a??`, []string{"", "a"}, []string{"aa"}},
		{`a*?`, []string{"", "a", "aaa"}, []string{"aab"}},
		{``, []string{""}, []string{"a", "\n"}},
		{`|a`, []string{"", "a"}, []string{"b"}},
		{`()`, []string{""}, []string{"()"}},
		{`(a)(b)`, []string{"ab"}, []string{"a", "abc"}},

		{`^a$`, []string{"a"}, []string{"a\n", "\na", "ab", "^a$"}},
		{`\Aa\z`, []string{"a"}, []string{"ab"}},
		{`^a|b$`, []string{"a", "b"}, []string{"ax", "xb"}},
		{`a$|^b`, []string{"a", "b"}, []string{"ba", "ab"}},
		{`(?m)^a$`, []string{"a"}, []string{"a\nb", "b\na", "a\n", "\na"}},
		{`(?m)a$\s^b`, []string{"a\nb"}, []string{"a\nb\nc", "a b"}},
		{`(?m)$`, []string{""}, []string{"\n", "a\n"}},
		{`(?s).`, []string{"a", "\n", "\u00e9"}, []string{"", "\n\n"}},
		{`.`, []string{"a", "\u00e9", "\r"}, []string{"", "\n", "ab"}},
		{`[^a]`, []string{"b", "\n"}, []string{"a"}},
		{`(?i)admin`, []string{"admin", "ADMIN"}, []string{"admins"}},
		{`(?i)k`, []string{"k", "K", "\u212a"}, nil}, // the sign of the kelvin, as in RE2
		{`(?i)a(?-i)b`, []string{"ab", "Ab"}, []string{"aB"}},
		{`(?U)a+`, []string{"a", "aa"}, []string{"ab"}},

		{`\Qa.b\E`, []string{"a.b"}, []string{"axb", "a.b "}},
		{`\Qa.b`, []string{"a.b"}, []string{"axb", "a.b)", "a.b\\E"}},
		{`\Q`, []string{""}, []string{"\\Q", ")"}},
		{`\Qa\`, []string{`a\`}, []string{"a", `a\E`, `a\)`}},
		{`x|\Q)|(`, []string{"x", ")|("}, []string{"", ")"}},
		{`\Qa\E|\Qb`, []string{"a", "b"}, []string{"ab"}},
		{`[\Q]\E]`, nil, nil},

		{`\x{1F600}`, []string{"\U0001f600"}, []string{"\\x{1F600}"}},
		{`\x00`, []string{"\x00"}, []string{"", "0"}},
		{"\x00", []string{"\x00"}, []string{"", "0"}},
		{`\pL+`, []string{"\u00e9a"}, []string{"1"}},
		{`[^\x00-\x{10FFFF}]?`, []string{""}, []string{"a"}},
		{`(a|b)*`, []string{"", "abba"}, []string{"abc"}},
		{`(|a)*`, []string{"", "aa"}, []string{"b"}},
		{`a{2,3}`, []string{"aa", "aaa"}, []string{"a", "aaaa"}},
		{`a{2,}`, []string{"aa", "aaaa"}, []string{"a"}},
		{`a{0}`, []string{""}, []string{"a"}},
	} {
		p, err := compile(test.pattern)
		if test.matches == nil {
			if !errors.Is(err, errPatternSyntax) {
				t.Errorf("%q: %v", test.pattern, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", test.pattern, err)
			continue
		}
		for _, text := range test.matches {
			if !p.MatchString(text) {
				t.Errorf("%q does not match %q", test.pattern, text)
			}
		}
		for _, text := range test.others {
			if p.MatchString(text) {
				t.Errorf("%q matches %q", test.pattern, text)
			}
		}
	}
}

// TestPatternConditions checks which claims a pattern can match.
func TestPatternConditions(t *testing.T) {
	for _, test := range []struct {
		query, claims string
		holds         bool
	}{
		{`/email~=.+@example\.com`, `{"email":"ada@example.com"}`, true},
		{`/email~=.+@example\.com`, `{"email":"ada@example.com.evil"}`, false},
		{`/email~=.+@example\.com`, `{"email":["x","ada@example.com"]}`, true},
		{`/email~=.+@example\.com`, `{"email":["x",["ada@example.com"],{"email":"ada@example.com"}]}`, false},
		{`/email~=.+@example\.com`, `{}`, false},
		{`/email~=.%2B%40example%5C.com`, `{"email":"ada@example.com"}`, true},
		{`/email%7E=a`, `{"email":"a"}`, true},
		{`/a~=.*`, `{"a":""}`, true},
		{`/a~=.*`, `{"a":1}`, false},
		{`/a~=.*`, `{"a":true}`, false},
		{`/a~=.*`, `{"a":null}`, false},
		{`/a~=.*`, `{"a":{}}`, false},
		{`/a~=.*`, `{"a":[]}`, false},
		{`/a~=.*`, `{"a":[1,true,null,{}]}`, false},
		{`/a~=.*`, `{"a":[1,true,null,{},""]}`, true},
		{`/a~=b`, `{"a":"\u0062"}`, true},
		{`/a~==`, `{"a":"="}`, true},
		{`/a~=`, `{"a":""}`, true},
		{`/a~=`, `{"a":"b"}`, false},
		{`/a~0~=b`, `{"a~":"b"}`, true},
		{`/a~0=b`, `{"a~":"b"}`, true},
		{`/~=b`, `{"":"b"}`, true},
	} {
		_, err := evaluate(t, test.query, test.claims)
		if test.holds != (err == nil) || err != nil && !errors.Is(err, ErrClaim) {
			t.Errorf("%s, %s: %v, want it to hold: %t", test.query, test.claims, err, test.holds)
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	tests := []struct {
		pattern string
		want    error
	}{
		{strings.Repeat("a", 257), errPatternLong},
		{strings.Repeat("\u00e9", 129), errPatternLong},
		{`(`, errPatternSyntax},
		{`)`, errPatternSyntax},
		{`)|(`, errPatternSyntax},
		{`a)|(?:b`, errPatternSyntax},
		{`a)\z|.*(?:b`, errPatternSyntax},
		{`\Qa\E)|(`, errPatternSyntax},
		{`[`, errPatternSyntax},
		{`[b-a]`, errPatternSyntax},
		{`*`, errPatternSyntax},
		{`a**`, errPatternSyntax},
		{`a{1001}`, errPatternSyntax},
		{`(a{100}){100}`, errPatternSyntax},
		{`\`, errPatternSyntax},
		{`a\`, errPatternSyntax},
		{`\E`, errPatternSyntax},
		{`\p{Nothing}`, errPatternSyntax},
		{`(?=a)`, errPatternSyntax}, // RE2 has no lookahead
		{`(a)\1`, errPatternSyntax}, // and no references
		{`.{1000}`, errPatternComplex},
		{`.{996}`, errPatternComplex},
		{`(.{99}){10}`, errPatternComplex},
		{`.{500}|a{500}`, errPatternComplex},
		{strings.Repeat(`.{1000}`, 14), errPatternComplex},
		{`(((((((((.{2}){2}){2}){2}){2}){2}){2}){2}){2}).{900}`, errPatternComplex},
		{`(?:(?:.{0,10}){0,10}){0,10}`, errPatternComplex},
		{`(?i)[B-\x{1E942}]`, errPatternRange},
		{`(?is:[a-zà-ÿ])`, errPatternRange},
		{`a(?U-s:b(?i:[!-\x{ff}]))`, errPatternRange},
	}
	for _, test := range tests {
		if _, err := compile(test.pattern); err != test.want {
			t.Errorf("%.50q: %v, want %v", test.pattern, err, test.want)
		}
		if _, err := Parse("/a~=" + url.PathEscape(test.pattern)); !errors.Is(err, test.want) {
			t.Errorf("%.50q in a query: %v, want %v", test.pattern, err, test.want)
		}
	}
	for _, pattern := range []string{strings.Repeat("a", 256), strings.Repeat("\u00e9", 128), `.{995}`, `(?:.{199}){5}`, `.{0}`, `(?:.{900}){0}`,
		`(?i)[a-zé]\xff`, `[B-\x{1E942}]`, `(?s)[a-ÿ]`, `(?i).+@bücher\.example`} {
		if _, err := compile(pattern); err != nil {
			t.Errorf("%.50q: %v", pattern, err)
		}
	}
}

// TestAllInstructions checks the bound on all patterns of a query, at any pointers.
func TestAllInstructions(t *testing.T) {
	parse(t, "/a~=.{995}&/b~=.{995}&/c~=.{995}&/c~=.{995}")
	for _, query := range []string{"/a~=.{995}&/b~=.{995}&/c~=.{995}&/c~=.{495}&/d~=.{496}", "/a~=.{900}&/a~=.{900}&/a~=.{900}&/a~=.{900}&/a~=.{900}"} {
		if _, err := Parse(query); !errors.Is(err, errPatternsComplex) || !strings.Contains(err.Error(), "parameter 5: ") {
			t.Errorf("%s: %v", query, err)
		}
	}
}

// TestCompileIsBounded checks how much memory it takes to compile or refuse a pattern. The
// one-pass form of \pL{900} alone would take 8 MB, and some of the programs 100 MB.
func TestCompileIsBounded(t *testing.T) {
	const most = 4 << 20
	for _, pattern := range []string{
		`\pL{900}`, `^\pL{900}$`, `(?i)\p{Cn}{990}`, strings.Repeat(`.{1000}`, 36), strings.Repeat(`\pL{1000}`, 28),
		strings.Repeat(`\pL`, 85), strings.Repeat(`[\pL0]`, 42), strings.Repeat(`[\pL`, 50) + strings.Repeat(`]`, 50),
		strings.Repeat(`[B-\x{1E942}]`, 20), strings.Repeat("(", 128) + strings.Repeat(")", 128),
		strings.Repeat(`(?:`, 40) + `.` + strings.Repeat(`){2}`, 9) + strings.Repeat(`)`, 31), strings.Repeat("a|", 128),
		`(?:` + strings.Repeat("a", 245) + `){1000}`,
	} {
		if size := allocated(func() { compile(pattern) }); size > most {
			t.Errorf("%.50s: %d bytes, want at most %d", pattern, size, most)
		}
	}
}

// programLength returns how many instructions a regular expression compiles to.
func programLength(t *testing.T, r *syntax.Regexp) int {
	t.Helper()
	program, err := syntax.Compile(r.Simplify())
	if err != nil {
		t.Fatal(err)
	}
	return len(program.Inst)
}

// isPlain reports whether package syntax simplifies nothing away in a regular expression:
// it repeats no repetition, and no empty text, and can match.
func isPlain(r *syntax.Regexp) bool {
	if r.Op == syntax.OpNoMatch || r.Op == syntax.OpEmptyMatch {
		return false
	}
	for _, sub := range r.Sub {
		isRepetition := syntax.OpStar <= sub.Op && sub.Op <= syntax.OpRepeat
		if !isPlain(sub) || isRepetition && syntax.OpStar <= r.Op && r.Op <= syntax.OpRepeat {
			return false
		}
	}
	return true
}

// FuzzInstructions checks that the bound on the program of a pattern holds, and is not far
// above the truth. Short patterns compile fast even if they are too complex.
func FuzzInstructions(f *testing.F) {
	for _, pattern := range []string{
		``, `a`, `ab|ac`, `a*`, `(?:a*)*`, `(|a)*`, `(?:|a){0,}`, `(?:|a)+`, `a?`, `a{3}`, `a{0,3}`, `a{3,}`, `a{0,}`, `(a{2}){3,5}`, `a{0}`, `x{900}y{200}`,
		`(?i)k`, `[a-z]`, `[a]`, `[^\x00-\x{10FFFF}]`, `\pL`, `(?s).`, `.`, `^$\b\B\A\z`, `(?m)^$`, `(?P<n>a)`, `(?:)`, `(?:){5}`, `\Qa.b`, `abc|abd|xyz`, `(((a)))`, `.{995}`,
		`[^\x00-\x{10FFFF}]{1000}`, `(?:(?:a*){0,}){100}`,
	} {
		f.Add(pattern)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		parsed, err := syntax.Parse(pattern, syntax.Perl)
		if err != nil || len(pattern) > 64 {
			return
		}
		bound := frameInstructions + instructions(parsed)
		length := programLength(t, parsed)
		if bound < min(length, maxInstructions+1) {
			t.Errorf("%q compiles to %d instructions, bound to %d", pattern, length, bound)
		}
		if isPlain(parsed) && bound > 2*length+frameInstructions {
			t.Errorf("%q compiles to %d instructions, bound to %d", pattern, length, bound)
		}
		p, err := compile(pattern)
		if (err == nil) != (bound <= maxInstructions) {
			t.Fatalf("%q, bound to %d: %v", pattern, bound, err)
		}
		if err != nil {
			return
		}
		framed, err := syntax.Parse(p.String(), syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		if length := programLength(t, framed); length > p.instructions {
			t.Errorf("%q compiles to %d instructions, bound to %d", p, length, p.instructions)
		}
	})
}
