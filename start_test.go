package main

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestFirstStartAndRestart is a newcomer's first minutes: start in an empty
// folder, mint, inspect, stop, start again.
func TestFirstStartAndRestart(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "signing.key")
	first := start(t, folder, nil)
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("the key file: %v, %v", info, err)
	}
	key := readKey(t, path)
	if !regexp.MustCompile(`^[0-9a-f]{128}$`).MatchString(key) {
		t.Error("the key is not 128 hex digits")
	}
	if log := first.stderr.String(); !strings.Contains(log, "level=WARN") || !strings.Contains(log, "file=signing.key") || strings.Contains(log, key) {
		t.Errorf("the log should warn of a new signing.key, without the key: %s", log)
	}
	token := first.mint(t)
	if !first.verifies(t, token, key) || first.verifies(t, token, "another") {
		t.Error("the token does not verify with the key of the file, or does with another")
	}
	if status := first.stop(t); status != 0 {
		t.Errorf("exit status %d: %s", status, first.stderr.String())
	}

	second := start(t, folder, nil)
	if again := readKey(t, path); again != key {
		t.Error("the key changed with the restart")
	}
	if !second.verifies(t, token, key) || !second.verifies(t, second.mint(t), key) {
		t.Error("tokens do not outlive the restart")
	}
	if strings.Contains(second.stderr.String(), "level=WARN") {
		t.Errorf("the restart warns: %s", second.stderr.String())
	}
	second.stop(t)
	if out := first.stdout.String() + second.stdout.String(); out != "" {
		t.Errorf("on standard output: %q", out)
	}
}

// TestRacingFirstStarts starts several copies at once on one empty folder.
func TestRacingFirstStarts(t *testing.T) {
	for range 3 {
		folder := t.TempDir()
		copies := make([]*process, 6)
		for i := range copies {
			copies[i] = command(folder, []string{"BIND=127.0.0.1:0"})
			if err := copies[i].Start(); err != nil {
				t.Fatal(err)
			}
		}
		created := 0
		for _, p := range copies {
			waitFor(t, "a copy to listen", func() bool { return listening.MatchString(p.stderr.String()) })
			p.address = listening.FindStringSubmatch(p.stderr.String())[1]
			created += strings.Count(p.stderr.String(), "level=WARN")
			if !copies[0].verifies(t, p.mint(t), readKey(t, filepath.Join(folder, "signing.key"))) {
				t.Error("a copy mints with another key")
			}
		}
		if created != 1 {
			t.Errorf("%d copies say that they made the key file, want 1", created)
		}
		if entries, _ := os.ReadDir(folder); len(entries) != 1 {
			t.Errorf("the folder holds %v, want the key file alone", entries)
		}
		for _, p := range copies {
			p.Process.Kill()
			p.Wait()
		}
	}
}

