package jwtcore

import (
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"tokenmint/jwtcore/ijson"
)

// Verify verifies the token's signature with secret, the bytes of the key, by the
// algorithm that the header names (RFC 7515 §5.2, RFC 7518 §3.2). It returns nil
// if secret signed the token. Otherwise the error wraps ErrCritical, ErrAlgorithm
// or ErrSignature, and its text is the reason, in one line. The claims do not
// matter: a token that has expired still verifies.
func (t *Token) Verify(secret []byte) error {
	switch {
	case t.algorithmErr != nil:
		return t.algorithmErr
	case len(t.signature) == 0:
		return fmt.Errorf("%w: it is empty", ErrSignature)
	case len(t.signature) != t.algorithm.size:
		return fmt.Errorf("%w: it has %d bytes, but %s makes %d", ErrSignature, len(t.signature), t.algorithm, t.algorithm.size)
	case !t.algorithm.matches(t.signature, secret, t.signingInput):
		return fmt.Errorf("%w: another key made it, or the header or the claims were changed since", ErrSignature)
	default:
		return nil
	}
}

var errNotHMAC = fmt.Errorf("%w: it must be exactly HS256, HS384 or HS512", ErrAlgorithm)

// algorithmNamed returns the algorithm that alg names, which is the value of a
// header's "alg", or nil if there is none.
func algorithmNamed(alg jsontext.Value) (*Algorithm, error) {
	if alg == nil {
		return nil, fmt.Errorf("%w, and it is absent", errNotHMAC)
	}
	name, ok := ijson.Text(alg)
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
