package handlers

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"tokenmint/jwtcore"
)

// publishedKey is the key of the golden vectors. It is in the service's
// specification, and so not a secret.
const publishedKey = "a9ddbcaba8c0ac1a0a812dc0c2f08514b23f2db0a68343cb8199ebb38a6d91e4ebfb378e22ad39c2d01d0b4ec9c34aa91056862ddace3fbbd6852ee60c36acbf"

// goldenToken was signed with publishedKey, at goldenTime.
const goldenToken = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzUxMiJ9.eyJpYXQiOjE2Njg2NzY5MDcsImp0aSI6ImYxMGZiNWY0NzQ2MWRlNGRkOGM3NjExM2NhZDc4MDNiIiwicGF5bG9hZCI6eyJkYXRhIjoidGhpcyBpcyB0ZXN0IiwiZGF0ZSI6IjIwMjItMTEtMTcifX0.LgY1OHZamo0irNBb3uGQvWRzdFEiBfjmyBOKewPAvPGqmFJGh3HaqdzDMZyX3TzKdTV35a748Xz6hoPOIxPWrA"

var goldenTime = time.Unix(1668676907, 0)

// newKeys returns signing keys with these secrets.
func newKeys(secrets ...string) (keys []*jwtcore.Key) {
	for _, secret := range secrets {
		keys = append(keys, jwtcore.NewKey(jwtcore.HS512, []byte(secret)))
	}
	return keys
}

// newService returns a service that signs with publishedKey, whose clock always
// shows goldenTime and which logs to log. Changes are made to its Config.
func newService(t testing.TB, log io.Writer, changes ...func(*Config)) *Service {
	t.Helper()
	config := Config{
		SigningKeys: newKeys(publishedKey),
		Now:         func() time.Time { return goldenTime },
		Logger:      slog.New(slog.NewTextHandler(log, nil)),
		BodyMemory:  64 << 20,
	}
	for _, change := range changes {
		change(&config)
	}
	service, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	return service
}

// aboutSecrets matches what the service logs about its keys, credentials and revoked tokens.
var aboutSecrets = regexp.MustCompile(`(?m)^.* msg="(signing keys|mint credentials|revoked tokens)" count=\d.*\n`)

// newServer serves a new service on a socket. The test fails if the service has
// logged anything else by its end.
func newServer(t *testing.T, changes ...func(*Config)) (*Service, *httptest.Server) {
	t.Helper()
	var log bytes.Buffer
	service := newService(t, &log, changes...)
	server := httptest.NewServer(service)
	t.Cleanup(func() {
		server.Close()
		if rest := aboutSecrets.ReplaceAll(log.Bytes(), nil); len(rest) > 0 {
			t.Errorf("logged: %s", rest)
		}
	})
	return service, server
}

// quiet is a change to a Config whose log does not matter.
func quiet(c *Config) { c.Logger = slog.New(slog.DiscardHandler) }

// response is a response, read to its end.
type response struct {
	status int
	header http.Header
	body   string
	closes bool // whether it says Connection: close
}

func send(t *testing.T, method, url, body string, header http.Header) response {
	t.Helper()
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header = header
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response{answer.StatusCode, answer.Header, string(text), answer.Close}
}

func jsonHeader() http.Header { return http.Header{"Content-Type": {"application/json"}} }

func TestNewRefusesBadConfig(t *testing.T) {
	complete := Config{SigningKeys: newKeys(publishedKey), Now: time.Now, Logger: slog.Default(), BodyMemory: minBodyMemory}
	good := []func(*Config){
		func(*Config) {},
		func(c *Config) { c.MaxExpiresIn = time.Second },
		func(c *Config) { c.MaxExpiresIn = 876_000 * time.Hour },
		func(c *Config) { c.Origins = []string{"https://app.example"} },
	}
	for i, change := range good {
		config := complete
		change(&config)
		if _, err := New(config); err != nil {
			t.Errorf("good config %d: %v", i, err)
		}
	}
	tests := []struct {
		field string
		spoil func(*Config)
	}{
		{"SigningKeys", func(c *Config) { c.SigningKeys = nil }},
		{"Now", func(c *Config) { c.Now = nil }},
		{"Logger", func(c *Config) { c.Logger = nil }},
		{"BodyMemory", func(c *Config) { c.BodyMemory = 0 }},
		{"BodyMemory", func(c *Config) { c.BodyMemory = minBodyMemory - 1 }},
		{"MaxExpiresIn", func(c *Config) { c.MaxExpiresIn = -1 }},
		{"MaxExpiresIn", func(c *Config) { c.MaxExpiresIn = time.Second - 1 }},
		{"MaxExpiresIn", func(c *Config) { c.MaxExpiresIn = 876_000*time.Hour + 1 }},
		{"Origins", func(c *Config) { c.Origins = []string{"*"} }},
		{"Origins", func(c *Config) { c.Origins = []string{"https://app.example", "https://APP.example"} }},
	}
	for _, test := range tests {
		config := complete
		test.spoil(&config)
		if _, err := New(config); err == nil || !strings.Contains(err.Error(), "Config."+test.field) {
			t.Errorf("%s: %v", test.field, err)
		}
	}
}

