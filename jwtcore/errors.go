package jwtcore

import "errors"

// Errors are a class, found with errors.Is, and a cause in the text behind
// it. No text quotes a key, a token or what a token carries.
var (
	// ErrNotObject: a text is not exactly one JSON object in strict form.
	ErrNotObject = errors.New("not one JSON object")

	// ErrMalformed: a text is not a JWT in the compact serialization
	// (RFC 7515 §3.1, RFC 7519 §7.2).
	ErrMalformed = errors.New("malformed token")

	// ErrTooDeep: user data nests deeper than a token can carry.
	ErrTooDeep = errors.New("user_data nests too deep")

	// ErrKey: a signing key, or the text or file that holds it, cannot be used.
	ErrKey = errors.New("unusable signing key")

	// ErrKeyEncoding: the text of a key is not of the encoding it is said to be.
	ErrKeyEncoding = errors.New("undecodable key")
)
