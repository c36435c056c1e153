// Package jwtcore mints, parses and verifies JSON Web Tokens (RFC 7519) in the
// compact serialization (RFC 7515 §3.1), signed with HMAC (RFC 7518 §3.2).
//
// To mint a token, make a Key with NewKey and call its Mint method. To inspect
// one, call Parse, which returns an error if the text is not a token, and then
// Verify with the secret that should have signed it, or Signer with Keys. To let a
// token pass a gate, call Validate with the Keys that may have signed it. To sign a
// header and claims of any kind, call Sign.
//
// The package reads no clock, speaks no HTTP and stores no secret. It guards
// against these threats:
//
//   - A token has only one spelling: Parse refuses text that would be different
//     if it were encoded again. So nobody can change a token and keep it valid,
//     or get it past a list of revoked tokens in another spelling.
//   - Parse refuses objects in which a member name occurs twice, because two
//     readers could understand them differently.
//   - The "alg" of the header selects one of the HMAC algorithms and nothing
//     else; "none" is not one of them (RFC 8725 §3.1). Keys and addresses in the
//     header ("jwk", "jku", "x5u") are never used.
//   - MACs are compared in constant time.
//   - No error contains a secret, a token, or a part of one.
//
// Tokens and keys share no memory with what they were made from, and the secret
// that Verify or NewKey was called with is not left in memory that is used again.
package jwtcore
