package handlers

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

func TestParseOrigins(t *testing.T) {
	good := []struct {
		text string
		want []string
	}{
		{"", nil},
		{"https://app.example", []string{"https://app.example"}},
		{" http://a.example:8080 ,\thttps://b.example ", []string{"http://a.example:8080", "https://b.example"}},
		{"HTTPS://App.Example:443,http://localhost:80", []string{"https://app.example", "http://localhost"}},
		{"http://a.example:443,https://a.example:80", []string{"http://a.example:443", "https://a.example:80"}},
		{"http://127.0.0.1:5000,http://[::1]:5000,http://[0:0:0:0:0:0:0:1]", []string{"http://127.0.0.1:5000", "http://[::1]:5000", "http://[::1]"}},
		{"https://xn--bcher-kva.example,https://a_b.example,https://host.:1,https://a:0080", []string{"https://xn--bcher-kva.example", "https://a_b.example", "https://host.:1", "https://a:80"}},
		{"http://a:65535", []string{"http://a:65535"}},
	}
	for _, test := range good {
		got, err := ParseOrigins(test.text)
		if err != nil || !slices.Equal(got, test.want) {
			t.Errorf("%q: %q, %v, want %q", test.text, got, err, test.want)
		}
		again, err := ParseOrigins(strings.Join(got, ","))
		if err != nil || !slices.Equal(again, got) {
			t.Errorf("%q: parsed again %q, %v", got, again, err)
		}
	}
	bad := []struct{ entry, advice string }{
		{"", "write http://host"},
		{"*", "without *"},
		{"https://*.example", "without *"},
		{"null", "write http://host"},
		{"app.example", "write http://host"},
		{"app.example:443", "write http://host"},
		{"//app.example", "write http://host"},
		{"ftp://app.example", "write http://host"},
		{"chrome-extension://abcdef", "write http://host"},
		{"https:app.example", "write http://host"},
		{"https://", "write http://host"},
		{"https://:443", "write http://host"},
		{"https://app.example/", "nothing after it"},
		{"https://app.example/path", "nothing after it"},
		{"https://app.example?", "nothing after it"},
		{"https://app.example?q", "nothing after it"},
		{"https://app.example#", "nothing after it"},
		{"https://app.example#f", "nothing after it"},
		{"https://user@app.example", "write http://host"},
		{"https://user:password@app.example", "write http://host"},
		{"https://app.example https://b.example", "write http://host"},
		{"https://app.example;https://b.example", "write http://host"},
		{`"https://app.example"`, "write http://host"},
		{"https://app%2eexample", "write http://host"},
		{"https://app.example:", "port from 1 to 65535"},
		{"https://app.example:0", "port from 1 to 65535"},
		{"https://app.example:65536", "port from 1 to 65535"},
		{"https://app.example:https", "write http://host"},
		{"https://::1", "write http://host"},
		{"https://[::1", "write http://host"},
		{"https://[::1%25eth0]", "write http://host"},
		{"https://[127.0.0.1]", "write http://host"},
		{"https://bücher.example", "xn--"},
		{"https://app.example\x00", "write http://host"},
	}
	for _, test := range bad {
		for _, text := range []string{test.entry, "https://good.example," + test.entry, test.entry + " , https://good.example"} {
			if text == "" {
				continue
			}
			origins, err := ParseOrigins(text)
			if err == nil || origins != nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", test.entry)) || !strings.Contains(err.Error(), test.advice) || strings.ContainsAny(err.Error(), "\n\x00") {
				t.Errorf("%q: %q, %v", text, origins, err)
			}
		}
	}
}

// withOrigins lets pages of one origin use the token routes.
func withOrigins(c *Config) { c.Origins = []string{"https://app.example"} }

