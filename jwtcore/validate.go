package jwtcore

import (
	"errors"
	"fmt"
	"time"
)

// The classes of reasons, besides those of Verify, for which Validate refuses a
// token.
var (
	// ErrExpired: "exp" has come (RFC 7519 §4.1.4).
	ErrExpired = errors.New("the token has expired")

	// ErrNotYetValid: "nbf" has not come yet (RFC 7519 §4.1.5).
	ErrNotYetValid = errors.New("the token is not valid yet")

	// ErrTimeClaim: "exp" or "nbf" is there and is not a number.
	ErrTimeClaim = errors.New("exp and nbf have to be numbers")
)

// Validate reports whether the token may pass a gate at now (RFC 7519 §7.2):
// it has to be signed by one of the keys, which are made for HS512, with a
// header that says HS512 and has no "crit", and now has to be within "exp" and
// "nbf" where the token has them. It returns nil if so. Otherwise the error
// wraps ErrCritical, ErrAlgorithm, ErrSignature, ErrTimeClaim, ErrExpired or
// ErrNotYetValid, and its text is the reason, in one line.
func (t *Token) Validate(keys []*Key, now time.Time) error {
	if errors.Is(t.reason, ErrCritical) {
		return t.reason
	}
	if t.algorithm != HS512 {
		return fmt.Errorf("%w: it has to be HS512", ErrAlgorithm)
	}
	if !t.signedByOneOf(keys) {
		return ErrSignature
	}
	return t.checkTime(now)
}

// signedByOneOf takes a time that depends on which key it is, but on no secret.
func (t *Token) signedByOneOf(keys []*Key) bool {
	for _, key := range keys {
		if key.matches(t.signature, t.signingInput) {
			return true
		}
	}
	return false
}

func (t *Token) checkTime(now time.Time) error {
	expires, expiresIsNumber := numericDate(t.exp)
	notBefore, notBeforeIsNumber := numericDate(t.nbf)
	switch {
	case t.exp != nil && !expiresIsNumber, t.nbf != nil && !notBeforeIsNumber:
		return ErrTimeClaim
	case t.exp != nil && !expires.After(now):
		return ErrExpired
	case t.nbf != nil && notBefore.After(now):
		return ErrNotYetValid
	default:
		return nil
	}
}

// ID returns "jti" (RFC 7519 §4.1.7), unescaped, as UTF-8. Ok is false where
// the claims have none that is a string.
func (t *Token) ID() (id []byte, ok bool) { return StringValue(t.jti) }
