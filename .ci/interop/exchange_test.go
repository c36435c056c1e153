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
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

var (
	hmacMethods = []jwt.SigningMethod{jwt.SigningMethodHS256, jwt.SigningMethodHS384, jwt.SigningMethodHS512}
	hmacNames   = []string{"HS256", "HS384", "HS512"}
)

// sign makes a token with golang-jwt. If change is not nil, it edits the header.
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

// newParser returns golang-jwt's strictest parser.
func newParser(now time.Time) *jwt.Parser {
	return jwt.NewParser(jwt.WithValidMethods(hmacNames), jwt.WithStrictDecoding(), jwt.WithJSONNumber(),
		jwt.WithTimeFunc(func() time.Time { return now }))
}

func withKey(key string) jwt.Keyfunc {
	return func(*jwt.Token) (any, error) { return []byte(key), nil }
}

// keySpellings are the ways to send tokenmint the same key. Text must be UTF-8, the
// others take any bytes.
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

// keyOf returns a key of any size: arbitrary bytes, or text of two-byte characters,
// with a last one of a single byte if the size is odd.
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

// TestTheirTokensVerifyHere also covers the MACs of HS256 and HS384 in the other
// direction: tokenmint compares a MAC with its own, and there is only one.
func TestTheirTokensVerifyHere(t *testing.T) {
	server := newServer(t)
	for _, method := range hmacMethods {
		for _, spelling := range keySpellings {
			for _, size := range []int{1, 2, 63, 64, 65, 127, 128, 129, 200} { // the blocks of the hashes have 64 and 128 bytes
				t.Run(fmt.Sprintf("%s/%s/%d", method.Alg(), spelling.name, size), func(t *testing.T) {
					key := keyOf(size, spelling.binary)
					token := sign(t, method, jwt.MapClaims{"sub": "x"}, key, nil)
					checkTrue(t, server, token, spelling.spell(key), spelling.encoding)
				})
			}
		}
	}
}

// userData holds JSON values that a careless reader changes.
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

// TestTimeClaims checks that both sides judge the time claims alike, to the second.
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

// decode decodes a JSON value as newParser does, keeping the digits of numbers.
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

func TestOtherKeysDoNotVerify(t *testing.T) {
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

// TestTruncatedSignaturesDoNotVerify removes bytes and encodes the rest again, since
// most signatures cut as text would not be base64url.
func TestTruncatedSignaturesDoNotVerify(t *testing.T) {
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
					t.Error("golang-jwt accepts it")
				}
			})
		}
	}
}

// cutLast cuts a token after its last dot.
func cutLast(token string) (input, signature string) {
	dot := strings.LastIndexByte(token, '.')
	return token[:dot+1], token[dot+1:]
}

// TestOtherAlgorithmsDoNotVerify signs tokens in the ways that have deceived verifiers.
func TestOtherAlgorithmsDoNotVerify(t *testing.T) {
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

// TestChangedTokensDoNotVerify joins the claims of one token and the signature of
// another.
func TestChangedTokensDoNotVerify(t *testing.T) {
	server := newServer(t)
	for _, method := range hmacMethods {
		input, _ := cutLast(sign(t, method, jwt.MapClaims{"admin": true}, []byte("key"), nil))
		_, signature := cutLast(sign(t, method, jwt.MapClaims{"admin": false}, []byte("key"), nil))
		t.Run(method.Alg(), func(t *testing.T) { checkFalse(t, server, input+signature, "key", "") })
	}
}

// TestGate sends the gate, which accepts a single algorithm, tokens that golang-jwt
// signed with the service's own key.
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
