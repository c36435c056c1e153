package handlers

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
)

// canarySecret is the service's own key in the tests that look for secrets.
const canarySecret = "canary-key-4d1f9a0b3c5e7d2f8a6b1c0e9d3f5a7b2c4e6d8f0a1b3c5d7e9f-secret"

// canaryData is the user data in these tests.
const canaryData = "canary-data-91c2e4"

// logSettings are all combinations of the settings for logs.
var logSettings = []struct {
	format    string
	accessLog AccessLog
}{{"text", AccessLogOff}, {"text", AccessLogAll}, {"json", AccessLogOff}, {"json", AccessLogAll}}

// newCanaryService returns a service that signs with canarySecret.
func newCanaryService(t *testing.T, log io.Writer, format string, accessLog AccessLog) *Service {
	t.Helper()
	var handler slog.Handler = slog.NewTextHandler(log, nil)
	if format == "json" {
		handler = slog.NewJSONHandler(log, nil)
	}
	service, err := New(Config{SigningKeys: newKeys(canarySecret), Now: time.Now, Logger: slog.New(handler), BodyMemory: minBodyMemory, AccessLog: accessLog})
	if err != nil {
		t.Fatal(err)
	}
	return service
}

// findTraces fails the test if text contains one of secrets, as it is or encoded.
func findTraces(t *testing.T, where, text string, secrets ...string) {
	t.Helper()
	for _, secret := range secrets {
		traces := []string{secret, hex.EncodeToString([]byte(secret)), fmt.Sprintf("%q", secret), fmt.Sprint([]byte(secret))}
		for shift := range 3 { // the offsets that it can have within base64
			encoded := base64.RawURLEncoding.EncodeToString([]byte(secret[shift : shift+(len(secret)-shift)/3*3]))
			traces = append(traces, encoded, strings.NewReplacer("-", "+", "_", "/").Replace(encoded))
		}
		for _, trace := range traces {
			if strings.Contains(text, trace) {
				t.Errorf("%s has a trace of a secret (%.12s...): %s", where, secret, text)
				return
			}
		}
	}
}

// canaryRequests returns good and bad requests with secrets in every place where a
// client can put one.
func canaryRequests(t *testing.T, server *httptest.Server, token string) []*http.Request {
	t.Helper()
	bodies := []string{
		`{"user_data":"` + canaryData + `"}`,
		`{"user_data":"` + canaryData + `","expires_in":0}`,
		`{"user_data":"` + canaryData + `","expires_in":"` + canaryData + `"}`,
		`{"user_data":{"` + canaryData + `":1,"` + canaryData + `":2}}`,
		`{"user_data":"` + canaryData + `"`,
		`{"` + canaryData + `":1,"` + canarySecret + `":2}`,
		inspectBody(token, canarySecret, ""),
		inspectBody(token, canarySecret[1:], ""),
		inspectBody(token, " '"+canarySecret+"'\n", ""),
		`{"Claims":{"sub":"` + canaryData + `"},"Header":{"alg":"` + canaryData + `"},"Signing_key":"` + canarySecret + `"}`,
		`{"Claims":"` + canaryData + `","Signing_key":"` + canarySecret + `"}`,
		`{"claims":{"sub":["` + canaryData + `"]}}`,
		inspectBody(token, canarySecret, "hex"),
		inspectBody(token, canarySecret, canarySecret),
		inspectBody(token+"=", canarySecret, ""),
		inspectBody(token+"."+token, canarySecret, ""),
		inspectBody(canaryData, canarySecret, ""),
		`{"Token":"` + token + `"}`,
		`{"Token":"` + token + `","Signing_key":["` + canarySecret + `"]}`,
		`{"Token":"` + token + `","Token":"` + token + `"}`,
		token, canarySecret, canaryData,
		strings.Repeat(canarySecret, 4_000), // over 256 KiB
	}
	var requests []*http.Request
	add := func(method, path, body string, header http.Header) {
		request, err := http.NewRequest(method, server.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header = header
		requests = append(requests, request)
	}
	for _, method := range []string{"POST", "GET", "HEAD", "QUERY", "DELETE", "OPTIONS", "BREW"} {
		for _, path := range []string{"/token", "/token/verify", "/token/sign", "/introspect", "/healthz", "/readyz", "/auth", "/", "/nowhere"} {
			for _, body := range bodies {
				add(method, path, body, jsonHeader())
			}
			for _, form := range []string{"token=" + token + "x", "token=" + token + "&token=" + canaryData, "token=" + canaryData + "%zz", canarySecret} {
				add(method, path, form, formHeader())
			}
			add(method, path, bodies[0], nil)
			add(method, path, bodies[0], http.Header{"Content-Type": {canarySecret}})
			add(method, path, bodies[0], http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {canaryData}})
			add(method, path+"?Token="+token+"&Signing_key="+canarySecret, "", jsonHeader())
			add(method, path, "", http.Header{"Authorization": {"Bearer " + token + "x"}})
			add(method, path, "", http.Header{"Authorization": {"Bearer " + token}, "Cookie": {canarySecret}, "User-Agent": {"client/1.0 " + canarySecret + " (" + token + ")"}, "X-Forwarded-For": {token}})
			add(method, path, bodies[0], http.Header{"X-Request-Id": {token}, "Traceparent": {"00-" + token}, "User-Agent": {token}})
			add(method, path, bodies[0], http.Header{"X-Request-Id": {canarySecret, canarySecret}, "Traceparent": {canarySecret}})
		}
		add(method, "/token/"+token, "", nil)
		add(method, "/"+canarySecret, "", nil)
	}
	add(canarySecret, "/token", "", nil)
	return requests
}

