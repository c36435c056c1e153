package jwtcore

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

// TestExplainMismatch signs with a key, and checks what is said about a text that spells
// it in another form.
func TestExplainMismatch(t *testing.T) {
	const key = "s3cr3t key>?" // its base64 has a + or /
	var (
		inHex       = hex.EncodeToString([]byte(key))
		inBase64    = base64.StdEncoding.EncodeToString([]byte(key))
		inBase64URL = base64.RawURLEncoding.EncodeToString([]byte(key))
	)
	const encodedKey = "c2VjcmV0" // base64, as text
	tests := []struct {
		secret, text, encoding string
		advice                 string // empty if no form matches
	}{
		{key, inHex, "", "it matches as hex: send Key_encoding hex"},
		{key, strings.ToUpper(inHex), "utf8", "it matches as hex: send Key_encoding hex"},
		{key, inBase64, "", "it matches as base64: send Key_encoding base64"},
		{key, inBase64URL, "", "it matches as base64url: send Key_encoding base64url"},
		{inHex, inHex, "hex", "it matches as utf8: send Key_encoding utf8"},
		{encodedKey, encodedKey, "base64", "it matches as utf8: send Key_encoding utf8"},
		{"\xe9\xae\xef", "6a7v", "hex", "it matches as base64: send Key_encoding base64"},

		{key, key + "\n", "", "it matches without the line break at its end: send the bare key"},
		{key, key + "\r\n", "utf8", "it matches without the line break at its end: send the bare key"},
		{key, " " + key + "\t\n", "", "it matches without the white space around it: send the bare key"},
		{key, "\ufeff" + key, "", "it matches without the white space around it: send the bare key"},
		{key, `"` + key + `"`, "", "it matches without the quotes around it: send the bare key"},
		{key, "'" + key + "'\n", "", "it matches without the quotes around it: send the bare key"},
		{key, "\u201c" + key + "\u201d", "", "it matches without the quotes around it: send the bare key"},
		{"'" + key + "'", "'" + key + "'\n", "", "it matches without the line break at its end: send the bare key"},
		{key, inHex + "\n", "", "it matches as hex without the line break at its end: send the bare key, and Key_encoding hex"},
		{key, `"` + inBase64 + `"`, "", "it matches as base64 without the quotes around it: send the bare key, and Key_encoding base64"},

		{key, "another", "", ""},
		{key, key[1:], "", ""},
		{key, "x" + key, "", ""},
		{key, strings.ReplaceAll(key, " ", "\n"), "", ""},
		{"", `""`, "", ""}, // an empty key is no key
		{"", " \n", "", ""},
	}
	for _, algorithm := range algorithms {
		for _, test := range tests {
			token, err := Parse(signed(algorithm.Algorithm, test.secret, `{"alg":"`+algorithm.String()+`"}`, `{}`))
			if err != nil {
				t.Fatal(err)
			}
			text := []byte(test.text)
			err = token.ExplainMismatch(text, test.encoding)
			switch {
			case test.advice == "" && err != nil:
				t.Errorf("%q as %q: %v", test.text, test.encoding, err)
			case test.advice == "":
			case !errors.Is(err, ErrSignature):
				t.Errorf("%q as %q: %v, want ErrSignature", test.text, test.encoding, err)
			case err.Error() != "the signature does not match the key as sent, but "+test.advice:
				t.Errorf("%q as %q: %q, want %q", test.text, test.encoding, err, test.advice)
			}
			if string(text) != test.text {
				t.Errorf("ExplainMismatch changed its input %q to %q", test.text, text)
			}
		}
	}
}

// TestExplainMismatchNeedsASignature checks that no key explains a signature that is not
// an HMAC, or is cut short.
func TestExplainMismatchNeedsASignature(t *testing.T) {
	whole := signed(HS512, "key", hs512, `{}`)
	for _, text := range []string{
		signed(HS512, "key", `{"alg":"none"}`, `{}`),
		signed(HS512, "key", `{"alg":"RS512"}`, `{}`),
		signed(HS512, "key", `{"alg":"HS512","crit":[]}`, `{}`),
		join(hs512, `{}`, ""),
		whole[:len(whole)-4],
	} {
		token, err := Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if err := token.ExplainMismatch([]byte("key\n"), ""); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}
