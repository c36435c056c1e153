package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestParseRefuses checks the queries that are not policies.
func TestParseRefuses(t *testing.T) {
	const maxAgeRange = "its value is not a whole number of seconds from 1 to 3153600000"
	const leewayRange = "its value is not a whole number of seconds from 0 to 300"
	for _, test := range []struct{ query, reason string }{
		{"", "it is empty"},
		{"/" + strings.Repeat("a", 2048), "it is longer than 2048 bytes"},

		// Pairs.
		{"&", "parameter 1: there is no such parameter, and a JSON Pointer begins with /"},
		{"&/a", "parameter 1: there is no such parameter, and a JSON Pointer begins with /"},
		{"/a&", "parameter 2: there is no such parameter, and a JSON Pointer begins with /"},
		{"/a&&/b", "parameter 2: there is no such parameter, and a JSON Pointer begins with /"},
		{"=", "parameter 1: there is no such parameter, and a JSON Pointer begins with /"},
		{"=/a", "parameter 1: there is no such parameter, and a JSON Pointer begins with /"},
		{"role=admin", "parameter 1: there is no such parameter, and a JSON Pointer begins with /"},
		{"?/a", "parameter 1: there is no such parameter, and a JSON Pointer begins with /"},
		{" /a", "parameter 1: there is no such parameter, and a JSON Pointer begins with /"},
		{"/a&Scope=read", "parameter 2: there is no such parameter, and a JSON Pointer begins with /"},
		{"/a&/b=&unknown", "parameter 3: there is no such parameter, and a JSON Pointer begins with /"},
		{"scope~=read", "parameter 1: there is no such parameter, and a JSON Pointer begins with /"},
		{"max-age=1", "parameter 1: there is no such parameter, and a JSON Pointer begins with /"},
		{"scope%00=read", "parameter 1: there is no such parameter, and a JSON Pointer begins with /"},

		// Percent-encoding.
		{"/a=%", "parameter 1: it is not percent-encoded UTF-8"},
		{"/a=%4", "parameter 1: it is not percent-encoded UTF-8"},
		{"/a=%4g", "parameter 1: it is not percent-encoded UTF-8"},
		{"/a=%u0041", "parameter 1: it is not percent-encoded UTF-8"},
		{"/%=a", "parameter 1: it is not percent-encoded UTF-8"},
		{"/b&/a%2", "parameter 2: it is not percent-encoded UTF-8"},
		{"/a=%FF", "parameter 1: it is not percent-encoded UTF-8"},
		{"/a=\xff", "parameter 1: it is not percent-encoded UTF-8"},
		{"/%C0%AF=a", "parameter 1: it is not percent-encoded UTF-8"},
		{"/a=%ED%A0%80", "parameter 1: it is not percent-encoded UTF-8"},
		{"/a=%C3", "parameter 1: it is not percent-encoded UTF-8"},

		// JSON Pointers.
		{"/~", "parameter 1: its JSON Pointer has a ~ that neither 0 nor 1 follows"},
		{"/a~", "parameter 1: its JSON Pointer has a ~ that neither 0 nor 1 follows"},
		{"/~2=a", "parameter 1: its JSON Pointer has a ~ that neither 0 nor 1 follows"},
		{"/~~=a", "parameter 1: its JSON Pointer has a ~ that neither 0 nor 1 follows"},
		{"/~~0=a", "parameter 1: its JSON Pointer has a ~ that neither 0 nor 1 follows"},
		{"/a~/b=a", "parameter 1: its JSON Pointer has a ~ that neither 0 nor 1 follows"},
		{"/a%7Eb=a", "parameter 1: its JSON Pointer has a ~ that neither 0 nor 1 follows"},
		{"/a~%3Db", "parameter 1: its JSON Pointer has a ~ that neither 0 nor 1 follows"},
		{"set=A:/~2", "parameter 1: its JSON Pointer has a ~ that neither 0 nor 1 follows"},
		{"set=A:/a~", "parameter 1: its JSON Pointer has a ~ that neither 0 nor 1 follows"},

		// scope
		{"scope", "parameter 1: its value is empty or has a space"},
		{"scope=", "parameter 1: its value is empty or has a space"},
		{"scope= ", "parameter 1: its value is empty or has a space"},
		{"scope=read%20write", "parameter 1: its value is empty or has a space"},
		{"scope=read&scope=", "parameter 2: its value is empty or has a space"},

		// max_age and leeway
		{"max_age", "parameter 1: " + maxAgeRange},
		{"max_age=", "parameter 1: " + maxAgeRange},
		{"max_age=0", "parameter 1: " + maxAgeRange},
		{"max_age=-1", "parameter 1: " + maxAgeRange},
		{"max_age=+1", "parameter 1: " + maxAgeRange},
		{"max_age=1.5", "parameter 1: " + maxAgeRange},
		{"max_age=1e3", "parameter 1: " + maxAgeRange},
		{"max_age=0x10", "parameter 1: " + maxAgeRange},
		{"max_age=1_000", "parameter 1: " + maxAgeRange},
		{"max_age=1h", "parameter 1: " + maxAgeRange},
		{"max_age=%201", "parameter 1: " + maxAgeRange},
		{"max_age=%D9%A1", "parameter 1: " + maxAgeRange}, // an Arabic digit
		{"max_age=3153600001", "parameter 1: " + maxAgeRange},
		{"max_age=18446744073709551617", "parameter 1: " + maxAgeRange}, // 2^64 + 1
		{"max_age=1&/a&max_age=1", "parameter 3: it occurs twice"},
		{"leeway", "parameter 1: " + leewayRange},
		{"leeway=", "parameter 1: " + leewayRange},
		{"leeway=301", "parameter 1: " + leewayRange},
		{"leeway=-1", "parameter 1: " + leewayRange},
		{"leeway=30s", "parameter 1: " + leewayRange},
		{"leeway=1&leeway=2", "parameter 2: it occurs twice"},

		// token
		{"token", "parameter 1: its value is not bearer, cookie:NAME or header:NAME"},
		{"token=", "parameter 1: its value is not bearer, cookie:NAME or header:NAME"},
		{"token=Bearer", "parameter 1: its value is not bearer, cookie:NAME or header:NAME"},
		{"token=bearer:", "parameter 1: its value is not bearer, cookie:NAME or header:NAME"},
		{"token=bearer:a", "parameter 1: its value is not bearer, cookie:NAME or header:NAME"},
		{"token=cookie", "parameter 1: its value is not bearer, cookie:NAME or header:NAME"},
		{"token=cookie:", "parameter 1: its value is not bearer, cookie:NAME or header:NAME"},
		{"token=header:", "parameter 1: its value is not bearer, cookie:NAME or header:NAME"},
		{"token=Cookie:a", "parameter 1: its value is not bearer, cookie:NAME or header:NAME"},
		{"token=cookie:a b", "parameter 1: its value is not bearer, cookie:NAME or header:NAME"},
		{"token=cookie:a;b", "parameter 1: its value is not bearer, cookie:NAME or header:NAME"},
		{"token=cookie:a%3Db", "parameter 1: its value is not bearer, cookie:NAME or header:NAME"},
		{"token=header:a:b", "parameter 1: its value is not bearer, cookie:NAME or header:NAME"},
		{"token=header:%C3%A9", "parameter 1: its value is not bearer, cookie:NAME or header:NAME"},
		{"token=header:a%0D%0Ab", "parameter 1: its value is not bearer, cookie:NAME or header:NAME"},
		{"token=query:a", "parameter 1: its value is not bearer, cookie:NAME or header:NAME"},

		// set
		{"set", "parameter 1: its value is not the name of a header, a colon and a JSON Pointer"},
		{"set=", "parameter 1: its value is not the name of a header, a colon and a JSON Pointer"},
		{"set=A", "parameter 1: its value is not the name of a header, a colon and a JSON Pointer"},
		{"set=A:", "parameter 1: its value is not the name of a header, a colon and a JSON Pointer"},
		{"set=A:a", "parameter 1: its value is not the name of a header, a colon and a JSON Pointer"},
		{"set=A/a", "parameter 1: its value is not the name of a header, a colon and a JSON Pointer"},
		{"set=:/a", "parameter 1: its value is not the name of a header, a colon and a JSON Pointer"},
		{"set=/a:A", "parameter 1: its value is not the name of a header, a colon and a JSON Pointer"},
		{"set=A :/a", "parameter 1: its value is not the name of a header, a colon and a JSON Pointer"},
		{"set=A: /a", "parameter 1: its value is not the name of a header, a colon and a JSON Pointer"},
		{"set=A%00:/a", "parameter 1: its value is not the name of a header, a colon and a JSON Pointer"},
		{"set=%C3%84:/a", "parameter 1: its value is not the name of a header, a colon and a JSON Pointer"},
		{"set=A%0D%0AB:/a", "parameter 1: its value is not the name of a header, a colon and a JSON Pointer"},
		{"set=A:/a&set=a:/a", "parameter 2: an earlier parameter sets the same header"},
		{"set=Token-Id:/a", "parameter 1: it sets a header that HTTP or the gate uses"},

		// claims and preflight
		{"claims", "parameter 1: its value is not off"},
		{"claims=", "parameter 1: its value is not off"},
		{"claims=on", "parameter 1: its value is not off"},
		{"claims=OFF", "parameter 1: its value is not off"},
		{"claims=off&claims=off", "parameter 2: it occurs twice"},
		{"preflight", "parameter 1: its value is not the name of a header"},
		{"preflight=", "parameter 1: its value is not the name of a header"},
		{"preflight=a b", "parameter 1: its value is not the name of a header"},
		{"preflight=a:", "parameter 1: its value is not the name of a header"},
		{"preflight=%C3%A9", "parameter 1: its value is not the name of a header"},
		{"preflight=Origin", "parameter 1: its value is not the name of a header"},
		{"preflight=access-control-request-method", "parameter 1: its value is not the name of a header"},
		{"preflight=a&preflight=b", "parameter 2: it occurs twice"},

		// Patterns: TestCompileRefuses has the rest.
		{"/a~=(", "parameter 1: its pattern is not a regular expression of RE2"},
		{"/a~=.{1000}", "parameter 1: its pattern compiles to more than 1000 instructions"},
		{"/a~=" + strings.Repeat("a", 257), "parameter 1: its pattern is longer than 256 bytes"},
		{"/a~=b&/a~=%28", "parameter 2: its pattern is not a regular expression of RE2"},
	} {
		p, err := Parse(test.query)
		if want := "the query of the gate's URL is wrong: " + test.reason; p != nil || !errors.Is(err, ErrQuery) || err.Error() != want {
			t.Errorf("%.80q: %v, want %q", test.query, err, want)
		}
	}
	for _, query := range []string{
		"/" + strings.Repeat("a", 2047), "max_age=1", "max_age=3153600000", "leeway=0", "leeway=300", "token=cookie:!", "set=A:/&set=B:/", "/a~=" + strings.Repeat("a", 256),
	} {
		parse(t, query)
	}
}

