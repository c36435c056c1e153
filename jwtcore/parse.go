package jwtcore

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
)

// Token is a well-formed JWT. Nothing is known yet of who signed it.
type Token struct {
	joseHeader

	// Claims is the claims set (RFC 7519 §4) as it stands in the token.
	Claims jsontext.Value

	exp, nbf, jti jsontext.Value // what the claims have of these (RFC 7519 §4.1), nil for none

	signingInput []byte // the first two segments, as received (RFC 7515 §5.2)
	signature    []byte // the third, decoded
}

// joseHeader is the first segment of a token (RFC 7515 §4).
type joseHeader struct {
	// Header is the JOSE header as it stands in the token.
	Header jsontext.Value

	algorithm *Algorithm // the one it names; nil where no signature can hold
	reason    error      // why none can
}

var errEncrypted = errors.New("it has five segments: an encrypted token (JWE, RFC 7516), whose content no signing key opens")

// Parse takes a JWT in the compact serialization apart (RFC 7519 §7.2). It is
// strict: exactly three segments of canonical base64url, of which the first
// two hold a JSON object each, as ReadObject reads them. The third may be
// empty. Everything else gives an error that wraps ErrMalformed.
//
// The token uses text's memory: text must not change while it is in use.
func Parse(text []byte) (token Token, err error) {
	header, claims, signature, err := split(text)
	if err != nil {
		return token, err
	}
	token.signingInput = text[:len(header)+len(".")+len(claims)]
	if string(header) == encodedHeader {
		token.joseHeader = mintedHeader
	} else if token.joseHeader, err = parseHeader(header); err != nil {
		return token, err
	}
	buffer := make([]byte, 0, base64url.DecodedLen(len(claims)+len(signature))) // for both
	if token.Claims, err = decodeSegment(buffer, claims, "claims"); err != nil {
		return token, err
	}
	if token.signature, err = decodeSegment(token.Claims[len(token.Claims):], signature, "signature"); err != nil {
		return token, err
	}
	err = ReadObject(token.Claims, func(claim Member) error {
		switch string(claim.Name) {
		case "exp":
			token.exp = claim.Value
		case "nbf":
			token.nbf = claim.Value
		case "jti":
			token.jti = claim.Value
		}
		return nil
	})
	if err != nil {
		return token, fmt.Errorf("%w: the claims are %w", ErrMalformed, err)
	}
	return token, nil
}

func split(text []byte) (header, claims, signature []byte, err error) {
	header, rest, _ := bytes.Cut(text, []byte{'.'})
	claims, signature, two := bytes.Cut(rest, []byte{'.'})
	if two && bytes.IndexByte(signature, '.') < 0 {
		return header, claims, signature, nil
	}
	switch dots := bytes.Count(text, []byte{'.'}); dots {
	case 4:
		return nil, nil, nil, fmt.Errorf("%w: %w", ErrMalformed, errEncrypted)
	default:
		return nil, nil, nil, fmt.Errorf("%w: a JWT has three segments with a dot between them; this has %d", ErrMalformed, dots+1)
	}
}

// mintedHeader is what parseHeader makes of encodedHeader, the header of the
// tokens that are minted here. To recognise it saves a sixth of an inspection.
var mintedHeader = joseHeader{
	Header:    jsontext.Value(`{"typ":"JWT","alg":"HS512"}`),
	algorithm: HS512,
}

func parseHeader(segment []byte) (header joseHeader, err error) {
	if header.Header, err = decodeSegment(nil, segment, "header"); err != nil {
		return header, err
	}
	var algorithm jsontext.Value
	critical := false
	err = ReadObject(header.Header, func(member Member) error {
		switch string(member.Name) {
		case "alg":
			algorithm = member.Value
		case "crit":
			critical = true
		}
		return nil
	})
	if err != nil {
		return header, fmt.Errorf("%w: the header is %w", ErrMalformed, err)
	}
	if critical {
		header.reason = ErrCritical
	} else {
		header.algorithm, header.reason = algorithmNamed(algorithm)
	}
	return header, nil
}

// decodeSegment appends what a segment encodes to buffer.
func decodeSegment(buffer, segment []byte, name string) ([]byte, error) {
	decoded, err := appendDecoded(buffer, segment)
	if err != nil {
		return nil, fmt.Errorf("%w: the %s segment is not base64url as in RFC 7515: %w", ErrMalformed, name, err)
	}
	return decoded, nil
}
