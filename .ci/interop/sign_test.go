package interop

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// checkSignAgain checks that the header and the claims which an inspection of the token
// shows, signed again with the same key, are the same token.
func checkSignAgain(t *testing.T, server *httptest.Server, token, key, encoding string) {
	t.Helper()
	found := checkTrue(t, server, token, key, encoding)
	body := map[string]any{"Header": found.Header, "Claims": found.Claims, "Signing_key": key, "Key_encoding": encoding}
	if again := askForToken(t, server, "/token/sign", body); again != token {
		t.Errorf("signed again, %s is %s", token, again)
	}
}

func TestTheirTokensAreSignedAgain(t *testing.T) {
	server := newServer(t)
	binary := keyOf(64, true)
	for _, method := range hmacMethods {
		for name, data := range userData {
			t.Run(method.Alg()+"/"+name, func(t *testing.T) {
				claims := jwt.MapClaims{"ключ": json.RawMessage(data), "aud": []string{"a", "b"}, "exp": now.Unix()}
				header := func(header map[string]any) { header["kid"] = "ключ" }
				checkSignAgain(t, server, sign(t, method, claims, []byte("ключ"), header), "ключ", "utf8")
				checkSignAgain(t, server, sign(t, method, claims, binary, header), base64.StdEncoding.EncodeToString(binary), "base64")
			})
		}
	}
}

func TestOurSignaturesHoldThere(t *testing.T) {
	server := newServer(t)
	binary := keyOf(64, true)
	keys := []struct{ bytes, text, encoding string }{
		{"ключ", "ключ", "utf8"},
		{string(binary), base64.StdEncoding.EncodeToString(binary), "base64"},
	}
	claims := map[string]any{"sub": subject, "exp": now.Add(time.Minute).Unix()}
	for _, alg := range hmacNames {
		for _, key := range keys {
			t.Run(alg+"/"+key.encoding, func(t *testing.T) {
				header := map[string]any{"alg": alg, "typ": "JWT"}
				body := map[string]any{"Header": header, "Claims": claims, "Signing_key": key.text, "Key_encoding": key.encoding}
				token := askForToken(t, server, "/token/sign", body)
				parser := jwt.NewParser(jwt.WithValidMethods([]string{alg}), jwt.WithSubject(subject),
					jwt.WithExpirationRequired(), jwt.WithTimeFunc(func() time.Time { return now }))
				if _, err := parser.Parse(token, withKey(key.bytes)); err != nil {
					t.Error(err)
				}
				if _, err := parser.Parse(token, withKey(key.bytes+"x")); !errors.Is(err, jwt.ErrTokenSignatureInvalid) {
					t.Errorf("under another key: %v", err)
				}
			})
		}
	}
}