// reasons are the texts of all errors of Parse, without the number of a parameter.
func reasons() []string {
	var reasons []string
	for _, err := range []error{
		errQueryEmpty, errQueryLong, errEncoding, errParameter, errTwice, errPointer, errScopeValue, errSource, errHeaderName, errSet, errReserved,
		errSetTwice, errClaimsValue, errPatternLong, errPatternSyntax, errPatternComplex, errPatternsComplex,
	} {
		reasons = append(reasons, err.Error())
	}
	return append(reasons, "its value is not a whole number of seconds from 1 to 3153600000", "its value is not a whole number of seconds from 0 to 300")
}

// FuzzParse parses arbitrary queries. No error may depend on more of the query than the
// number of a parameter, and what is a policy must always decide alike.
func FuzzParse(f *testing.F) {
	for _, query := range seedQueries {
		f.Add(query)
	}
	known := reasons()
	claims := []string{`{}`, `{"a":"b","":[1,{"a":true}],"scope":"a b","iat":999999,"b":{"a":["x","y"]}}`}
	f.Fuzz(func(t *testing.T, query string) {
		p, err := Parse(query)
		again, errAgain := Parse(strings.Clone(query))
		if fmt.Sprint(err) != fmt.Sprint(errAgain) {
			t.Fatalf("%q: %v, then %v", query, err, errAgain)
		}
		if err != nil {
			reason, _ := strings.CutPrefix(err.Error(), ErrQuery.Error()+": ")
			if after, found := strings.CutPrefix(reason, "parameter "); found {
				var number int
				if n, _ := fmt.Sscanf(after, "%d", &number); n != 1 || number > 1+strings.Count(query, "&") {
					t.Fatalf("%q: %v", query, err)
				}
				_, reason, _ = strings.Cut(after, ": ")
			}
			if !errors.Is(err, ErrQuery) || !slices.Contains(known, reason) {
				t.Fatalf("%q: %v", query, err)
			}
			return
		}
		if p.Size() != again.Size() || p.Size() < len(query) {
			t.Fatalf("%q: its size is %d, then %d", query, p.Size(), again.Size())
		}
		for _, text := range claims {
			token := tokenOf(t, text)
			headers, err := p.Evaluate(token, now)
			for _, p := range []*Policy{p, again} {
				headersAgain, errAgain := p.Evaluate(token, now)
				if !slices.Equal(headers, headersAgain) || fmt.Sprint(err) != fmt.Sprint(errAgain) {
					t.Fatalf("%q, %s: %q, %v, then %q, %v", query, text, headers, err, headersAgain, errAgain)
				}
			}
		}
	})
}
