package jwtcore

import (
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"tokenmint/jwtcore/ijson"
)

// DefaultHeader returns the JOSE header of a token minted with a.
func (a *Algorithm) DefaultHeader() jsontext.Value { return jsontext.Value(a.header) }

// Sign appends to dst a token with this header and these claims, a JSON object each,
// signed with secret, the bytes of the key, by the algorithm that the header names (RFC
// 7515 §5.1). Header and claims go into the token without their insignificant white
// space; numbers and strings stay as they are spelled. It is the inverse of Parse.
//
// It returns an error that wraps ijson.ErrNotObject if one of them is not a JSON object,
// ErrAlgorithm if the header's "alg" is not HS256, HS384 or HS512, or ErrCritical if the
// header has "crit". Sign does not keep secret.
func Sign(dst []byte, header, claims jsontext.Value, secret []byte) ([]byte, error) {
	algorithm, err := signingAlgorithm(header)
	if err != nil {
		return dst, err
	}
	if err := ijson.ReadObject(claims, func([]byte, jsontext.Value) {}); err != nil {
		return dst, err
	}
	header, claims = ijson.AppendCompact(nil, header), ijson.AppendCompact(nil, claims)
	start := len(dst)
	dst = appendEncoded(dst, header)
	dst = append(dst, '.')
	dst = appendEncoded(dst, claims)
	return algorithm.appendSignature(dst, start, secret), nil
}

// appendSignature appends a dot and the third segment to dst, whose text from start on
// is the first two.
func (a *Algorithm) appendSignature(dst []byte, start int, secret []byte) []byte {
	h := a.hasher()
	defer a.release(h)
	mac := h.mac(secret, dst[start:])
	dst = append(dst, '.')
	return appendEncoded(dst, mac)
}

// signingAlgorithm returns the algorithm that a header names, to sign with it.
func signingAlgorithm(header jsontext.Value) (*Algorithm, error) {
	alg, critical, err := readHeader(header)
	if err != nil {
		return nil, err
	}
	if critical {
		return nil, ErrCritical
	}
	name, _ := ijson.Text(alg)
	algorithm := hmacNamed(string(name))
	if algorithm == nil {
		return nil, fmt.Errorf("%w: it must be HS256, HS384 or HS512", ErrAlgorithm)
	}
	return algorithm, nil
}
