package policy

import (
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"tokenmint/jwtcore"
)

// now is the time of the tests.
var now = time.Unix(1_000_000, 0)

// parse returns the policy in query.
func parse(t testing.TB, query string) *Policy {
	t.Helper()
	p, err := Parse(query)
	if err != nil {
		t.Fatalf("%.100q: %v", query, err)
	}
	return p
}

// tokenOf returns a token with these claims. No one signed it.
func tokenOf(t testing.TB, claims string) *jwtcore.Token {
	t.Helper()
	encode := base64.RawURLEncoding.EncodeToString
	token, err := jwtcore.Parse(encode([]byte(`{"alg":"HS512"}`)) + "." + encode([]byte(claims)) + ".")
	if err != nil {
		t.Fatalf("%.100s: %v", claims, err)
	}
	return &token
}

// evaluate evaluates the policy in query.
func evaluate(t testing.TB, query, claims string) ([]string, error) {
	t.Helper()
	return parse(t, query).Evaluate(tokenOf(t, claims), now)
}

func TestDefault(t *testing.T) {
	p := Default()
	if got := slices.Collect(p.Sources()); !slices.Equal(got, []Source{{Kind: Bearer}}) {
		t.Errorf("sources %v", got)
	}
	if p.Leeway() != 0 || !p.SendsClaims() || p.Preflight() != "" || len(p.headers) > 0 {
		t.Errorf("it is %+v", p)
	}
	if headers, err := p.Evaluate(tokenOf(t, `{}`), now); err != nil || len(headers) > 0 {
		t.Errorf("%q, %v", headers, err)
	}
}

// TestSettings checks the parameters that the caller of the package acts upon.
func TestSettings(t *testing.T) {
	tests := []struct {
		query     string
		leeway    time.Duration
		claims    bool
		preflight string
	}{
		{"/a", 0, true, ""},
		{"leeway=0", 0, true, ""},
		{"leeway=300&/a", 300 * time.Second, true, ""},
		{"claims=off", 0, false, ""},
		{"cl%61ims=%6fff", 0, false, ""},
		{"preflight=X-Forwarded-Method", 0, true, "X-Forwarded-Method"},
		{"preflight=x&leeway=1&claims=off", time.Second, false, "x"},
	}
	for _, test := range tests {
		p := parse(t, test.query)
		if p.Leeway() != test.leeway || p.SendsClaims() != test.claims || p.Preflight() != test.preflight {
			t.Errorf("%s: %v, %t, %q", test.query, p.Leeway(), p.SendsClaims(), p.Preflight())
		}
	}
}

func TestSources(t *testing.T) {
	tests := []struct {
		query string
		want  []Source
	}{
		{"/a", []Source{{Kind: Bearer}}},
		{"token=bearer", []Source{{Kind: Bearer}}},
		{"token=cookie:session", []Source{{Cookie, "session"}}},
		{"token=cookie:__Host-a", []Source{{Cookie, "__Host-a"}}},
		{"token=header:X-Token", []Source{{Header, "X-Token"}}},
		{"token=header%3aX-Token", []Source{{Header, "X-Token"}}},
		{"token=header:Authorization", []Source{{Kind: Bearer}}},
		{"token=header:aUTHORIZATION", []Source{{Kind: Bearer}}},
		{"token=cookie:Authorization", []Source{{Cookie, "Authorization"}}},
		{"token=cookie:a&token=bearer&/x&token=header:b", []Source{{Cookie, "a"}, {Kind: Bearer}, {Header, "b"}}},
	}
	for _, test := range tests {
		if got := slices.Collect(parse(t, test.query).Sources()); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", test.query, got, test.want)
		}
	}
}

