package handlers

import (
	"errors"
	"fmt"
	"slices"

	"github.com/labstack/echo/v4"

	"tokenmint/jwtcore/keyfile"
)

// Reasons why a request may not mint, besides those of bearerToken.
var (
	errNoCredential      = fmt.Errorf("%w: send it in the header Authorization, as Bearer and the credential", errCredential)
	errUnknownCredential = fmt.Errorf("%w: the service does not know the one in the header Authorization", errCredential)
)

// SetMintCredentials replaces the credentials that may mint with a copy of
// credentials, and logs their fingerprints. It is an error if there are none: a
// service that needs a credential does not stop needing one while it runs.
func (s *Service) SetMintCredentials(credentials []keyfile.Credential) error {
	if len(credentials) == 0 {
		return errors.New("there is no mint credential")
	}
	credentials = slices.Clone(credentials)
	s.mintCredentials.Store(&credentials)
	s.logger.Info("mint credentials", "count", len(credentials), "fingerprints", fingerprints(credentials))
	return nil
}

// authorizeMint returns an error if the caller may not mint. If the service has
// credentials, the caller must send one of them (RFC 6750 §2.1). Otherwise anyone may
// mint, except the web pages that checkOrigin refuses.
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
	recordOf(c).setCredential(credential)
	return nil
}
