package keyfile

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestCredentialFingerprint has values from
//
//	printf 'tokenmint credential%s' SECRET | sha256sum
func TestCredentialFingerprint(t *testing.T) {
	if got := NewCredential("abcdefghijklmnopqrstuvwxyz-._~+/=").Fingerprint(); got != "e6a26251" {
		t.Errorf("%s, want e6a26251", got)
	}
}

func TestCheckCredential(t *testing.T) {
	const all = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/"
	const character = "line 1: a character that a bearer token cannot have (RFC 6750 section 2.1): "
	tests := []struct{ name, secret, reason string }{
		{"all characters", all, ""},
		{"padding", all + "==", ""},
		{"the shortest", all[:32], ""},
		{"the longest", strings.Repeat("a", maxCredentialSize), ""},
		{"too short", all[:31], "line 1: 31 characters, but a credential has at least 32"},
		{"too long", strings.Repeat("a", maxCredentialSize+1), "line 1: 4097 characters, but a credential has at most 4096"},
		{"a space", "Bearer " + all, character},
		{"= inside", all + "=a", character},
		{"= first", "=" + all, character},
		{"only =", strings.Repeat("=", 32), character},
		{"a comma", all + ",", character},
		{"a colon", "user:" + all, character},
		{"not ASCII", all + "é", character},
	}
	for _, test := range tests {
		credentials, err := parseCredentials([]byte(test.secret))
		if test.reason != "" {
			checkRefusal(t, test.name, test.secret, test.reason, err, ErrCredential)
		} else if err != nil || !slices.Equal(credentials, []Credential{NewCredential(test.secret)}) {
			t.Errorf("%s: %d credentials, %v", test.name, len(credentials), err)
		}
	}
}

func TestMatch(t *testing.T) {
	credentials := []Credential{NewCredential(secretA), NewCredential(secretB), NewCredential("third")}
	for i, secret := range []string{secretA, secretB, "third"} {
		if got, ok := Match(credentials, secret); !ok || got != credentials[i] {
			t.Errorf("%q: %v, %t", secret, got.Fingerprint(), ok)
		}
	}
	for _, secret := range []string{"", secretA[1:], secretA + " ", secretA + secretB, strings.ToUpper(secretA)} {
		if got, ok := Match(credentials, secret); ok || got != (Credential{}) {
			t.Errorf("%q: %v, %t", secret, got.Fingerprint(), ok)
		}
	}
	if _, ok := Match(nil, secretA); ok {
		t.Error("a secret matches one of no credentials")
	}
	if _, ok := Match(make([]Credential, 1), ""); ok {
		t.Error("no secret matches the zero Credential")
	}
}

func TestReadCredentials(t *testing.T) {
	folder := t.TempDir()
	path := writeFile(t, folder, "good", "# alice\n"+secretA+"\n\n# bob\n"+secretB+"\r\n")
	credentials, warnings, err := ReadCredentials(path)
	if err != nil || warnings != nil || !slices.Equal(credentials, []Credential{NewCredential(secretA), NewCredential(secretB)}) {
		t.Errorf("%d credentials, %q, %v", len(credentials), warnings, err)
	}
	for text, reason := range map[string]string{
		"# alice\n" + secretA[:31]:         "line 2: 31 characters",
		"":                                 "there is no credential",
		strings.Repeat("#", maxFileSize+1): "has more than 1048576 bytes",
	} {
		path := writeFile(t, folder, "bad", text)
		credentials, warnings, err := ReadCredentials(path)
		checkFileError(t, path, secretA, reason, err, ErrCredential)
		if credentials != nil || warnings != nil {
			t.Errorf("%s: %d credentials, %q", reason, len(credentials), warnings)
		}
	}
	path = filepath.Join(folder, "missing")
	_, _, err = ReadCredentials(path)
	checkFileError(t, path, "", "no such file", err, ErrCredential)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v, want fs.ErrNotExist", err)
	}
}
