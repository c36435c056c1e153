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
	h.claims = claims.appendJSON(h.claims[:0], h.dateOf(claims.IssuedAt))

	start := len(dst)
	size := len(encodedHeader) + len("..") + base64url.EncodedLen(len(h.claims)) + base64url.EncodedLen(k.algorithm.size)
	if cap(dst)-start < size { // slices.Grow takes 3 % of minting more
		dst = append(make([]byte, 0, start+size), dst...)
	}
	dst = append(dst, encodedHeader+"."...)
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

// appendJSON appends the claims as a JSON object. Nothing in it but Data comes
// from outside, and Data is JSON.
func (c Claims) appendJSON(dst, date []byte) []byte {
	issuedAt := c.IssuedAt.Unix()
	dst = append(dst, `{"iat":`...)
	dst = strconv.AppendInt(dst, issuedAt, 10)
	if c.ExpiresIn != 0 {
		dst = append(dst, `,"exp":`...)
		dst = strconv.AppendInt(dst, issuedAt+c.ExpiresIn, 10)
	}
	dst = append(dst, `,"jti":"`...)
	dst = hex.AppendEncode(dst, c.ID[:])
	dst = append(dst, `","payload":{"data":`...)
	dst = append(dst, c.Data...)
	dst = append(dst, `,"date":"`...)
	dst = append(dst, date...)
	return append(dst, `"}}`...)
}

// dateOf returns the UTC day of t as time.DateOnly has it. It is formatted once a
// day, which makes minting 2 % faster.
func (h *hasher) dateOf(t time.Time) []byte {
	const secondsPerDay = 24 * 60 * 60
	if second := t.Unix() - h.dayStart; second < 0 || second >= secondsPerDay || len(h.date) == 0 {
		day := t.UTC().Truncate(24 * time.Hour)
		h.dayStart, h.date = day.Unix(), day.AppendFormat(h.date[:0], time.DateOnly)
	}
	return h.date
}