// TestCanary sends known secrets to every route and causes every error, with all
// settings for logs. The secrets must appear only in the responses that return
// them.
func TestCanary(t *testing.T) {
	for _, setting := range logSettings {
		var log bytes.Buffer
		service := newCanaryService(t, &log, setting.format, setting.accessLog)
		server := httptest.NewServer(service)
		token, _ := mintOver(t, server, `{"user_data":"`+canaryData+`"}`)
		segments := strings.Split(token, ".")
		secrets := []string{canarySecret, canaryData, segments[1], segments[2]}
		failures := 0
		for _, request := range canaryRequests(t, server, token) {
			answer, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(answer.Body)
			answer.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			if answer.StatusCode == 200 {
				continue
			}
			failures++
			findTraces(t, fmt.Sprintf("%s %s: %d", request.Method, request.URL.Path, answer.StatusCode), fmt.Sprint(answer.Header, string(body)), secrets...)
		}
		findTraces(t, "/metrics", send(t, "GET", server.URL+"/metrics", "", nil).body, secrets...)
		server.Close()
		findTraces(t, "the log", log.String(), secrets...)
		if lines := strings.Count(log.String(), "\n"); failures < 300 || setting.accessLog == AccessLogAll && lines < 300 || setting.accessLog == AccessLogOff && lines != 1 { // about its keys
			t.Errorf("%d failures and %d lines in the log", failures, lines)
		}
	}
}

// TestCanaryInAPanic makes handlers panic with secrets as their values and as the
// arguments of the function that panics.
func TestCanaryInAPanic(t *testing.T) {
	for _, setting := range logSettings {
		var log bytes.Buffer
		service := newCanaryService(t, &log, setting.format, setting.accessLog)
		for path, value := range map[string]any{"/text": canarySecret, "/error": fmt.Errorf("canary: %s", canarySecret), "/bytes": []byte(canarySecret), "/value": struct{ key string }{canarySecret}} {
			service.router.POST(path, func(c echo.Context) error {
				body, _ := io.ReadAll(c.Request().Body)
				return panicWith(value, string(body), body)
			})
		}
		server := httptest.NewServer(service)
		token, _ := mintOver(t, server, `{"user_data":"`+canaryData+`"}`)
		segments := strings.Split(token, ".")
		secrets := []string{canarySecret, canaryData, segments[1], segments[2]}
		service.now = func() time.Time { panic(canarySecret) }
		for _, path := range []string{"/token", "/text", "/error", "/bytes", "/value"} {
			got := send(t, "POST", server.URL+path, `{"user_data":"`+canaryData+`","Token":"`+token+`"}`, jsonHeader())
			checkError(t, path, got, 500)
			findTraces(t, path, got.body+fmt.Sprint(got.header), secrets...)
		}
		server.Close()
		findTraces(t, "the log", log.String(), secrets...)
		if panics := strings.Count(log.String(), "panic in a handler"); panics != 5 {
			t.Errorf("%d panics logged, want 5", panics)
		}
	}
}

//go:noinline
func panicWith(value any, text string, body []byte) error {
	if len(text)+len(body) > 0 {
		panic(value)
	}
	return nil
}
