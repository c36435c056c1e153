package jwtcore

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"tokenmint/jwtcore/ijson"
)

// AppendClaims appends object, a valid JSON object of additional claims, to dst,
// without its insignificant white space, for use in Claims. Numbers and strings stay as
// they are spelled.
//
// It returns an error that wraps ErrClaims, and names the claim, if object has a claim
// that Mint makes itself, or if "iss", "sub", "aud" or "nbf" does not have the type of
// RFC 7519 §4.1: other implementations refuse such a token.
func AppendClaims(dst []byte, object jsontext.Value) ([]byte, error) {
	var fault error
	err := ijson.ReadObject(object, func(name []byte, value jsontext.Value) {
		if fault == nil {
			fault = checkClaim(string(name), value)
		}
	})
	if err == nil {
		err = fault
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
		return errors.New("exp is set from the lifetime: send expires_in instead")
	case "payload":
		return errors.New("payload is made from the user data: send user_data instead")
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
