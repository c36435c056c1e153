package jwtcore

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
)

// base64url is the encoding of the segments of a JWS (RFC 7515 §2): the URL-safe
// alphabet without padding. It refuses text whose unused bits are not zero
// (RFC 4648 §3.5).
var base64url = base64.RawURLEncoding.Strict()

// Reasons why a segment is not base64url.
var (
	errLineBreak = errors.New("it contains white space or a line break")
	errPadding   = errors.New("it is padded with =, which a JWT leaves out")
	errStandard  = errors.New("it has + or / of the standard alphabet, but base64url has - and _")
	errAlphabet  = errors.New("it has a character that is not in the alphabet A-Z a-z 0-9 - _")
	errBits      = errors.New("it was cut short, or the unused bits of its last character are not zero")
)

// appendSegment appends to dst what a segment of a token encodes. The segment must be
// canonical: encoding the result gives the same segment again. Errors call the
// segment by name.
func appendSegment(dst, segment []byte, name string) ([]byte, error) {
	decoded, err := base64url.AppendDecode(dst, segment)
	if err != nil || bytes.ContainsRune(segment, '\r') || bytes.ContainsRune(segment, '\n') { // which the decoder skips
		return nil, fmt.Errorf("%w: the %s segment is not base64url as in RFC 7515: %w", ErrMalformed, name, whyNotBase64url(segment))
	}
	return decoded, nil
}

// whyNotBase64url returns the most helpful reason why segment is not canonical
// base64url.
func whyNotBase64url(segment []byte) error {
	switch {
	case bytes.ContainsAny(segment, " \t\v\f\r\n"):
		return errLineBreak
	case bytes.ContainsRune(segment, '='):
		return errPadding
	case bytes.ContainsAny(segment, "+/"):
		return errStandard
	case len(bytes.Trim(segment, alphabet)) > 0:
		return errAlphabet
	default:
		return errBits
	}
}
