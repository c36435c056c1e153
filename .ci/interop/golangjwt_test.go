// Package interop proves that tokenmint and the libraries that its callers
// use understand one another: golang-jwt here, jose and jsonwebtoken of npm in
// npm.test.js. It is a module of its own, so that the service depends on none
// of them. The script .ci/interop runs both.
package interop

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"tokenmint/handlers"
	"tokenmint/jwtcore"
)

// signingKey is the service's own key in these tests.
var signingKey = strings.Repeat("0123456789abcdef", 8)

// now is what the clocks of both sides show.
var now = time.Unix(1668676907, 0)

var (
	hmacMethods = []jwt.SigningMethod{jwt.SigningMethodHS256, jwt.SigningMethodHS384, jwt.SigningMethodHS512}
	hmacNames   = []string{"HS256", "HS384", "HS512"}
)

// newServer serves tokenmint's handlers on a socket, and fails the test if
// anything was logged by its end.
func newServer(t *testing.T) *httptest.Server {
	t.Helper()
	keys, err := jwtcore.ParseKeys([]byte(signingKey))
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	service, err := handlers.New(handlers.Config{
		SigningKeys: keys,
		Now:         func() time.Time { return now },
		Logger:      slog.New(slog.NewTextHandler(&log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(service)
	t.Cleanup(func() {
		server.Close()
		if log.Len() > 0 {
			t.Errorf("logged: %s", log.Bytes())
		}
	})
	return server
}

// ask sends a JSON body, and takes 200 for an answer.
func ask(t *testing.T, method, url string, body any) []byte {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequest(method, url, bytes.NewReader(text))
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

// inspection is what tokenmint finds of a token.
type inspection struct {
	Header   json.RawMessage
	Claims   json.RawMessage
	Verified *bool `json:"Signature Verification"`
	Reason   string
	Validity struct{ State string }
}

// inspect asks every route that inspects, which have to agree.
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
		t.Fatalf("no verdict, or a reason that does not go with it: %s", answer)
	}
	return got
}

// checkTrue checks that the token verifies, and that header and claims come
// back byte for byte as the library wrote them.
func checkTrue(t *testing.T, server *httptest.Server, token, key, encoding string) inspection {
	t.Helper()
	got := inspect(t, server, token, key, encoding)
	if !*got.Verified {
		t.Errorf("false: %s", got.Reason)
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
		t.Error("true")
	}
}

// sign makes a token with golang-jwt, its header changed by change.
func sign(t *testing.T, method jwt.SigningMethod, claims jwt.MapClaims, key any, change func(header map[string]any)) string {
	t.Helper()
	token := jwt.NewWithClaims(method, claims)
	if change != nil {
		change(token.Header)
	}
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// newParser is strict in what golang-jwt can be strict in.
func newParser(now time.Time) *jwt.Parser {
	return jwt.NewParser(jwt.WithValidMethods(hmacNames), jwt.WithStrictDecoding(), jwt.WithJSONNumber(),
		jwt.WithTimeFunc(func() time.Time { return now }))
}

func withKey(key string) jwt.Keyfunc {
	return func(*jwt.Token) (any, error) { return []byte(key), nil }
}

// keySpellings are the ways to tell tokenmint one and the same key. Text has
// to be UTF-8, the others take any bytes.
var keySpellings = []struct {
	name, encoding string
	spell          func([]byte) string
	binary         bool
}{
	{"text", "", func(key []byte) string { return string(key) }, false},
	{"utf8", "utf8", func(key []byte) string { return string(key) }, false},
	{"hex", "hex", hex.EncodeToString, true},
	{"HEX", "hex", func(key []byte) string { return strings.ToUpper(hex.EncodeToString(key)) }, true},
	{"base64", "base64", base64.StdEncoding.EncodeToString, true},
	{"base64, no padding", "base64", base64.RawStdEncoding.EncodeToString, true},
	{"base64url", "base64url", base64.RawURLEncoding.EncodeToString, true},
	{"base64url, padding", "base64url", base64.URLEncoding.EncodeToString, true},
}

// keyOf returns a key of any size: bytes of every kind, or text of characters
// that take two bytes, and one for an odd size.
func keyOf(size int, binary bool) []byte {
	key := make([]byte, size)
	for i := range key {
		key[i] = byte(0xfb + 77*i)
	}
	if !binary {
		copy(key, strings.Repeat("é", size/2)+"e")
	}
	return key
}

// TestTheirTokensVerifyHere also proves the MACs of HS256 and HS384 in the
// other direction: a MAC has one value, and tokenmint compares it with its own.
func TestTheirTokensVerifyHere(t *testing.T) {
	server := newServer(t)
	for _, method := range hmacMethods {
		for _, spelling := range keySpellings {
			for _, size := range []int{1, 2, 63, 64, 65, 127, 128, 129, 200} { // the hashes' blocks are 64 and 128
				t.Run(fmt.Sprintf("%s/%s/%d", method.Alg(), spelling.name, size), func(t *testing.T) {
					key := keyOf(size, spelling.binary)
					token := sign(t, method, jwt.MapClaims{"sub": "x"}, key, nil)
					checkTrue(t, server, token, spelling.spell(key), spelling.encoding)
				})
			}
		}
	}
}

// userData are JSON values that a reader may garble.
var userData = map[string]string{
	"text":           `"plain"`,
	"other scripts":  `"Zoë, Ωμέγα, Жук, 日本語, עברית, 👩‍🚀, e\u0301"`,
	"for HTML":       `"<script>&amp;</script>\u2028"`,
	"escapes":        `"\" \\ \/ \b \f \n \r \t \u0000 \ud83d\ude00"`,
	"big integers":   `[9007199254740993, 18446744073709551616, -123456789012345678901234567890]`,
	"exact decimals": `[0.1, 1.10, 1e400, -0, 1E+2]`,
	"nested":         `{"": [null, true, false, {}, []], "é": {"a.b": [[[1]]]}}`,
}

func TestTheirClaimsComeBack(t *testing.T) {
	server := newServer(t)
	for _, method := range hmacMethods {
		for name, data := range userData {
			t.Run(method.Alg()+"/"+name, func(t *testing.T) {
				claims := jwt.MapClaims{"data": json.RawMessage(data), "jti": "ö"}
				header := func(header map[string]any) { header["kid"] = "ключ" }
				checkTrue(t, server, sign(t, method, claims, []byte("key"), header), "key", "")
			})
		}
	}
}

// TestTimeClaims holds what both sides say of one token at one time against
// each other, to the second.
func TestTimeClaims(t *testing.T) {
	server := newServer(t)
	second := now.Unix()
	tests := []struct {
		claims jwt.MapClaims
		state  string
		theirs error
	}{
		{jwt.MapClaims{}, "", nil},
		{jwt.MapClaims{"exp": second + 1}, "valid", nil},
		{jwt.MapClaims{"exp": second}, "expired", jwt.ErrTokenExpired},
		{jwt.MapClaims{"exp": second - 1}, "expired", jwt.ErrTokenExpired},
		{jwt.MapClaims{"nbf": second - 1}, "valid", nil},
		{jwt.MapClaims{"nbf": second}, "valid", nil},
		{jwt.MapClaims{"nbf": second + 1}, "not yet valid", jwt.ErrTokenNotValidYet},
		{jwt.MapClaims{"nbf": second, "exp": second + 1}, "valid", nil},
		{jwt.MapClaims{"nbf": second + 1, "exp": second + 2}, "not yet valid", jwt.ErrTokenNotValidYet},
		{jwt.MapClaims{"nbf": second - 2, "exp": second - 1}, "expired", jwt.ErrTokenExpired},
	}
	for _, method := range hmacMethods {
		for _, test := range tests {
			t.Run(fmt.Sprintf("%s/%v", method.Alg(), test.claims), func(t *testing.T) {
				token := sign(t, method, test.claims, []byte("key"), nil)
				if got := checkTrue(t, server, token, "key", ""); got.Validity.State != test.state {
					t.Errorf("%q here, want %q", got.Validity.State, test.state)
				}
				if _, err := newParser(now).Parse(token, withKey("key")); !errors.Is(err, test.theirs) {
					t.Errorf("%v there, want %v", err, test.theirs)
				}
			})
		}
	}
}

// mint lets the service sign a JSON value.
func mint(t *testing.T, server *httptest.Server, data string, expiresIn int64) string {
	t.Helper()
	body := map[string]any{"user_data": json.RawMessage(data)}
	if expiresIn != 0 {
		body["expires_in"] = expiresIn
	}
	var minted map[string]string
	if err := json.Unmarshal(ask(t, "POST", server.URL+"/token", body), &minted); err != nil {
		t.Fatal(err)
	}
	return minted["JWT Token"]
}

func TestOurTokensVerifyThere(t *testing.T) {
	server := newServer(t)
	for name, data := range userData {
		t.Run(name, func(t *testing.T) {
			token, err := newParser(now).Parse(mint(t, server, data, 0), withKey(signingKey))
			if err != nil {
				t.Fatal(err)
			}
			if want := map[string]any{"typ": "JWT", "alg": "HS512"}; !reflect.DeepEqual(token.Header, want) {
				t.Errorf("the header is %v", token.Header)
			}
			claims := token.Claims.(jwt.MapClaims)
			if issuedAt, err := claims.GetIssuedAt(); err != nil || !issuedAt.Equal(now) {
				t.Errorf("iat is %v, %v", issuedAt, err)
			}
			if id, ok := claims["jti"].(string); !ok || len(id) != 32 {
				t.Errorf("jti is %v", claims["jti"])
			}
			want := map[string]any{"data": decode(t, data), "date": "2022-11-17"}
			if !reflect.DeepEqual(claims["payload"], want) {
				t.Errorf("the payload is %v, want %v", claims["payload"], want)
			}
		})
	}
}

// decode decodes a JSON value as newParser does: numbers keep their digits.
func decode(t *testing.T, text string) (value any) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

func TestOurLifetimesHoldThere(t *testing.T) {
	token := mint(t, newServer(t), `"x"`, 60)
	for age, want := range map[time.Duration]error{0: nil, 59 * time.Second: nil, 60 * time.Second: jwt.ErrTokenExpired} {
		if _, err := newParser(now.Add(age)).Parse(token, withKey(signingKey)); !errors.Is(err, want) {
			t.Errorf("after %v: %v, want %v", age, err, want)
		}
	}
}

func TestOurTokensFailThereUnderOtherKeys(t *testing.T) {
	token := mint(t, newServer(t), `"x"`, 0)
	for _, key := range []string{"x", signingKey[1:], signingKey + "\n", strings.ToUpper(signingKey)} {
		if _, err := newParser(now).Parse(token, withKey(key)); !errors.Is(err, jwt.ErrTokenSignatureInvalid) {
			t.Errorf("%q: %v", key, err)
		}
	}
}

func TestOtherKeysAreFalse(t *testing.T) {
	server := newServer(t)
	key := keyOf(64, true)
	changed := bytes.Clone(key)
	changed[63] ^= 1
	encode := hex.EncodeToString
	for _, method := range hmacMethods {
		token := sign(t, method, jwt.MapClaims{"sub": "x"}, key, nil)
		tests := []struct{ name, key, encoding string }{
			{"one bit", encode(changed), "hex"},
			{"a byte less", encode(key[:63]), "hex"},
			{"a byte more", encode(append(bytes.Clone(key), 1)), "hex"},
			{"its hex as text", encode(key), "utf8"},
			{"its base64 as text", base64.StdEncoding.EncodeToString(key), ""},
		}
		checkTrue(t, server, token, encode(key), "hex")
		for _, test := range tests {
			t.Run(method.Alg()+"/"+test.name, func(t *testing.T) {
				checkFalse(t, server, token, test.key, test.encoding)
			})
		}
	}
}

// TestTruncatedSignaturesAreFalse takes bytes off, and encodes the rest anew:
// cut as text, most would not even be base64url.
func TestTruncatedSignaturesAreFalse(t *testing.T) {
	server := newServer(t)
	for _, method := range hmacMethods {
		token := sign(t, method, jwt.MapClaims{"sub": "x"}, []byte("key"), nil)
		input, encoded := cutLast(token)
		signature, err := base64.RawURLEncoding.DecodeString(encoded)
		if err != nil {
			t.Fatal(err)
		}
		for size := range signature {
			t.Run(fmt.Sprintf("%s/%d", method.Alg(), size), func(t *testing.T) {
				cut := input + base64.RawURLEncoding.EncodeToString(signature[:size])
				checkFalse(t, server, cut, "key", "")
				if _, err := newParser(now).Parse(cut, withKey("key")); err == nil {
					t.Error("golang-jwt takes it")
				}
			})
		}
	}
}

// cutLast cuts a token behind its last dot.
func cutLast(token string) (input, signature string) {
	dot := strings.LastIndexByte(token, '.')
	return token[:dot+1], token[dot+1:]
}

// TestOtherAlgorithmsAreFalse signs with golang-jwt in the ways by which
// verifiers were ever deceived.
func TestOtherAlgorithmsAreFalse(t *testing.T) {
	server := newServer(t)
	claims := jwt.MapClaims{"sub": "x"}
	none := sign(t, jwt.SigningMethodNone, claims, jwt.UnsafeAllowNoneSignatureType, nil)
	noneSigned, err := jwt.SigningMethodHS512.Sign(strings.TrimSuffix(none, "."), []byte("key"))
	if err != nil {
		t.Fatal(err)
	}
	edPublic, edPrivate, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	ecPrivate, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	named := func(algorithm any) func(map[string]any) {
		return func(header map[string]any) { header["alg"] = algorithm }
	}
	tests := []struct{ name, token, key string }{
		{"none", none, "key"},
		{"none with a MAC", none + base64.RawURLEncoding.EncodeToString(noneSigned), "key"},
		{"EdDSA, the public key", sign(t, jwt.SigningMethodEdDSA, claims, edPrivate, nil), encodePEM(t, edPublic)},
		{"ES256, the public key", sign(t, jwt.SigningMethodES256, claims, ecPrivate, nil), encodePEM(t, ecPrivate.Public())},
		{"RS512 over an HS512 MAC", sign(t, jwt.SigningMethodHS512, claims, []byte("key"), named("RS512")), "key"},
		{"HS512 over an HS256 MAC", sign(t, jwt.SigningMethodHS256, claims, []byte("key"), named("HS512")), "key"},
		{"HS256 over an HS512 MAC", sign(t, jwt.SigningMethodHS512, claims, []byte("key"), named("HS256")), "key"},
		{"hs512", sign(t, jwt.SigningMethodHS512, claims, []byte("key"), named("hs512")), "key"},
		{"no alg", sign(t, jwt.SigningMethodHS512, claims, []byte("key"), func(header map[string]any) { delete(header, "alg") }), "key"},
		{"an alg that is a list", sign(t, jwt.SigningMethodHS512, claims, []byte("key"), named([]string{"HS512"})), "key"},
		{"crit", sign(t, jwt.SigningMethodHS512, claims, []byte("key"), func(header map[string]any) { header["crit"] = []string{"exp"} }), "key"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { checkFalse(t, server, test.token, test.key, "") })
	}
}

func encodePEM(t *testing.T, public crypto.PublicKey) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// TestChangedTokensAreFalse puts the claims of one token under the signature
// of another.
func TestChangedTokensAreFalse(t *testing.T) {
	server := newServer(t)
	for _, method := range hmacMethods {
		input, _ := cutLast(sign(t, method, jwt.MapClaims{"admin": true}, []byte("key"), nil))
		_, signature := cutLast(sign(t, method, jwt.MapClaims{"admin": false}, []byte("key"), nil))
		t.Run(method.Alg(), func(t *testing.T) { checkFalse(t, server, input+signature, "key", "") })
	}
}

// TestGate shows tokens made by golang-jwt under the service's own key to the
// gate, which takes one algorithm only.
func TestGate(t *testing.T) {
	server := newServer(t)
	second := now.Unix()
	good := jwt.MapClaims{"jti": "an-id", "exp": second + 1, "nbf": second}
	critical := func(header map[string]any) { header["crit"] = []string{"exp"} }
	key := []byte(signingKey)
	tests := []struct {
		name, token string
		status      int
	}{
		{"HS512", sign(t, jwt.SigningMethodHS512, good, key, nil), 200},
		{"no time claims", sign(t, jwt.SigningMethodHS512, jwt.MapClaims{"jti": "an-id"}, key, nil), 200},
		{"HS384", sign(t, jwt.SigningMethodHS384, good, key, nil), 401},
		{"HS256", sign(t, jwt.SigningMethodHS256, good, key, nil), 401},
		{"none", sign(t, jwt.SigningMethodNone, good, jwt.UnsafeAllowNoneSignatureType, nil), 401},
		{"another key", sign(t, jwt.SigningMethodHS512, good, key[1:], nil), 401},
		{"crit", sign(t, jwt.SigningMethodHS512, good, key, critical), 401},
		{"expired", sign(t, jwt.SigningMethodHS512, jwt.MapClaims{"exp": second}, key, nil), 401},
		{"not yet valid", sign(t, jwt.SigningMethodHS512, jwt.MapClaims{"nbf": second + 1}, key, nil), 401},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			request, err := http.NewRequest("GET", server.URL+"/auth", nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Authorization", "Bearer "+test.token)
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if response.StatusCode != test.status {
				t.Fatalf("%d, want %d", response.StatusCode, test.status)
			}
			if test.status == 200 && (response.Header.Get("Token-Id") != "an-id" || response.Header.Get("Token-Claims") != strings.Split(test.token, ".")[1]) {
				t.Errorf("the headers are %v", response.Header)
			}
		})
	}
}
