package jwtcore

import "errors"

// Errors of this package wrap one of these and add the cause in their text. No
// text quotes a secret, a token, or what a token carries.
var (
	// ErrMalformed means that a text is not a JWT in the compact serialization
	// (RFC 7515 §3.1, RFC 7519 §7.2).
	ErrMalformed = errors.New("malformed token")

	// ErrTooDeep means that user data nests too deeply for a token.
	ErrTooDeep = errors.New("user_data nests too deeply")

	// ErrClaims means that additional claims cannot be part of a token.
	ErrClaims = errors.New("unusable claims")

	// ErrKeyEncoding means that the text of a key is not in the encoding that was
	// named for it.
	ErrKeyEncoding = errors.New("undecodable key")

	// ErrCritical means that the header requires an extension (RFC 7515 §4.1.11).
	ErrCritical = errors.New("the header has crit, and no extension that it could name is supported")

	// ErrAlgorithm means that the "alg" of the header is not accepted, so that the
	// signature was neither verified nor made.
	ErrAlgorithm = errors.New("the header's alg is not accepted")

	// ErrSignature means that the third segment is not the MAC over the first two.
	ErrSignature = errors.New("the signature does not match")

	// ErrTimeClaim means that "exp" or "nbf" is not a number (RFC 7519 §2).
	ErrTimeClaim = errors.New("exp and nbf must be numbers")

	// ErrExpired means that the time of "exp" has come (RFC 7519 §4.1.4).
	ErrExpired = errors.New("the token has expired")

	// ErrNotYetValid means that the time of "nbf" has not come (RFC 7519 §4.1.5).
	ErrNotYetValid = errors.New("the token is not valid yet")
)
