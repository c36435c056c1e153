package jwtcore

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tokenmint/jwtcore/ijson"
)

// malformed are texts that are not tokens, each with a part of the error's text.
var malformed = []struct{ name, token, reason string }{
	{"empty", "", "three segments with a dot between them, but this has 1"},
	{"one segment", encode(hs512), "this has 1"},
	{"two segments", encode(hs512) + "." + encode(`{}`), "this has 2"},
	{"four segments", join(hs512, `{}`, "") + ".", "this has 4"},
	{"an encrypted token", "e30.e30.e30.e30.e30", "JWE"},
	{"six segments", "e30.e30.e30.e30.e30.e30", "this has 6"},
	{"only dots", "..", "the header is not one JSON object: it ends too early"},
	{"a hundred thousand dots", strings.Repeat(".", 100_000), "this has 100001"},
	{"a scheme before it", "Bearer " + join(hs512, `{}`, ""), "it starts with Bearer"},
	{"a scheme in capitals and a tab", "BEARER\t" + join(hs512, `{}`, ""), "it starts with Bearer"},
	{"a scheme and nothing else", "bearer ", "it starts with Bearer"},
	{"a scheme without a space", "Bearer" + join(hs512, `{}`, ""), "the header segment is not base64url"},
	{"quotes around it", `"` + join(hs512, `{}`, "") + `"`, "it has quotes around it"},
	{"single quotes around it", "'" + join(hs512, `{}`, "") + "'", "it has quotes around it"},
	{"a quote before it", `"` + join(hs512, `{}`, ""), "it has quotes around it"},
	{"a quote after it", join(hs512, `{}`, "") + "'", "it has quotes around it"},
	{"quotes and nothing else", `""`, "it has quotes around it"},
	{"a quote inside", join(hs512, `{}`, `AA"A`), "not in the alphabet"},

	{"padding", encode(`{"a":1}`) + "=." + encode(`{}`) + ".", "header segment is not base64url as in RFC 7515: it is padded"},
	{"padding of the signature", join(hs512, `{}`, "AA=="), "the signature segment is not base64url as in RFC 7515: it is padded"},
	{"standard alphabet, plus", join(hs512, `{}`, "A+AA"), "standard alphabet"},
	{"standard alphabet, slash", join(hs512, `{}`, "A/AA"), "standard alphabet"},
	{"a space", join(hs512, `{}`, "AA AA"), "white space"},
	{"a space after it", join(hs512, `{}`, "AAAA") + " ", "white space"},
	{"a tab", join(hs512, `{}`, "AA\tAA"), "white space"},
	{"a line feed inside", join(hs512, `{}`, "AA\nAA"), "line break"},
	{"a line feed after it", join(hs512, `{}`, "AAAA\n"), "line break"},
	{"a line feed before it", "\n" + join(hs512, `{}`, "AAAA"), "line break"},
	{"a carriage return inside", join(hs512, `{}`, "AA\rAA"), "line break"},
	{"a carriage return after the header", encode(hs512) + "\r." + encode(`{}`) + ".", "line break"},
	{"a letter of another script", join(hs512, `{}`, "ААAA"), "not in the alphabet"},
	{"a NUL", join(hs512, `{}`, "AA\x00A"), "not in the alphabet"},
	{"one character too many", join(hs512, `{}`, "AAAAA"), "cut short"},
	{"unused bits of two characters, 0001", join(hs512, `{}`, "AB"), "the unused bits of its last character are not zero"},
	{"unused bits of two characters, 1111", join(hs512, `{}`, "AP"), "the unused bits of its last character are not zero"},
	{"unused bits of three characters, 01", join(hs512, `{}`, "AAB"), "the unused bits of its last character are not zero"},
	{"unused bits of three characters, 11", join(hs512, `{}`, "AAD"), "the unused bits of its last character are not zero"},
	{"unused bits in the header", "e31." + encode(`{}`) + ".", "the header segment is not base64url"},
	{"unused bits in the claims", encode(hs512) + ".e31.", "the claims segment is not base64url"},

	{"header not JSON", join(`alg`, `{}`, ""), "the header is not one JSON object: a syntax error at byte 0"},
	{"header an array", join(`[]`, `{}`, ""), "the header is not one JSON object: it does not start with {"},
	{"header a string", join(`"{}"`, `{}`, ""), "the header is not one JSON object"},
	{"header null", join(`null`, `{}`, ""), "the header is not one JSON object"},
	{"header cut short", join(`{"alg":"HS512"`, `{}`, ""), "the header is not one JSON object: it ends too early"},
	{"header twice", join(`{}{}`, `{}`, ""), "more text follows it at byte 2"},
	{"trailing data", join(`{"alg":"HS512"}x`, `{}`, ""), "more text follows it at byte 15"},
	{"a NUL after the header", join("{\"alg\":\"HS512\"}\x00", `{}`, ""), "more text follows it at byte 15"},
	{"a byte order mark", join("\ufeff{}", `{}`, ""), "a syntax error at byte 0"},
	{"alg twice", join(`{"alg":"none","alg":"HS512"}`, `{}`, ""), "a member name occurs twice"},
	{"alg twice, once escaped", join(`{"alg":"none","\u0061lg":"HS512"}`, `{}`, ""), "a member name occurs twice"},
	{"a nested name twice", join(hs512, `{"a":[{"b":1,"b":2}]}`, ""), "a member name occurs twice"},
	{"an empty name twice", join(hs512, `{"":1,"":2}`, ""), "a member name occurs twice"},
	{"claims empty", join(hs512, ``, ""), "the claims are not one JSON object"},
	{"claims a number", join(hs512, `1`, ""), "the claims are not one JSON object"},
	{"claims a sentence", join(hs512, `It's a dangerous business`, ""), "the claims are not one JSON object"},
	{"invalid UTF-8", join(hs512, "{\"a\":\"\xff\"}", ""), "invalid UTF-8 at byte 6"},
	{"an overlong encoding", join(hs512, "{\"a\":\"\xc0\xaf\"}", ""), "invalid UTF-8"},
	{"UTF-8 cut short", join(hs512, "{\"a\":\"\xe2\x82\"}", ""), "invalid UTF-8"},
	{"a surrogate in UTF-8", join(hs512, "{\"a\":\"\xed\xa0\x80\"}", ""), "invalid UTF-8"},
	{"a lone surrogate", join(hs512, `{"a":"\ud800"}`, ""), "an escape sequence at byte 6 represents no character"},
	{"surrogates the wrong way round", join(hs512, `{"a":"\udc00\ud800"}`, ""), "an escape sequence at byte 6 represents no character"},
	{"a control character", join(hs512, "{\"a\":\"\n\"}", ""), "a syntax error"},
	{"a leading zero", join(hs512, `{"a":01}`, ""), "a syntax error"},
	{"NaN", join(hs512, `{"a":NaN}`, ""), "a syntax error"},
	{"a comment", join(hs512, `{/**/}`, ""), "a syntax error"},
	{"a trailing comma", join(hs512, `{"a":1,}`, ""), "a syntax error"},
	{"nested too deeply", join(hs512, `{"a":`+strings.Repeat("[", ijson.MaxDepth)+strings.Repeat("]", ijson.MaxDepth)+`}`, ""), "nesting deeper than 10000 levels"},
	{"nested without end", join(hs512, strings.Repeat(`{"a":`, 100_000), ""), "nesting deeper than 10000 levels"},
}

