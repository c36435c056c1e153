package handlers

import (
	"errors"
	"fmt"
	"slices"

	"github.com/labstack/echo/v4"

	"tokenmint/jwtcore/keyfile"
)

// Reasons why a request has no credential that may mint.
var (
	errNoCredential      = fmt.Errorf("%w: send it in the header Authorization, as Bearer and the credential", errCredential)
	errUnknownCredential = fmt.Errorf("%w: the service does not know the one in the header Authorization", errCredential)
)

// credentialKey is where a request keeps the credential with which it may mint, for
// the log.
const credentialKey = "credential"

// SetMintCredentials replaces the credentials that may mint with a copy of
// credentials. It is an error if there are none: a service that needs a credential
// does not stop to need one while it runs.
func (s *Service) SetMintCredentials(credentials []keyfile.Credential) error {
	if len(credentials) == 0 {
		return errors.New("there is no mint credential")
	}
	credentials = slices.Clone(credentials)
	s.mintCredentials.Store(&credentials)
	return nil
}

// authorizeMint returns an error if the caller may not mint. With credentials, the
// caller must send one of them (RFC 6750 §2.1). Without, anyone may mint, but not
// any web page that the browser of someone near the service shows.
func (s *Service) authorizeMint(c echo.Context) error {
	credentials := s.mintCredentials.Load()
	if credentials == nil {
		return s.checkOrigin(c.Request())
	}
	secret, err := bearerToken(c.Request().Header["Authorization"])
	if err == errNoToken {
		return errNoCredential
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errCredential, err)
	}
	credential, ok := keyfile.Match(*credentials, secret)
	if !ok {
		return errUnknownCredential
	}
	if s.accessLog {
		c.Set(credentialKey, credential)
	}
	return nil
}