// TestSetSigningKeys replaces the keys while the service mints with them.
func TestSetSigningKeys(t *testing.T) {
	service, server := newServer(t)
	if err := service.SetSigningKeys(nil); err == nil {
		t.Error("SetSigningKeys accepts no keys at all")
	}
	texts := []string{publishedKey, strings.Repeat("other", 20)}
	var replacing sync.WaitGroup
	defer replacing.Wait()
	stop := make(chan struct{})
	defer close(stop)
	replacing.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			if err := service.SetSigningKeys(newKeys(texts[i%2])); err != nil {
				t.Error(err)
				return
			}
		}
	})
	signed := map[string]int{} // tokens by key
	for deadline := time.Now().Add(10 * time.Second); len(signed) < 2 && time.Now().Before(deadline); {
		token, _ := mintOver(t, server, `{"user_data":1}`)
		var by []string
		for _, key := range texts {
			got := send(t, "GET", server.URL+"/token", inspectBody(token, key, ""), jsonHeader())
			if strings.Contains(got.body, `"Signature Verification":true`) {
				by = append(by, key)
			}
		}
		if len(by) != 1 {
			t.Fatalf("%s verifies with %d of the keys", token, len(by))
		}
		signed[by[0]]++
	}
	if len(signed) < 2 {
		t.Errorf("only one key signed: %v", signed)
	}
}

// TestKeysAreCopied overwrites the slices that the keys came in.
func TestKeysAreCopied(t *testing.T) {
	configured, replaced := newKeys(publishedKey), newKeys(publishedKey)
	service, err := New(Config{SigningKeys: configured, Now: time.Now, Logger: slog.Default(), BodyMemory: minBodyMemory})
	if err != nil {
		t.Fatal(err)
	}
	clear(configured)
	if service.keys()[0] == nil {
		t.Error("the service keeps the slice of its Config")
	}
	if err := service.SetSigningKeys(replaced); err != nil {
		t.Fatal(err)
	}
	clear(replaced)
	if service.keys()[0] == nil {
		t.Error("the service keeps the slice of SetSigningKeys")
	}
}

// newID matches a request id that the service has made.
var newID = regexp.MustCompile(`^[0-9a-f]{32}$`)

// checkCommonHeaders checks the headers that every response has, except an asset. The
// request must have had no id.
func checkCommonHeaders(t *testing.T, name string, header http.Header) {
	t.Helper()
	for field, want := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin"} {
		if got := header.Get(field); got != want {
			t.Errorf("%s: %s: %q, want %q", name, field, got, want)
		}
	}
	if ids := header["X-Request-Id"]; len(ids) != 1 || !newID.MatchString(ids[0]) {
		t.Errorf("%s: X-Request-Id: %q", name, ids)
	}
}

// TestCommonHeaders asks all routes, and paths that have none.
func TestCommonHeaders(t *testing.T) {
	service, server := newServer(t, quiet)
	requests := [][2]string{{"GET", "/"}, {"GET", "/nowhere"}, {"DELETE", "/token"}, {"OPTIONS", "/token"}, {"TRACE", "/healthz"}, {"GET", "/token//verify"}}
	for _, route := range service.router.Routes() {
		requests = append(requests, [2]string{route.Method, route.Path})
	}
	gate := httptest.NewServer(service.Gate())
	defer gate.Close()
	for _, draining := range []bool{false, true} {
		if draining {
			service.Drain()
		}
		for _, request := range requests {
			got := send(t, request[0], server.URL+request[1], "", nil)
			checkCommonHeaders(t, fmt.Sprint(request), got.header)
			if got.closes != draining {
				t.Errorf("%s: Connection: close is %t while draining is %t", request, got.closes, draining)
			}
			got = send(t, request[0], gate.URL+request[1], "", nil)
			checkCommonHeaders(t, fmt.Sprint("gate: ", request), got.header)
			if got.closes != draining {
				t.Errorf("%s: Connection: close is %t while draining is %t", request, got.closes, draining)
			}
		}
	}
}

