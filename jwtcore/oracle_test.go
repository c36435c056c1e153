package jwtcore

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"tokenmint/jwtcore/ijson"
)

// The oracle is a second inspector, as plain as possible: it uses crypto/hmac and
// encoding/json, and decodes every token into a map. Parse and Verify must agree
// with it on any input.

// deliberateDifferences are the kinds of JSON that encoding/json accepts but this
// package refuses. The oracle refuses them too. There are no other differences.
var deliberateDifferences = []struct {
	name    string
	applies func(text []byte) bool
}{
	{"a name twice in one object, of which encoding/json takes the last", hasDuplicateName},
	{"invalid UTF-8, which encoding/json replaces", func(text []byte) bool { return !utf8.Valid(text) }},
	{"a lone surrogate, which encoding/json replaces", hasLoneSurrogate},
}

func hasDuplicateName(text []byte) bool {
	type scope struct {
		names    map[string]bool // nil in an array
		wantName bool
	}
	var scopes []scope
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	for {
		token, err := decoder.Token()
		if err != nil {
			return false
		}
		if token == json.Delim('}') || token == json.Delim(']') {
			scopes = scopes[:len(scopes)-1]
		}
		if len(scopes) > 0 && token != json.Delim('}') && token != json.Delim(']') {
			top := &scopes[len(scopes)-1]
			if top.names != nil && top.wantName {
				name := token.(string)
				if top.names[name] {
					return true
				}
				top.names[name] = true
				top.wantName = false
				continue
			}
			top.wantName = true
		}
		switch token {
		case json.Delim('{'):
			scopes = append(scopes, scope{names: map[string]bool{}, wantName: true})
		case json.Delim('['):
			scopes = append(scopes, scope{})
		}
	}
}

var (
	escapedBackslash = regexp.MustCompile(`\\[^u]`)
	surrogatePair    = regexp.MustCompile(`(?i)\\uD[89AB][0-9A-F]{2}\\uD[C-F][0-9A-F]{2}`)
	surrogate        = regexp.MustCompile(`(?i)\\uD[89A-F][0-9A-F]{2}`)
)

func hasLoneSurrogate(text []byte) bool {
	rest := escapedBackslash.ReplaceAll(text, []byte("_"))
	rest = surrogatePair.ReplaceAll(rest, []byte("_"))
	return surrogate.Match(rest)
}

var (
	errOracleMalformed = errors.New("malformed")
	errOracleFalse     = errors.New("not verified")
)

// oracleInspect returns nil for a well-formed token that secret signed.
func oracleInspect(text string, secret []byte) error {
	segments := strings.Split(text, ".")
	if len(segments) != 3 {
		return errOracleMalformed
	}
	var decoded [3][]byte
	for i, segment := range segments {
		var err error
		decoded[i], err = base64.RawURLEncoding.DecodeString(segment)
		if err != nil || base64.RawURLEncoding.EncodeToString(decoded[i]) != segment {
			return errOracleMalformed
		}
	}
	header, err := oracleObject(decoded[0])
	if err != nil {
		return err
	}
	if _, err := oracleObject(decoded[1]); err != nil {
		return err
	}
	newHash := map[any]func() hash.Hash{"HS256": sha256.New, "HS384": sha512.New384, "HS512": sha512.New}
	name, isString := header["alg"].(string)
	if _, critical := header["crit"]; critical || !isString || newHash[name] == nil {
		return errOracleFalse
	}
	mac := hmac.New(newHash[name], secret)
	io.WriteString(mac, segments[0]+"."+segments[1])
	if !hmac.Equal(mac.Sum(nil), decoded[2]) {
		return errOracleFalse
	}
	return nil
}

func oracleObject(text []byte) (map[string]any, error) {
	for _, difference := range deliberateDifferences {
		if difference.applies(text) {
			return nil, errOracleMalformed
		}
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, errOracleMalformed
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errOracleMalformed
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, errOracleMalformed
	}
	return object, nil
}

// checkAgainstOracle compares the two inspectors, and checks that a text that they
// accept is the canonical spelling of its content.
func checkAgainstOracle(t *testing.T, text string, secret []byte) {
	t.Helper()
	got, want := inspect(text, secret), oracleInspect(text, secret)
	if (got == nil) != (want == nil) || errors.Is(got, ErrMalformed) != (want == errOracleMalformed) {
		t.Fatalf("%q: %v, but the oracle returns: %v", text, got, want)
	}
	token, err := Parse(text)
	if err != nil {
		return
	}
	again := base64url.EncodeToString(token.Header) + "." + base64url.EncodeToString(token.Claims) + "." + base64url.EncodeToString(token.signature)
	if again != text {
		t.Fatalf("accepted %q, whose canonical spelling is %q", text, again)
	}
}

// TestDeliberateDifferences checks each difference with a text that encoding/json
// accepts but this package refuses.
func TestDeliberateDifferences(t *testing.T) {
	texts := []string{`{"a":1,"\u0061":2}`, "{\"a\":\"\xff\"}", `{"a":"\ud800"}`}
	if len(texts) != len(deliberateDifferences) {
		t.Fatalf("%d texts for %d differences", len(texts), len(deliberateDifferences))
	}
	for i, difference := range deliberateDifferences {
		text := []byte(texts[i])
		if !difference.applies(text) {
			t.Errorf("%s: it does not apply to %q", difference.name, text)
		}
		if !json.Valid(text) {
			t.Errorf("%s: encoding/json refuses %q", difference.name, text)
		}
		if err := ijson.ReadObject(text, func([]byte, jsontext.Value) {}); !errors.Is(err, ijson.ErrNotObject) {
			t.Errorf("%s: ReadObject accepts %q", difference.name, text)
		}
	}
}

// FuzzParse inspects arbitrary text.
func FuzzParse(f *testing.F) {
	for _, vector := range golden {
		f.Add(vector.token, []byte(publishedKey))
	}
	for _, token := range rfcTokens {
		f.Add(token.signingInput+"."+token.signature, decodeBase64url(f, token.key))
	}
	for _, test := range malformed {
		f.Add(test.token, []byte("key"))
	}
	f.Fuzz(checkAgainstOracle)
}

// FuzzVerify inspects tokens with arbitrary headers and claims, signed with an
// arbitrary key. If flip is not 0, it flips one bit of the signature.
func FuzzVerify(f *testing.F) {
	for _, test := range verdicts {
		for i := range algorithms {
			f.Add([]byte(test.header), []byte(`{"sub":"x"}`), []byte("key"), uint8(i), uint16(0))
		}
	}
	f.Add([]byte(`{"alg":"HS512"}`), []byte(`{"a":{"b":1,"b":2}}`), []byte("key"), uint8(2), uint16(0))
	f.Add([]byte(`{"alg":"HS256"}`), []byte(` {"exp":1e400} `), []byte(""), uint8(0), uint16(7))
	f.Fuzz(func(t *testing.T, header, claims, secret []byte, algorithm uint8, flip uint16) {
		text := base64url.EncodeToString(header) + "." + base64url.EncodeToString(claims)
		mac := hmac.New(algorithms[int(algorithm)%len(algorithms)].newHash, secret)
		io.WriteString(mac, text)
		signature := mac.Sum(nil)
		if flip > 0 {
			bit := int(flip-1) % (8 * len(signature))
			signature[bit/8] ^= 1 << (bit % 8)
		}
		checkAgainstOracle(t, text+"."+base64url.EncodeToString(signature), secret)
	})
}
