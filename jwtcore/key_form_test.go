package jwtcore

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"
)

// TestFindKeyForm signs with a key, and looks for the form of a text that is meant to be
// this key.
func TestFindKeyForm(t *testing.T) {
	const key = "s3cr3t key>?" // its base64 has a + or /
	var (
		inHex       = hex.EncodeToString([]byte(key))
		inBase64    = base64.StdEncoding.EncodeToString([]byte(key))
		inBase64URL = base64.RawURLEncoding.EncodeToString([]byte(key))
	)
	const (
		encodedKey = "c2VjcmV0" // base64, as text
		lineBreak  = "the line break at its end"
		whiteSpace = "the white space around it"
		mark       = "the byte order mark and the white space around it"
		quotes     = "the quotes around it"
		lf         = "a line break (LF) at its end"
		crLF       = "a line break (CR LF) at its end"
	)
	tests := []struct {
		secret, text, encoding string
		want                   KeyForm // the zero value if no form fits
	}{
		{key, inHex, "", KeyForm{Encoding: "hex"}},
		{key, strings.ToUpper(inHex), "utf8", KeyForm{Encoding: "hex"}},
		{key, inBase64, "", KeyForm{Encoding: "base64"}},
		{key, inBase64URL, "", KeyForm{Encoding: "base64url"}},
		{inHex, inHex, "hex", KeyForm{Encoding: "utf8"}},
		{encodedKey, encodedKey, "base64", KeyForm{Encoding: "utf8"}},
		{"\xe9\xae\xef", "6a7v", "hex", KeyForm{Encoding: "base64"}},

		{key, key + "\n", "", KeyForm{Encoding: "utf8", Without: lineBreak}},
		{key, key + "\r\n", "utf8", KeyForm{Encoding: "utf8", Without: lineBreak}},
		{key, "\n" + key, "", KeyForm{Encoding: "utf8", Without: whiteSpace}},
		{key, " " + key + "\t\n", "", KeyForm{Encoding: "utf8", Without: whiteSpace}},
		{key, "\u00a0" + key, "", KeyForm{Encoding: "utf8", Without: whiteSpace}},
		{key, "\ufeff" + key, "", KeyForm{Encoding: "utf8", Without: mark}},
		{key, "\ufeff" + key + "\r\n", "", KeyForm{Encoding: "utf8", Without: mark}},
		{key, `"` + key + `"`, "", KeyForm{Encoding: "utf8", Without: quotes}},
		{key, "'" + key + "'\n", "", KeyForm{Encoding: "utf8", Without: quotes}},
		{key, "`" + key + "`", "", KeyForm{Encoding: "utf8", Without: quotes}},
		{key, "\u201c" + key + "\u201d", "", KeyForm{Encoding: "utf8", Without: quotes}},
		{key, "\u2018" + key + "\u2019", "", KeyForm{Encoding: "utf8", Without: quotes}},
		{"it's'", `"it's'"`, "", KeyForm{Encoding: "utf8", Without: quotes}},
		{" k ", `" k "`, "", KeyForm{Encoding: "utf8", Without: quotes}},
		{"'" + key + "'", "'" + key + "'\n", "", KeyForm{Encoding: "utf8", Without: lineBreak}},
		{" " + key, " " + key + "\n", "", KeyForm{Encoding: "utf8", Without: lineBreak}},
		{key, inHex + "\n", "", KeyForm{Encoding: "hex", Without: lineBreak}},
		{key, inHex + "\n", "hex", KeyForm{Encoding: "hex", Without: lineBreak}},
		{key, `"` + inBase64 + `"`, "", KeyForm{Encoding: "base64", Without: quotes}},

		{key + "\n", key, "", KeyForm{Encoding: "utf8", With: lf}},
		{key + "\r\n", key, "utf8", KeyForm{Encoding: "utf8", With: crLF}},
		{inHex + "\n", inHex, "hex", KeyForm{Encoding: "utf8", With: lf}},
		{key + "\n", key, "base64", KeyForm{Encoding: "utf8", With: lf}},
		{key + "\n", key + "\r\n", "", KeyForm{}},
		{key + "\n\n", key, "", KeyForm{}},
		{key + "\r", key, "", KeyForm{}},
		{key + "\n", inHex, "", KeyForm{}}, // only text is in a file with a line break

		{key, key, "", KeyForm{}}, // which is not tried again
		{key, "another", "", KeyForm{}},
		{key, key[1:], "", KeyForm{}},
		{key, "x" + key, "", KeyForm{}},
		{key, `"` + key, "", KeyForm{}},
		{key, `"` + key + `'`, "", KeyForm{}},
		{key, strings.ReplaceAll(key, " ", "\n"), "", KeyForm{}},
		{"", `""`, "", KeyForm{}}, // an empty key is no key
		{"", " \n", "", KeyForm{}},
		{"", `"`, "", KeyForm{}},
		{strings.Repeat("k", maxMisread-1), strings.Repeat("k", maxMisread-1) + "\n", "", KeyForm{Encoding: "utf8", Without: lineBreak}},
		{strings.Repeat("k", maxMisread), strings.Repeat("k", maxMisread) + "\n", "", KeyForm{}},
	}
	for _, algorithm := range algorithms {
		for _, test := range tests {
			token, err := Parse(signed(algorithm.Algorithm, test.secret, `{"alg":"`+algorithm.String()+`"}`, `{}`))
			if err != nil {
				t.Fatal(err)
			}
			text := []byte(test.text)
			form, ok := token.FindKeyForm(text, test.encoding)
			if form != test.want || ok != (test.want != KeyForm{}) {
				t.Errorf("%.50q as %q: %v, %t, want %v", test.text, test.encoding, form, ok, test.want)
			}
			if string(text) != test.text {
				t.Errorf("FindKeyForm changed its input %.50q to %.50q", test.text, text)
			}
		}
	}
}

// TestFindKeyFormNeedsASignature checks that no form fits a signature that is not an
// HMAC, or is cut short.
func TestFindKeyFormNeedsASignature(t *testing.T) {
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
		if form, ok := token.FindKeyForm([]byte("key\n"), ""); ok {
			t.Errorf("%s: %v", text, form)
		}
	}
}
