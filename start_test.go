package main

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestFirstStartAndRestart does what a newcomer does first: start the service
// in an empty folder, mint, inspect, stop it, and start it again.
func TestFirstStartAndRestart(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "signing.key")
	first := start(t, folder, nil)
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("key file: %v, %v, want mode 0600", info, err)
	}
	key := readKey(t, path)
	if !regexp.MustCompile(`^[0-9a-f]{128}$`).MatchString(key) {
		t.Error("the key is not 128 hex digits")
	}
	if log := first.stderr.String(); !strings.Contains(log, "level=WARN") || !strings.Contains(log, "file=signing.key") || strings.Contains(log, key) {
		t.Errorf("the log should warn of a new signing.key, without the key: %s", log)
	}
	token := first.mint(t)
	if !first.verifies(t, token, key) {
		t.Error("the token does not verify with the key in the file")
	}
	if first.verifies(t, token, otherKey) {
		t.Error("the token verifies with another key")
	}
	if status := first.stop(t); status != 0 {
		t.Errorf("exit status %d, want 0", status)
	}

	second := start(t, folder, nil)
	if again := readKey(t, path); again != key {
		t.Error("the restart changed the key")
	}
	if !second.verifies(t, token, key) {
		t.Error("a token from before the restart does not verify after it")
	}
	if !second.mintsWith(t, key) {
		t.Error("after the restart, the service does not mint with the key in the file")
	}
	if log := second.stderr.String(); strings.Contains(log, "level=WARN") {
		t.Errorf("the log should have no warning after a restart: %s", log)
	}
	second.stop(t)
	if out := first.stdout.String() + second.stdout.String(); out != "" {
		t.Errorf("standard output: %q, want none", out)
	}
}

// TestRacingFirstStarts starts several copies at once in an empty folder. They
// must all use the same new key.
func TestRacingFirstStarts(t *testing.T) {
	t.Parallel()
	for round := range 3 {
		t.Run(strconv.Itoa(round), func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			copies := make([]*process, 6)
			for i := range copies {
				copies[i] = launch(t, folder, nil)
			}
			created := 0
			for _, p := range copies {
				waitFor(t, "a copy to listen", p.listens)
				created += strings.Count(p.stderr.String(), "level=WARN")
				if !copies[0].verifies(t, p.mint(t), readKey(t, filepath.Join(folder, "signing.key"))) {
					t.Error("a copy mints with another key than that in the file")
				}
			}
			if created != 1 {
				t.Errorf("%d copies log that they created the key file, want 1", created)
			}
			if entries, err := os.ReadDir(folder); err != nil || len(entries) != 1 {
				t.Errorf("the folder contains %v, want the key file alone; %v", entries, err)
			}
		})
	}
}