// TestWrongConfiguration starts with everything that can be set wrong. It gets
// one clear line, the right exit status, and no listener.
func TestWrongConfiguration(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	folder := t.TempDir()
	secret := "short-and-secret"
	for name, text := range map[string]string{"empty": "", "blank": "\n \n", "short": secret, "second-short": goodKey + "\n" + secret, "bytes": strings.Repeat("\xff", 64)} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
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
		{"a log format that is none", nil, []string{"-log-format", "xml"}, 2, "neither text nor json"},
		{"a log format variable that is none", []string{"LOG_FORMAT=JSON"}, nil, 2, "neither text nor json"},
		{"an access log variable that is none", []string{"ACCESS_LOG=maybe"}, nil, 2, "ACCESS_LOG"},
		{"an access log flag that is none", nil, []string{"-access-log=maybe"}, 2, "neither on nor off"},
		{"a certificate without key", []string{"TLS_CERT_FILE=cert.pem"}, nil, 2, "both"},
		{"a key without certificate", nil, []string{"-tls-key", "key.pem"}, 2, "both"},
		{"no certificate file", nil, []string{"-tls-cert", "missing", "-tls-key", "empty"}, 1, "open missing: no such file"},
		{"a certificate file without one", nil, []string{"-tls-cert", "short", "-tls-key", "short"}, 1, "certificate in short"},
		{"a certificate with another's key", nil, []string{"-tls-cert", "one.pem", "-tls-key", "two-key.pem"}, 1, "does not match"},
		{"a socket in no folder", nil, []string{"-bind", "unix:missing/socket"}, 1, "no such file"},
		{"a file where the socket goes", nil, []string{"-bind", "unix:short"}, 1, "in use"},
		{"a socket without a path", nil, []string{"-bind", "unix:"}, 2, "unix:/path"},
		{"a socket with too long a path", nil, []string{"-bind", "unix:/" + strings.Repeat("x", 200)}, 1, "invalid argument"},
		{"an unknown flag", nil, []string{"-port", "1"}, 2, "-port"},
		{"a key as a flag", nil, []string{"-signing-key=" + secret}, 2, "not defined: -signing-key"},
		{"an argument", nil, []string{secret}, 2, "healthcheck"},
		{"an argument behind the flags", nil, []string{"-bind", "127.0.0.1:0", "healthcheck"}, 2, "healthcheck"},
		{"a timeout without unit", nil, []string{"-graceful-timeout", "30"}, 2, "graceful-timeout"},
		{"a negative timeout", nil, []string{"-graceful-timeout", "-1s"}, 2, "negative"},
		{"a timeout variable that is none", []string{"GRACEFUL_TIMEOUT=soon"}, nil, 2, "GRACEFUL_TIMEOUT"},
		{"a negative timeout variable", []string{"GRACEFUL_TIMEOUT=-1s"}, nil, 2, "negative"},
		{"a short key", []string{"SIGNING_KEY=" + secret}, nil, 1, "SIGNING_KEY: unusable signing key: line 1: 16 bytes"},
		{"an empty key", []string{"SIGNING_KEY="}, nil, 1, "SIGNING_KEY"},
		{"two keys in the variable", []string{"SIGNING_KEY=" + goodKey + "\n" + goodKey}, nil, 1, "more than one line"},
		{"both key and file", []string{"SIGNING_KEY=" + goodKey, "SIGNING_KEY_FILE=signing.key"}, nil, 1, "both"},
		{"key and file flag", []string{"SIGNING_KEY=" + goodKey}, []string{"-signing-key-file", "signing.key"}, 1, "both"},
		{"an empty file", nil, []string{"-signing-key-file", "empty"}, 1, "empty: unusable signing key: there is none"},
		{"a file of blank lines", nil, []string{"-signing-key-file", "blank"}, 1, "there is none"},
		{"a short key in the file", nil, []string{"-signing-key-file", "short"}, 1, "line 1: 16 bytes"},
		{"a short second key", nil, []string{"-signing-key-file", "second-short"}, 1, "line 2: 16 bytes"},
		{"a key that is not text", nil, []string{"-signing-key-file", "bytes"}, 1, "not UTF-8"},
		{"a folder for a file", nil, []string{"-signing-key-file", "."}, 1, "directory"},
		{"a file in no folder", nil, []string{"-signing-key-file", "missing/signing.key"}, 1, "no such file"},
		{"an address in use", nil, []string{"-bind", taken.Addr().String()}, 1, "in use"},
		{"an address without port", nil, []string{"-bind", "127.0.0.1"}, 1, "missing port"},
		{"an address that is none", nil, []string{"-bind", "127.0.0.1:port"}, 1, "port"},
		{"an address elsewhere", []string{"BIND=192.0.2.1:5000"}, nil, 1, "assign"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := command(folder, append([]string{"BIND=127.0.0.1:0", "SIGNING_KEY_FILE=" + filepath.Join(t.TempDir(), "new.key")}, test.env...), test.args...)
			if strings.Contains(strings.Join(test.env, " "), "SIGNING_KEY=") {
				p.Env = append([]string{"BIND=127.0.0.1:0"}, test.env...)
			}
			timer := time.AfterFunc(10*time.Second, func() { p.Process.Kill() })
			err := p.Run()
			timer.Stop()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != test.status {
				t.Errorf("%v, want exit status %d", err, test.status)
			}
			lines := strings.Split(strings.TrimSuffix(p.stderr.String(), "\n"), "\n")
			if last := lines[len(lines)-1]; !strings.Contains(last, test.says) {
				t.Errorf("%q, want a text with %q", last, test.says)
			}
			if count := len(lines) - strings.Count(p.stderr.String(), "level=WARN"); count != 1 {
				t.Errorf("%d lines, want 1: %s", count, p.stderr.String())
			}
			if strings.Contains(p.stderr.String(), "listening") || strings.Contains(p.stderr.String(), secret) || p.stdout.String() != "" {
				t.Errorf("it listened, told a secret, or wrote to standard output: %s", p.stderr.String())
			}
		})
	}
}

func TestVersionAndHelp(t *testing.T) {
	tests := []struct{ flag, want string }{
		{"-version", `^tokenmint \S+ go1\.\d+\S*\n$`},
		{"-h", `(?s)^usage: tokenmint.*-bind address.*BIND.*127\.0\.0\.1:5000.*SIGNING_KEY_FILE`},
	}
	for _, test := range tests {
		p := command(t.TempDir(), nil, test.flag)
		if err := p.Run(); err != nil {
			t.Errorf("%s: %v", test.flag, err)
		}
		if !regexp.MustCompile(test.want).MatchString(p.stderr.String()) {
			t.Errorf("%s: %s", test.flag, p.stderr.String())
		}
	}
}