// TestOriginsThatMint sends requests to mint as browsers do from pages of all kinds.
// The name in Host is what a page rebinds.
func TestOriginsThatMint(t *testing.T) {
	tests := []struct {
		host    string
		origins []string
		mints   bool
	}{
		{"evil.example", nil, true}, // no browser
		{"localhost:5000", nil, true},

		{"localhost:5000", []string{"http://localhost:5000"}, true},
		{"LocalHost:5000", []string{"http://localhost:5000"}, true},
		{"localhost", []string{"https://localhost"}, true},
		{"tokenmint.localhost:5000", []string{"http://tokenmint.localhost:5000"}, true},
		{"127.0.0.1:5000", []string{"http://127.0.0.1:5000"}, true},
		{"192.0.2.7", []string{"http://192.0.2.7"}, true},
		{"[::1]:5000", []string{"http://[::1]:5000"}, true},
		{"[::1]", []string{"https://[::1]"}, true},
		{"127.0.0.1:5000", []string{"https://app.example"}, true},
		{"app.example", []string{"https://app.example"}, true},

		{"evil.example:5000", []string{"http://evil.example:5000"}, false},
		{"evil.example", []string{"https://evil.example"}, false},
		{"localhost.evil.example", []string{"http://localhost.evil.example"}, false},
		{"evillocalhost", []string{"http://evillocalhost"}, false},
		{"127.0.0.1.evil.example", []string{"http://127.0.0.1.evil.example"}, false},
		{"::1", []string{"http://::1"}, false},
		{"", []string{"http://"}, false},
		{"localhost:5000", []string{"http://evil.example"}, false},
		{"localhost:5000", []string{"http://localhost:5001"}, false},
		{"localhost:5000", []string{"http://localhost"}, false},
		{"localhost:5000", []string{"http://127.0.0.1:5000"}, false},
		{"127.0.0.1:5000", []string{"http://localhost:5000"}, false},
		{"localhost:5000", []string{"null"}, false},
		{"null", []string{"null"}, false},
		{"localhost:5000", []string{""}, false},
		{"localhost:5000", []string{"localhost:5000"}, false},
		{"localhost:5000", []string{"http://localhost:5000", "http://localhost:5000"}, false},
		{"localhost:5000", []string{"http://localhost:5000, http://localhost:5000"}, false},
		{"localhost:5000", []string{"http://localhost:5000 http://localhost:5000"}, false},
		{"localhost:5000", []string{"https://app.example", "https://app.example"}, false},
		{"localhost:5000", []string{"http://app.example"}, false},
		{"localhost:5000", []string{"https://app.example:444"}, false},
		{"localhost:5000", []string{"https://app.example.evil.example"}, false},
		{"localhost:5000", []string{"https://sub.app.example"}, false},
		{"localhost:5000", []string{"https://app.example/"}, false},
	}
	open := newService(t, t.Output(), withOrigins)
	closed := newService(t, t.Output(), withCredentials)
	for _, test := range tests {
		request := func(method, path, body string) *http.Request {
			r := httptest.NewRequest(method, path, strings.NewReader(body))
			r.Header = jsonHeaderFor("Bearer " + credentialA)
			r.Host = test.host
			if test.origins != nil {
				r.Header["Origin"] = test.origins
			}
			return r
		}
		w := httptest.NewRecorder()
		open.ServeHTTP(w, request("POST", "/token", `{"user_data":1}`))
		if test.mints != (w.Code == 200) || !test.mints && (w.Code != 403 || !strings.Contains(w.Body.String(), "ORIGINS")) {
			t.Errorf("Host %s, Origin %q: %d %s", test.host, test.origins, w.Code, w.Body)
		}
		w = httptest.NewRecorder()
		if closed.ServeHTTP(w, request("POST", "/token", `{"user_data":1}`)); w.Code != 200 {
			t.Errorf("Host %s, Origin %q, with a credential: %d %s", test.host, test.origins, w.Code, w.Body)
		}
		w = httptest.NewRecorder()
		if open.ServeHTTP(w, request("POST", "/token/verify", inspectBody(goldenToken, publishedKey, ""))); w.Code != 200 {
			t.Errorf("Host %s, Origin %q, an inspection: %d %s", test.host, test.origins, w.Code, w.Body)
		}
	}
}

// corsHeaders are those that let a page of another origin use a response.
var corsHeaders = []string{"Access-Control-Allow-Origin", "Access-Control-Allow-Methods", "Access-Control-Allow-Headers", "Access-Control-Allow-Credentials", "Access-Control-Expose-Headers", "Access-Control-Max-Age"}

// checkNotShared checks that a response has no header of CORS.
func checkNotShared(t *testing.T, name string, header http.Header) {
	t.Helper()
	for _, field := range corsHeaders {
		if header[field] != nil {
			t.Errorf("%s: %s: %q", name, field, header[field])
		}
	}
}

