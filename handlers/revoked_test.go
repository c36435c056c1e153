package handlers

import (
	"bytes"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"tokenmint/jwtcore/keyfile"
)

// revokedBy returns what a file with text revokes.
func revokedBy(t *testing.T, text string) *keyfile.Revoked {
	t.Helper()
	path := filepath.Join(t.TempDir(), "revoked")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	revoked, _, err := keyfile.ReadRevoked(path)
	if err != nil {
		t.Fatal(err)
	}
	return revoked
}

// TestRevoked sends revoked tokens, and others, everywhere that a token is judged.
func TestRevoked(t *testing.T) {
	const (
		claims  = `{"iat":1668676907,"jti":"f10fb5f47461de4dd8c76113cad7803b"}`
		refused = `Bearer error="invalid_token", error_description="the token was revoked"`
	)
	service, server := newServer(t, func(c *Config) {
		c.SigningKeys = newKeys(publishedKey, "an old key")
		c.Revoked = revokedBy(t, "f10fb5f47461de4dd8c76113cad7803b\nhttps://example.com/é\n")
	})
	gate := httptest.NewServer(service.Gate())
	defer gate.Close()
	tests := []struct {
		name, token string
		revoked     bool
	}{
		{"minted", goldenToken, true},
		{"an old key", sign("an old key", headerHS512, claims), true},
		{"escapes in the id", sign(publishedKey, headerHS512, `{"jti":"https:\/\/example.com\/\u00e9"}`), true},
		{"another id", sign(publishedKey, headerHS512, `{"jti":"F10FB5F47461DE4DD8C76113CAD7803B"}`), false},
		{"no id", sign(publishedKey, headerHS512, `{}`), false},
	}
	refusals := 0
	for _, test := range tests {
		for _, target := range []string{server.URL + "/auth", gate.URL + "/auth", gate.URL + "/auth/if?claims=off", gate.URL + "/ext_authz/x"} {
			got := send(t, "GET", target, "", bearer(test.token))
			if !test.revoked {
				if got.status != 200 {
					t.Errorf("%s: %s: %d", test.name, target, got.status)
				}
				continue
			}
			refusals++
			checkError(t, test.name, got, 401)
			if challenge := got.header.Get("WWW-Authenticate"); challenge != refused {
				t.Errorf("%s: WWW-Authenticate: %s", test.name, challenge)
			}
		}
		if test.revoked {
			refusals++
		}
		form := "token=" + url.QueryEscape(test.token)
		if got := send(t, "POST", gate.URL+"/introspect", form, formHeader()); got.status != 200 || (got.body == `{"active":false}`) != test.revoked {
			t.Errorf("%s: /introspect: %d %s", test.name, got.status, got.body)
		}
		for _, route := range inspectRoutes[1:] {
			got := send(t, route.method, server.URL+route.path, `{"Token":"`+test.token+`"}`, jsonHeader())
			if strings.HasSuffix(got.body, `,"Validity":{"state":"revoked"}}`) != test.revoked || !strings.Contains(got.body, `"Signature Verification":true,"Signed_by"`) {
				t.Errorf("%s: %s %s: %d %s", test.name, route.method, route.path, got.status, got.body)
			}
		}
	}
	if got := scrape(t, server)[`tokenmint_gate_refusals_total{reason="revoked"}`]; got != float64(refusals) {
		t.Errorf("%v refusals counted, want %d", got, refusals)
	}
}

// TestRevokedState checks which state wins.
func TestRevokedState(t *testing.T) {
	_, server := newServer(t, func(c *Config) { c.Revoked = revokedBy(t, "gone\n") })
	tests := []struct{ claims, validity string }{
		{`{"jti":"gone"}`, `{"state":"revoked"}`},
		{`{"jti":"gone","exp":1668676908,"nbf":1668676907}`, `{"state":"revoked","expires":"2022-11-17T09:21:48Z","not_before":"2022-11-17T09:21:47Z"}`},
		{`{"jti":"gone","exp":1}`, `{"state":"revoked","expires":"1970-01-01T00:00:01Z"}`},
		{`{"jti":"gone","nbf":1668676908}`, `{"state":"revoked","not_before":"2022-11-17T09:21:48Z"}`},
		{`{"jti":"gone","exp":"1"}`, `{"state":"invalid","note":"exp is not a number, so other implementations refuse the token"}`},
		{`{"jti":"here","exp":1}`, `{"state":"expired","expires":"1970-01-01T00:00:01Z"}`},
		{`{"jti":"here","exp":1668676908}`, `{"state":"valid","expires":"2022-11-17T09:21:48Z"}`},
		{`{"jti":"here"}`, ``},
	}
	for _, test := range tests {
		want := test.validity
		if want != "" {
			want = `,"Validity":` + want
		}
		token := sign(publishedKey, headerHS512, test.claims)
		got := send(t, "POST", server.URL+"/token/verify", `{"Token":"`+token+`"}`, jsonHeader())
		if _, verdict, _ := strings.Cut(got.body, `"Signed_by":"9315b8ee"`); verdict != want+"}" {
			t.Errorf("%s: %d %s, want %s", test.claims, got.status, got.body, want)
		}
	}
}

