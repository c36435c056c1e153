package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// goodFingerprint and otherFingerprint are the fingerprints of the keys of the tests.
var (
	goodFingerprint  = fingerprint("tokenmint key", goodKey)
	otherFingerprint = fingerprint("tokenmint key", otherKey)
)

// keyCommand executes a key command in folder, which must succeed, and returns its output
// and its warnings.
func keyCommand(t *testing.T, folder string, args ...string) (output, warnings string) {
	t.Helper()
	p, status := exit(t, folder, nil, append([]string{"key"}, args...)...)
	if status != 0 {
		t.Fatalf("key %q: exit status %d: %s", args, status, p.stderr.String())
	}
	return p.stdout.String(), p.stderr.String()
}

// TestKeyCommands replaces the key of a running service by the commands alone.
func TestKeyCommands(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "signing.key")
	writeFile(t, path, "# the first key\n"+goodKey+"\n")
	service := start(t, folder, nil)
	oldToken := service.mint(t)
	// run executes a key command, waits until the log has says, and checks the file.
	run := func(says, want string, args ...string) string {
		t.Helper()
		offset := len(service.stderr.String())
		output, warnings := keyCommand(t, folder, args...)
		service.awaitLog(t, offset, says)
		text := regexp.MustCompile(`(?m)^[0-9a-f]{128}$`).ReplaceAllString(readFile(t, path), "new key")
		if text != want || warnings != "" {
			t.Errorf("key %q: the file is %q, want %q; %s", args, text, want, warnings)
		}
		return output
	}

	added := run(" fingerprints=", "# the first key\n"+goodKey+"\nnew key\n", "add")
	if !regexp.MustCompile(`^[0-9a-f]{8}\n$`).MatchString(added) {
		t.Errorf("key add prints %q", added)
	}
	if list, _ := keyCommand(t, folder, "list"); list != goodFingerprint+" mints\n"+added {
		t.Errorf("key list prints %q, want %s, which mints, and %s", list, goodFingerprint, added)
	}
	if !service.mintsWith(t, goodKey) {
		t.Error("after key add, the service does not mint with the old key")
	}
	if promoted := run(" fingerprints=", "# the first key\nnew key\n"+goodKey+"\n", "promote"); promoted != added {
		t.Errorf("key promote prints %q, want %q", promoted, added)
	}
	if list, _ := keyCommand(t, folder, "list"); list != strings.TrimSpace(added)+" mints\n"+goodFingerprint+"\n" {
		t.Errorf("key list prints %q", list)
	}
	newToken := service.mint(t)
	for _, token := range []string{oldToken, newToken} {
		if status, _ := service.passGate(t, token); status != 200 {
			t.Errorf("after key promote, a token gets %d at the gate", status)
		}
	}
	if output := run(" fingerprints=", "# the first key\nnew key\n", "remove", strings.ToUpper(goodFingerprint)); output != "" {
		t.Errorf("key remove prints %q", output)
	}
	for token, want := range map[string]int{oldToken: 401, newToken: 200} {
		if status, _ := service.passGate(t, token); status != want {
			t.Errorf("after key remove, a token gets %d at the gate, want %d", status, want)
		}
	}
	if log := service.stderr.String(); strings.Contains(log, "level=ERROR") {
		t.Errorf("the service has read a bad file: %s", log)
	}
}

