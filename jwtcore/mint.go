package jwtcore

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// encodedHeader is the base64url of {"typ":"JWT","alg":"HS512"}, the JOSE
// header of every token minted here.
const encodedHeader = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzUxMiJ9"

// maxDataDepth leaves room for the three objects that stand around user data
// in the answer to an inspection (the answer, the claims, their payload), so
// that what was minted can be inspected and that answer be read.
const maxDataDepth = maxDepth - 3

// Claims are the claims of a new token (RFC 7519 §4).
type Claims struct {
	IssuedAt  time.Time      // "iat", in whole seconds; its UTC day is "date"
	ExpiresIn int64          // "exp", in seconds after IssuedAt; 0 for a token that does not expire
	ID        [16]byte       // "jti", written as 32 lowercase hex digits
	Data      jsontext.Value // "payload"."data", as CompactData returns it
}

// CompactData returns a valid JSON value of any type without its insignificant
// white space, ready for Claims. Numbers and strings stay as they are spelled.
// The result takes value's place in memory. The error is ErrTooDeep for a value
// that a token could not carry.
func CompactData(value jsontext.Value) (jsontext.Value, error) {
	compact := value[:0]
	depth := 0
	for at := 0; at < len(value); {
		switch c := value[at]; c {
		case '"':
			end := stringEnd(value, at)
			compact = append(compact, value[at:end]...)
			at = end
			continue
		case ' ', '\t', '\n', '\r':
			at++
			continue
		case '{', '[':
			if depth++; depth > maxDataDepth {
				return nil, fmt.Errorf("%w: at most %d levels", ErrTooDeep, maxDataDepth)
			}
		case '}', ']':
			depth--
		}
		compact = append(compact, value[at])
		at++
	}
	return compact, nil
}

// Mint appends to dst a new token in the compact serialization (RFC 7515
// §3.1), signed with key, which has to be made for HS512. It allocates nothing
// but the space that dst lacks.
func (k *Key) Mint(dst []byte, claims Claims) []byte {
	h := k.algorithm.hashers.Get().(*hasher)
	h.frame.prepare(claims.IssuedAt, claims.ExpiresIn)
	h.claims = append(h.claims[:0], h.frame.remainder...)
	h.claims = hex.AppendEncode(h.claims, claims.ID[:])
	h.claims = append(h.claims, `","payload":{"data":`...)
	h.claims = append(h.claims, claims.Data...) // all that comes from outside, and it is JSON
	h.claims = append(h.claims, h.frame.suffix...)

	start := len(dst)
	size := len(h.frame.prefix) + base64url.EncodedLen(len(h.claims)) + len(".") + base64url.EncodedLen(k.algorithm.size)
	if cap(dst)-start < size { // slices.Grow takes 3 % of minting more
		dst = append(make([]byte, 0, start+size), dst...)
	}
	dst = append(dst, h.frame.prefix...)
	dst = appendEncoded(dst, h.claims)
	mac := h.appendMAC(h.sum[:0], k, dst[start:])
	dst = append(dst, '.')
	dst = appendEncoded(dst, mac)

	if cap(h.claims) > maxKeptClaims {
		h.claims = nil
	}
	k.algorithm.hashers.Put(h)
	return dst
}

// maxKeptClaims is the size in bytes up to which the memory of claims is used
// again: rare large ones must not hold theirs for good.
const maxKeptClaims = 64 << 10

// frame is what stands around the id and the data in all tokens that are issued
// within one second and expire together. To make it once for all of them makes
// minting 3 % faster.
type frame struct {
	issuedAt, expiresIn int64 // as in Claims, in seconds

	// prefix is the token up to its id: the header, a dot and the first claims,
	// as far as they fill groups of three bytes, which base64url turns into four
	// characters each (RFC 4648 §4).
	prefix []byte

	remainder []byte // what is left of the claims before the id: two bytes at most, to be encoded with it
	suffix    []byte // the claims behind Data
}

// prepare makes f ready for tokens that are issued at t and expire that many
// seconds later, or never where these are 0.
func (f *frame) prepare(t time.Time, expiresIn int64) {
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
	f.prefix = append(f.prefix[:0], encodedHeader+"."...)
	f.prefix = appendEncoded(f.prefix, claims[:whole])
	f.remainder = append(f.remainder[:0], claims[whole:]...)

	f.suffix = append(f.suffix[:0], `,"date":"`...)
	f.suffix = t.UTC().AppendFormat(f.suffix, time.DateOnly)
	f.suffix = append(f.suffix, `"}}`...)
}
