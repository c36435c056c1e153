package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// claimsOf returns the "jti" and "iat" of a token.
func claimsOf(t *testing.T, token string) (id string, issuedAt int64) {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	var claims struct {
		ID       string `json:"jti"`
		IssuedAt int64  `json:"iat"`
	}
	if err != nil || json.Unmarshal(text, &claims) != nil || claims.ID == "" {
		t.Fatalf("claims %s, %v", text, err)
	}
	return claims.ID, claims.IssuedAt
}

// isRevoked asks the service about a token that it has minted, in each way there is. The
// answers must agree.
func (p *process) isRevoked(t *testing.T, token string) bool {
	t.Helper()
	_, inspected, err := p.send("POST", "/token/verify", `{"Token":"`+token+`"}`)
	if err != nil || !strings.Contains(inspected, `"Signed_by"`) {
		t.Fatalf("POST /token/verify: %s, %v", inspected, err)
	}
	response, err := p.client.PostForm(p.scheme+"://"+p.address+"/introspect", url.Values{"token": {token}})
	if err != nil {
		t.Fatal(err)
	}
	var introspected struct{ Active bool }
	err = json.NewDecoder(response.Body).Decode(&introspected)
	response.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	status, refusal := p.passGate(t, token)
	revoked := strings.Contains(inspected, `"Validity":{"state":"revoked"}`)
	if revoked == introspected.Active || (status == 200) == revoked || revoked && !strings.Contains(refusal, "the token was revoked") {
		t.Errorf("/token/verify: %s, /introspect: active: %t, /auth: %d %s", inspected, introspected.Active, status, refusal)
	}
	return revoked
}

// passGate sends token to /auth, and returns the status and the challenge of the answer.
func (p *process) passGate(t *testing.T, token string) (status int, challenge string) {
	t.Helper()
	request, err := http.NewRequest("GET", p.scheme+"://"+p.address+"/auth", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := p.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode, response.Header.Get("WWW-Authenticate")
}

// TestRevocation changes the file of revoked tokens, and sends SIGHUP after each change.
func TestRevocation(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "revoked")
	writeFile(t, path, "")
	p := start(t, folder, []string{"SIGNING_KEY=" + goodKey, "REVOKED_FILE=revoked"})
	var tokens, ids [3]string
	for i := range tokens {
		tokens[i] = p.mint(t)
		ids[i], _ = claimsOf(t, tokens[i])
	}
	_, issuedAt := claimsOf(t, tokens[2])
	steps := []struct {
		name, text string
		revoked    [3]bool
		count      int
		says       string // in the log, if the file is not good
	}{
		{"none", "# none yet\n", [3]bool{}, 0, ""},
		{"one", ids[0] + "\n", [3]bool{true, false, false}, 1, ""},
		{"another one", "# stolen\r\n" + ids[1] + "\r\n" + ids[1], [3]bool{false, true, false}, 1, ""},
		{"a bad file with a good line", ids[0] + "\n" + ids[2] + " stolen\n", [3]bool{true, true, false}, 2, "line 2: white space inside"},
		{"a bad file without a good line", "'" + ids[2] + "'\nbefore noon\n", [3]bool{true, true, false}, 2, "line 1: quotes around the text: remove them; line 2: no time"},
		{"a whole token", tokens[2], [3]bool{true, true, false}, 2, "line 1: a whole token"},
		{"in UTF-16", "\xff\xfe" + strings.Join(strings.Split(ids[2], ""), "\x00") + "\x00", [3]bool{true, true, false}, 2, "UTF-16"},
		{"a good file", ids[2], [3]bool{false, false, true}, 1, ""},
		{"a bad file that revokes everything", ids[0] + " \nbefore 9999-01-01T00:00:00Z", [3]bool{true, true, true}, 1, "line 1: white space"},
		{"a time that has come", "before " + time.Unix(issuedAt+1, 0).UTC().Format(time.RFC3339), [3]bool{true, true, true}, 0, ""},
		{"a time before all", "before 2020-01-01T00:00:00Z", [3]bool{}, 0, ""},
		{"an empty file", "", [3]bool{}, 0, ""},
	}
	for _, step := range steps {
		writeFile(t, path, step.text)
		lines := 2 // the other is about SIGNING_KEY
		if step.says != "" {
			lines++
		}
		log := p.hangUp(t, lines)
		if !strings.Contains(log, fmt.Sprintf(`msg="revoked tokens" count=%d`, step.count)) {
			t.Errorf("%s: the log should have %d revoked tokens: %s", step.name, step.count, log)
		}
		if strings.Contains(log, "level=ERROR") != (step.says != "") || !strings.Contains(log, step.says) || step.says != "" && !strings.Contains(log, "those on the good lines of the file are added") {
			t.Errorf("%s: the log should say %q: %s", step.name, step.says, log)
		}
		for i, token := range tokens {
			if p.isRevoked(t, token) != step.revoked[i] {
				t.Errorf("%s: token %d: revoked: %t, want %t", step.name, i, !step.revoked[i], step.revoked[i])
			}
		}
	}
	p.awaitReloads(t, len(steps)-5, 5)
	p.awaitMetric(t, "tokenmint_revoked_tokens", "0")
	if log := p.stderr.String(); strings.Contains(log, goodKey) || strings.Contains(log, strings.Split(tokens[2], ".")[1]) {
		t.Errorf("the log has a secret: %s", log)
	}
}

// awaitReloads waits until the metrics count so many reloads of the file of revoked tokens.
func (p *process) awaitReloads(t *testing.T, successes, failures int) {
	t.Helper()
	for result, count := range map[string]int{"success": successes, "failure": failures} {
		p.awaitMetric(t, fmt.Sprintf("tokenmint_reloads_total{file=\"revoked_tokens\",result=%q}", result), fmt.Sprint(count))
	}
}

// TestRevokedFileIsRemoved sends SIGHUP while the file is missing. What it revoked stays
// revoked.
func TestRevokedFileIsRemoved(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "revoked")
	writeFile(t, path, "before 9999-01-01T00:00:00Z\n")
	p := start(t, folder, withGoodKey, "-revoked-file", "revoked")
	if log := p.stderr.String(); !strings.Contains(log, `msg="revoked tokens" count=0 before=9999-01-01T00:00:00Z`) {
		t.Errorf("the log should have what is revoked: %s", log)
	}
	token := p.mint(t)
	if !p.isRevoked(t, token) {
		t.Error("the token is not revoked")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		log := p.hangUp(t, 2)
		if strings.Count(log, "level=ERROR") != 1 || !strings.Contains(log, `"the revoked tokens stay as they were"`) || !strings.Contains(log, "no such file") {
			t.Errorf("the log should have one error, about the file: %s", log)
		}
		if !p.isRevoked(t, token) {
			t.Error("a missing file revives the token")
		}
	}
	writeFile(t, path, "")
	if log := p.hangUp(t, 2); strings.Contains(log, "level=ERROR") || p.isRevoked(t, token) {
		t.Errorf("an empty file does not revive the token: %s", log)
	}
	p.awaitReloads(t, 1, 2)
}

// TestRevokedFileWarning starts the service with a file that anyone may change.
func TestRevokedFileWarning(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "revoked")
	writeFile(t, path, "id\n")
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	p := start(t, folder, withGoodKey, "-revoked-file", "revoked")
	if log := p.stderr.String(); strings.Count(log, "level=WARN") != 1 || !strings.Contains(log, "REVOKED_FILE: revoked: mode 0666") {
		t.Errorf("the log should have a warning about the mode: %s", log)
	}
}
