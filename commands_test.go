package main

import (
	"bufio"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"tokenmint/jwtcore"
)

// exitWith is exit with input as the standard input.
func exitWith(t *testing.T, folder string, env []string, input string, args ...string) (*process, int) {
	t.Helper()
	p := newProcess(folder, env, args...)
	p.Stdin = strings.NewReader(input)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	return p, p.wait(t)
}

// signedWith returns a token with claims, signed with key.
func signedWith(t *testing.T, key, claims string) string {
	t.Helper()
	token, err := jwtcore.Sign(nil, jwtcore.HS512.DefaultHeader(), []byte(claims), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	return string(token)
}

// TestMintThenInspect mints from lines, some of them wrong, and inspects what that prints.
func TestMintThenInspect(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	writeFile(t, filepath.Join(folder, "signing.key"), goodKey+"\n"+otherKey+"\n")
	minted, status := exitWith(t, folder, nil, "1\n\nwrong\n{\"b\": 1, \"a\": [ ]}\n{\"a\":1,\"a\":1}\n\"last\"", "mint", "-expires-in", "3600", "-claims", `{"sub": "me"}`)
	if status != 1 {
		t.Errorf("mint: exit status %d, want 1", status)
	}
	if got, want := minted.stderr.String(), `tokenmint: line 3: not one JSON value: a syntax error at byte 0; a string needs quotes, "like this" (in a shell, '"like this"')
tokenmint: line 5: not one JSON value: a member name occurs twice, again at byte 7
`; got != want {
		t.Errorf("mint writes the errors\n%s, want\n%s", got, want)
	}
	inspected, status := exitWith(t, folder, nil, minted.stdout.String(), "inspect")
	if status != 0 || inspected.stderr.String() != "" {
		t.Errorf("inspect: exit status %d, want 0: %s", status, inspected.stderr.String())
	}
	answers := regexp.MustCompile(`(?m)^\{"Header":\{"typ":"JWT","alg":"HS512"\},"Claims":\{"iat":\d+,"exp":\d+,"jti":"[0-9a-f]{32}","payload":\{"data":(.+),"date":"[-0-9]+"\},"sub":"me"\},"Signature Verification":true,"Signed_by":"[0-9a-f]{8}","Validity":\{"state":"valid","expires":"[-0-9T:Z]+"\}\}$`).FindAllStringSubmatch(inspected.stdout.String(), -1)
	want := []string{"1", `{"b":1,"a":[]}`, `"last"`}
	if len(answers) != len(want) || strings.Count(inspected.stdout.String(), "\n") != len(want) {
		t.Fatalf("%d answers, want %d: %s", len(answers), len(want), inspected.stdout.String())
	}
	for i := range want {
		if answers[i][1] != want[i] {
			t.Errorf("answer %d has the data %s, want %s", i, answers[i][1], want[i])
		}
	}
}

func TestMintMany(t *testing.T) {
	t.Parallel()
	const count = 1000
	minted, status := exit(t, t.TempDir(), withGoodKey, "mint", "-n", fmt.Sprint(count), `{"user": 1}`)
	if status != 0 {
		t.Fatalf("exit status %d: %s", status, minted.stderr.String())
	}
	ids := map[string]bool{}
	for line := range strings.Lines(minted.stdout.String()) {
		token, err := jwtcore.Parse(strings.TrimSuffix(line, "\n"))
		if err == nil {
			err = token.Verify([]byte(goodKey))
		}
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		id, _ := token.ID()
		ids[id] = true
	}
	if len(ids) != count {
		t.Errorf("%d different ids, want %d", len(ids), count)
	}
}

// TestCommandErrors executes commands that fail, and some that do not. They must write
// one line, without any of the data, and create no file.
func TestCommandErrors(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for name, text := range map[string]string{"good": goodKey, "short": shortKey, "two": goodKey + "\n" + otherKey, "empty": "", "revoked": "the-id\n", "wrong": "an id\n"} {
		writeFile(t, filepath.Join(folder, name), text)
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	const data = "canary-data"
	good := signedWith(t, goodKey, `{"jti":"the-id","sub":"`+data+`"}`)
	expired := signedWith(t, goodKey, `{"exp":1}`)
	other := signedWith(t, otherKey, `{}`)
	fileSet := []string{"SIGNING_KEY_FILE=good"}
	// The settings of a service, each of them wrong for it.
	container := []string{"BIND=", "GATE_BIND=unix:", "MINT_CREDENTIALS_FILE=", "ORIGINS=*", "TLS_CERT_FILE=missing", "GRACEFUL_TIMEOUT=soon", "ACCESS_LOG=maybe", "LOG_FORMAT=xml", "SIGNING_KEY_FILE=good"}
	tests := []struct {
		name   string
		env    []string
		input  string
		args   []string
		status int
		says   string // "" for nothing
	}{
		{"mint with the settings of a service", append(container, "REVOKED_FILE="), "", []string{"mint", "1"}, 0, ""},
		{"inspect with the settings of a service", append(container, "MAX_EXPIRES_IN=soon"), "", []string{"inspect", good}, 0, ""},
		{"SIGNING_KEY", withGoodKey, good, []string{"inspect"}, 0, ""},
		{"key file as a flag", []string{"SIGNING_KEY_FILE=missing"}, good, []string{"inspect", "-signing-key-file", "good"}, 0, ""},
		{"a revoked token", append(fileSet, "REVOKED_FILE=revoked"), good, []string{"inspect"}, 1, ""},
		{"a revoked token as an argument", fileSet, "", []string{"inspect", "-revoked-file", "revoked", good}, 1, ""},
		{"an expired token", fileSet, good + "\n" + expired + "\n" + good, []string{"inspect"}, 1, ""},
		{"a token of another key", fileSet, other, []string{"inspect"}, 1, ""},
		{"key file of the token", []string{"SIGNING_KEY=" + shortKey, "SIGNING_KEY_FILE=missing", "REVOKED_FILE=revoked"}, good, []string{"inspect", "-key-file", "good"}, 0, ""},
		{"short key file", nil, signedWith(t, shortKey, `{}`), []string{"inspect", "-key-file", "short", "-key-encoding", "utf8"}, 0, ""},
		{"key file of another token", nil, other, []string{"inspect", "-key-file", "good"}, 1, ""},
		{"a malformed token", fileSet, "", []string{"inspect", data}, 1, "token: malformed token"},
		{"an empty token", fileSet, good, []string{"inspect", ""}, 1, "token: malformed token"},
		{"a malformed token in a line", fileSet, good + "\n" + data + "\n" + good, []string{"inspect"}, 1, "line 2: malformed token"},
		{"wrong user_data", fileSet, "", []string{"mint", data}, 1, "user_data: not one JSON value"},
		{"null", fileSet, "", []string{"mint", "null"}, 1, "user_data: null"},
		{"null with claims", fileSet, "", []string{"mint", "-claims", "{}", "null"}, 0, ""},
		{"a number below 0", fileSet, "", []string{"mint", "--", "-5"}, 0, ""},
		{"no user_data", fileSet, "", []string{"mint"}, 1, "no user_data: neither an argument nor a line"},
		{"no token", fileSet, "\n \n", []string{"inspect"}, 1, "no token: neither an argument nor a line"},
		{"no token for a key file", nil, "", []string{"inspect", "-key-file", "good"}, 1, "no token: neither an argument nor a line"},
		{"a huge line", fileSet, "1\n\"" + strings.Repeat(data, 1<<18) + "\"\n2\n", []string{"mint"}, 1, "line 2: it is too large"},
		{"mint without a key file", nil, "", []string{"mint", "1"}, 1, "the key file signing.key does not exist: start the service"},
		{"inspect without a key file", []string{"SIGNING_KEY_FILE=missing/key"}, "", []string{"inspect", good}, 1, "the key file missing/key does not exist: start the service"},
		{"short key", []string{"SIGNING_KEY=" + shortKey}, "", []string{"mint", "1"}, 1, "SIGNING_KEY: unusable signing key: line 1: 16 bytes"},
		{"short key in a file", nil, "", []string{"mint", "-signing-key-file", "short", "1"}, 1, "short: unusable signing key: line 1: 16 bytes"},
		{"both keys", append(fileSet, withGoodKey...), "", []string{"inspect", good}, 1, "both SIGNING_KEY and SIGNING_KEY_FILE"},
		{"missing revoked tokens", append(fileSet, "REVOKED_FILE=missing"), "", []string{"inspect", good}, 1, "REVOKED_FILE: "},
		{"wrong revoked tokens", append(fileSet, "REVOKED_FILE=wrong"), "", []string{"inspect", good}, 1, "REVOKED_FILE: wrong: "},
		{"empty variable of revoked tokens", append(fileSet, "REVOKED_FILE="), "", []string{"inspect", good}, 2, "REVOKED_FILE"},
		{"missing key file", nil, "", []string{"inspect", "-key-file", "missing", good}, 1, "-key-file: stat missing: no such file"},
		{"empty name of a key file", fileSet, "", []string{"inspect", "-key-file", "", good}, 2, "-key-file: it is empty"},
		{"two keys in the key file", nil, "", []string{"inspect", "-key-file", "two", good}, 1, "-key-file: two: it has more than one line"},
		{"empty key file", nil, "", []string{"inspect", "-key-file", "empty", good}, 1, "-key-file: empty: it has no key"},
		{"key file in another form", nil, "", []string{"inspect", "-key-file", "short", "-key-encoding", "hex", good}, 1, "-key-file: short: undecodable key: the key is not hex"},
		{"device as the key file", nil, "", []string{"inspect", "-key-file", "/dev/zero", good}, 1, "-key-file: /dev/zero is not a regular file"},
		{"unknown form", nil, "", []string{"inspect", "-key-file", "good", "-key-encoding", "base32", good}, 2, "-key-encoding: undecodable key: the encodings are"},
		{"form without a key file", fileSet, "", []string{"inspect", "-key-encoding", "utf8", good}, 2, "-key-encoding is the form of the key in -key-file"},
		{"two sources of keys", nil, "", []string{"inspect", "-key-file", "good", "-signing-key-file", "good", good}, 2, "do not go with -key-file"},
		{"revoked tokens and a key file", nil, "", []string{"inspect", "-key-file", "good", "-revoked-file", "revoked", good}, 2, "do not go with -key-file"},
		{"a flag as the token", fileSet, "", []string{"inspect", "-version"}, 2, "not defined: -version"},
		{"a flag after --", fileSet, "", []string{"inspect", "--", "-h"}, 1, "token: malformed token"},
		{"two values", fileSet, "", []string{"mint", "1", "2"}, 2, "more than one argument"},
		{"two arguments", fileSet, "", []string{"inspect", good, data}, 2, "more than one argument"},
		{"flag after the argument", fileSet, "", []string{"mint", `"` + data + `"`, "-n", "2"}, 2, "flags before it; see tokenmint mint -h"},
		{"flag of the service", fileSet, "", []string{"mint", "-bind", ":1", "1"}, 2, "not defined: -bind; see tokenmint mint -h"},
		{"flag of the other command", fileSet, "", []string{"mint", "-key-file", "good", "1"}, 2, "not defined: -key-file"},
		{"no tokens", fileSet, "", []string{"mint", "-n", "0", "1"}, 2, "-n is less than 1"},
		{"number that is none", fileSet, "", []string{"mint", "-n", "1e6", "1"}, 2, "for flag -n"},
		{"lifetime of parts of a second", fileSet, "", []string{"mint", "-expires-in", "1.5s", "1"}, 2, "for flag -expires-in"},
		{"lifetime that is required", append(fileSet, "MAX_EXPIRES_IN=1h"), "", []string{"mint", "1"}, 2, "-expires-in is required"},
		{"lifetime that is too long", fileSet, "", []string{"mint", "-max-expires-in", "1h", "-expires-in", "3601", "1"}, 2, "at most 1h0m0s"},
		{"longest lifetime", append(fileSet, "MAX_EXPIRES_IN=1h"), "", []string{"mint", "-expires-in", "1h", "1"}, 0, ""},
		{"wrong longest lifetime", append(fileSet, "MAX_EXPIRES_IN=1"), "", []string{"mint", "1"}, 2, "MAX_EXPIRES_IN (see -max-expires-in in tokenmint mint -h)"},
		{"claims that are no JSON", fileSet, "", []string{"mint", "-claims", `{"sub":"` + data, "1"}, 2, "-claims: unusable claims: not one JSON object"},
		{"claims that are null", fileSet, "", []string{"mint", "-claims", "null", "1"}, 2, "-claims: unusable claims"},
		{"empty claims", fileSet, "", []string{"mint", "-claims", "", "1"}, 2, "-claims: unusable claims"},
		{"claims of the service", fileSet, "", []string{"mint", "-claims", `{"` + data + `":1,"exp":1}`, "1"}, 2, "-claims: unusable claims: exp is set"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p, status := exitWith(t, folder, test.env, test.input, test.args...)
			if status != test.status {
				t.Errorf("exit status %d, want %d", status, test.status)
			}
			log := p.stderr.String()
			if test.says == "" && log != "" || test.says != "" && (!strings.HasPrefix(log, "tokenmint: ") || !strings.Contains(log, test.says) || strings.Count(log, "\n") != 1) {
				t.Errorf("standard error: %q, want one line with %q", log, test.says)
			}
			for _, secret := range []string{goodKey, otherKey, shortKey, data, good[40:80], base64.RawURLEncoding.EncodeToString([]byte(data))} {
				if strings.Contains(log, secret) {
					t.Errorf("standard error has %q: %s", secret, log)
				}
			}
			if wrongUsage := status == 2; wrongUsage && p.stdout.String() != "" {
				t.Errorf("standard output: %q", p.stdout.String())
			}
		})
	}
	t.Cleanup(func() {
		if after, err := os.ReadDir(folder); err != nil || len(after) != len(entries) {
			t.Errorf("the folder contains %v, want %v; %v", after, entries, err)
		}
	})
}

// TestInspectRFCToken inspects the token of RFC 7515 appendix A.1 with its key in each
// form.
func TestInspectRFCToken(t *testing.T) {
	t.Parallel()
	const token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	const key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
	bytes, err := base64.RawURLEncoding.DecodeString(key)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for encoding, text := range map[string]string{"utf8": string(bytes), "hex": hex.EncodeToString(bytes), "base64": base64.StdEncoding.EncodeToString(bytes), "base64url": key} {
		writeFile(t, filepath.Join(folder, encoding), text+"\n")
		p, status := exit(t, folder, nil, "inspect", "-key-file", encoding, "-key-encoding", encoding, token)
		if want := `true,"Validity":{"state":"expired","expires":"2011-03-22T18:43:00Z"}}` + "\n"; status != 1 || !strings.HasSuffix(p.stdout.String(), `"Signature Verification":`+want) {
			t.Errorf("%s: exit status %d, %s", encoding, status, p.stdout.String()+p.stderr.String())
		}
		if lines := strings.Count(p.stdout.String(), "\n"); lines != 1 { // although header and claims have several
			t.Errorf("%s: %d lines", encoding, lines)
		}
	}
}

// startPiped starts p and returns its standard output.
func (p *process) startPiped(t *testing.T) io.ReadCloser {
	t.Helper()
	p.Stdout = nil
	stdout, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	return stdout
}

// TestTypedLines writes a line only when the answer to the line before has come.
func TestTypedLines(t *testing.T) {
	t.Parallel()
	for command, line := range map[string]string{"mint": "1", "inspect": signedWith(t, goodKey, `{}`)} {
		p := newProcess(t.TempDir(), withGoodKey, command)
		stdin, err := p.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		stdout := p.startPiped(t)
		timer := time.AfterFunc(patience, func() { p.Process.Kill() })
		answers := bufio.NewReader(stdout)
		for i := range 3 {
			if _, err := io.WriteString(stdin, line+"\n"); err != nil {
				t.Error(err)
			}
			if answer, err := answers.ReadString('\n'); err != nil {
				t.Errorf("%s: answer %d: %q, %v", command, i, answer, err)
			}
		}
		stdin.Close()
		if status := p.wait(t); status != 0 {
			t.Errorf("%s: exit status %d: %s", command, status, p.stderr.String())
		}
		timer.Stop()
	}
}

// TestClosedPipe reads one token and closes the pipe, as head -1 does. The command must
// end without an error message.
func TestClosedPipe(t *testing.T) {
	t.Parallel()
	p := newProcess(t.TempDir(), withGoodKey, "mint", "-n", "1000000000", "1")
	stdout := p.startPiped(t)
	if token, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
		t.Errorf("%q, %v", token, err)
	}
	stdout.Close()
	p.wait(t)
	if state := p.ProcessState.Sys().(syscall.WaitStatus); state.Signal() != syscall.SIGPIPE || p.stderr.String() != "" {
		t.Errorf("%v, %q", p.ProcessState, p.stderr.String())
	}
}

