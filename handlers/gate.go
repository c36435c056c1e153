package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"tokenmint/jwtcore"
)

// The gate refuses a request for one of two reasons, both with 401 (RFC 6750 §3).
var (
	errNoToken      = errors.New("send a token in the header Authorization, as Bearer and the token")
	errInvalidToken = errors.New("the token does not pass")
)

// Reasons why an Authorization header does not have exactly one token.
var (
	errSeveralHeaders = errors.New("send one Authorization header, not several")
	errSeveralTokens  = errors.New("send one token after Bearer, and nothing else")
)

// auth answers /auth, the gate. 200 lets the request that a proxy asks about pass,
// 401 stops it, and there is no third answer.
func (s *Service) auth(c echo.Context) error {
	header := c.Response().Header()
	text, err := bearerToken(c.Request().Header["Authorization"])
	if err == errNoToken {
		header.Set("WWW-Authenticate", "Bearer")
		return err
	}
	var token jwtcore.Token
	if err == nil {
		token, err = s.validate(text)
	}
	if err != nil {
		header.Set("WWW-Authenticate", `Bearer error="invalid_token", error_description="`+err.Error()+`"`)
		return fmt.Errorf("%w: %w", errInvalidToken, err)
	}
	if id, ok := token.ID(); ok {
		header.Set("Token-Id", percentEncode(id))
	}
	header.Set("Token-Claims", strings.Split(text, ".")[1]) // as received
	s.writeHeader(c, http.StatusOK)
	return nil
}

func (s *Service) validate(text string) (jwtcore.Token, error) {
	token, err := jwtcore.Parse(text)
	if err != nil {
		return token, err
	}
	return token, token.Validate(s.keys(), s.now())
}

// bearerToken returns the token in the Authorization header (RFC 6750 §2.1). The
// scheme may be in any letter case, and one or more spaces follow it (RFC 9110
// §11.1 and §11.4). If the request has no token, the error is errNoToken.
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

// percentEncode encodes everything but visible ASCII, and the percent sign itself,
// as in RFC 3986 §2.1: a header cannot carry the rest, or could be split by it. The
// ids that are minted here stay as they are.
func percentEncode(id string) string {
	var encoded strings.Builder
	for _, c := range []byte(id) {
		if c <= ' ' || c > '~' || c == '%' {
			fmt.Fprintf(&encoded, "%%%02X", c)
		} else {
			encoded.WriteByte(c)
		}
	}
	return encoded.String()
}
