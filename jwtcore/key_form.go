package jwtcore

import (
	"bytes"
	"cmp"
	"slices"
	"unicode"
)

// KeyForm is a way to write a key.
type KeyForm struct {
	Encoding string // a name that DecodeSecret takes
	Without  string // what is not part of the key, such as "the quotes around it", or ""
	With     string // what the key also has, such as "a line break (LF) at its end", or ""
}

// encodings are the names that DecodeSecret takes.
var encodings = []string{"utf8", "hex", "base64", "base64url"}

// maxMisread is the size in bytes of the longest key that could be in the wrong form.
// What is longer was not pasted by a person, and each try takes time.
const maxMisread = 16 << 10

// surroundings are what often surrounds a key by mistake.
var surroundings = []struct {
	name   string
	remove func(text []byte) []byte
}{
	{"", func(text []byte) []byte { return text }},
	{"the line break at its end", func(text []byte) []byte { return bytes.TrimRight(text, "\r\n") }},
	{"the white space around it", bytes.TrimSpace},
	{"the byte order mark and the white space around it", func(text []byte) []byte { return bytes.TrimFunc(text, isBlank) }},
	{"the quotes around it", func(text []byte) []byte { return unquote(bytes.TrimFunc(text, isBlank)) }},
}

// lineBreaks are what a key has at its end if the signer read all of the key's file.
var lineBreaks = []struct{ name, text string }{
	{"a line break (LF) at its end", "\n"},
	{"a line break (CR LF) at its end", "\r\n"},
}

// isBlank reports whether r is white space or a byte order mark.
func isBlank(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' }

// unquote returns text without the pair of quotes around it, if there is one.
func unquote(text []byte) []byte {
	for _, quotes := range []string{`""`, "''", "``", "\u201c\u201d", "\u2018\u2019"} {
		opening, closing := []byte(quotes[:len(quotes)/2]), []byte(quotes[len(quotes)/2:])
		if inner, ok := bytes.CutPrefix(text, opening); ok && bytes.HasSuffix(inner, closing) {
			return inner[:len(inner)-len(closing)]
		}
	}
	return text
}

// FindKeyForm returns the form in which text, of at most 16 KiB, is the key that signed
// the token. It tries every encoding, and leaves out the line break, the white space, the
// byte order mark or the quotes around the key. It also tries the text itself with a line
// break after it. It is for a key that does not verify the token as text in encoding,
// which is not tried again. Each try takes constant time. Ok is false if there is no such
// form.
func (t *Token) FindKeyForm(text []byte, encoding string) (form KeyForm, ok bool) {
	if t.checkSignature() != nil || len(text) > maxMisread {
		return form, false
	}
	tried := KeyForm{Encoding: cmp.Or(encoding, "utf8")}
	size := 0 // of the text that was tried last
	for _, surrounding := range surroundings {
		inner := surrounding.remove(text)
		if len(inner) == size {
			continue
		}
		size = len(inner)
		for _, encoding := range encodings {
			form := KeyForm{Encoding: encoding, Without: surrounding.name}
			if form != tried && t.isSignedWithText(inner, encoding) {
				return form, true
			}
		}
	}
	for _, lineBreak := range lineBreaks {
		if t.isSignedWithSuffix(text, lineBreak.text) {
			return KeyForm{Encoding: "utf8", With: lineBreak.name}, true
		}
	}
	return form, false
}

// isSignedWithSuffix reports whether text with suffix after it signed the token.
func (t *Token) isSignedWithSuffix(text []byte, suffix string) bool {
	secret := slices.Concat(text, []byte(suffix))
	defer clear(secret)
	return t.isSignedWith(secret)
}

// isSignedWithText reports whether the key that text spells in encoding signed the token.
// It is false for an empty text, which is no key.
func (t *Token) isSignedWithText(text []byte, encoding string) bool {
	secret, err := DecodeSecret(text, encoding)
	defer clear(secret)
	return err == nil && len(text) > 0 && t.isSignedWith(secret)
}