// TestCORS checks which responses to which origins have the headers of CORS. Errors
// have them too, so that a page can read what it did wrong.
func TestCORS(t *testing.T) {
	closed, closedServer := newServer(t, withCredentials, withOrigins)
	_, openServer := newServer(t, withOrigins)
	_, plainServer := newServer(t)
	closed.bodyMemory.free.Store(0)
	good := inspectBody(goldenToken, publishedKey, "")
	large := strings.Repeat("x", largeBody+1)
	tests := []struct {
		server             *httptest.Server
		method, path, body string
		header             http.Header
		status             int
		shared             bool
	}{
		{openServer, "POST", "/token", `{"user_data":1}`, jsonHeader(), 200, true},
		{closedServer, "POST", "/token", `{"user_data":1}`, jsonHeaderFor("Bearer " + credentialA), 200, true},
		{openServer, "GET", "/token", good, jsonHeader(), 200, true},
		{openServer, "HEAD", "/token", good, jsonHeader(), 200, true},
		{openServer, "QUERY", "/token", good, jsonHeader(), 200, true},
		{closedServer, "POST", "/token/verify", good, jsonHeader(), 200, true},
		{closedServer, "POST", "/token/sign", `{"Claims":{},"Signing_key":"k"}`, jsonHeader(), 200, true},
		{openServer, "POST", "/token/sign", `{}`, jsonHeader(), 400, true},
		{closedServer, "POST", "/token", `{"user_data":1}`, jsonHeader(), 401, true},
		{openServer, "POST", "/token", `{"user_data":1}`, http.Header{}, 202, true},
		{openServer, "GET", "/token", `{}`, jsonHeader(), 203, true},
		{openServer, "GET", "/token", `{"Token":"x"}`, jsonHeader(), 204, true},
		{openServer, "POST", "/token", `{`, jsonHeader(), 400, true},
		{openServer, "DELETE", "/token", "", nil, 405, true},
		{openServer, "POST", "/token", strings.Repeat("x", maxInspectBody+1), jsonHeader(), 413, true},
		{openServer, "QUERY", "/token", good, http.Header{}, 415, true},
		{closedServer, "POST", "/token/verify", large, jsonHeader(), 503, true},

		{openServer, "GET", "/auth", "", bearer(goldenToken), 200, false},
		{openServer, "POST", "/introspect", "token=" + goldenToken, formHeader(), 200, false},
		{openServer, "GET", "/healthz", "", nil, 200, false},
		{openServer, "GET", "/metrics", "", nil, 200, false},
		{openServer, "GET", "/", "", nil, 200, false},
		{openServer, "GET", "/openapi.yaml", "", nil, 200, false},
		{openServer, "OPTIONS", "/healthz", "", nil, 204, false},
		{openServer, "POST", "/token/", "", nil, 404, false},
		{plainServer, "POST", "/token/verify", good, jsonHeader(), 200, false},
		{plainServer, "OPTIONS", "/token", "", nil, 204, false},
	}
	for _, test := range tests {
		for _, origin := range []string{"https://app.example", "https://APP.example", "http://app.example", "https://evil.example", "null", ""} {
			name := fmt.Sprintf("%s %s for %q", test.method, test.path, origin)
			header := test.header.Clone()
			if header == nil {
				header = http.Header{}
			}
			if origin != "" {
				header.Set("Origin", origin)
			}
			got := send(t, test.method, test.server.URL+test.path, test.body, header)
			checkCommonHeaders(t, name, got.header)
			if vary := slices.Contains(got.header["Vary"], "Origin"); vary != test.shared {
				t.Errorf("%s: Vary: %q", name, got.header["Vary"])
			}
			if origin != "https://app.example" || !test.shared {
				checkNotShared(t, name, got.header)
				continue
			}
			if got.status != test.status {
				t.Errorf("%s: %d, want %d: %s", name, got.status, test.status, got.body)
			}
			if allowed := got.header["Access-Control-Allow-Origin"]; !slices.Equal(allowed, []string{origin}) || got.header.Get("Access-Control-Expose-Headers") != "Error-Description,X-Request-Id" || got.header["Access-Control-Allow-Credentials"] != nil {
				t.Errorf("%s: %v", name, got.header)
			}
		}
	}
}

// TestPreflight asks before a request, as a browser does.
func TestPreflight(t *testing.T) {
	_, closed := newServer(t, withCredentials, withOrigins)
	_, open := newServer(t, withOrigins)
	for _, server := range []*httptest.Server{closed, open} {
		for path, methods := range map[string]string{"/token": "GET HEAD POST QUERY", "/token/verify": "POST", "/token/sign": "POST"} {
			for _, origin := range []string{"https://app.example", "https://evil.example"} {
				name := path + " for " + origin
				got := send(t, "OPTIONS", server.URL+path, "", http.Header{
					"Origin":                         {origin},
					"Access-Control-Request-Method":  {"POST"},
					"Access-Control-Request-Headers": {"authorization,content-type"},
				})
				if got.status != 204 {
					t.Errorf("%s: %d %s", name, got.status, got.body)
				}
				checkCommonHeaders(t, name, got.header)
				for method := range strings.FieldsSeq(methods) {
					if !strings.Contains(got.header.Get("Allow"), method) {
						t.Errorf("%s: Allow: %s", name, got.header.Get("Allow"))
					}
				}
				if origin != "https://app.example" {
					checkNotShared(t, name, got.header)
					continue
				}
				for field, want := range map[string]string{
					"Access-Control-Allow-Origin":  origin,
					"Access-Control-Allow-Methods": got.header.Get("Allow"),
					"Access-Control-Allow-Headers": "Authorization,Content-Type,Traceparent,X-Request-Id",
					"Access-Control-Max-Age":       "600",
				} {
					if got.header.Get(field) != want {
						t.Errorf("%s: %s: %q, want %q", name, field, got.header.Get(field), want)
					}
				}
			}
		}
		series := scrape(t, server)
		for _, path := range []string{"/token", "/token/verify", "/token/sign"} {
			if name := `tokenmint_http_requests_total{code="204",method="OPTIONS",route="` + path + `"}`; series[name] != 2 {
				t.Errorf("%s is %v", name, series[name])
			}
		}
	}
}
