package jwtcore

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"tokenmint/jwtcore/ijson"
)

// Claims are the claims of a new token (RFC 7519 §4).
type Claims struct {
	IssuedAt  time.Time // "iat", in whole seconds; its UTC day is "date"
	ExpiresIn int64     // "exp", in seconds after IssuedAt; 0 for a token that does not expire
	ID        [16]byte  // "jti", as 32 lowercase hex digits

	// Data is "payload"."data", as AppendData returns it. If it is nil, the token has
	// no "payload".
	Data jsontext.Value

	// Additional is an object with the other claims, as AppendClaims returns it, or
	// nil. They follow the claims above, in their order.
	Additional jsontext.Value
}

// maxDataDepth leaves room for the three objects around user data in the response
// to an inspection (the response, the claims, their payload), so that every token
// can be inspected and every response be read.
const maxDataDepth = ijson.MaxDepth - 3

// AppendData appends a valid JSON value of any type to dst, without its
// insignificant white space, for use in Claims. Numbers and strings stay as they
// are spelled. It returns an error that wraps ErrTooDeep if the value nests more
// than 9997 objects and arrays.
func AppendData(dst []byte, value jsontext.Value) ([]byte, error) {
	if isDeeper(value, maxDataDepth) {
		return dst, fmt.Errorf("%w: at most %d levels", ErrTooDeep, maxDataDepth)
	}
	return ijson.AppendCompact(dst, value), nil
}

// isDeeper reports whether a valid JSON value nests more than that many objects and
// arrays.
func isDeeper(value jsontext.Value, depth int) bool {
	brackets := bytes.Count(value, []byte{'['}) + bytes.Count(value, []byte{'{'})
	return brackets > depth && ijson.Depth(value) > depth
}

// Mint appends to dst a new token in the compact serialization (RFC 7515 §3.1),
// signed with the key and with a header that names the key's algorithm. Apart from
// memory that it pools, it allocates only the space that dst lacks.
func (k *Key) Mint(dst []byte, claims Claims) []byte {
	h := k.algorithm.hasher()
	defer k.algorithm.release(h)
	return k.mint(h, dst, claims)
}

func (k *Key) mint(h *hasher, dst []byte, claims Claims) []byte {
	h.frame.prepare(k.algorithm, claims.IssuedAt, claims.ExpiresIn)
	h.claims = append(h.claims[:0], h.frame.remainder...)
	h.claims = hex.AppendEncode(h.claims, claims.ID[:])
	h.claims = append(h.claims, '"')
	if claims.Data != nil {
		h.claims = append(h.claims, `,"payload":{"data":`...)
		h.claims = append(h.claims, claims.Data...)
		h.claims = append(h.claims, h.frame.suffix...)
	}
	if len(claims.Additional) > len("{}") {
		h.claims = append(h.claims, ',')
		h.claims = append(h.claims, claims.Additional[1:]...) // with its closing brace
	} else {
		h.claims = append(h.claims, '}')
	}

	start := len(dst)
	size := len(h.frame.prefix) + base64url.EncodedLen(len(h.claims)) + len(".") + base64url.EncodedLen(k.algorithm.size)
	if cap(dst)-start < size { // slices.Grow would take 3 % of the time of Mint more
		dst = append(make([]byte, 0, start+size), dst...)
	}
	dst = append(dst, h.frame.prefix...)
	dst = appendEncoded(dst, h.claims)
	mac := h.appendMAC(h.sum[:0], k, dst[start:])
	dst = append(dst, '.')
	dst = appendEncoded(dst, mac)
	if cap(h.claims) > maxPooledClaims {
		h.claims = nil
	}
	return dst
}

// maxPooledClaims is the size in bytes up to which the memory of claims is used
// again. Larger memory would be wasted on the claims after them.
const maxPooledClaims = 64 << 10
