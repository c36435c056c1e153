package jwtcore

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// The classes of reasons for which a signature does not hold.
var (
	// ErrCritical: the header demands an extension (RFC 7515 §4.1.11).
	ErrCritical = errors.New("the header has crit, and no extension that it could name is understood here")

	// ErrAlgorithm: the header's "alg" is not one that is accepted.
	ErrAlgorithm = errors.New("the header's alg is not accepted")

	errNotHMAC = fmt.Errorf("%w: it has to be exactly HS256, HS384 or HS512", ErrAlgorithm)

	// ErrSignature: the third segment is not the MAC over the first two.
	ErrSignature = errors.New("the signature does not match")
)

// Verify reports whether the token was signed with secret, the key's bytes, by
// the algorithm that its header names (RFC 7515 §5.2, RFC 7518 §3.2). It
// returns nil if so. Otherwise the error wraps ErrCritical, ErrAlgorithm or
// ErrSignature, and its text is the reason, in one line. The claims play no
// part in it: a token that has expired still verifies.
func (t *Token) Verify(secret []byte) error {
	switch {
	case t.reason != nil:
		return t.reason
	case len(t.signature) == 0:
		return fmt.Errorf("%w: it is empty", ErrSignature)
	case len(t.signature) != t.algorithm.size:
		return fmt.Errorf("%w: it has %d bytes, where %s makes %d", ErrSignature, len(t.signature), t.algorithm, t.algorithm.size)
	case !t.algorithm.matches(t.signature, secret, t.signingInput):
		return fmt.Errorf("%w: another key made it, or the header or the claims were changed since", ErrSignature)
	default:
		return nil
	}
}

// algorithmNamed returns the algorithm that a header's "alg" names, if it is
// one of the three; value is nil where there is no "alg".
func algorithmNamed(value jsontext.Value) (*Algorithm, error) {
	if value == nil {
		return nil, fmt.Errorf("%w, and there is none", errNotHMAC)
	}
	name, ok := StringValue(value)
	if !ok {
		return nil, fmt.Errorf("%w, and it is not even a string", errNotHMAC)
	}
	for _, algorithm := range []*Algorithm{HS256, HS384, HS512} {
		if string(name) == algorithm.name {
			return algorithm, nil
		}
	}
	if strings.EqualFold(string(name), "none") {
		return nil, fmt.Errorf("%w; a token with none is not signed at all", errNotHMAC)
	}
	return nil, errNotHMAC
}