// TestKeyCommandOutput executes key commands that succeed.
func TestKeyCommandOutput(t *testing.T) {
	t.Parallel()
	both := goodKey + "\r\n#\r\n" + otherKey
	list := goodFingerprint + " mints\n" + otherFingerprint + "\n"
	tests := []struct {
		name      string
		env, args []string
		want      string // the standard output
		text      string // of the file afterwards
	}{
		{"list", []string{"SIGNING_KEY_FILE=keys"}, []string{"list"}, list, both},
		{"list, with the file as a flag", []string{"SIGNING_KEY_FILE=missing"}, []string{"list", "-signing-key-file", "keys"}, list, both},
		{"list, with the settings of a service", []string{"SIGNING_KEY_FILE=keys", "BIND=", "MINT_CREDENTIALS_FILE=", "REVOKED_FILE=missing", "LOG_FORMAT=xml"}, []string{"list"}, list, both},
		{"promote the last key", []string{"SIGNING_KEY_FILE=keys"}, []string{"promote"}, otherFingerprint + "\n", otherKey + "\r\n" + goodKey + "\r\n#\r\n"},
		{"promote a key", nil, []string{"promote", "-signing-key-file=keys", otherFingerprint}, otherFingerprint + "\n", otherKey + "\r\n" + goodKey + "\r\n#\r\n"},
		{"promote the key that mints", []string{"SIGNING_KEY_FILE=keys"}, []string{"promote", goodFingerprint}, goodFingerprint + "\n", both},
		{"remove a key", []string{"SIGNING_KEY_FILE=keys"}, []string{"remove", otherFingerprint}, "", goodKey + "\r\n#\r\n"},
		{"remove a key, after --", []string{"SIGNING_KEY_FILE=keys"}, []string{"remove", "--", otherFingerprint}, "", goodKey + "\r\n#\r\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			path := filepath.Join(folder, "keys")
			writeFile(t, path, both)
			p, status := exit(t, folder, test.env, append([]string{"key"}, test.args...)...)
			if status != 0 || p.stdout.String() != test.want || p.stderr.String() != "" {
				t.Errorf("exit status %d, %q, %s, want %q", status, p.stdout.String(), p.stderr.String(), test.want)
			}
			if text := readFile(t, path); text != test.text {
				t.Errorf("the file is %q, want %q", text, test.text)
			}
		})
	}
}

// TestKeyCommandWarnings executes key commands that warn, and go on.
func TestKeyCommandWarnings(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "signing.key")
	writeFile(t, path, goodKey+"\n"+otherKey+"\n")
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	const open = "tokenmint: SIGNING_KEY_FILE: signing.key: mode 0644 lets users other than its owner and group use the file: run chmod o= on it\n"
	const inPlace = "tokenmint: SIGNING_KEY_FILE: signing.key: written in place, because it cannot be replaced: it has other hard links\n"
	for _, args := range []string{"list", "add", "promote", "remove " + goodFingerprint} {
		if _, warnings := keyCommand(t, folder, strings.Fields(args)...); warnings != open {
			t.Errorf("key %s: %q, want %q", args, warnings, open)
		}
	}
	if err := os.Link(path, filepath.Join(folder, "link")); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{"add", "promote", "remove " + otherFingerprint} {
		if _, warnings := keyCommand(t, folder, strings.Fields(args)...); warnings != open+inPlace {
			t.Errorf("key %s: %q, want %q", args, warnings, open+inPlace)
		}
	}
}

