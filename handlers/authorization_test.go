package handlers

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tokenmint/jwtcore/keyfile"
)

// Secrets of credentials, with all kinds of characters that one may have.
const (
	credentialA = "canary-credential~a.B_c/d+e==012345"
	credentialB = "canary-credential-b-0123456789abcdef"
)

// withCredentials makes a service demand one of two credentials.
func withCredentials(c *Config) {
	c.MintCredentials = []keyfile.Credential{keyfile.NewCredential(credentialA), keyfile.NewCredential(credentialB)}
}

// jsonHeaderFor returns the header of a request for JSON with these values of
// Authorization.
func jsonHeaderFor(authorization ...string) http.Header {
	return http.Header{"Content-Type": {"application/json"}, "Authorization": authorization}
}

func TestMintCredentials(t *testing.T) {
	_, server := newServer(t, withCredentials)
	tests := []struct {
		name          string
		authorization []string
		status        int
		description   string // a part of it
	}{
		{"the first", []string{"Bearer " + credentialA}, 200, ""},
		{"the second", []string{"Bearer " + credentialB}, 200, ""},
		{"bearer", []string{"bearer " + credentialA}, 200, ""},
		{"BEARER, and more spaces", []string{"BEARER   " + credentialA}, 200, ""},

		{"none", nil, 401, "in the header Authorization, as Bearer"},
		{"empty", []string{""}, 401, "in the header Authorization, as Bearer"},
		{"Bearer alone", []string{"Bearer "}, 401, "in the header Authorization, as Bearer"},
		{"the secret alone", []string{credentialA}, 401, "in the header Authorization, as Bearer"},
		{"Basic", []string{"Basic " + credentialA}, 401, "in the header Authorization, as Bearer"},
		{"several headers", []string{"Bearer " + credentialA, "Bearer " + credentialA}, 401, "one Authorization header"},
		{"several in one header", []string{"Bearer " + credentialA + ", Bearer " + credentialA}, 401, "one token after Bearer"},
		{"another", []string{"Bearer " + credentialA + "0"}, 401, "does not know"},
		{"a part", []string{"Bearer " + credentialA[:len(credentialA)-1]}, 401, "does not know"},
		{"in another case", []string{"Bearer " + strings.ToUpper(credentialA)}, 401, "does not know"},
		{"the signing key", []string{"Bearer " + publishedKey}, 401, "does not know"},
		{"a token", []string{"Bearer " + goldenToken}, 401, "does not know"},
		{"a fingerprint", []string{"Bearer " + keyfile.NewCredential(credentialA).Fingerprint()}, 401, "does not know"},
	}
	for _, test := range tests {
		got := send(t, "POST", server.URL+"/token", `{"user_data":1}`, jsonHeaderFor(test.authorization...))
		if test.status == 200 {
			if got.status != 200 || got.header["Www-Authenticate"] != nil {
				t.Errorf("%s: %d %s", test.name, got.status, got.body)
			}
			continue
		}
		checkError(t, test.name, got, 401)
		if challenge := got.header["Www-Authenticate"]; len(challenge) != 1 || challenge[0] != "Bearer" || !strings.Contains(got.body, test.description) {
			t.Errorf("%s: %q, %s", test.name, challenge, got.body)
		}
	}
	for _, route := range inspectRoutes {
		if got := send(t, route.method, server.URL+route.path, inspectBody(goldenToken, publishedKey, ""), jsonHeader()); got.status != 200 {
			t.Errorf("%s %s needs a credential: %d", route.method, route.path, got.status)
		}
	}
}

