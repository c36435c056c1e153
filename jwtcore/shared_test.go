package jwtcore

// What several tests share, except for published keys and tokens, which are in
// vectors_test.go.

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// algorithms are all algorithms, each with the hash function for crypto/hmac.
var algorithms = []struct {
	*Algorithm
	newHash func() hash.Hash
}{
	{HS256, sha256.New},
	{HS384, sha512.New384},
	{HS512, sha512.New},
}

// hs512 is the header of a minted token.
const hs512 = `{"typ":"JWT","alg":"HS512"}`

// encode returns the base64url of text.
func encode(text string) string { return base64url.EncodeToString([]byte(text)) }

// join returns a token of these parts. Signature is already encoded.
func join(header, claims, signature string) string {
	return encode(header) + "." + encode(claims) + "." + signature
}

// signed returns a token signed with secret. The signature is made with algorithm,
// even if the header names another.
func signed(algorithm *Algorithm, secret, header, claims string) string {
	input := encode(header) + "." + encode(claims)
	mac := NewKey(algorithm, []byte(secret)).appendMAC(nil, []byte(input))
	return input + "." + base64url.EncodeToString(mac)
}

// appendMAC appends HMAC(key, text) to dst.
func (k *Key) appendMAC(dst, text []byte) []byte {
	h := k.algorithm.hasher()
	defer k.algorithm.release(h)
	return h.appendMAC(dst, k, text)
}

// claimsOf returns the claims of a golden vector.
func claimsOf(t testing.TB, issuedAt int64, id, data string) Claims {
	t.Helper()
	claims := Claims{IssuedAt: time.Unix(issuedAt, 0), Data: jsontext.Value(data)}
	if n, err := hex.Decode(claims.ID[:], []byte(id)); err != nil || n != 16 {
		t.Fatalf("id %q: %d bytes, %v", id, n, err)
	}
	return claims
}

// inspect returns nil for a well-formed token that secret signed.
func inspect(text string, secret []byte) error {
	token, err := Parse(text)
	if err != nil {
		return err
	}
	return token.Verify(secret)
}

func decodeBase64url(t testing.TB, text string) []byte {
	t.Helper()
	decoded, err := base64url.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return decoded
}
