package jwtcore

import (
	"crypto/sha256"
	"encoding/hex"
)

// Fingerprint identifies the key without revealing it: the first 8 hex digits of
// the SHA-256 of "tokenmint key" followed by the key. The algorithm does not
// matter.
func (k *Key) Fingerprint() string { return k.fingerprint }

// fingerprint returns the fingerprint of the key with the bytes secret. The text
// before them keeps it apart from other uses of their digest.
func fingerprint(secret []byte) string {
	text := append([]byte("tokenmint key"), secret...)
	defer clear(text)
	digest := sha256.Sum256(text)
	return hex.EncodeToString(digest[:4])
}
