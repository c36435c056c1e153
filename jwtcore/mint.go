package jwtcore

import (
	"bytes"
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
// white space, ready for Claims. Numbers and strings stay as they are
// spelled. The result may use value's memory. The error is ErrTooDeep for a
// value that a token could not carry.
func CompactData(value jsontext.Value) (jsontext.Value, error) {
	if kind := value.Kind(); kind != '{' && kind != '[' {
		return value, nil // ReadObject left no white space around it
	}
	if nestsDeeper(value, maxDataDepth) {
		return nil, fmt.Errorf("%w: at most %d levels", ErrTooDeep, maxDataDepth)
	}
	if err := value.Compact(); err != nil {
		return nil, notObject(value, err)
	}
	return value, nil
}

// nestsDeeper reports whether a valid JSON value holds more than limit objects
// and arrays inside one another.
func nestsDeeper(value jsontext.Value, limit int) bool {
	if bytes.Count(value, []byte{'['})+bytes.Count(value, []byte{'{'}) <= limit {
		return false // far the most common case, and no walk
	}
	depth, inString := 0, false
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c == '"':
			inString = !inString
		case inString && c == '\\':
			i++
		case inString:
		case c == '[' || c == '{':
			if depth++; depth > limit {
				return true
			}
		case c == ']' || c == '}':
			depth--
		}
	}
	return false
}

// Mint appends to dst a new token in the compact serialization (RFC 7515
// §3.1), signed with key, which has to be made for HS512.
func (k *Key) Mint(dst []byte, claims Claims) []byte {
	start := len(dst)
	dst = append(dst, encodedHeader...)
	dst = append(dst, '.')
	dst = base64url.AppendEncode(dst, claims.appendJSON(nil))
	mac := k.appendMAC(nil, dst[start:])
	dst = append(dst, '.')
	return base64url.AppendEncode(dst, mac)
}

// appendJSON appends the claims as a JSON object. Nothing in it but Data comes
// from outside, and Data is JSON.
func (c Claims) appendJSON(dst []byte) []byte {
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
	dst = c.IssuedAt.UTC().AppendFormat(dst, time.DateOnly)
	return append(dst, `"}}`...)
}
