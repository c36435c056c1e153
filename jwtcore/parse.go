package jwtcore

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
)

// Token is a well-formed JWT. Nothing is known yet of who signed it.
type Token struct {
	// Header and Claims are the two JSON objects as they stand in the token:
	// the JOSE header (RFC 7515 §4) and the claims set (RFC 7519 §4).
	Header, Claims jsontext.Value

	signingInput []byte         // the first two segments, as received (RFC 7515 §5.2)
	signature    []byte         // the third, decoded
	algorithm    jsontext.Value // the header's "alg"; nil where there is none
	critical     bool           // whether the header has "crit"
	expires      jsontext.Value // the claims' "exp"
	notBefore    jsontext.Value // and "nbf"
}

var errEncrypted = errors.New("it has five segments: an encrypted token (JWE, RFC 7516), whose content no signing key opens")

// Parse takes a JWT in the compact serialization apart (RFC 7519 §7.2). It is
// strict: exactly three segments of canonical base64url, of which the first
// two hold a JSON object each, as ReadObject reads them. The third may be
// empty. Everything else gives an error that wraps ErrMalformed.
//
// The token uses text's memory: text must not change while it is in use.
func Parse(text []byte) (*Token, error) {
	segments, err := split(text)
	if err != nil {
		return nil, err
	}
	token := &Token{signingInput: text[:len(segments[0])+1+len(segments[1])]}
	if token.Header, err = decodeSegment("header", segments[0]); err != nil {
		return nil, err
	}
	if token.Claims, err = decodeSegment("claims", segments[1]); err != nil {
		return nil, err
	}
	if token.signature, err = decodeSegment("signature", segments[2]); err != nil {
		return nil, err
	}
	if err := ReadObject(token.Header, token.readHeader); err != nil {
		return nil, fmt.Errorf("%w: the header is %w", ErrMalformed, err)
	}
	if err := ReadObject(token.Claims, token.readClaims); err != nil {
		return nil, fmt.Errorf("%w: the claims are %w", ErrMalformed, err)
	}
	return token, nil
}

func split(text []byte) (segments [3][]byte, err error) {
	switch dots := bytes.Count(text, []byte{'.'}); dots {
	case 2:
	case 4:
		return segments, fmt.Errorf("%w: %w", ErrMalformed, errEncrypted)
	default:
		return segments, fmt.Errorf("%w: a JWT has three segments with a dot between them; this has %d", ErrMalformed, dots+1)
	}
	header, rest, _ := bytes.Cut(text, []byte{'.'})
	claims, signature, _ := bytes.Cut(rest, []byte{'.'})
	return [3][]byte{header, claims, signature}, nil
}

func decodeSegment(name string, segment []byte) ([]byte, error) {
	decoded, err := appendDecoded(nil, segment)
	if err != nil {
		return nil, fmt.Errorf("%w: the %s segment is not base64url as in RFC 7515: %w", ErrMalformed, name, err)
	}
	return decoded, nil
}

// readHeader keeps what a verdict needs to know of the header.
func (t *Token) readHeader(member Member) error {
	switch string(member.Name) {
	case "alg":
		t.algorithm = member.Value
	case "crit":
		t.critical = true
	}
	return nil
}

// readClaims keeps what the time has to be held against.
func (t *Token) readClaims(member Member) error {
	switch string(member.Name) {
	case "exp":
		t.expires = member.Value
	case "nbf":
		t.notBefore = member.Value
	}
	return nil
}
