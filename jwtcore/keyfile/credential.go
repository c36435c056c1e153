package keyfile

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
)

const (
	// minCredentialSize is the number of characters in the shortest credential:
	// as hex digits, they hold 128 bits.
	minCredentialSize = 32

	// maxCredentialSize is the number of characters in the longest credential. It
	// leaves room for other fields in a header of 16 KiB.
	maxCredentialSize = 4 << 10
)

// ErrCredential is wrapped by all errors about mint credentials, and about files of
// them, that cannot be used.
var ErrCredential = errors.New("unusable mint credential")

// Credential is the digest of a secret whose holder may mint. The secret itself is
// not kept.
type Credential struct{ digest [sha256.Size]byte }

// NewCredential returns the Credential for secret, which may be any text: what a
// client sends must be compared before it is trusted.
func NewCredential(secret string) Credential {
	return Credential{sha256.Sum256(append([]byte("tokenmint credential"), secret...))}
}

// Fingerprint identifies the credential without revealing its secret: the first 8
// hex digits of the SHA-256 of "tokenmint credential" followed by the secret.
func (c Credential) Fingerprint() string { return hex.EncodeToString(c.digest[:4]) }

// Match returns the one of credentials whose secret is the given one, and reports
// whether there is one. It compares the digests of all of them in constant time:
// the time that it takes depends only on their number and the length of secret,
// which its sender knows. All digests have one length, without which the comparison
// would end early.
func Match(credentials []Credential, secret string) (Credential, bool) {
	given := NewCredential(secret)
	equal := 0
	for _, credential := range credentials {
		equal |= subtle.ConstantTimeCompare(credential.digest[:], given.digest[:])
	}
	if equal == 0 {
		return Credential{}, false
	}
	return given, true
}

// ReadCredentials returns the credentials in the named file. It is an error if
// there is none, if a line breaks the rules of the package, or is not 32 to 4096
// characters that a client could send as a bearer token (b64token, RFC 6750 §2.1),
// or if the file is not a regular file of at most 1 MiB. If the file does not
// exist, the error wraps fs.ErrNotExist.
//
// The warnings, one line each, are about a file that users other than its owner and
// group can use.
func ReadCredentials(path string) (credentials []Credential, warnings []string, err error) {
	text, mode, err := read(path)
	defer clear(text)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrCredential, err)
	}
	credentials, err = parseCredentials(text)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return credentials, modeWarnings(path, mode), nil
}

// parseCredentials returns the credentials in text, of which there is at least one.
func parseCredentials(text []byte) (credentials []Credential, err error) {
	lines, err := parseLines(text, checkCredential)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCredential, err)
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("%w: there is no credential: blank lines and lines that start with # do not count", ErrCredential)
	}
	for _, line := range lines {
		credentials = append(credentials, NewCredential(string(line.secret)))
	}
	return credentials, nil
}

// b64token is the form of a bearer token (RFC 6750 §2.1).
var b64token = regexp.MustCompile(`^[A-Za-z0-9\-._~+/]+=*$`)

// checkCredential returns an error if secret cannot be a credential.
func checkCredential(secret []byte) error {
	switch {
	case !b64token.Match(secret):
		return errors.New("a character that a bearer token cannot have (RFC 6750 section 2.1): use letters, digits and - . _ ~ + /, with = only at the end")
	case len(secret) < minCredentialSize:
		return fmt.Errorf("%d characters, but a credential has at least %d", len(secret), minCredentialSize)
	case len(secret) > maxCredentialSize:
		return fmt.Errorf("%d characters, but a credential has at most %d", len(secret), maxCredentialSize)
	default:
		return nil
	}
}
