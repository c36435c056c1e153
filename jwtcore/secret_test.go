package jwtcore

import (
	"errors"
	"testing"
)

func TestDecodeSecret(t *testing.T) {
	tests := []struct {
		encoding, text string
		want           string
		fails          bool
	}{
		{"", "6b6579", "6b6579", false},
		{"utf8", "clé \x00", "clé \x00", false},
		{"hex", "6b6579", "key", false},
		{"hex", "FFfe", "\xff\xfe", false},
		{"hex", "6b657", "", true},
		{"hex", "6b 65", "", true},
		{"hex", "0x6b", "", true},
		{"hex", "6b65\n", "", true},
		{"base64", "//79", "\xff\xfe\xfd", false},
		{"base64", "a2V5cw==", "keys", false},
		{"base64", "a2V5cw", "keys", false},
		{"base64", "a2V5cy4=", "keys.", false},
		{"base64", "a2V5cy4", "keys.", false},
		{"base64", "a2V5cx", "keys", false}, // unused bits are ignored
		{"base64", "a2V5cw=", "", true},
		{"base64", "a2V5cy4==", "", true},
		{"base64", "a2V5cw===", "", true},
		{"base64", "====", "", true},
		{"base64", "a2V5c", "", true},
		{"base64", "__79", "", true},
		{"base64", "a2V5\n", "", true},
		{"base64", "a2V5\r", "", true},
		{"base64", "a2\r\nV5", "", true},
		{"base64", " a2V5", "", true},
		{"base64url", "__79", "\xff\xfe\xfd", false},
		{"base64url", "a2V5cw==", "keys", false},
		{"base64url", "//79", "", true},
		{"base64url", "a2V5\n", "", true},
		{"UTF8", "key", "", true},
		{"Hex", "6b6579", "", true},
		{"base32", "key", "", true},
		{"utf8\n", "key", "", true},
	}
	for _, test := range tests {
		secret, err := DecodeSecret([]byte(test.text), test.encoding)
		if errors.Is(err, ErrKeyEncoding) != test.fails || !test.fails && err != nil {
			t.Errorf("%s %q: %v", test.encoding, test.text, err)
		}
		if string(secret) != test.want {
			t.Errorf("%s %q: %q, want %q", test.encoding, test.text, secret, test.want)
		}
	}
}