// TestKeyCommandErrors executes key commands that fail. They must write one line, without
// a key, and change no file.
func TestKeyCommandErrors(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	files := map[string]string{"signing.key": goodKey + "\n" + otherKey, "one": goodKey + "\n", "short": goodKey + "\n" + shortKey, "empty": ""}
	for name, text := range files {
		writeFile(t, filepath.Join(folder, name), text)
	}
	const commands = "the commands are key list, key add, key promote and key remove, and come before the flags; see tokenmint key -h"
	tests := []struct {
		name   string
		env    []string
		args   string
		status int
		says   string
	}{
		{"no command", nil, "", 2, commands},
		{"unknown command", nil, "rotate", 2, commands},
		{"a command after a flag", nil, "-signing-key-file one list", 2, commands},
		{"a command after a command", nil, "list add", 2, "unexpected argument"},
		{"an unknown flag", nil, "add -bind :1", 2, "flag provided but not defined: -bind; see tokenmint key add -h"},
		{"list with SIGNING_KEY", withGoodKey, "list", 2, "SIGNING_KEY is set, so that there is no file of keys"},
		{"add with SIGNING_KEY and a file", withGoodKey, "add -signing-key-file one", 2, "SIGNING_KEY is set"},
		{"promote with SIGNING_KEY", withGoodKey, "promote", 2, "SIGNING_KEY is set"},
		{"remove with SIGNING_KEY", []string{"SIGNING_KEY="}, "remove " + otherFingerprint, 2, "SIGNING_KEY is set"},
		{"an argument of add", nil, "add " + otherFingerprint, 2, "unexpected argument"},
		{"two fingerprints to promote", nil, "promote " + goodFingerprint + " " + otherFingerprint, 2, "more than one argument"},
		{"two fingerprints to remove", nil, "remove " + goodFingerprint + " " + otherFingerprint, 2, "more than one argument"},
		{"a flag after the fingerprint", nil, "remove " + otherFingerprint + " -signing-key-file one", 2, "flags before it; see tokenmint key remove -h"},
		{"no fingerprint to remove", nil, "remove", 2, "there is no fingerprint of the key to remove; see tokenmint key list"},
		{"a key to promote", nil, "promote " + shortKey, 2, "not a fingerprint, which has 8 hex digits; see tokenmint key list"},
		{"a key to remove", nil, "remove " + goodKey, 2, "not a fingerprint, which has 8 hex digits; see tokenmint key list"},
		{"an unknown fingerprint to promote", nil, "promote 00000000", 1, "signing.key: keys not changed: no key has the fingerprint 00000000: the file has " + goodFingerprint + ", " + otherFingerprint},
		{"an unknown fingerprint to remove", nil, "remove 00000000", 1, "no key has the fingerprint 00000000"},
		{"the key that mints", nil, "remove " + goodFingerprint, 1, "the key " + goodFingerprint + " mints: promote another key first"},
		{"the only key", []string{"SIGNING_KEY_FILE=one"}, "promote", 1, "one: keys not changed: there is only one key: add another one first"},
		{"list of a missing file", nil, "list -signing-key-file missing", 1, "the key file missing does not exist: start the service once"},
		{"add to a missing file", nil, "add -signing-key-file missing", 1, "the key file missing does not exist: start the service once"},
		{"remove from a missing file", nil, "remove -signing-key-file missing " + otherFingerprint, 1, "the key file missing does not exist: start the service once"},
		{"list of a bad file", nil, "list -signing-key-file short", 1, "short: unusable signing key: line 2: 16 bytes"},
		{"add to a bad file", nil, "add -signing-key-file short", 1, "short: keys not changed: unusable signing key: line 2: 16 bytes"},
		{"add to an empty file", nil, "add -signing-key-file empty", 1, "there is no key"},
		{"add to a folder", nil, "add -signing-key-file .", 1, "is not a regular file, but a folder"},
		{"add to a device", nil, "add -signing-key-file /dev/null", 1, "is not a regular file, but a device"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p, status := exit(t, folder, test.env, append([]string{"key"}, strings.Fields(test.args)...)...)
			log := p.stderr.String()
			if status != test.status || p.stdout.String() != "" {
				t.Errorf("exit status %d, want %d; standard output: %q", status, test.status, p.stdout.String())
			}
			if !strings.HasPrefix(log, "tokenmint: ") || !strings.Contains(log, test.says) || strings.Count(log, "\n") != 1 {
				t.Errorf("standard error: %q, want one line with %q", log, test.says)
			}
			for _, secret := range []string{goodKey[:20], otherKey[:20], shortKey} {
				if strings.Contains(log, secret) {
					t.Errorf("standard error has %q: %s", secret, log)
				}
			}
		})
	}
	t.Run("empty fingerprints", func(t *testing.T) { // as of an unset variable in a script
		for _, command := range []string{"promote", "remove"} {
			p, status := exit(t, folder, nil, "key", command, "")
			if status != 2 || !strings.Contains(p.stderr.String(), "see tokenmint key list") {
				t.Errorf("key %s: exit status %d, %s", command, status, p.stderr.String())
			}
		}
	})
	t.Cleanup(func() {
		entries, err := os.ReadDir(folder)
		if err != nil || len(entries) != len(files) {
			t.Errorf("the folder contains %v, %v", entries, err)
		}
		for name, text := range files {
			if readFile(t, filepath.Join(folder, name)) != text {
				t.Errorf("%s was changed", name)
			}
		}
	})
}