// TestMintBesideTheService mints where a service runs, with its environment.
func TestMintBesideTheService(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	writeFile(t, filepath.Join(folder, "credentials"), goodCredential)
	env := []string{"GATE_BIND=unix:gate", "MINT_CREDENTIALS_FILE=credentials", "ACCESS_LOG=on", "LOG_FORMAT=json"}
	service := start(t, folder, env)
	minted, status := exit(t, folder, append(env, "BIND=0.0.0.0:5000"), "mint", `{"user": 1}`)
	if status != 0 || minted.stderr.String() != "" {
		t.Fatalf("exit status %d: %s", status, minted.stderr.String())
	}
	_, answer, err := service.send("POST", "/token/verify", `{"Token":"`+strings.TrimSpace(minted.stdout.String())+`"}`)
	if err != nil || !strings.Contains(answer, `"Signed_by"`) {
		t.Errorf("%s, %v", answer, err)
	}
	inspected, status := exit(t, folder, env, "inspect", strings.TrimSpace(minted.stdout.String()))
	if status != 0 || inspected.stdout.String() != answer+"\n" {
		t.Errorf("exit status %d: %s, want %s", status, inspected.stdout.String(), answer)
	}
}

// TestCommandWarnings uses a key that the service uses, but warns about.
func TestCommandWarnings(t *testing.T) {
	t.Parallel()
	minted, status := exit(t, t.TempDir(), []string{"SIGNING_KEY=" + strings.Repeat("abc", 30)}, "mint", "1")
	if log := minted.stderr.String(); status != 0 || !strings.HasPrefix(log, "tokenmint: SIGNING_KEY: line 1: this key has fewer than 8 different bytes") || strings.Count(log, "\n") != 1 {
		t.Errorf("exit status %d, %s", status, log)
	}
}
