// Package interop checks that tokenmint and the libraries of its callers understand
// each other: golang-jwt here, packages from npm in *.test.js, and PyJWT in
// pyjwt_test.py. It is a module of its own, so that the service depends on none of
// them. The script .ci/interop/run runs all of them.
package interop

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tokenmint/handlers"
	"tokenmint/jwtcore"
)

// signingKey is the service's own key.
var signingKey = strings.Repeat("0123456789abcdef", 8)

// now is the time on both sides.
var now = time.Unix(1668676907, 0)

// newServer serves tokenmint's handlers over loopback, and fails the test if they
// log anything.
func newServer(t *testing.T) *httptest.Server {
	t.Helper()
	var log bytes.Buffer
	service, err := handlers.New(handlers.Config{
		SigningKeys: []*jwtcore.Key{jwtcore.NewKey(jwtcore.HS512, []byte(signingKey))},
		Now:         func() time.Time { return now },
		Logger:      slog.New(slog.NewTextHandler(&log, nil)),
		BodyMemory:  64 << 20,
	})
	if err != nil {
		t.Fatal(err)
	}
	log.Reset() // of the line about the keys
	server := httptest.NewServer(service)
	t.Cleanup(func() {
		server.Close()
		if log.Len() > 0 {
			t.Errorf("logged: %s", log.Bytes())
		}
	})
	return server
}

// ask sends a JSON body and returns the answer, whose status must be 200.
func ask(t *testing.T, method, url string, body any) []byte {
	t.Helper()
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // which would change a json.RawMessage
	if err := encoder.Encode(body); err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequest(method, url, &text)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s: %s", method, url, response.Status, answer)
	}
	return answer
}

// inspection is tokenmint's answer about a token.
type inspection struct {
	Header   json.RawMessage
	Claims   json.RawMessage
	Verified *bool `json:"Signature Verification"`
	Reason   string
	Validity struct{ State string }
}

// inspect asks every route that inspects tokens. They must agree.
func inspect(t *testing.T, server *httptest.Server, token, key, encoding string) inspection {
	t.Helper()
	body := map[string]string{"Token": token, "Signing_key": key}
	if encoding != "" {
		body["Key_encoding"] = encoding
	}
	answer := ask(t, "GET", server.URL+"/token", body)
	for _, route := range [][2]string{{"QUERY", "/token"}, {"POST", "/token/verify"}} {
		if other := ask(t, route[0], server.URL+route[1], body); !bytes.Equal(other, answer) {
			t.Fatalf("GET /token: %s, but %s: %s", answer, route, other)
		}
	}
	var got inspection
	if err := json.Unmarshal(answer, &got); err != nil {
		t.Fatal(err)
	}
	if got.Verified == nil || *got.Verified != (got.Reason == "") {
		t.Fatalf("no verdict, or one that contradicts the reason: %s", answer)
	}
	return got
}

// checkTrue checks that the token verifies, and that the answer has the very bytes
// of its header and claims.
func checkTrue(t *testing.T, server *httptest.Server, token, key, encoding string) inspection {
	t.Helper()
	got := inspect(t, server, token, key, encoding)
	if !*got.Verified {
		t.Errorf("not verified: %s", got.Reason)
	}
	segments := strings.Split(token, ".")
	for i, echoed := range []json.RawMessage{got.Header, got.Claims} {
		want, err := base64.RawURLEncoding.DecodeString(segments[i])
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(echoed, want) {
			t.Errorf("%s comes back as %s", want, echoed)
		}
	}
	return got
}

func checkFalse(t *testing.T, server *httptest.Server, token, key, encoding string) {
	t.Helper()
	if got := inspect(t, server, token, key, encoding); *got.Verified {
		t.Error("verified")
	}
}

// mint returns a token of the service for a JSON value.
func mint(t *testing.T, server *httptest.Server, data string, expiresIn int64) string {
	t.Helper()
	body := map[string]any{"user_data": json.RawMessage(data)}
	if expiresIn != 0 {
		body["expires_in"] = expiresIn
	}
	return askForToken(t, server, "/token", body)
}

// askForToken returns the token in the answer of POST /token or POST /token/sign.
func askForToken(t *testing.T, server *httptest.Server, path string, body map[string]any) string {
	t.Helper()
	var made map[string]string
	if err := json.Unmarshal(ask(t, "POST", server.URL+path, body), &made); err != nil {
		t.Fatal(err)
	}
	return made["JWT Token"]
}
