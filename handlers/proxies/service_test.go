package proxies

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"hash"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// mintCredential is the credential of those who may mint.
const mintCredential = "a-credential-of-the-tests-with-thirty-two-characters"

// tokenmint is a running service.
type tokenmint struct {
	*process
	scheme, address, gate, keyFile string
}

func startService(t *testing.T, args ...string) *tokenmint {
	t.Helper()
	folder := t.TempDir()
	s := &tokenmint{scheme: "http", keyFile: filepath.Join(folder, "signing.key"), address: freeAddress(t), gate: freeAddress(t)}
	credentials := filepath.Join(folder, "mint.credentials")
	write(t, credentials, mintCredential+"\n")
	args = append(args, "-bind", s.address, "-gate-bind", s.gate, "-signing-key-file", s.keyFile, "-mint-credentials-file", credentials)
	s.process = start(t, s.gate, nil, setting(t, "TOKENMINT"), args...)
	return s
}

// mintAlice is a request for a token of the user alice.
const mintAlice = `{"user_data":1,"claims":{"sub":"alice"},"expires_in":600}`

// mintRequest returns a request to mint, with the credential for it.
func mintRequest(t *testing.T, url, body string) *http.Request {
	t.Helper()
	request, err := http.NewRequest("POST", url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header = bearer(mintCredential)
	request.Header.Set("Content-Type", "application/json")
	return request
}

func (s *tokenmint) mint(t *testing.T, body string) string {
	t.Helper()
	response, err := client.Do(mintRequest(t, s.scheme+"://"+s.address+"/token", body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var minted map[string]string
	if err := json.NewDecoder(response.Body).Decode(&minted); err != nil || minted["JWT Token"] == "" {
		t.Fatalf("%s: %v", response.Status, err)
	}
	return minted["JWT Token"]
}

// key returns the key that mints, which is the first one in the file.
func (s *tokenmint) key(t *testing.T) string {
	t.Helper()
	first, _, _ := strings.Cut(read(t, s.keyFile), "\n")
	return first
}

// setKeys replaces the key file, sends SIGHUP and waits until the service logs
// that it has read the file.
func (s *tokenmint) setKeys(t *testing.T, keys ...string) {
	t.Helper()
	next := s.keyFile + ".new"
	write(t, next, strings.Join(keys, "\n")+"\n")
	if err := os.Rename(next, s.keyFile); err != nil {
		t.Fatal(err)
	}
	before := len(s.log(t))
	if err := s.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the service to read its keys again", func() bool {
		return strings.Contains(s.log(t)[before:], `msg="signing keys"`)
	})
}

const headerHS512 = `{"typ":"JWT","alg":"HS512"}`

// sign returns a token signed with HS512, even if the header names another
// algorithm.
func sign(key, header, claims string) string { return signWith(sha512.New, key, header, claims) }

func signWith(newHash func() hash.Hash, key, header, claims string) string {
	input := encode([]byte(header)) + "." + encode([]byte(claims))
	mac := hmac.New(newHash, []byte(key))
	mac.Write([]byte(input))
	return input + "." + encode(mac.Sum(nil))
}

func signedBy(key, token string) bool {
	mac := hmac.New(sha512.New, []byte(key))
	mac.Write([]byte(token[:strings.LastIndex(token, ".")]))
	return strings.HasSuffix(token, "."+encode(mac.Sum(nil)))
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// idOf returns the id of a token that the service has minted.
func idOf(t *testing.T, token string) string {
	t.Helper()
	decoded, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims struct{ JTI string }
	if err := json.Unmarshal(decoded, &claims); err != nil || len(claims.JTI) != 32 {
		t.Fatalf("the minted token has jti %q, %v", claims.JTI, err)
	}
	return claims.JTI
}

func bearer(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }

func cookie(token string) http.Header { return http.Header{"Cookie": {"session=" + token}} }
