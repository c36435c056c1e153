package jwtcore

import (
	"errors"
	"fmt"
	"time"
)

// Validate decides whether the token may pass a gate at now (RFC 7519 §7.2). It
// returns nil if one of keys, which are for HS512, signed the token, the header
// says HS512 and has no "crit", and now is within "exp" and "nbf", as far as the
// token has them. Otherwise the error wraps ErrCritical, ErrAlgorithm,
// ErrSignature, ErrTimeClaim, ErrExpired or ErrNotYetValid, and its text is the
// reason, in one line.
func (t *Token) Validate(keys []*Key, now time.Time) error {
	if errors.Is(t.algorithmErr, ErrCritical) {
		return t.algorithmErr
	}
	if t.algorithm != HS512 {
		return fmt.Errorf("%w: it must be HS512", ErrAlgorithm)
	}
	if !t.signedByOneOf(keys) {
		return ErrSignature
	}
	if t.hasInvalidTime() {
		return ErrTimeClaim
	}
	switch validity, _ := t.Validity(now); validity.State {
	case StateExpired:
		return ErrExpired
	case StateNotYetValid:
		return ErrNotYetValid
	default:
		return nil
	}
}

// signedByOneOf reports whether one of keys signed the token. Its time depends on
// which key it was, but on no secret.
func (t *Token) signedByOneOf(keys []*Key) bool {
	for _, key := range keys {
		if key.matches(t.signature, t.signingInput) {
			return true
		}
	}
	return false
}
