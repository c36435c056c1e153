package jwtcore

import "errors"

// The reasons for which Verify does not hold a signature for good.
var (
	ErrCritical  = errors.New("the header has crit, and no extension is understood here (RFC 7515 section 4.1.11)")
	ErrAlgorithm = errors.New("the header's alg is not HS512")
	ErrSignature = errors.New("the signature does not match: another key signed this, or header or claims were changed")
)

// Verify reports whether the token was signed with secret, the key's bytes
// (RFC 7515 §5.2, RFC 7518 §3.2). It returns nil if so, and else one of
// ErrCritical, ErrAlgorithm and ErrSignature. The claims play no part in it.
func (t *Token) Verify(secret []byte) error {
	if t.critical {
		return ErrCritical
	}
	if name, ok := StringValue(t.algorithm); !ok || string(name) != HS512.name {
		return ErrAlgorithm
	}
	mac := NewKey(HS512, secret).appendMAC(nil, t.signingInput)
	if !equalMAC(mac, t.signature) {
		return ErrSignature
	}
	return nil
}