// TestSetMintCredentials replaces the credentials of a service that anyone could use
// until then.
func TestSetMintCredentials(t *testing.T) {
	service, server := newServer(t)
	status := func(secret string) int {
		return send(t, "POST", server.URL+"/token", `{"user_data":1}`, jsonHeaderFor("Bearer "+secret)).status
	}
	if status("x") != 200 {
		t.Error("without credentials, not everyone may mint")
	}
	for _, current := range []string{credentialA, credentialB} {
		credentials := []keyfile.Credential{keyfile.NewCredential(current)}
		if err := service.SetMintCredentials(credentials); err != nil {
			t.Fatal(err)
		}
		clear(credentials) // the service must have its own
		for _, secret := range []string{credentialA, credentialB} {
			if got := status(secret); (got == 200) != (secret == current) || got != 200 && got != 401 {
				t.Errorf("%d for %s, while %s may mint", got, secret, current)
			}
		}
		if err := service.SetMintCredentials(nil); err == nil {
			t.Error("the credentials can be removed")
		}
	}
}

// TestRefusedBeforeTheBody announces a body and sends nothing of it. The server here
// has no time limit: if it waited for the body, the response would never come.
func TestRefusedBeforeTheBody(t *testing.T) {
	_, open := newServer(t)
	_, closed := newServer(t, withCredentials)
	tests := []struct {
		name   string
		server *httptest.Server
		lines  []string
		status int
	}{
		{"no credential", closed, nil, 401},
		{"a wrong credential", closed, []string{"Authorization: Bearer x\r\n"}, 401},
		{"an origin", open, []string{"Origin: http://evil.example\r\n"}, 403},
		{"a client that asks before it sends", closed, []string{"Expect: 100-continue\r\n"}, 401},
	}
	for _, test := range tests {
		for _, size := range []int{1, 100, maxMintBody, 100 << 20, -1} {
			name := fmt.Sprintf("%s, %d bytes", test.name, size)
			got := readResponse(t, bufio.NewReader(holdBack(t, test.server, "POST /token", size, 0, test.lines...)), "POST")
			checkError(t, name, got, test.status)
			if !got.closes {
				t.Errorf("%s: the connection stays open with half a request", name)
			}
		}
	}
	got := send(t, "POST", closed.URL+"/token", "", jsonHeader())
	checkError(t, "no body", got, 401)
	if got.closes {
		t.Error("the connection is closed after a request without a body")
	}
}

// TestOrderOfRefusals checks that the first row of the table of errors wins.
func TestOrderOfRefusals(t *testing.T) {
	service, open := newServer(t)
	_, closed := newServer(t, withCredentials)
	large := strings.Repeat("x", largeBody+1)
	tooLarge := strings.Repeat("x", maxInspectBody+1)
	const foreign = "http://evil.example"
	tests := []struct {
		name         string
		server       *httptest.Server
		method, body string
		header       http.Header
		status       int
	}{
		{"credential before origin", closed, "POST", large, http.Header{"Origin": {foreign}}, 401},
		{"credential before Content-Type", closed, "POST", large, http.Header{}, 401},
		{"credential before Content-Encoding", closed, "POST", large, http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"gzip"}}, 401},
		{"credential before the size", closed, "POST", tooLarge, jsonHeader(), 401},
		{"credential, then Content-Type", closed, "POST", large, http.Header{"Authorization": {"Bearer " + credentialA}}, 202},
		{"origin before Content-Type", open, "POST", large, http.Header{"Origin": {foreign}}, 403},
		{"origin before the size", open, "POST", tooLarge, http.Header{"Origin": {foreign}, "Content-Type": {"application/json"}}, 403},
		{"Content-Type before memory", open, "POST", large, http.Header{}, 202},
		{"Content-Type before memory", open, "QUERY", large, http.Header{}, 415},
		{"Content-Encoding before memory", open, "POST", large, http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"gzip"}}, 415},
		{"the size before memory", open, "POST", tooLarge, jsonHeader(), 413},
		{"memory before JSON", open, "POST", large, jsonHeader(), 503},
		{"memory before JSON", open, "GET", large, jsonHeader(), 503},
		{"JSON", open, "POST", large[1:], jsonHeader(), 400},
	}
	service.bodyMemory.free.Store(largeBody)
	for _, test := range tests {
		checkError(t, test.name, send(t, test.method, test.server.URL+"/token", test.body, test.header), test.status)
	}
}