func TestMaxAge(t *testing.T) {
	const future = "the age of the token does not pass here: its time of issue is in the future"
	const notANumber = "the age of the token does not pass here: its time of issue, iat, is not a number"
	tests := []struct{ query, claims, want string }{
		{"max_age=60", `{"iat":1000000}`, ""},
		{"max_age=60", `{"iat":999940}`, ""},
		{"max_age=60", `{"iat":999939}`, "the age of the token does not pass here"},
		{"max_age=60", `{"iat":999939.5}`, "the age of the token does not pass here"},
		{"max_age=60", `{"iat":9.9994e5}`, ""},
		{"max_age=60", `{"iat":1000001}`, future},
		{"max_age=60", `{"iat":1000000.5}`, future},
		{"max_age=60", `{"iat":1e400}`, future},
		{"max_age=60", `{"iat":-1e400}`, "the age of the token does not pass here"},
		{"max_age=60", `{}`, notANumber},
		{"max_age=60", `{"iat":"1000000"}`, notANumber},
		{"max_age=60", `{"iat":null}`, notANumber},
		{"max_age=60", `{"iat":[1000000]}`, notANumber},
		{"max_age=60", `{"payload":{"iat":1000000}}`, notANumber},
		{"max_age=60", `{"\u0069at":1000000}`, ""},
		{"max_age=1", `{"iat":999999}`, ""},
		{"max_age=1", `{"iat":999998}`, "the age of the token does not pass here"},
		{"max_age=60&leeway=30", `{"iat":999910}`, ""},
		{"max_age=60&leeway=30", `{"iat":999909}`, "the age of the token does not pass here"},
		{"leeway=30&max_age=60", `{"iat":1000030}`, ""},
		{"leeway=30&max_age=60", `{"iat":1000031}`, future},
		{"leeway=300&max_age=3153600000", `{"iat":-3152600300}`, ""},
		{"leeway=300&max_age=3153600000", `{"iat":-3152600301}`, "the age of the token does not pass here"},
		{"leeway=30", `{"iat":"tomorrow"}`, ""},
		{"max_age=60&/a&scope=b", `{"iat":1}`, "the age of the token does not pass here"}, // and not a 403
	}
	for _, test := range tests {
		_, err := evaluate(t, test.query, test.claims)
		if test.want == "" && err != nil || test.want != "" && (!errors.Is(err, ErrMaxAge) || err.Error() != test.want) {
			t.Errorf("%s, %s: %v, want %q", test.query, test.claims, err, test.want)
		}
	}
	p := parse(t, "max_age=60")
	if _, err := p.Evaluate(tokenOf(t, `{"iat":999940}`), now.Add(time.Nanosecond)); !errors.Is(err, ErrMaxAge) {
		t.Errorf("a nanosecond too late: %v", err)
	}
}

// TestErrorDescription checks that the text of an error suits an error_description (RFC
// 6750 §3), names the pointer as the query spells it, and no value.
func TestErrorDescription(t *testing.T) {
	const prefix = "the token does not have the claim that is needed here: "
	for query, want := range map[string]string{
		"/a=secret":                   prefix + "/a",
		"/a":                          prefix + "/a",
		"/a~=secret":                  prefix + "/a",
		"/a%7E=secret":                prefix + "/a",
		"/a%7e=secret":                prefix + "/a",
		"/a~0~=secret":                prefix + "/a~0",
		"%2fa%2Fb=secret":             prefix + "%2fa%2Fb",
		"/%61=secret&/a=secret":       prefix + "/%61",
		"/c=x&/b=y&/a=z":              prefix + "/b",
		"/k\"l\\m\x01\u00e9 =secret":  prefix + "/k%22l%5Cm%01%C3%A9%20",
		"/k%22l%5Cm%01%C3%A9%20":      prefix + "/k%22l%5Cm%01%C3%A9%20",
		"/a=secret&scope=secret":      "the token lacks a scope that is needed here",
		"scope=secret&/c=x&scope=abc": "the token lacks a scope that is needed here",
	} {
		_, err := evaluate(t, query, `{"c":"x"}`)
		if err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %q", query, err, want)
		}
	}
}