// TestRevokedIsOurs inspects tokens that bear a revoked id, but that none of the service's
// own keys signed, or that are inspected with a key in the request: the list says nothing
// about them.
func TestRevokedIsOurs(t *testing.T) {
	_, server := newServer(t, func(c *Config) { c.Revoked = revokedBy(t, "gone\nbefore 9999-01-01T00:00:00Z\n") })
	for name, body := range map[string]string{
		"another key":          `{"Token":"` + sign("another", headerHS512, `{"jti":"gone"}`) + `"}`,
		"HS256":                `{"Token":"` + sign(publishedKey, `{"alg":"HS256"}`, `{"jti":"gone"}`) + `"}`,
		"the key of another":   inspectBody(sign("another", headerHS512, `{"jti":"gone"}`), "another", ""),
		"a key in the request": inspectBody(sign(publishedKey, headerHS512, `{"jti":"gone"}`), publishedKey, ""),
	} {
		got := send(t, "POST", server.URL+"/token/verify", body, jsonHeader())
		if got.status != 200 || strings.Contains(got.body, "revoked") {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
}

// TestSetRevoked replaces the revoked tokens, and adds to them.
func TestSetRevoked(t *testing.T) {
	var log bytes.Buffer
	service := newService(t, &log)
	server := httptest.NewServer(service)
	defer server.Close()
	old, other := sign(publishedKey, headerHS512, `{"iat":1000,"jti":"old"}`), sign(publishedKey, headerHS512, `{"iat":2000,"jti":"other"}`)
	if value, ok := scrape(t, server)["tokenmint_revoked_tokens"]; ok {
		t.Errorf("without a file, tokenmint_revoked_tokens is %v", value)
	}
	steps := []struct {
		name              string
		change            func()
		old, other, count int
		logged            string
	}{
		{"none", func() {}, 200, 200, 0, ""},
		{"the first are added", func() { service.AddRevoked(revokedBy(t, "old\n")) }, 401, 200, 1, "count=1\n"},
		{"replaced", func() { service.SetRevoked(revokedBy(t, "other\nx\n")) }, 200, 401, 2, "count=2\n"},
		{"added", func() { service.AddRevoked(revokedBy(t, "old\nx\n")) }, 401, 401, 3, "count=3\n"},
		{"replaced by none", func() { service.SetRevoked(revokedBy(t, "")) }, 200, 200, 0, "count=0\n"},
		{"a time", func() { service.SetRevoked(revokedBy(t, "before 1970-01-01T00:16:40.5Z\n")) }, 401, 200, 0, "count=0 before=1970-01-01T00:16:40.5Z\n"},
		{"a later time is added", func() { service.AddRevoked(revokedBy(t, "before 1970-01-01T01:33:20+01:00\n")) }, 401, 200, 0, "count=0 before=1970-01-01T00:33:20Z\n"},
		{"an earlier time is added", func() { service.AddRevoked(revokedBy(t, "other\nbefore 1970-01-01T00:00:00Z\n")) }, 401, 401, 1, "count=1 before=1970-01-01T00:33:20Z\n"},
	}
	for i, step := range steps {
		log.Reset()
		step.change()
		if step.logged != "" && !strings.HasSuffix(log.String(), `level=INFO msg="revoked tokens" `+step.logged) {
			t.Errorf("%s: logged %q, want %q", step.name, log.String(), step.logged)
		}
		for token, want := range map[string]int{old: step.old, other: step.other} {
			if got := send(t, "GET", server.URL+"/auth", "", bearer(token)); got.status != want {
				t.Errorf("%s: %d, want %d", step.name, got.status, want)
			}
		}
		if count, ok := scrape(t, server)["tokenmint_revoked_tokens"]; i > 0 && (!ok || count != float64(step.count)) {
			t.Errorf("%s: tokenmint_revoked_tokens is %v, want %d", step.name, count, step.count)
		}
	}
}

// TestRevokedWhileServing replaces the revoked tokens while requests are answered. What
// all lists have in common is never let through.
func TestRevokedWhileServing(t *testing.T) {
	service, server := newServer(t)
	lists := []*keyfile.Revoked{revokedBy(t, "common\na\n"), revokedBy(t, "b\ncommon\n")}
	service.SetRevoked(lists[0])
	var replacing sync.WaitGroup
	replacing.Go(func() {
		for i := range 200 {
			service.SetRevoked(lists[i%2])
			service.AddRevoked(lists[(i+1)%2])
		}
	})
	token := sign(publishedKey, headerHS512, `{"jti":"common"}`)
	for range 100 {
		if got := send(t, "GET", server.URL+"/auth", "", bearer(token)); got.status != 401 {
			t.Errorf("%d, want 401", got.status)
		}
	}
	replacing.Wait()
}
