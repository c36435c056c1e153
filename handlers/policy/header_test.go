package policy

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

func TestHeaders(t *testing.T) {
	for _, test := range []struct{ query, claims, want string }{
		{"set=Remote-User:/sub", `{"sub":"ada"}`, "ada"},
		{"set=Remote-User:/payload/data/user", `{"payload":{"data":{"user":"ada"}}}`, "ada"},
		{"set=Remote-User:%2Fa%2Fb", `{"a":{"b":"c"}}`, "c"},
		{"set=Remote-User:/a~1b", `{"a/b":"c"}`, "c"},
		{"set=Remote-User:/a:b", `{"a:b":"c"}`, "c"},
		{"set=Remote-User:/", `{"":"c"}`, "c"},
		{"set=Remote-User:/a/1", `{"a":["b","c"]}`, "c"},

		{"set=A:/a", `{"a":1.50}`, "1.50"},
		{"set=A:/a", `{"a":-0}`, "-0"},
		{"set=A:/a", `{"a":1E+2}`, "1E+2"},
		{"set=A:/a", `{"a":12345678901234567890123}`, "12345678901234567890123"},
		{"set=A:/a", `{"a":true}`, "true"},
		{"set=A:/a", `{"a":false}`, "false"},
		{"set=A:/a", `{"a":""}`, ""},
		{"set=A:/a", `{"a":null}`, ""},
		{"set=A:/a", `{"a":{"b":"c"}}`, ""},
		{"set=A:/a", `{}`, ""},
		{"set=A:/a/b/c", `{"a":"b"}`, ""},

		{"set=A:/a", `{"a":"b c"}`, "b%20c"},
		{"set=A:/a", `{"a":"50%"}`, "50%25"},
		{"set=A:/a", `{"a":"%41"}`, "%2541"},
		{"set=A:/a", `{"a":"a,b"}`, "a,b"},
		{"set=A:/a", `{"a":"\r\nSet-Cookie: a=b"}`, "%0D%0ASet-Cookie:%20a=b"},
		{"set=A:/a", `{"a":"\u0000\u001f\u007f"}`, "%00%1F%7F"},
		{"set=A:/a", `{"a":"\u00e9"}`, "%C3%A9"},
		{"set=A:/a", `{"a":"\ud83d\ude00"}`, "%F0%9F%98%80"},
		{"set=A:/a", `{"a":"!\"#$&'()*+-./:;<=>?@[\\]^_` + "`" + `{|}~"}`, "!\"#$&'()*+-./:;<=>?@[\\]^_`{|}~"},

		{"set=A:/a", `{"a":[]}`, ""},
		{"set=A:/a", `{"a":["b"]}`, "b"},
		{"set=A:/a", `{"a":["b","c"]}`, "b,c"},
		{"set=A:/a", `{"a":[ "b" , 1.50 , true , false ]}`, "b,1.50,true,false"},
		{"set=A:/a", `{"a":["b,c","d e","%"]}`, "b%2Cc,d%20e,%25"},
		{"set=A:/a", `{"a":["b",null,{"c":"d"},["e","f"],"g"]}`, "b,g"},
		{"set=A:/a", `{"a":["","b",""]}`, ",b,"},
		{"set=A:/a", `{"a":[null,{}]}`, ""},

		{"set=A:/a&set=B:/b", `{"b":"2","a":"1"}`, "1 2"},
		{"set=A:/a&set=B:/a", `{"a":["1",","]}`, "1,%2C 1,%2C"},
		{"set=A:/a&set=B:/a/0&set=C:/a/1/b", `{"a":["1",{"b":"2"},"3"]}`, "1,3 1 2"},
		{"set=A:/a&set=B:/a/b", `{"a":{"b":"1"}}`, " 1"},
		{"/a=1&set=A:/a&scope=b&set=B:/scope", `{"a":1,"scope":"b c"}`, "1 b%20c"},
	} {
		headers, err := evaluate(t, test.query, test.claims)
		if got := strings.Join(headers, " "); err != nil || got != test.want {
			t.Errorf("%s, %s: %q, %v, want %q", test.query, test.claims, got, err, test.want)
		}
	}
}

// TestHeaderNames checks that names are in the canonical form of net/http.
func TestHeaderNames(t *testing.T) {
	var names []string
	for i, name := range parse(t, "set=remote-USER:/a&claims=off&set=x_y:/b&set=Z!:/a").Headers() {
		if i != len(names) {
			t.Errorf("%s has the index %d", name, i)
		}
		names = append(names, name)
	}
	if want := []string{"Remote-User", "X_y", "Z!"}; !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
}

