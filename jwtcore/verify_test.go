package jwtcore

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// verdicts are headers of tokens signed with HS512. Verify returns an error that
// wraps want, with reason in its text.
var verdicts = []struct {
	header string
	want   error
	reason string
}{
	{`{"alg":"HS512"}`, nil, ""},
	{`{"alg":"HS512","typ":"JWT","kid":"a","jku":"http://127.0.0.1:1/","x5u":"http://127.0.0.1:1/","jwk":{"kty":"oct","k":"a2V5"}}`, nil, ""},
	{`{"\u0061lg":"HS\u0035\u00312"}`, nil, ""}, // the same string, with escapes
	{`{"alg":"HS512","Crit":[]}`, nil, ""},      // a different name
	{`{"alg":"HS256"}`, ErrSignature, "it has 64 bytes, but HS256 makes 32"},
	{`{"alg":"HS384"}`, ErrSignature, "it has 64 bytes, but HS384 makes 48"},
	{`{}`, ErrAlgorithm, "it is absent"},
	{`{"ALG":"HS512"}`, ErrAlgorithm, "it is absent"},
	{`{"alg":null}`, ErrAlgorithm, "it is not a string"},
	{`{"alg":512}`, ErrAlgorithm, "it is not a string"},
	{`{"alg":["HS512"]}`, ErrAlgorithm, "it is not a string"},
	{`{"alg":{"HS512":true}}`, ErrAlgorithm, "it is not a string"},
	{`{"alg":"none"}`, ErrAlgorithm, "not signed at all"},
	{`{"alg":"None"}`, ErrAlgorithm, "not signed at all"},
	{`{"alg":"NONE"}`, ErrAlgorithm, "not signed at all"},
	{`{"alg":"nOnE"}`, ErrAlgorithm, "not signed at all"},
	{`{"alg":""}`, ErrAlgorithm, "HS256, HS384 or HS512"},
	{`{"alg":"hs512"}`, ErrAlgorithm, "exactly HS256, HS384 or HS512, in capital letters"},
	{`{"alg":"Hs512"}`, ErrAlgorithm, "in capital letters"},
	{`{"alg":"HS512 "}`, ErrAlgorithm, "exactly"},
	{`{"alg":" HS512"}`, ErrAlgorithm, "exactly"},
	{`{"alg":"HS512\u0000"}`, ErrAlgorithm, "exactly"},
	{`{"alg":"HS1024"}`, ErrAlgorithm, "exactly"},
	{`{"alg":"RS256"}`, ErrAlgorithm, "so the signature was not checked: RS256 is not HMAC; a library that supports it can check the signature with the signer's public key (RSA)"},
	{`{"alg":"RS384"}`, ErrAlgorithm, "RS384 is not HMAC; a library that supports it can check the signature with the signer's public key (RSA)"},
	{`{"alg":"RS512"}`, ErrAlgorithm, "public key (RSA)"},
	{`{"alg":"PS256"}`, ErrAlgorithm, "public key (RSA)"},
	{`{"alg":"PS384"}`, ErrAlgorithm, "public key (RSA)"},
	{`{"alg":"PS512"}`, ErrAlgorithm, "public key (RSA)"},
	{`{"alg":"ES256"}`, ErrAlgorithm, "public key (P-256)"},
	{`{"alg":"ES384"}`, ErrAlgorithm, "public key (P-384)"},
	{`{"alg":"ES512"}`, ErrAlgorithm, "public key (P-521)"},
	{`{"alg":"ES256K"}`, ErrAlgorithm, "public key (secp256k1)"},
	{`{"alg":"EdDSA"}`, ErrAlgorithm, "public key (Ed25519 or Ed448)"},
	{`{"alg":"Ed25519"}`, ErrAlgorithm, "public key (Ed25519)"},
	{`{"alg":"Ed448"}`, ErrAlgorithm, "public key (Ed448)"},
	{`{"alg":"rs256"}`, ErrAlgorithm, "only an implementation of the algorithm"},
	{`{"alg":"HMACSHA512"}`, ErrAlgorithm, "only an implementation of the algorithm"},
	{`{"alg":"HS512","crit":[]}`, ErrCritical, "crit"},
	{`{"alg":"HS512","crit":["exp"],"exp":1}`, ErrCritical, "crit"},
	{`{"alg":"HS512","crit":null}`, ErrCritical, "crit"},
	{`{"alg":"HS512","crit":["b64"],"b64":false}`, ErrCritical, "crit"},
	{`{"alg":"HS512","\u0063rit":["exp"]}`, ErrCritical, "crit"},
	{`{"crit":[],"alg":"none"}`, ErrCritical, "crit"},
}

