package handlers

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"tokenmint/jwtcore"
)

// The two ways in which the gate refuses, both with 401 (RFC 6750 §3).
var (
	errNoToken      = errors.New("send a token in the header Authorization, as Bearer and the token")
	errInvalidToken = errors.New("the token does not pass")
)

// What can be wrong with the header in which a token comes.
var (
	errSeveralHeaders = errors.New("send one Authorization header, not several")
	errSeveralTokens  = errors.New("send one token behind Bearer, and nothing else")
)

// auth answers /auth, the gate: 200 lets the request that a proxy asks about
// pass, 401 stops it, and there is no third answer.
func (s *Service) auth(c echo.Context) error {
	header := c.Response().Header()
	text, err := bearerToken(c.Request().Header["Authorization"])
	if err == errNoToken {
		header["Www-Authenticate"] = []string{"Bearer"}
		return err
	}
	var token jwtcore.Token
	if err == nil {
		token, err = s.validate(text)
	}
	if err != nil {
		header["Www-Authenticate"] = []string{`Bearer error="invalid_token", error_description="` + err.Error() + `"`}
		return fmt.Errorf("%w: %w", errInvalidToken, err)
	}
	if id, ok := token.ID(); ok {
		header["Token-Id"] = []string{percentEncode(id)}
	}
	_, claims, _ := strings.Cut(text, ".")
	claims, _, _ = strings.Cut(claims, ".")
	header["Token-Claims"] = []string{claims} // base64url, as received
	s.closeWhenDraining(header)
	return c.NoContent(http.StatusOK)
}

func (s *Service) validate(text string) (jwtcore.Token, error) {
	token, err := jwtcore.Parse([]byte(text))
	if err != nil {
		return token, err
	}
	return token, token.Validate(s.keys(), s.now())
}

// bearerToken returns the token in the one Authorization header (RFC 6750
// §2.1; RFC 9110 §11.1 and §11.4: the scheme in any letter case, then one or
// more spaces). Its error is errNoToken where no token came.
func bearerToken(authorization []string) (string, error) {
	switch len(authorization) {
	case 0:
		return "", errNoToken
	case 1:
	default:
		return "", errSeveralHeaders
	}
	scheme, token, _ := strings.Cut(authorization[0], " ")
	token = strings.Trim(token, " ")
	switch {
	case !strings.EqualFold(scheme, "Bearer"), token == "":
		return "", errNoToken
	case strings.ContainsAny(token, " \t,"):
		return "", errSeveralTokens
	default:
		return token, nil
	}
}

// percentEncode escapes what a header value could not carry, or could be
// misled by, as RFC 3986 §2.1 has it: all but visible ASCII, and % itself. The
// ids that are minted here stay as they are.
func percentEncode(id []byte) string {
	if !bytes.ContainsFunc(id, needsEncoding) {
		return string(id)
	}
	var encoded strings.Builder
	for _, c := range id {
		if needsEncoding(rune(c)) {
			fmt.Fprintf(&encoded, "%%%02X", c)
		} else {
			encoded.WriteByte(c)
		}
	}
	return encoded.String()
}

func needsEncoding(r rune) bool { return r <= ' ' || r > '~' || r == '%' }
