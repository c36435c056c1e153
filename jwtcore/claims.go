package jwtcore

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"tokenmint/jwtcore/ijson"
)

// maxClaimsDepth leaves room for the object around the claims in the response to an
// inspection.
const maxClaimsDepth = ijson.MaxDepth - 1

var errClaimsDepth = fmt.Errorf("they nest deeper than %d levels", maxClaimsDepth)

// AppendClaims appends object, a valid JSON object of additional claims, to dst,
// without its insignificant white space, for use in Claims. Numbers and strings stay as
// they are spelled.
//
// It returns an error that wraps ErrClaims, and names the claim, if object has a claim
// that Mint sets, or if "iss", "sub", "aud" or "nbf" does not have the type of RFC 7519
// §4.1: other implementations refuse such a token. The same goes for an object that nests
// more than 9999 objects and arrays.
func AppendClaims(dst []byte, object jsontext.Value) ([]byte, error) {
	var fault error
	err := ijson.ReadObject(object, func(name []byte, value jsontext.Value) {
		if fault == nil {
			fault = checkClaim(string(name), value)
		}
	})
	switch {
	case err != nil:
	case fault != nil:
		err = fault
	case isDeeper(object, maxClaimsDepth):
		err = errClaimsDepth
	}
	if err != nil {
		return dst, fmt.Errorf("%w: %w", ErrClaims, err)
	}
	return ijson.AppendCompact(dst, object), nil
}

// checkClaim returns an error if a token cannot have this additional claim.
func checkClaim(name string, value jsontext.Value) error {
	switch name {
	case "iat", "jti":
		return fmt.Errorf("%s is set for every token: leave it out", name)
	case "exp":
		return errors.New("exp is set from expires_in: send that instead")
	case "payload":
		return errors.New("payload is set from user_data: send that instead")
	case "iss", "sub":
		if !isString(value) {
			return fmt.Errorf("%s must be a string", name)
		}
	case "aud":
		if !isString(value) && !ijson.IsArrayOfStrings(value) {
			return errors.New("aud must be a string or an array of strings")
		}
	case "nbf":
		if !isNumber(value) {
			return errors.New("nbf must be a number, in seconds since 1970")
		}
	}
	return nil
}

func isString(value jsontext.Value) bool { return value.Kind() == '"' }