func TestVerifyHeaders(t *testing.T) {
	for _, test := range verdicts {
		token, err := Parse(signed(HS512, "key", test.header, `{"sub":"x"}`))
		if err != nil {
			t.Errorf("%s: %v", test.header, err)
			continue
		}
		if token.algorithm != nil && token.algorithmErr != nil {
			t.Errorf("%s: both an algorithm and an error: %s, %v", test.header, token.algorithm, token.algorithmErr)
		}
		err = token.Verify([]byte("key"))
		if !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.header, err, test.want)
			continue
		}
		if err != nil && !strings.Contains(err.Error(), test.reason) {
			t.Errorf("%s: %q, want a text with %q", test.header, err, test.reason)
		}
		if notChecked := err != nil && strings.Contains(err.Error(), "the signature was not checked"); notChecked != errors.Is(err, ErrAlgorithm) {
			t.Errorf("%s: %q says that the signature was not checked: %t", test.header, err, notChecked)
		}
	}
}

func TestVerifyEachAlgorithm(t *testing.T) {
	for _, algorithm := range algorithms {
		header := `{"alg":"` + algorithm.String() + `"}`
		text := signed(algorithm.Algorithm, "key", header, `{"exp":0}`) // Verify ignores exp
		if err := inspect(text, []byte("key")); err != nil {
			t.Errorf("%s: %v", algorithm, err)
		}
	}
}

func TestVerifySignatures(t *testing.T) {
	text := signed(HS512, "key", hs512, `{"sub":"x"}`)
	dot := strings.LastIndexByte(text, '.')
	input, signature := text[:dot], text[dot+1:]
	mac, err := base64url.DecodeString(signature)
	if err != nil {
		t.Fatal(err)
	}
	other := signed(HS512, "key", hs512, `{"sub":"y"}`)
	tests := []struct {
		name, token, secret string
		reason              string // empty if the signature matches
	}{
		{"unchanged", text, "key", ""},
		{"another key", text, "kez", "another key"},
		{"a key with a line feed", text, "key\n", "another key"},
		{"an empty key", text, "", "another key"},
		{"no signature", input + ".", "key", "it is empty"},
		{"only the first byte", input + "." + base64url.EncodeToString(mac[:1]), "key", "it has 1 bytes, but HS512 makes 64"},
		{"the first half", input + "." + base64url.EncodeToString(mac[:32]), "key", "it has 32 bytes"},
		{"one byte short", input + "." + base64url.EncodeToString(mac[:63]), "key", "it has 63 bytes"},
		{"one byte too long", input + "." + base64url.EncodeToString(append(mac[:64:64], 0)), "key", "it has 65 bytes"},
		{"twice", input + "." + base64url.EncodeToString(append(mac[:64:64], mac...)), "key", "it has 128 bytes"},
		{"the signature of other claims", input + other[strings.LastIndexByte(other, '.'):], "key", "another key"},
		{"a signature over the decoded text", encode(hs512) + "." + encode(`{"sub":"x"}`) + "." + base64url.EncodeToString(NewKey(HS512, []byte("key")).appendMAC(nil, []byte(hs512+`.{"sub":"x"}`))), "key", "another key"},
	}
	for i := range mac { // every byte counts
		changed := bytes.Clone(mac)
		changed[i] ^= 1 << (i % 8)
		if err := inspect(input+"."+base64url.EncodeToString(changed), []byte("key")); !errors.Is(err, ErrSignature) {
			t.Errorf("byte %d changed: %v, want ErrSignature", i, err)
		}
	}
	for _, test := range tests {
		err := inspect(test.token, []byte(test.secret))
		switch {
		case test.reason == "" && err != nil:
			t.Errorf("%s: %v", test.name, err)
		case test.reason != "" && (!errors.Is(err, ErrSignature) || !strings.Contains(err.Error(), test.reason)):
			t.Errorf("%s: %v, want a text with %q", test.name, err, test.reason)
		}
	}
}

func TestVerifyTokensInRFCs(t *testing.T) {
	for _, test := range rfcTokens {
		text := test.signingInput + "." + test.signature
		err := inspect(text, decodeBase64url(t, test.key))
		switch test.name {
		case "RFC 7515 appendix A.1":
			if err != nil {
				t.Errorf("%s: %v", test.name, err)
			}
		case "RFC 7520 §4.4": // whose payload is not claims
			if !errors.Is(err, ErrMalformed) {
				t.Errorf("%s: %v, want ErrMalformed", test.name, err)
			}
		}
	}
}
