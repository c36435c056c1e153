package handlers

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"tokenmint/handlers/policy"
)

// adminClaims are those of the token in the tests of conditions, at goldenTime.
const adminClaims = `{"iat":1668676900,"jti":"an-id","sub":"ada","scope":"read write","roles":["admin","editor"],"level":1.50,"email":"ada@example.com","payload":{"data":{"role":"admin"}}}`

// TestAuthIf checks the statuses and challenges that conditions lead to. Package policy
// tests the conditions themselves.
func TestAuthIf(t *testing.T) {
	_, server := newServer(t, quiet)
	admin := sign(publishedKey, headerHS512, adminClaims)
	const scope = `Bearer error="insufficient_scope", error_description="`
	const invalid = `Bearer error="invalid_token", error_description="`
	tests := []struct {
		query, token string
		status       int
		challenge    string // a prefix of WWW-Authenticate
	}{
		{"/payload/data/role=admin", admin, 200, ""},
		{"/roles=editor&scope=read&/email~=.%2B@example%5C.com&max_age=7&/level=1.50", admin, 200, ""},
		{"/payload/data/role=user", admin, 403, scope + `the token does not have the claim that is needed here: /payload/data/role"`},
		{"/roles=user&/sub=ada", admin, 403, scope + `the token does not have the claim that is needed here: /roles"`},
		{"/payload%2Fdata/role=%22" + canary, admin, 403, scope + `the token does not have the claim that is needed here: /payload%2Fdata/role"`},
		{"/x%22%5C=" + canary, admin, 403, scope + `the token does not have the claim that is needed here: /x%22%5C"`},
		{"/level~=1.50", admin, 403, scope},
		{"scope=" + canary, admin, 403, scope + `the token lacks a scope that is needed here"`},
		{"max_age=6", admin, 401, invalid + `the age of the token does not pass here"`},
		{"/sub=ada", goldenToken, 403, scope},
		{"/sub=ada", "", 401, "Bearer"},
		{"/sub=ada", admin + "x", 401, invalid},
		{"/sub=ada", sign("another", headerHS512, adminClaims), 401, invalid + `the signature does not match"`},
		{"/exp", sign(publishedKey, headerHS512, `{"exp":1668676907}`), 401, invalid + `the token has expired"`},
		{"/exp&leeway=1", sign(publishedKey, headerHS512, `{"exp":1668676907}`), 200, ""},
		{"leeway=300", sign(publishedKey, headerHS512, `{"nbf":1668677207}`), 200, ""},
		{"leeway=299", sign(publishedKey, headerHS512, `{"nbf":1668677207}`), 401, invalid + `the token is not valid yet"`},
	}
	for _, test := range tests {
		for _, method := range []string{"GET", "POST", "PURGE"} {
			name := method + " " + test.query
			header := http.Header{}
			if test.token != "" {
				header = bearer(test.token)
			}
			got := send(t, method, server.URL+"/auth/if?"+test.query, "", header)
			if test.status == 200 {
				if got.status != 200 || got.body != "" || len(got.header["Token-Id"]) != 1 {
					t.Errorf("%s: %d %s %v", name, got.status, got.body, got.header)
				}
				continue
			}
			checkError(t, name, got, test.status)
			if challenges := got.header["Www-Authenticate"]; len(challenges) != 1 || !strings.HasPrefix(challenges[0], test.challenge) || strings.Contains(challenges[0], canary) {
				t.Errorf("%s: WWW-Authenticate: %q, want %s", name, challenges, test.challenge)
			}
		}
	}
}

// TestAuthIfHeaders checks the headers of a response that lets a request pass.
func TestAuthIfHeaders(t *testing.T) {
	_, server := newServer(t)
	token := sign(publishedKey, headerHS512, `{"sub":"a b,\u00e9%","groups":["x,y","z",1.50,true,null,{"a":1},["b"]],"object":{},"none":null}`)
	segment := strings.Split(token, ".")[1]
	tests := []struct {
		query string
		want  http.Header
	}{
		{"/sub", http.Header{"Token-Id": {""}, "Token-Claims": {segment}}},
		{"claims=off", http.Header{"Token-Id": {""}}},
		{"claims=off&set=remote-user:/sub&set=X-Groups:/groups", http.Header{"Token-Id": {""}, "Remote-User": {"a%20b,%C3%A9%25"}, "X-Groups": {"x%2Cy,z,1.50,true"}}},
		{"claims=off&set=A:/object&set=B:/none&set=C:/nowhere&set=D:/groups/1&set=E:/groups/9&set=F:/groups/01", http.Header{"Token-Id": {""}, "A": {""}, "B": {""}, "C": {""}, "D": {"z"}, "E": {""}, "F": {""}}},
	}
	for _, test := range tests {
		got := send(t, "GET", server.URL+"/auth/if?"+test.query, "", bearer(token))
		for _, name := range []string{"Cache-Control", "X-Content-Type-Options", "Cross-Origin-Resource-Policy", "X-Request-Id", "Date", "Content-Length"} {
			got.header.Del(name)
		}
		if got.status != 200 || !maps.EqualFunc(got.header, test.want, func(a, b []string) bool { return fmt.Sprint(a) == fmt.Sprint(b) }) {
			t.Errorf("%s: %d %v, want %v", test.query, got.status, got.header, test.want)
		}
	}
}