func TestParseRefusesMalformed(t *testing.T) {
	for _, test := range malformed {
		_, err := Parse(test.token)
		if !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v, want ErrMalformed", test.name, err)
			continue
		}
		if !strings.Contains(err.Error(), test.reason) {
			t.Errorf("%s: %q, want a text with %q", test.name, err, test.reason)
		}
		if strings.ContainsAny(err.Error(), "\r\n") {
			t.Errorf("%s: %q is more than one line", test.name, err)
		}
	}
}

// TestParseRefusesMalformedThatIsSigned signs texts that are not canonical. Only
// their form is wrong: their MACs are right.
func TestParseRefusesMalformedThatIsSigned(t *testing.T) {
	header, claims := encode(hs512), encode(`{"a":1}`) // the last character of the claims has unused bits
	spellings := []string{
		header + "=." + claims,
		header + "." + claims + "==",
		header + "." + claims[:4] + "\n" + claims[4:],
		header + "." + claims[:4] + "\r\n" + claims[4:],
		header + "\n." + claims,
		header + " ." + claims,
		header + "." + claims[:len(claims)-1] + string(claims[len(claims)-1]+1),
		header + ".." + claims,
	}
	key := NewKey(HS512, []byte("key"))
	for _, spelling := range append(spellings, header+"."+claims) {
		text := spelling + "." + base64url.EncodeToString(key.appendMAC(nil, []byte(spelling)))
		err := inspect(text, []byte("key"))
		if canonical := spelling == header+"."+claims; canonical != (err == nil) {
			t.Errorf("%q: %v", spelling, err)
		}
		if err != nil && !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %v, want ErrMalformed", spelling, err)
		}
	}
}