// TestWrongConfiguration starts the service with each setting wrong. It must
// exit before it listens, with the right status and one line that names the
// mistake.
func TestWrongConfiguration(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() })
	folder := t.TempDir()
	for name, text := range map[string]string{"empty": "", "blank": "\n \n", "short": shortKey, "revoked": "id\n\nbefore noon\nan id\n", "second-short": goodKey + "\n" + shortKey, "bytes": strings.Repeat("\xff", 64)} {
		writeFile(t, filepath.Join(folder, name), text)
	}
	writeCertificate(t, filepath.Join(folder, "one.pem"), filepath.Join(folder, "one-key.pem"), "one")
	writeCertificate(t, filepath.Join(folder, "two.pem"), filepath.Join(folder, "two-key.pem"), "two")
	tests := []struct {
		name   string
		env    []string
		args   []string
		status int
		says   string
	}{
		{"unknown log format", nil, []string{"-log-format", "xml"}, 2, "write text or json"},
		{"unknown log format in the variable", []string{"LOG_FORMAT=jsonl"}, nil, 2, "invalid value of LOG_FORMAT (see -log-format in tokenmint -h): write text or json"},
		{"wrong access log variable", []string{"ACCESS_LOG=maybe"}, nil, 2, "ACCESS_LOG"},
		{"wrong access log flag", nil, []string{"-access-log=maybe"}, 2, "write off, on or all"},
		{"access log as an argument", nil, []string{"-access-log", "all", "-bind", "127.0.0.1:0"}, 2, "write -access-log=all, with =;"},
		{"certificate without key", []string{"TLS_CERT_FILE=cert.pem"}, nil, 2, "both"},
		{"key without certificate", nil, []string{"-tls-key", "key.pem"}, 2, "both"},
		{"missing certificate file", nil, []string{"-tls-cert", "missing", "-tls-key", "empty"}, 1, "TLS_CERT_FILE is missing, TLS_KEY_FILE is empty: stat missing: no such file or directory: create the file, or correct its name"},
		{"certificate file without a certificate", nil, []string{"-tls-cert", "short", "-tls-key", "short"}, 1, "TLS_CERT_FILE is short, TLS_KEY_FILE is short: tls: failed to find any PEM data in certificate input: the certificate must be in PEM"},
		{"certificate and key swapped", nil, []string{"-tls-cert", "one-key.pem", "-tls-key", "one.pem"}, 1, "swap the two files"},
		{"certificate with the key of another", nil, []string{"-tls-cert", "one.pem", "-tls-key", "two-key.pem"}, 1, "does not match public key: use a certificate with the key that was made for it"},
		{"socket in a missing folder", nil, []string{"-bind", "unix:missing/socket"}, 1, "BIND: open missing: no such file or directory: create the folder missing, or choose another path"},
		{"socket path that is a file", nil, []string{"-bind", "unix:short"}, 1, "BIND: listen unix short: bind: address already in use: what is there is not a socket: move it away, or choose another path"},
		{"socket without a path", nil, []string{"-bind", "unix:"}, 2, "unix:/path"},
		{"socket path that is too long", nil, []string{"-bind", "unix:/" + strings.Repeat("x", 200)}, 1, "choose a path of at most"},
		{"unknown flag", nil, []string{"-port", "1"}, 2, "-port"},
		{"key as a flag", nil, []string{"-signing-key=" + shortKey}, 2, "not defined: -signing-key"},
		{"unknown argument", nil, []string{shortKey}, 2, "healthcheck"},
		{"argument after the flags", nil, []string{"-bind", "127.0.0.1:0", "healthcheck"}, 2, "healthcheck"},
		{"timeout with a fraction but no unit", nil, []string{"-graceful-timeout", "1.5"}, 2, "flag -graceful-timeout: write whole seconds, or a duration such as 30s or 1m"},
		{"negative timeout", nil, []string{"-graceful-timeout", "-1s"}, 2, "negative"},
		{"negative timeout without a unit", nil, []string{"-graceful-timeout", "-1"}, 2, "negative"},
		{"timeout that is too long", nil, []string{"-graceful-timeout", "9999999999999"}, 2, "write whole seconds"},
		{"timeout variable that is no duration", []string{"GRACEFUL_TIMEOUT=soon"}, nil, 2, "invalid value of GRACEFUL_TIMEOUT (see -graceful-timeout in tokenmint -h): write whole seconds"},
		{"negative timeout variable", []string{"GRACEFUL_TIMEOUT=-1s"}, nil, 2, "negative"},
		{"short key", []string{"SIGNING_KEY=" + shortKey}, nil, 1, "SIGNING_KEY: unusable signing key: line 1: 16 bytes"},
		{"empty key", []string{"SIGNING_KEY="}, nil, 1, "SIGNING_KEY"},
		{"two keys in the variable", []string{"SIGNING_KEY=" + goodKey + "\n" + goodKey}, nil, 1, "more than one line"},
		{"both key and file", []string{"SIGNING_KEY=" + goodKey, "SIGNING_KEY_FILE=signing.key"}, nil, 1, "both"},
		{"both key and file flag", withGoodKey, []string{"-signing-key-file", "signing.key"}, 1, "both"},
		{"key in place of its file", []string{"SIGNING_KEY_FILE=" + strings.Repeat(shortKey, 4)}, nil, 2, "SIGNING_KEY_FILE (or -signing-key-file) looks like a secret itself: put that into a file, and write the name of the file"},
		{"credential in place of its file", []string{"MINT_CREDENTIALS_FILE=" + strings.Repeat(shortKey, 4)}, nil, 2, "MINT_CREDENTIALS_FILE (or -mint-credentials-file) looks like"},
		{"PEM in place of its file", []string{"TLS_CERT_FILE=one.pem", "TLS_KEY_FILE=-----BEGIN PRIVATE KEY-----\n" + shortKey + "\n"}, nil, 2, "TLS_KEY_FILE (or -tls-key) looks like"},
		{"key to inspect with in place of its file", nil, []string{"inspect", "-key-file", strings.Repeat(shortKey, 4)}, 2, "-key-file looks like"},
		{"file with a long name", nil, []string{"-signing-key-file", "./missing/" + strings.Repeat("x", 64)}, 1, "create the folder"},
		{"empty file", nil, []string{"-signing-key-file", "empty"}, 1, "SIGNING_KEY_FILE: empty: unusable signing key: there is no key"},
		{"file of blank lines", nil, []string{"-signing-key-file", "blank"}, 1, "there is no key"},
		{"short key in the file", nil, []string{"-signing-key-file", "short"}, 1, "line 1: 16 bytes"},
		{"short second key", nil, []string{"-signing-key-file", "second-short"}, 1, "line 2: 16 bytes"},
		{"key that is not text", nil, []string{"-signing-key-file", "bytes"}, 1, "not UTF-8"},
		{"folder as the key file", nil, []string{"-signing-key-file", "."}, 1, "regular file"},
		{"key file in a missing folder", nil, []string{"-signing-key-file", "missing/signing.key"}, 1, "SIGNING_KEY_FILE: unusable signing key: cannot create signing.key in the folder " + filepath.Join(folder, "missing") + ": no such file or directory: create the folder, or name a file in another one"},
		{"address in use", nil, []string{"-bind", taken.Addr().String()}, 1, "BIND: listen tcp " + taken.Addr().String() + ": bind: address already in use: stop the process that listens there, or choose another port"},
		{"address without a port", nil, []string{"-bind", "127.0.0.1"}, 1, "BIND: listen tcp: address 127.0.0.1: missing port in address: write host:port, such as 127.0.0.1:5000 or [::1]:5000, or unix:/path"},
		{"port alone", []string{"BIND=5000"}, nil, 1, "BIND: listen tcp: address 5000: missing port in address: write host:port"},
		{"address with an empty port", []string{"BIND=127.0.0.1:"}, nil, 1, "BIND: address 127.0.0.1:: missing port in address: write host:port"},
		{"port that is no number", nil, []string{"-bind", "127.0.0.1:port"}, 1, "write a port from 1 to 65535"},
		{"port that is too high", nil, []string{"-bind", "127.0.0.1:65536"}, 1, "BIND: listen tcp: address 65536: invalid port: write a port from 1 to 65535"},
		{"address with white space", []string{"BIND=127.0.0.1:5000 "}, nil, 1, "remove the white space"},
		{"address of another machine", []string{"BIND=192.0.2.1:5000"}, nil, 1, "BIND: listen tcp 192.0.2.1:5000: bind: cannot assign requested address: choose an address that this machine has, or 0.0.0.0 for all of them"},
		{"name of no machine", []string{"BIND=name..invalid:5000"}, nil, 1, "correct the host name, or write an IP address"},
		{"gate without a path", []string{"GATE_BIND=unix:"}, nil, 2, "unix:/path"},
		{"gate at the address of the service", []string{"BIND=127.0.0.1:5999", "GATE_BIND=127.0.0.1:5999"}, nil, 2, "GATE_BIND"},
		{"gate at an address in use", []string{"GATE_BIND=" + taken.Addr().String()}, nil, 1, "GATE_BIND: listen tcp " + taken.Addr().String() + ": bind: address already in use: stop the process"},
		{"gate without a port", nil, []string{"-gate-bind", "127.0.0.1"}, 1, "GATE_BIND: "},
		{"missing credentials", []string{"MINT_CREDENTIALS_FILE=missing"}, nil, 1, "MINT_CREDENTIALS_FILE: unusable mint credential: stat missing: no such file or directory: create the file, or correct its name"},
		{"no credential", []string{"MINT_CREDENTIALS_FILE=blank"}, nil, 1, "there is no credential"},
		{"short credential", nil, []string{"-mint-credentials-file", "short"}, 1, "line 1"},
		{"credentials that are no tokens", nil, []string{"-mint-credentials-file", "one.pem"}, 1, "line 1"},
		{"folder as the credentials", nil, []string{"-mint-credentials-file", "."}, 1, "regular file"},
		{"missing revoked tokens", []string{"REVOKED_FILE=missing"}, nil, 1, "REVOKED_FILE: unusable list of revoked tokens: stat missing: no such file"},
		{"wrong lines of revoked tokens", nil, []string{"-revoked-file", "revoked"}, 1, "REVOKED_FILE: revoked: unusable list of revoked tokens: line 3: no time"},
		{"folder as the revoked tokens", nil, []string{"-revoked-file", "."}, 1, "regular file"},
		{"variable of revoked tokens that is empty", []string{"REVOKED_FILE="}, nil, 2, "REVOKED_FILE"},
		{"flag of revoked tokens that is empty", nil, []string{"-revoked-file="}, 2, "revoked-file"},
		{"lifetime without a unit", []string{"MAX_EXPIRES_IN=3600"}, nil, 2, "MAX_EXPIRES_IN"},
		{"lifetime too short", nil, []string{"-max-expires-in", "999ms"}, 2, "max-expires-in"},
		{"lifetime too long", nil, []string{"-max-expires-in", "876001h"}, 2, "max-expires-in"},
		{"any origin", []string{"ORIGINS=*"}, nil, 2, "ORIGINS"},
		{"origin with a path", nil, []string{"-origins", "https://example.com/"}, 2, "origins"},
		{"credentials variable that is empty", []string{"MINT_CREDENTIALS_FILE="}, nil, 2, "MINT_CREDENTIALS_FILE"},
		{"credentials flag that is empty", nil, []string{"-mint-credentials-file="}, 2, "mint-credentials-file"},
		{"empty address", nil, []string{"-bind="}, 2, "the address to bind is empty"},
		{"too little memory", []string{"GOMEMLIMIT=15MiB"}, nil, 1, "GOMEMLIMIT"},
		{"memory that is no ratio", []string{"AUTOMEMLIMIT=all"}, nil, 1, "AUTOMEMLIMIT"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			env := []string{"BIND=127.0.0.1:0"}
			newKey := filepath.Join(t.TempDir(), "new.key")
			if !strings.Contains(strings.Join(test.env, " "), "SIGNING_KEY=") {
				env = append(env, "SIGNING_KEY_FILE="+newKey)
			}
			p, status := exit(t, folder, append(env, test.env...), test.args...)
			if status != test.status {
				t.Errorf("exit status %d, want %d", status, test.status)
			}
			log := p.stderr.String()
			lines := strings.Split(strings.TrimSuffix(log, "\n"), "\n")
			if last := lines[len(lines)-1]; !strings.Contains(last, test.says) {
				t.Errorf("last line %q, want it to contain %q", last, test.says)
			}
			if len(lines) != 1 {
				t.Errorf("%d lines, want 1: %s", len(lines), log)
			}
			if _, err := os.Lstat(newKey); err == nil {
				t.Error("the start left a new key file behind")
			}
			if strings.Contains(log, "listening") {
				t.Errorf("the service should not listen: %s", log)
			}
			if strings.Contains(log, shortKey) {
				t.Errorf("the log should not contain the key: %s", log)
			}
			if out := p.stdout.String(); out != "" {
				t.Errorf("standard output: %q, want none", out)
			}
		})
	}
}