func TestNotFoundAndMethodNotAllowed(t *testing.T) {
	_, server := newServer(t)
	tests := []struct {
		method, path string
		status       int
		allow        []string
	}{
		{"GET", "/nowhere", 404, nil},
		{"POST", "/token/", 404, nil},
		{"GET", "/Token", 404, nil},
		{"GET", "/token/verify/x", 404, nil},
		{"POST", "/token%2Fverify", 404, nil},
		{"PUT", "/token", 405, []string{"GET", "HEAD", "POST", "QUERY"}},
		{"DELETE", "/token", 405, []string{"GET", "HEAD", "POST", "QUERY"}},
		{"query", "/token", 405, []string{"QUERY"}}, // methods are case-sensitive
		{"GET", "/token/verify", 405, []string{"POST"}},
		{"GET", "/token/sign", 405, []string{"POST"}},
		{"GET", "/introspect", 405, []string{"POST"}},
		{"POST", "/introspect/", 404, nil},
		{"POST", "/healthz", 405, []string{"GET", "HEAD"}},
		{"POST", "/readyz", 405, []string{"GET", "HEAD"}},
	}
	for _, test := range tests {
		got := send(t, test.method, server.URL+test.path, "", jsonHeader())
		name := test.method + " " + test.path
		checkError(t, name, got, test.status)
		for _, method := range test.allow {
			if !strings.Contains(got.header.Get("Allow"), method) {
				t.Errorf("%s: Allow: %s, want %s in it", name, got.header.Get("Allow"), method)
			}
		}
	}
	if got := send(t, "OPTIONS", server.URL+"/token", "", nil); got.status != 204 || !strings.Contains(got.header.Get("Allow"), "QUERY") {
		t.Errorf("OPTIONS: %d, Allow: %s", got.status, got.header.Get("Allow"))
	}
}

// TestOptionsAsterisk asks about the server as a whole (RFC 9110 §9.3.7).
func TestOptionsAsterisk(t *testing.T) {
	service := newService(t, io.Discard)
	for method, status := range map[string]int{"OPTIONS": 204, "GET": 404} {
		w := httptest.NewRecorder()
		service.ServeHTTP(w, httptest.NewRequest(method, "*", nil))
		if w.Code != status {
			t.Errorf("%s *: %d, want %d", method, w.Code, status)
		}
		checkCommonHeaders(t, method+" *", w.Header())
	}
}

func TestHealth(t *testing.T) {
	service, server := newServer(t)
	for _, path := range []string{"/healthz", "/readyz"} {
		got := send(t, "GET", server.URL+path, "", nil)
		if got.status != 200 || got.body != `{"status":"ok"}` || got.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s %v", path, got.status, got.body, got.header)
		}
		if got := send(t, "HEAD", server.URL+path, "", nil); got.status != 200 || got.body != "" {
			t.Errorf("HEAD %s: %d %q", path, got.status, got.body)
		}
	}
	service.Drain()
	checkError(t, "readyz while draining", send(t, "GET", server.URL+"/readyz", "", nil), 503)
	if got := send(t, "GET", server.URL+"/healthz", "", nil); got.status != 200 {
		t.Errorf("healthz while draining: %d", got.status)
	}
}

// TestPanic checks that a panic becomes a 500, that the service lives on, and that
// the log has the place of the panic, but not its value.
func TestPanic(t *testing.T) {
	var log bytes.Buffer
	service := newService(t, &log)
	service.now = func() time.Time { panic("secret-in-a-panic") }
	server := httptest.NewServer(service)
	defer server.Close()
	checkError(t, "panic", send(t, "POST", server.URL+"/token", `{"user_data":1}`, jsonHeader()), 500)
	if got := send(t, "GET", server.URL+"/healthz", "", nil); got.status != 200 {
		t.Errorf("healthz after the panic: %d", got.status)
	}
	if !strings.Contains(log.String(), "service_test.go") || strings.Contains(log.String(), "secret-in-a-panic") {
		t.Errorf("logged: %s", log.String())
	}
}