// TestParseKeepsSpelling checks that the header and the claims of a token stay as
// they are spelled.
func TestParseKeepsSpelling(t *testing.T) {
	tests := []struct{ header, claims string }{
		{`{"typ":"JWT","alg":"HS512"}`, `{"z":1,"a":2}`},
		{"{\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"}", `{ }`},
		{`{}`, `{"n":1.50,"m":1e400,"o":-0,"p":12345678901234567890123}`},
		{`{"kid":"\u0061\/","jku":"http://127.0.0.1/"}`, `{"s":"\ud83d\ude00 😀 \u0000","deep":` + strings.Repeat("[", ijson.MaxDepth-1) + strings.Repeat("]", ijson.MaxDepth-1) + `}`},
	}
	for _, test := range tests {
		token, err := Parse(join(test.header, test.claims, ""))
		if err != nil {
			t.Errorf("%.80s: %v", test.claims, err)
			continue
		}
		if string(token.Header) != test.header || string(token.Claims) != test.claims {
			t.Errorf("%s %.80s became %s %.80s", test.header, test.claims, token.Header, token.Claims)
		}
	}
}

func TestIssuedAt(t *testing.T) {
	tests := []struct {
		claims string
		want   string // empty if there is no such time
	}{
		{`{"iat":1668676907}`, "2022-11-17T09:21:47Z"},
		{`{"iat":1668676907.25}`, "2022-11-17T09:21:47.25Z"},
		{`{"iat":1.668676907e9}`, "2022-11-17T09:21:47Z"},
		{`{"iat":0}`, "1970-01-01T00:00:00Z"},
		{`{"iat":-0.5}`, "1969-12-31T23:59:59.5Z"},
		{` { "x" : { "iat" : 1 } , "\u0069at" : 2 } `, "1970-01-01T00:00:02Z"},
		{`{"iat":253402300799}`, "9999-12-31T23:59:59Z"},
		{`{"iat":1e400}`, "10000-01-01T00:00:00Z"},
		{`{"iat":9223372036854775808}`, "10000-01-01T00:00:00Z"},
		{`{"iat":-1e400}`, "0001-01-01T00:00:00Z"},
		{`{"iat":"1668676907"}`, ""},
		{`{"iat":null}`, ""},
		{`{"iat":true}`, ""},
		{`{"iat":[1]}`, ""},
		{`{"iat":{}}`, ""},
		{`{"payload":{"iat":1}}`, ""},
		{`{"IAT":1}`, ""},
		{`{}`, ""},
	}
	for _, test := range tests {
		token, err := Parse(join(hs512, test.claims, ""))
		if err != nil {
			t.Fatal(err)
		}
		issuedAt, ok := token.IssuedAt()
		got := ""
		if ok {
			got = issuedAt.Format(time.RFC3339Nano)
		}
		if got != test.want || !ok && !issuedAt.IsZero() {
			t.Errorf("%s: %v, %t, want %q", test.claims, issuedAt, ok, test.want)
		}
	}
}
