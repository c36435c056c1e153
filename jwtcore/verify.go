package jwtcore

import (
	"errors"
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
	if err := t.checkSignature(); err != nil {
		return err
	}
	if !t.isSignedWith(secret) {
		return fmt.Errorf("%w: another key made it, or the header or the claims were changed since", ErrSignature)
	}
	return nil
}

// checkSignature returns an error if no key can verify the signature.
func (t *Token) checkSignature() error {
	switch {
	case t.algorithmErr != nil:
		return t.algorithmErr
	case len(t.signature) == 0:
		return fmt.Errorf("%w: it is empty", ErrSignature)
	case len(t.signature) != t.algorithm.size:
		return fmt.Errorf("%w: it has %d bytes, but %s makes %d", ErrSignature, len(t.signature), t.algorithm, t.algorithm.size)
	default:
		return nil
	}
}

// isSignedWith reports whether secret signed the token, whose algorithm is known.
func (t *Token) isSignedWith(secret []byte) bool {
	return t.algorithm.matches(t.signature, secret, t.signingInput)
}

// publicKeys are the kinds of public keys that verify the other algorithms of JWS
// (RFC 7518 §3.1, RFC 8037 §3.1, RFC 8812 §3.2, RFC 9864 §2).
var publicKeys = map[string]string{
	"RS256": "RSA", "RS384": "RSA", "RS512": "RSA",
	"PS256": "RSA", "PS384": "RSA", "PS512": "RSA",
	"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "ES256K": "secp256k1",
	"EdDSA": "Ed25519 or Ed448", "Ed25519": "Ed25519", "Ed448": "Ed448",
}

// algorithmNamed returns the algorithm that alg names, the value of a header's "alg", or
// nil if that is absent. If it is not an HMAC algorithm, the error says what could check
// the signature.
func algorithmNamed(alg jsontext.Value) (*Algorithm, error) {
	name, ok := ijson.Text(alg)
	if ok {
		if algorithm := hmacNamed(string(name)); algorithm != nil {
			return algorithm, nil
		}
	}
	return nil, fmt.Errorf("%w, so the signature was not checked: %w", ErrAlgorithm, whyNotHMAC(alg, string(name)))
}

// hmacNamed returns the algorithm of this name, or nil.
func hmacNamed(name string) *Algorithm {
	for _, algorithm := range []*Algorithm{HS256, HS384, HS512} {
		if name == algorithm.name {
			return algorithm
		}
	}
	return nil
}

// Reasons why an "alg" is not an HMAC algorithm.
var (
	errNoAlgorithm      = errors.New("it is absent, but must be HS256, HS384 or HS512")
	errAlgorithmType    = errors.New("it is not a string, but must be HS256, HS384 or HS512")
	errAlgorithmCase    = errors.New("it must be exactly HS256, HS384 or HS512, in capital letters")
	errUnsigned         = errors.New("a token with none is not signed at all, so anyone can have made it")
	errUnknownAlgorithm = errors.New("it must be exactly HS256, HS384 or HS512; only an implementation of the algorithm that it names can check it")
)

// whyNotHMAC returns the most helpful reason why alg, which is a string with the text
// name if it is a string at all, is not an HMAC algorithm.
func whyNotHMAC(alg jsontext.Value, name string) error {
	publicKey, hasPublicKey := publicKeys[name]
	switch {
	case alg == nil:
		return errNoAlgorithm
	case !isString(alg):
		return errAlgorithmType
	case hasPublicKey:
		return fmt.Errorf("%s is not HMAC; a library that supports it can check the signature with the signer's public key (%s)", name, publicKey)
	case strings.EqualFold(name, "none"):
		return errUnsigned
	case hmacNamed(strings.ToUpper(name)) != nil:
		return errAlgorithmCase
	default:
		return errUnknownAlgorithm
	}
}