// TestListeningURL starts the service on different addresses. It must answer at the URL in
// the log.
func TestListeningURL(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	writeCertificate(t, filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem"), "any")
	withTLS := []string{"-tls-cert", "cert.pem", "-tls-key", "key.pem"}
	tests := []struct {
		bind string
		args []string
		want string
	}{
		{"127.0.0.1:0", nil, "http://127.0.0.1:"},
		{"localhost:0", nil, "http://127.0.0.1:"},
		{"0.0.0.0:0", nil, "http://localhost:"},
		{":0", nil, "http://localhost:"},
		{"0.0.0.0:0", withTLS, "https://localhost:"},
	}
	for _, test := range tests {
		p := start(t, folder, []string{"BIND=" + test.bind}, test.args...)
		match := regexp.MustCompile(`url=(\S+:)(\d+) `).FindStringSubmatch(p.stderr.String())
		if match == nil || match[1] != test.want {
			t.Errorf("%s: the log should have a URL that starts with %s: %s", test.bind, test.want, p.stderr.String())
			continue
		}
		if len(test.args) > 0 {
			p.useTLS(t, filepath.Join(folder, "cert.pem"))
		}
		response, err := p.client.Get(match[1] + match[2] + "/healthz")
		if err != nil {
			t.Errorf("%s: %v", test.bind, err)
			continue
		}
		response.Body.Close()
		if response.StatusCode != 200 {
			t.Errorf("%s: status %d", test.bind, response.StatusCode)
		}
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"-version", "healthcheck -version"} {
		p, status := exit(t, t.TempDir(), []string{"MAX_EXPIRES_IN=wrong"}, strings.Fields(args)...)
		if got := p.stdout.String(); status != 0 || p.stderr.String() != "" || !regexp.MustCompile(`^tokenmint \S+ go1\.\d+\S*\n$`).MatchString(got) {
			t.Errorf("%s: exit status %d, %q, %s", args, status, got, p.stderr.String())
		}
	}
}

// TestHelp checks that the usage text of a command has its flags and no others, and that
// of the service all commands.
func TestHelp(t *testing.T) {
	t.Parallel()
	const service = "access-log bind gate-bind graceful-timeout log-format max-expires-in mint-credentials-file origins revoked-file signing-key-file tls-cert tls-key version"
	tests := []struct {
		args, starts, flags string
		status              int
	}{
		{"-h", `usage: tokenmint \[flags\] +serve\n +tokenmint healthcheck \[flags\] .*\n +tokenmint mint \[flags\] \[user_data\] .*\n +tokenmint inspect \[flags\] \[token\] .*\n +tokenmint key list \[flags\] .*\n +tokenmint key add \[flags\] .*\n +tokenmint key promote \[flags\] \[fingerprint\] .*\n +tokenmint key remove \[flags\] fingerprint .*\n\n`, service, 0},
		{"healthcheck -h", `usage: tokenmint healthcheck \[flags\]\n\n`, service, 0},
		{"mint -help", `usage: tokenmint mint \[flags\] \[user_data\]\n\n`, "claims expires-in max-expires-in n signing-key-file", 2},
		{"inspect --help", `usage: tokenmint inspect \[flags\] \[token\]\n\n`, "key-encoding key-file revoked-file signing-key-file", 2}, // -h is no good token
		{"key -h", `usage: tokenmint key list\|add\|promote\|remove\n\n`, "signing-key-file", 0},
		{"key list -h", `usage: tokenmint key list \[flags\]\n\n`, "signing-key-file", 0},
		{"key add -h", `usage: tokenmint key add \[flags\]\n\n`, "signing-key-file", 0},
		{"key promote --help", `usage: tokenmint key promote \[flags\] \[fingerprint\]\n\n`, "signing-key-file", 0},
		{"key remove -h", `usage: tokenmint key remove \[flags\] fingerprint\n\n`, "signing-key-file", 0},
	}
	for _, test := range tests {
		p, status := exit(t, t.TempDir(), []string{"MAX_EXPIRES_IN=wrong"}, strings.Fields(test.args)...)
		if status != test.status || p.stderr.String() != "" {
			t.Errorf("%s: exit status %d: %s", test.args, status, p.stderr.String())
		}
		text := p.stdout.String()
		if !regexp.MustCompile("^" + test.starts).MatchString(text) {
			t.Errorf("%s writes %q, want a match of %s", test.args, text, test.starts)
		}
		var flags []string
		for _, match := range regexp.MustCompile(`(?m)^  -(\S+) .*\n    \t\w`).FindAllStringSubmatch(text, -1) {
			flags = append(flags, match[1])
		}
		if got := strings.Join(flags, " "); got != test.flags {
			t.Errorf("%s has the flags %s, want %s", test.args, got, test.flags)
		}
	}
}