// TestTokenSources sends tokens in several places. A token in a place that the policy does
// not name does not count.
func TestTokenSources(t *testing.T) {
	_, server := newServer(t)
	other := sign(publishedKey, headerHS512, `{"jti":"other"}`)
	const noToken = "Bearer"
	tests := []struct {
		name, query string
		header      http.Header
		id          string // empty if no one passes
		challenge   string
	}{
		{"a cookie", "token=cookie:session", http.Header{"Cookie": {"a=b; session=" + other + "; c"}}, "other", ""},
		{"a cookie on a second line", "token=cookie:session", http.Header{"Cookie": {"a=b", "session=" + other}}, "other", ""},
		{"a cookie of another name", "token=cookie:session", http.Header{"Cookie": {"Session=" + other + "; xsession=" + other + "; sessionx=" + other}}, "", noToken},
		{"an empty cookie", "token=cookie:session", http.Header{"Cookie": {"session="}}, "", noToken},
		{"two cookies", "token=cookie:session", http.Header{"Cookie": {"session=" + other + "; session=" + other}}, "", "send the cookie with the token once"},
		{"two cookies on two lines", "token=cookie:session", http.Header{"Cookie": {"session=" + other, "session=x"}}, "", "send the cookie with the token once"},
		{"an empty cookie and another", "token=cookie:session", http.Header{"Cookie": {"session=; session=" + other}}, "", "send the cookie with the token once"},
		{"a cookie in quotes", "token=cookie:session", http.Header{"Cookie": {`session="` + other + `"`}}, "", "malformed token: it has quotes around it"},
		{"bearer, if only the cookie counts", "token=cookie:session", bearer(other), "", noToken},
		{"a header", "token=header:X-Token", http.Header{"X-Token": {other}}, "other", ""},
		{"a header in another case", "token=header:x-tOKEN", http.Header{"X-Token": {other}}, "other", ""},
		{"a header twice", "token=header:X-Token", http.Header{"X-Token": {other, other}}, "", "send the header with the token once"},
		{"a header with Bearer", "token=header:X-Token", http.Header{"X-Token": {"Bearer " + other}}, "", "malformed token: it starts with Bearer"},
		{"an empty header", "token=header:X-Token", http.Header{"X-Token": {""}}, "", noToken},
		{"Authorization as a header", "token=header:authorization", bearer(other), "other", ""},
		{"bearer", "token=bearer", bearer(other), "other", ""},
		{"a cookie, if only bearer counts", "/jti", http.Header{"Cookie": {"session=" + other}}, "", noToken},
		{"the first source wins", "token=cookie:session&token=bearer", http.Header{"Cookie": {"session=" + other}, "Authorization": {"Bearer " + goldenToken}}, "other", ""},
		{"the second source", "token=cookie:session&token=bearer", bearer(other), "other", ""},
		{"a wrong first source is not made good by the second", "token=cookie:session&token=bearer", http.Header{"Cookie": {"session=x"}, "Authorization": {"Bearer " + other}}, "", "malformed token"},
		{"Basic is no token", "token=bearer&token=header:token", http.Header{"Authorization": {"Basic eDp5"}, "Token": {other}}, "other", ""},
	}
	for _, test := range tests {
		got := send(t, "GET", server.URL+"/auth/if?"+test.query, "", test.header)
		if test.id != "" {
			if got.status != 200 || got.header.Get("Token-Id") != test.id {
				t.Errorf("%s: %d %s", test.name, got.status, got.body)
			}
			continue
		}
		checkError(t, test.name, got, 401)
		challenge := got.header.Get("WWW-Authenticate")
		if test.challenge == noToken && challenge != noToken || !strings.Contains(challenge, test.challenge) {
			t.Errorf("%s: %s, want %s", test.name, challenge, test.challenge)
		}
	}
}

