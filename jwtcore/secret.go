package jwtcore

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
)

// DecodeSecret returns the bytes of a key from text, which spells them. Encoding
// is "utf8", or "" for the same: the bytes are the text itself; "hex"; "base64" or
// "base64url", each with or without padding. The error wraps ErrKeyEncoding if
// text is not in that encoding, or if encoding has another name.
func DecodeSecret(text []byte, encoding string) (secret []byte, err error) {
	switch encoding {
	case "", "utf8":
		return bytes.Clone(text), nil
	case "hex":
		secret, err = hex.AppendDecode(nil, text)
	case "base64":
		secret, err = decodeBase64(base64.RawStdEncoding, text)
	case "base64url":
		secret, err = decodeBase64(base64.RawURLEncoding, text)
	default:
		return nil, fmt.Errorf("%w: the encodings are utf8, hex, base64 and base64url", ErrKeyEncoding)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: the key is not %s", ErrKeyEncoding, encoding)
	}
	return secret, nil
}

var errKeyLineBreak = errors.New("a line break")

// decodeBase64 is more tolerant than the decoder of a token's segments: nothing
// depends on a key having only one spelling, and the libraries that people have
// their keys from ignore the unused bits.
func decodeBase64(encoding *base64.Encoding, text []byte) ([]byte, error) {
	if bytes.ContainsAny(text, "\r\n") { // which the decoder skips
		return nil, errKeyLineBreak
	}
	if bytes.HasSuffix(text, []byte("=")) {
		encoding = encoding.WithPadding(base64.StdPadding)
	}
	return encoding.AppendDecode(nil, text)
}
