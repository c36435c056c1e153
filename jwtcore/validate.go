package jwtcore

import (
	"errors"
	"fmt"
	"time"
)

// Validate decides whether the token may pass a gate at now (RFC 7519 §7.2). The error
// is nil if one of keys, which are for HS512, signed the token, the header says HS512
// and has no "crit", and now is within "exp" and "nbf", as far as the token has them.
// The clock of the issuer may differ by leeway. Otherwise the error wraps ErrCritical,
// ErrAlgorithm, ErrSignature, ErrTimeClaim, ErrExpired or ErrNotYetValid, and its text
// is the reason, in one line. Validate returns the key that signed the token, with the
// last three of these errors, too, and nil with the others.
func (t *Token) Validate(keys []*Key, now time.Time, leeway time.Duration) (*Key, error) {
	key, err := t.Signer(keys)
	if errors.Is(err, ErrAlgorithm) {
		return nil, errNotHS512 // what could check the signature does not matter at a gate
	}
	if err != nil {
		return nil, err
	}
	switch t.state(now, leeway) {
	case StateInvalid:
		return key, ErrTimeClaim
	case StateExpired:
		return key, ErrExpired
	case StateNotYetValid:
		return key, ErrNotYetValid
	default:
		return key, nil
	}
}

var errNotHS512 = fmt.Errorf("%w: it must be HS512", ErrAlgorithm)

// Signer returns the one of keys, which are for HS512, that signed the token. The claims
// do not matter. If there is none, or the header does not say HS512 or has "crit", the
// error wraps ErrSignature, ErrAlgorithm or ErrCritical, and its text is the reason, in
// one line. It is ErrSignature itself if another key may have signed the token. The time
// that Signer takes depends on which key it was, but on no secret.
func (t *Token) Signer(keys []*Key) (*Key, error) {
	if t.algorithmErr == nil && t.algorithm != HS512 {
		return nil, fmt.Errorf("%w, so the signature was not checked: the keys are for HS512", ErrAlgorithm)
	}
	if err := t.checkSignature(); err != nil {
		return nil, err
	}
	for _, key := range keys {
		if key.algorithm == HS512 && key.matches(t.signature, t.signingInput) {
			return key, nil
		}
	}
	return nil, ErrSignature
}