// TestGatePreflight checks that only a preflight request passes without a token, and that it
// passes with empty headers.
func TestGatePreflight(t *testing.T) {
	_, server := newServer(t)
	const query = "preflight=X-Forwarded-Method&set=Remote-User:/sub&/sub=ada"
	preflight := func(change func(http.Header)) http.Header {
		header := http.Header{"X-Forwarded-Method": {"OPTIONS"}, "Origin": {"https://app.example"}, "Access-Control-Request-Method": {"POST"}}
		change(header)
		return header
	}
	same := func(http.Header) {}
	for _, method := range []string{"GET", "OPTIONS", "POST"} {
		got := send(t, method, server.URL+"/auth/if?"+query, "", preflight(same))
		for _, name := range []string{"Token-Id", "Token-Claims", "Remote-User"} {
			if values := got.header[name]; got.status != 200 || len(values) != 1 || values[0] != "" {
				t.Errorf("%s: %d, %s: %q", method, got.status, name, values)
			}
		}
	}
	for name, header := range map[string]http.Header{
		"no method":          preflight(func(h http.Header) { h.Del("X-Forwarded-Method") }),
		"another method":     preflight(func(h http.Header) { h.Set("X-Forwarded-Method", "POST") }),
		"options":            preflight(func(h http.Header) { h.Set("X-Forwarded-Method", "options") }),
		"two methods":        preflight(func(h http.Header) { h.Add("X-Forwarded-Method", "OPTIONS") }),
		"no Origin":          preflight(func(h http.Header) { h.Del("Origin") }),
		"no request method":  preflight(func(h http.Header) { h.Del("Access-Control-Request-Method") }),
		"the wrong spelling": preflight(func(h http.Header) { h.Del("X-Forwarded-Method"); h.Set("X-Forwarded_Method", "OPTIONS") }),
	} {
		checkError(t, name, send(t, "OPTIONS", server.URL+"/auth/if?"+query, "", header), 401)
	}
	for _, target := range []string{"/auth", "/auth?" + query, "/auth/if?/sub=ada", "/ext_authz/?" + query} {
		checkError(t, target, send(t, "OPTIONS", server.URL+target, "", preflight(same)), 401)
	}
}

// TestWrongQueries checks that a query that the gate does not understand lets no one
// pass, not even with a good token, and that it is logged once, without its values.
func TestWrongQueries(t *testing.T) {
	var log bytes.Buffer
	service := newService(t, &log)
	server := httptest.NewServer(service)
	defer server.Close()
	log.Reset() // of the line about its keys
	for _, queries := range []int{5, 5, maxLoggedQueries + 10} {
		for i := range queries {
			target := fmt.Sprintf("/auth/if?/sub=%s&unknown%d=%s", canary, i, url.QueryEscape(goldenToken))
			checkError(t, target, send(t, "GET", server.URL+target, "", bearer(goldenToken)), 400)
		}
		if lines := strings.Count(log.String(), "\n"); lines != min(queries, maxLoggedQueries) {
			t.Errorf("%d lines in the log after %d queries", lines, queries)
		}
	}
	if strings.Contains(log.String(), canary) || strings.Contains(log.String(), "eyJ") {
		t.Errorf("logged: %s", log.String())
	}
	if !strings.Contains(log.String(), "parameter 2: there is no such parameter") {
		t.Errorf("logged: %s", log.String())
	}
}

// TestPoliciesAreKept checks that a policy in use is parsed once, and that what clients
// send does not fill the memory.
func TestPoliciesAreKept(t *testing.T) {
	p := newPolicies(slog.New(slog.DiscardHandler))
	find := func(query string) *policy.Policy {
		t.Helper()
		found, err := p.find(query)
		if err != nil {
			t.Fatal(err)
		}
		kept := p.kept.Load()
		size := 0
		for _, policy := range kept.current {
			size += policy.Size()
		}
		if len(kept.current) > maxPolicies || len(kept.previous) > maxPolicies || size > maxKeptSize || size != kept.size {
			t.Fatalf("%d and %d policies are kept, of %d bytes, of which %d are counted", len(kept.current), len(kept.previous), size, kept.size)
		}
		return found
	}
	first := find("/sub=ada")
	for i := range 3 * maxPolicies {
		find(fmt.Sprintf("/sub=%d", i))
		if i%50 == 0 && find("/sub=ada") != first {
			t.Fatal("a policy in use was parsed again")
		}
	}
	for i := range 100 {
		find(fmt.Sprintf("/sub~=.{900}%d", i))
	}
	if find("/sub=ada") == first {
		t.Error("a policy that was not in use is still kept")
	}
}