// TestEvaluateInOnePass evaluates the deepest pointer. An evaluation that reads objects
// again at each level takes hundreds of megabytes for these 10 KB of claims.
func TestEvaluateInOnePass(t *testing.T) {
	const depth, most = 2000, 4 << 20
	for name, claims := range map[string]string{
		"objects": strings.Repeat(`{"":`, depth) + `1` + strings.Repeat(`}`, depth),
		"arrays":  `{"":` + strings.Repeat(`[`, depth-1) + `1` + strings.Repeat(`]`, depth-1) + `}`,
	} {
		query := strings.Repeat("/", depth) + "=1"
		if name == "arrays" {
			query = "/" + strings.Repeat("/0", depth/2) // the longest that a query can have
		}
		p, token := parse(t, query), tokenOf(t, claims)
		var err error
		if size := allocated(func() { _, err = p.Evaluate(token, now) }); err != nil || size > most {
			t.Errorf("%s: %d bytes, %v, want at most %d", name, size, err, most)
		}
	}
}

// allocated returns how many bytes run allocates.
func allocated(run func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	run()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// held returns how many bytes the results of make take, on average.
func held(make func() any) int {
	const copies = 10
	var before, after runtime.MemStats
	var results [copies]any
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range results {
		results[i] = make()
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(results)
	return (int(after.HeapAlloc) - int(before.HeapAlloc)) / copies
}

// largeQueries take much memory, each in another way.
var largeQueries = map[string]string{
	"nodes":             strings.Repeat("/", maxQuery),
	"conditions":        numbered("/%x&", maxQuery/4),
	"values":            numbered("/=%x&", maxQuery/5),
	"patterns":          strings.Repeat("/~=x&", 300),
	"repetitions":       "/~=.{900}&/~=.{900}&/~=.{900}&/~=.{900}&",
	"classes":           "/~=" + strings.Repeat(`\pL`, 85) + "&/~=" + strings.Repeat(`\PL`, 85) + "&",
	"classes, repeated": `/~=\pL{900}&/~=\p{Cn}{900}&`,
	"nested classes":    "/~=" + strings.Repeat(`[\pL`, 50) + strings.Repeat(`]`, 50) + "&",
	"captures":          "/~=" + strings.Repeat("(", 120) + strings.Repeat(")", 120) + "&",
	"scopes":            numbered("scope=%x&", maxQuery/9),
	"sources":           numbered("token=cookie:%x&", maxQuery/17),
	"headers":           numbered("set=A%x:/a&", maxQuery/13),
}

// numbered returns n parameters, numbered in three digits so that they differ.
func numbered(format string, n int) string {
	var query strings.Builder
	for i := range n {
		fmt.Fprintf(&query, format, i)
	}
	return query.String()
}

// TestSize checks that Size is not less than what a policy takes.
func TestSize(t *testing.T) {
	for name, query := range largeQueries {
		query = strings.TrimSuffix(query, "&")
		if len(query) > maxQuery {
			query = query[:strings.LastIndex(query[:maxQuery], "&")]
		}
		size := parse(t, query).Size()
		got := held(func() any { return parse(t, strings.Clone(query)) })
		if got > size+size/20 || size > 20*got {
			t.Errorf("%s: it takes %d bytes, and its size is %d", name, got, size)
		}
	}
}

// BenchmarkEvaluate evaluates three conditions and sets one header.
func BenchmarkEvaluate(b *testing.B) {
	p := parse(b, `/payload/data/role=admin&scope=read&/email~=.%2B@example%5C.com&set=Remote-User:/sub`)
	token := tokenOf(b, `{"iat":1668676907,"jti":"f10fb5f47461de4dd8c76113cad7803b","payload":{"data":{"role":"admin","groups":["a","b"]},"date":"2022-11-17"},"iss":"https://issuer.example","sub":"ada","scope":"openid read write","email":"ada@example.com"}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Evaluate(token, now); err != nil {
			b.Fatal(err)
		}
	}
}