// TestHeadersAreVisibleASCII sends every character of the basic plane through headers, as
// a string and as an element, and gets it back.
func TestHeadersAreVisibleASCII(t *testing.T) {
	p := parse(t, "set=A:/a&set=B:/b")
	for c := range rune(0xffff) {
		if !utf8.ValidRune(c) {
			continue
		}
		text := "x" + string(c) + "y"
		quoted, err := jsontext.AppendQuote(nil, text)
		if err != nil {
			t.Fatal(err)
		}
		headers, err := p.Evaluate(tokenOf(t, `{"a":`+string(quoted)+`,"b":[1,`+string(quoted)+`]}`), now)
		if err != nil {
			t.Fatal(err)
		}
		checkVisibleASCII(t, headers)
		elements := strings.Split(headers[1], ",")
		for _, value := range []string{headers[0], elements[len(elements)-1]} {
			if got, err := url.PathUnescape(value); err != nil || got != text {
				t.Fatalf("%q became %q", text, value)
			}
		}
		if len(elements) != 2 || Encode(text) != headers[0] {
			t.Fatalf("%q became %q, and %q by Encode", text, headers, Encode(text))
		}
	}
	for c := range 256 { // bytes that are no UTF-8, too
		checkVisibleASCII(t, []string{Encode(string([]byte{byte(c)}))})
	}
}

func checkVisibleASCII(t *testing.T, values []string) {
	t.Helper()
	for _, value := range values {
		for _, c := range []byte(value) {
			if c <= ' ' || c > '~' {
				t.Fatalf("the header %q has the byte %#x", value, c)
			}
		}
	}
}

// TestReservedHeaders tries to set headers that HTTP or the gate uses.
func TestReservedHeaders(t *testing.T) {
	names := strings.Fields(`
		Accept Accept-Charset Accept-Encoding Accept-Language Accept-Ranges Allow Authentication-Info Authorization
		Connection Content-Encoding Content-Language Content-Length Content-Location Content-Range Content-Type Date ETag
		Expect From Host If-Match If-Modified-Since If-None-Match If-Range If-Unmodified-Since Last-Modified Location
		Max-Forwards Proxy-Authenticate Proxy-Authentication-Info Proxy-Authorization Range Referer Retry-After Server TE
		Trailer Upgrade User-Agent Vary Via WWW-Authenticate
		Age Cache-Control Expires Pragma Warning Close MIME-Version Transfer-Encoding
		Cookie Set-Cookie Keep-Alive Proxy-Connection HTTP2-Settings
		Access-Control-Allow-Origin Access-Control-Request-Method Origin Sec-Fetch-Site Content-Security-Policy
		Content-Disposition Cross-Origin-Resource-Policy Strict-Transport-Security X-Content-Type-Options X-Frame-Options
		Refresh Link Alt-Svc Clear-Site-Data Referrer-Policy X-Accel-Redirect
		Token-Id Token-Claims Error-Description X-Request-Id`) // RFC 9110 §18.4, RFC 9111 §5, RFC 9112, RFC 6265 and others
	spellings := []func(string) string{
		func(s string) string { return s },
		strings.ToLower,
		strings.ToUpper,
		func(s string) string { return strings.ReplaceAll(s, "-", "_") },
		func(s string) string { return strings.ToLower(strings.ReplaceAll(s, "-", ".")) },
		func(s string) string { return strings.ReplaceAll(s, "-", "~") },
		func(s string) string { return strings.Replace(s, "-", "%2d", 1) },
	}
	for _, name := range names {
		for _, spelling := range spellings {
			query := "/a&set=" + spelling(name) + ":/a"
			if _, err := Parse(query); !errors.Is(err, errReserved) {
				t.Errorf("%s: %v", query, err)
			}
		}
	}
	for _, name := range []string{"Remote-User", "Remote-Groups", "X-Forwarded-User", "X-Token", "Token", "User", "X-Accept", "Iffy", "Contents", "Ages"} {
		parse(t, "set="+name+":/a")
	}
}

// TestSetTwice sets one header twice. Applications may take different spellings for one.
func TestSetTwice(t *testing.T) {
	for _, other := range []string{"Remote-User", "remote-user", "REMOTE-USER", "Remote_User", "remote.user", "Remote%2dUser", "Remote~User"} {
		for _, query := range []string{"set=Remote-User:/a&set=" + other + ":/b", "set=" + other + ":/a&/c&set=Remote-User:/a"} {
			if _, err := Parse(query); !errors.Is(err, errSetTwice) {
				t.Errorf("%s: %v", query, err)
			}
		}
	}
	parse(t, "set=Remote-User:/a&set=RemoteUser:/a&set=Remote--User:/a")
}