// TestAccessLogNamesTheCredential checks that the line of a request to mint has the
// fingerprint of its credential, and no other line has one.
func TestAccessLogNamesTheCredential(t *testing.T) {
	var log bytes.Buffer
	service := newService(t, &log, withCredentials, func(c *Config) {
		c.AccessLog = AccessLogOn
		c.Logger = slog.New(slog.NewJSONHandler(&log, nil))
	})
	fingerprint := keyfile.NewCredential(credentialB).Fingerprint()
	tests := []struct {
		method, path, body, authorization string
		want                              any
	}{
		{"POST", "/token", `{"user_data":1}`, "Bearer " + credentialB, fingerprint},
		{"POST", "/token", `{}`, "Bearer " + credentialB, fingerprint},
		{"POST", "/token", `{"user_data":1}`, "Bearer x", nil},
		{"POST", "/token", `{"user_data":1}`, "", nil},
		{"QUERY", "/token", `{}`, "Bearer " + credentialB, nil},
		{"GET", "/auth", ``, "Bearer " + credentialB, nil},
	}
	for _, test := range tests {
		log.Reset()
		r := httptest.NewRequest(test.method, test.path, strings.NewReader(test.body))
		r.Header = jsonHeaderFor(test.authorization)
		service.ServeHTTP(httptest.NewRecorder(), r)
		var line map[string]any
		if err := json.Unmarshal(log.Bytes(), &line); err != nil {
			t.Fatalf("%q: %v", log.Bytes(), err)
		}
		if line["credential"] != test.want {
			t.Errorf("%s %s %s: logged: %s", test.method, test.path, test.body, log.Bytes())
		}
	}
}

// TestCredentialIsNotShown sends good and bad credentials to every route, with all
// settings for logs.
func TestCredentialIsNotShown(t *testing.T) {
	for _, setting := range logSettings {
		var log bytes.Buffer
		service := newCanaryService(t, &log, setting.format, setting.accessLog)
		config := Config{}
		withCredentials(&config)
		service.SetMintCredentials(config.MintCredentials)
		server := httptest.NewServer(service)
		for _, authorization := range [][]string{{"Bearer " + credentialA}, {"Bearer " + credentialA + "x"}, {"Basic " + credentialA}, {credentialA}, {"Bearer " + credentialA, "Bearer " + credentialB}, {"Bearer " + credentialA + " " + credentialB}} {
			for _, request := range [][2]string{{"POST", "/token"}, {"GET", "/token"}, {"QUERY", "/token"}, {"PUT", "/token"}, {"OPTIONS", "/token"}, {"GET", "/auth"}, {"GET", "/nowhere"}} {
				for _, body := range []string{`{"user_data":1}`, `{`} {
					got := send(t, request[0], server.URL+request[1], body, jsonHeaderFor(authorization...))
					findTraces(t, fmt.Sprint(request, authorization), got.body+fmt.Sprint(got.header), credentialA, credentialB)
				}
			}
		}
		metrics := send(t, "GET", server.URL+"/metrics", "", nil).body
		server.Close()
		findTraces(t, "/metrics", metrics, credentialA, credentialB)
		findTraces(t, "the log", log.String(), credentialA, credentialB)
		if lines := strings.Count(log.String(), "\n"); (setting.accessLog != AccessLogOff) != (lines >= 80) {
			t.Errorf("%d lines in the log", lines)
		}
	}
}

// BenchmarkMint compares POST /token with and without a credential.
func BenchmarkMint(b *testing.B) {
	for _, bench := range []struct {
		name    string
		service *Service
	}{{"open", newService(b, io.Discard)}, {"credential", newService(b, io.Discard, withCredentials)}} {
		b.Run(bench.name, func(b *testing.B) {
			const body = `{"user_data":"this is test"}`
			reader := strings.NewReader(body)
			r := httptest.NewRequest("POST", "/token", reader)
			r.Header = jsonHeaderFor("Bearer " + credentialA)
			for b.Loop() {
				reader.Reset(body)
				w := &recorder{header: http.Header{}}
				bench.service.ServeHTTP(w, r)
				if w.status != 200 {
					b.Fatal(w.status)
				}
			}
		})
	}
}