// TestPoliciesAreShared looks for policies from several goroutines.
func TestPoliciesAreShared(t *testing.T) {
	p := newPolicies(slog.New(slog.DiscardHandler))
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			for i := range 300 {
				if _, err := p.find(fmt.Sprintf("/sub=%d", i%40)); err != nil {
					t.Error(err)
				}
				if _, err := p.find(fmt.Sprintf("unknown=%d", i)); err == nil {
					t.Error("a wrong query is a policy")
				}
			}
		})
	}
	clients.Wait()
	size := 0
	for _, policy := range p.kept.Load().current {
		size += policy.Size()
	}
	if kept := p.kept.Load(); kept.size != size || len(p.logged) != maxLoggedQueries {
		t.Errorf("policies of %d bytes are kept, of which %d are counted; %d queries are logged", size, kept.size, len(p.logged))
	}
}

// TestGateRefusals checks the reasons that the metrics count.
func TestGateRefusals(t *testing.T) {
	service, server := newServer(t, quiet)
	service.now = func() time.Time { return goldenTime }
	for _, row := range refusalReasons {
		if name := `tokenmint_gate_refusals_total{reason="` + row.reason + `"}`; scrape(t, server)[name] != 0 {
			t.Errorf("%s does not start at 0", name)
		}
	}
	ours := func(claims string) http.Header { return bearer(sign(publishedKey, headerHS512, claims)) }
	requests := []struct {
		reason, target string
		header         http.Header
	}{
		{"query", "/auth/if", bearer(goldenToken)},
		{"no token", "/auth", nil},
		{"no token", "/auth/if?token=cookie:a", nil},
		{"several tokens", "/auth", http.Header{"Authorization": {"Bearer a", "Bearer a"}}},
		{"several tokens", "/auth", http.Header{"Authorization": {"Bearer a b"}}},
		{"several tokens", "/auth/if?token=cookie:a", http.Header{"Cookie": {"a=b;a=b"}}},
		{"several tokens", "/auth/if?token=header:a", http.Header{"A": {"b", "b"}}},
		{"malformed", "/auth", bearer("x")},
		{"algorithm", "/auth", bearer(sign(publishedKey, `{"alg":"HS256"}`, `{}`))},
		{"algorithm", "/auth", bearer(sign(publishedKey, `{"alg":"HS512","crit":[]}`, `{}`))},
		{"signature", "/auth", bearer(sign("another", headerHS512, `{}`))},
		{"invalid times", "/auth", ours(`{"exp":"1"}`)},
		{"expired", "/auth", ours(`{"exp":1}`)},
		{"early", "/auth", ours(`{"nbf":9999999999}`)},
		{"max_age", "/auth/if?max_age=1", ours(`{}`)},
		{"scope", "/auth/if?scope=a", ours(`{}`)},
		{"claim", "/auth/if?/a", ours(`{}`)},
	}
	want := map[string]float64{"revoked": 0}
	for _, request := range requests {
		send(t, "GET", server.URL+request.target, "", request.header)
		want[request.reason]++
	}
	series := scrape(t, server)
	for _, row := range refusalReasons {
		if got := series[`tokenmint_gate_refusals_total{reason="`+row.reason+`"}`]; got != want[row.reason] {
			t.Errorf("%s: %v, want %v", row.reason, got, want[row.reason])
		}
	}
}

// FuzzGateHeaders puts arbitrary claims into the headers of a response. They carry
// nothing but visible ASCII, and a header is there for each that was asked for.
func FuzzGateHeaders(f *testing.F) {
	for _, claims := range []string{`{"jti":"\r\nSet-Cookie: a=b","a":"é\u0000\t%,"}`, `{"a":["x,y",1.50,null,{"b":1},["c"],true],"b":{"c":"d"}}`, `{"a":{"":7},"/":"~"}`, `{"jti":7,"a":-0e1}`, `{"a":"` + strings.Repeat("😀", 300) + `"}`} {
		f.Add([]byte(claims))
	}
	service := newService(f, io.Discard)
	f.Fuzz(func(t *testing.T, claims []byte) {
		r, err := http.NewRequest("GET", "/auth/if?leeway=0&set=A:/a&set=B:/a/0&set=C:/b/c&set=D:/~1&set=E:/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header = bearer(sign(publishedKey, headerHS512, string(claims)))
		w := &recorder{header: http.Header{}}
		service.ServeHTTP(w, r)
		for name, values := range w.header {
			for _, value := range values {
				if name != "Error-Description" && name != "Www-Authenticate" && strings.ContainsFunc(value, func(r rune) bool { return r < '!' && name != "Cache-Control" || r > '~' }) {
					t.Fatalf("%q: %s: %q", claims, name, value)
				}
			}
		}
		for _, name := range []string{"Token-Id", "Token-Claims", "A", "B", "C", "D", "E"} {
			if got := len(w.header[name]); w.status == 200 && got != 1 || w.status != 200 && got != 0 {
				t.Fatalf("%q: %d with %d headers %s", claims, w.status, got, name)
			}
		}
	})
}
