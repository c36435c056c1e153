package jwtcore

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"tokenmint/jwtcore/ijson"
)

// Token is a well-formed JWT. Its signature is not verified yet.
type Token struct {
	// Header is the JOSE header (RFC 7515 §4), as spelled in the token.
	Header jsontext.Value

	// Claims is the claims set (RFC 7519 §4), as spelled in the token.
	Claims jsontext.Value

	algorithm    *Algorithm // the one that the header names
	algorithmErr error      // if algorithm is nil: why the signature cannot be verified

	exp, nbf, iat, jti jsontext.Value // the claims of these names (RFC 7519 §4.1), nil if absent

	signingInput []byte // the first two segments, as received (RFC 7515 §5.2)
	signature    []byte // the third segment, decoded
}

// Reasons why a text does not consist of three segments, or only seems to.
var (
	errEncrypted = errors.New("it has five segments: an encrypted token (JWE, RFC 7516), which no signing key opens")
	errScheme    = errors.New("it starts with Bearer, which is part of the Authorization header and not of the token: send only what follows")
	errQuoted    = errors.New("it has quotes around it: send it without them")
)

// Parse parses a JWT in the compact serialization (RFC 7519 §7.2): exactly three
// segments of canonical base64url, of which the first two hold one JSON object
// each, as ijson.ReadObject reads it. The third may be empty. For any other text,
// the error wraps ErrMalformed.
func Parse(text string) (token Token, err error) {
	// One block of memory has room for the text and for what is decoded from it.
	memory := append(make([]byte, 0, len(text)+base64url.DecodedLen(len(text))), text...)
	header, claims, signature, err := split(memory)
	if err != nil {
		return token, err
	}
	token.signingInput = slices.Clip(memory[:len(header)+len(".")+len(claims)])
	if err := token.parseHeader(header); err != nil {
		return token, err
	}
	if token.Claims, err = appendSegment(memory[len(memory):], claims, "claims"); err != nil {
		return token, err
	}
	if token.signature, err = appendSegment(token.Claims[len(token.Claims):], signature, "signature"); err != nil {
		return token, err
	}
	token.Claims = slices.Clip(token.Claims)
	if err := token.readClaims(); err != nil {
		return token, fmt.Errorf("%w: the claims are %w", ErrMalformed, err)
	}
	return token, nil
}

// split returns the three segments of a token.
func split(text []byte) (header, claims, signature []byte, err error) {
	switch dots := bytes.Count(text, []byte{'.'}); {
	case hasScheme(text):
		return nil, nil, nil, fmt.Errorf("%w: %w", ErrMalformed, errScheme)
	case isQuoted(text):
		return nil, nil, nil, fmt.Errorf("%w: %w", ErrMalformed, errQuoted)
	case dots == 2:
		header, text, _ = bytes.Cut(text, []byte{'.'})
		claims, signature, _ = bytes.Cut(text, []byte{'.'})
		return header, claims, signature, nil
	case dots == 4:
		return nil, nil, nil, fmt.Errorf("%w: %w", ErrMalformed, errEncrypted)
	default:
		return nil, nil, nil, fmt.Errorf("%w: a JWT has three segments with a dot between them, but this has %d", ErrMalformed, dots+1)
	}
}

// hasScheme reports whether text starts with Bearer and white space (RFC 6750 §2.1).
func hasScheme(text []byte) bool {
	const scheme = "Bearer"
	return len(text) > len(scheme) && bytes.EqualFold(text[:len(scheme)], []byte(scheme)) && isSpace(text[len(scheme)])
}

func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

// isQuoted reports whether text has a quote at either end.
func isQuoted(text []byte) bool { return len(bytes.Trim(text, `"'`)) < len(text) }

// readClaims reads the claims that decide whether the token is valid.
func (t *Token) readClaims() error {
	return ijson.ReadObject(t.Claims, func(name []byte, value jsontext.Value) {
		switch string(name) {
		case "exp":
			t.exp = value
		case "nbf":
			t.nbf = value
		case "iat":
			t.iat = value
		case "jti":
			t.jti = value
		}
	})
}

// ID returns the claim "jti" (RFC 7519 §4.1.7), without quotes and escapes, as
// UTF-8. Ok is false if the claim is absent or not a string.
func (t *Token) ID() (id string, ok bool) {
	text, ok := ijson.Text(t.jti)
	return string(text), ok
}

// IssuedAt returns the claim "iat" (RFC 7519 §4.1.6), in UTC. A time outside the years 1
// to 9999 becomes the nearest one outside them. Ok is false if the claim is absent or not
// a number.
func (t *Token) IssuedAt() (issuedAt time.Time, ok bool) { return numericDate(t.iat) }
