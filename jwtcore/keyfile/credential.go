package keyfile

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
)

// Credential is the digest of a secret whose holder may mint. The secret itself is
// not kept.
type Credential struct{ digest [sha256.Size]byte }

// credentialPrefix keeps the digest apart from those of the same text elsewhere.
const credentialPrefix = "tokenmint credential"

// NewCredential returns the credential for secret.
func NewCredential(secret string) Credential {
	return Credential{sha256.Sum256([]byte(credentialPrefix + secret))}
}

// Fingerprint identifies the credential without revealing its secret: the first 8
// hex digits of the SHA-256 of "tokenmint credential" followed by the secret.
func (c Credential) Fingerprint() string { return hex.EncodeToString(c.digest[:4]) }

// Match returns the one of credentials whose secret this is. It compares digests,
// all of them, so that the time that it takes depends only on their number and on
// the length of secret.
func Match(credentials []Credential, secret string) (Credential, bool) {
	presented := NewCredential(secret)
	found := 0
	for _, credential := range credentials {
		found |= subtle.ConstantTimeCompare(credential.digest[:], presented.digest[:])
	}
	return presented, found == 1
}
