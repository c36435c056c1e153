package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// The credentials of the tests.
var (
	goodCredential  = strings.Repeat("good-credential.", 2)
	otherCredential = strings.Repeat("other~credential", 2)
)

// fingerprint returns what identifies secret in the log: label is the text that is
// hashed in front of it.
func fingerprint(label, secret string) string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(label+secret)))[:8]
}

// mintAs asks for a token under credential, with more header fields, and returns the
// status and the header of the answer.
func (p *process) mintAs(t *testing.T, credential string, fields http.Header) (int, http.Header) {
	t.Helper()
	request, err := http.NewRequest("POST", p.scheme+"://"+p.address+"/token", strings.NewReader(mintBody))
	if err != nil {
		t.Fatal(err)
	}
	request.Close = true
	for name, values := range fields {
		request.Header[name] = values
	}
	request.Header.Set("Content-Type", "application/json")
	if credential != "" {
		request.Header.Set("Authorization", "Bearer "+credential)
	}
	response, err := p.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header
}

// TestMintCredentials mints with and without a credential, and rotates the
// credentials.
func TestMintCredentials(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "credentials")
	writeFile(t, path, "# the deployment pipeline\n"+goodCredential+"\n")
	p := start(t, folder, []string{"SIGNING_KEY=" + goodKey, "MINT_CREDENTIALS_FILE=credentials", "ACCESS_LOG=on"})
	for credential, want := range map[string]int{"": 401, goodCredential: 200, otherCredential: 401, goodCredential + "x": 401} {
		status, header := p.mintAs(t, credential, nil)
		if status != want {
			t.Errorf("credential %q: %d, want %d", credential, status, want)
		}
		if challenge := header.Get("WWW-Authenticate"); want == 401 && challenge != "Bearer" {
			t.Errorf("credential %q: WWW-Authenticate: %q, want Bearer", credential, challenge)
		}
	}
	minted := "credential=" + fingerprint("tokenmint credential", goodCredential)
	waitFor(t, "one line of the log to have "+minted, func() bool { return strings.Count(p.stderr.String(), minted) == 1 })

	writeFile(t, path, otherCredential+"\n"+goodCredential+"\n")
	if log := p.hangUp(t, 2); !strings.Contains(log, "count=2") || !strings.Contains(log, fingerprint("tokenmint credential", otherCredential)) {
		t.Errorf("the log should have both fingerprints: %s", log)
	}
	for _, credential := range []string{goodCredential, otherCredential} {
		if status, _ := p.mintAs(t, credential, nil); status != 200 {
			t.Errorf("credential %q after the rotation: %d, want 200", credential, status)
		}
	}
	for what, text := range map[string]string{"empty": "", "short": shortKey, "commented out": "#" + goodCredential} {
		writeFile(t, path, text)
		if log := p.hangUp(t, 2); !strings.Contains(log, "level=ERROR") {
			t.Errorf("%s: the log should have an error: %s", what, log)
		}
		if status, _ := p.mintAs(t, "", nil); status != 401 {
			t.Errorf("%s: minting without a credential: %d, want 401", what, status)
		}
		if status, _ := p.mintAs(t, otherCredential, nil); status != 200 {
			t.Errorf("%s: the credentials should stay as they were, but minting is a %d", what, status)
		}
	}
	if log := p.stderr.String(); strings.Contains(log, goodCredential) || strings.Contains(log, otherCredential) {
		t.Errorf("the log has a credential: %s", log)
	}
}

// TestOpenMintingWarning checks where a service warns that anyone may mint.
func TestOpenMintingWarning(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	writeFile(t, filepath.Join(folder, "credentials"), goodCredential)
	withCredential := []string{"MINT_CREDENTIALS_FILE=credentials"}
	tests := []struct {
		bind string
		env  []string
		want bool
	}{
		{"127.0.0.1:0", nil, false},
		{"[::1]:0", nil, false},
		{"localhost:0", nil, false},
		{"unix:warning", nil, false},
		{":0", nil, true},
		{"0.0.0.0:0", nil, true},
		{"0.0.0.0:0", withCredential, false},
	}
	for _, test := range tests {
		p := start(t, folder, append([]string{"SIGNING_KEY=" + goodKey, "BIND=" + test.bind}, test.env...))
		log := p.stderr.String()
		if got := strings.Contains(log, "level=WARN"); got != test.want {
			t.Errorf("BIND=%s %v: a warning: %t, want %t: %s", test.bind, test.env, got, test.want, log)
		}
		if test.want && !strings.Contains(log, "set MINT_CREDENTIALS_FILE") {
			t.Errorf("BIND=%s: the warning should name the setting: %s", test.bind, log)
		}
		p.kill()
	}
}

// TestMaxExpiresIn mints with lifetimes up to and over the limit, and without one.
func TestMaxExpiresIn(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir(), []string{"SIGNING_KEY=" + goodKey, "MAX_EXPIRES_IN=1h"})
	for body, want := range map[string]int{
		`{"user_data":1,"expires_in":3600}`: 200,
		`{"user_data":1,"expires_in":3601}`: 400,
		`{"user_data":1}`:                   400,
	} {
		status, answer, err := p.send("POST", "/token", body)
		if status != want || err != nil {
			t.Errorf("%s: %d %s, %v, want %d", body, status, answer, err, want)
		}
		if want == 400 && !strings.Contains(answer, "3600") {
			t.Errorf("%s: the error should have the limit: %s", body, answer)
		}
	}
}

// TestOrigins mints as scripts of web pages do.
func TestOrigins(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir(), []string{"SIGNING_KEY=" + goodKey, "ORIGINS=https://app.example.com"})
	for origin, want := range map[string]int{
		"http://" + p.address:      200,
		"https://app.example.com":  200,
		"https://evil.example.com": 403,
		"null":                     403,
	} {
		status, header := p.mintAs(t, "", http.Header{"Origin": {origin}})
		if status != want {
			t.Errorf("Origin %s: %d, want %d", origin, status, want)
		}
		if got := header.Get("Access-Control-Allow-Origin"); (got != "") != (origin == "https://app.example.com") {
			t.Errorf("Origin %s: Access-Control-Allow-Origin: %q", origin, got)
		}
	}
}
