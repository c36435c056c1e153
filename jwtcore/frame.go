package jwtcore

import (
	"strconv"
	"time"
)

// frame is what surrounds the id and the other contents of all tokens that are issued
// within one second, for one lifetime. Encoding it once for all of them, instead of
// once for each, makes minting 3 % faster. BenchmarkFrame shows the gain.
type frame struct {
	issuedAt, expiresIn int64 // in seconds, as in Claims

	// prefix is the token up to the id: the header, a dot, and the first claims as
	// far as they fill groups of three bytes, each of which base64url encodes as
	// four characters (RFC 4648 §4).
	prefix []byte

	remainder []byte // the rest of the claims before the id, at most two bytes, which is encoded with the id
	suffix    []byte // the end of "payload", after Data
}

// prepare makes f the frame of tokens that are issued at t, and expire that many
// seconds later, or never if expiresIn is 0. F is always used with the same
// algorithm.
func (f *frame) prepare(algorithm *Algorithm, t time.Time, expiresIn int64) {
	issuedAt := t.Unix()
	if issuedAt == f.issuedAt && expiresIn == f.expiresIn && len(f.prefix) > 0 {
		return
	}
	f.issuedAt, f.expiresIn = issuedAt, expiresIn

	claims := append(make([]byte, 0, 64), `{"iat":`...)
	claims = strconv.AppendInt(claims, issuedAt, 10)
	if expiresIn != 0 {
		claims = append(claims, `,"exp":`...)
		claims = strconv.AppendInt(claims, issuedAt+expiresIn, 10)
	}
	claims = append(claims, `,"jti":"`...)
	whole := len(claims) - len(claims)%3
	f.prefix = append(append(f.prefix[:0], algorithm.encodedHeader...), '.')
	f.prefix = appendEncoded(f.prefix, claims[:whole])
	f.remainder = append(f.remainder[:0], claims[whole:]...)

	f.suffix = append(f.suffix[:0], `,"date":"`...)
	f.suffix = t.UTC().AppendFormat(f.suffix, time.DateOnly)
	f.suffix = append(f.suffix, `"}`...)
}
