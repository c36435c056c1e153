package jwtcore

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"
	"unicode"
)

// encodings are the names that DecodeSecret takes.
var encodings = []string{"utf8", "hex", "base64", "base64url"}

// trimmings remove what often surrounds a key by mistake, each more than the one before.
var trimmings = []struct {
	trim    func(text []byte) []byte
	without string // names what it removes
}{
	{func(text []byte) []byte { return text }, ""},
	{func(text []byte) []byte { return bytes.TrimRight(text, "\r\n") }, "the line break at its end"},
	{func(text []byte) []byte { return bytes.TrimFunc(text, isBlank) }, "the white space around it"},
	{func(text []byte) []byte { return bytes.TrimFunc(text, isBlankOrQuote) }, "the quotes around it"},
}

// isBlank reports whether r is white space or a byte order mark.
func isBlank(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' }

func isBlankOrQuote(r rune) bool {
	return isBlank(r) || strings.ContainsRune("\"'`\u2018\u2019\u201c\u201d", r)
}

// ExplainMismatch is for a key that does not verify the token: text, as DecodeSecret
// reads it in encoding. It tries text in the other encodings, and without the white
// space, quotes or line break around it. If the token is signed with one of these keys,
// the error wraps ErrSignature, and its text says in one line what to send instead.
// Otherwise the error is nil. Each try takes constant time.
func (t *Token) ExplainMismatch(text []byte, encoding string) error {
	if t.algorithm == nil || len(t.signature) != t.algorithm.size {
		return nil
	}
	encoding = cmp.Or(encoding, "utf8")
	size := 0 // of the text that was tried last
	for _, trimming := range trimmings {
		trimmed := trimming.trim(text)
		if len(trimmed) == size || len(trimmed) == 0 {
			continue
		}
		size = len(trimmed)
		for _, other := range encodings {
			if t.isSignedWithText(trimmed, other) {
				return mismatch(encoding, other, trimming.without)
			}
		}
	}
	return nil
}

// isSignedWithText reports whether the key that text spells in encoding signed the token.
func (t *Token) isSignedWithText(text []byte, encoding string) bool {
	secret, err := DecodeSecret(text, encoding)
	defer clear(secret)
	return err == nil && t.isSignedWith(secret)
}

// mismatch returns the error for a key that was sent in one encoding and matches in
// another, without something unless that is empty.
func mismatch(sent, other, without string) error {
	switch {
	case without == "":
		return fmt.Errorf("%w the key as sent, but it matches as %s: send Key_encoding %s", ErrSignature, other, other)
	case other == sent:
		return fmt.Errorf("%w the key as sent, but it matches without %s: send the bare key", ErrSignature, without)
	default:
		return fmt.Errorf("%w the key as sent, but it matches as %s without %s: send the bare key, and Key_encoding %s", ErrSignature, other, without, other)
	}
}
