package jwtcore

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
)

// DecodeSecret returns the bytes of a key from the text that spells them.
// Encoding says how it does: "utf8", or "", for the text itself, "hex",
// "base64" or "base64url", the latter two with or without padding. It fails
// with ErrKeyEncoding for text that is not of that encoding, and for an
// encoding by another name.
func DecodeSecret(text []byte, encoding string) ([]byte, error) {
	var secret []byte
	var err error
	switch encoding {
	case "", "utf8":
		return text, nil
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

// decodeBase64 is less strict than the base64url of a token: of a key nothing
// hangs on its having one spelling, and the libraries that people have their
// keys from ignore unused bits.
func decodeBase64(encoding *base64.Encoding, text []byte) ([]byte, error) {
	if bytes.ContainsAny(text, "\r\n") { // the decoder would skip them
		return nil, base64.CorruptInputError(bytes.IndexAny(text, "\r\n"))
	}
	if len(text)%4 == 0 && bytes.HasSuffix(text, []byte("=")) {
		encoding = encoding.WithPadding(base64.StdPadding)
	}
	return encoding.AppendDecode(nil, text)
}
