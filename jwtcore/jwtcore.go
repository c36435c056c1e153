// Package jwtcore mints, parses and verifies JSON Web Tokens (RFC 7519) in the
// compact serialization (RFC 7515 §3.1), signed with HMAC (RFC 7518 §3.2).
//
// To mint is one call on a Key that ParseKeys or ReadKeyFile returned. To
// inspect is two: Parse says whether a text is a token at all, Verify whether
// a given key signed it.
//
// The package reads no clock, speaks no HTTP and stores no key. What guards
// against what:
//
//   - Every token has one spelling only: Parse refuses text that would not
//     come out the same if encoded again, so a token cannot be changed and
//     stay valid, nor pass a list of revoked tokens in another spelling.
//   - Objects with one name twice, which two readers may read in two ways, are
//     refused.
//   - The header's "alg" selects among HMAC algorithms and nothing else; "none"
//     is none of them (RFC 8725 §3.1). Keys and addresses in a header ("jwk",
//     "jku", "x5u") are never used.
//   - MACs are compared in constant time.
//   - No error text holds a key, a token or a part of one.
package jwtcore
