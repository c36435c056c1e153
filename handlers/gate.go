package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"tokenmint/handlers/policy"
	"tokenmint/jwtcore"
)

// The gate answers 401 if there is no token or an invalid one, and 403 if the token lacks
// what the route demands (RFC 6750 §3.1).
var (
	errNoToken      = errors.New("send a token in the header Authorization, as Bearer and the token")
	errNoTokenHere  = errors.New("send a token in one of the places where this route looks for it")
	errInvalidToken = errors.New("the token does not pass")

	errInsufficientScope = errors.New("the token does not pass here")
)

// errRevoked means that the operator has revoked the token.
var errRevoked = errors.New("the token was revoked")

// withoutConditions is the policy of /auth.
var withoutConditions = policy.Default()

// auth answers /auth and /ext_authz/…, the gate without conditions: 200 lets the request
// that a proxy asks about pass, 401 stops it. It ignores the query, because some proxies
// append that of the client.
func (s *Service) auth(c echo.Context) error { return s.decide(c, withoutConditions) }

// authIf answers /auth/if, the gate with the conditions in the query.
func (s *Service) authIf(c echo.Context) error {
	p, err := s.policies.find(c.Request().URL.RawQuery)
	if err != nil {
		leaveBody(c)
		s.metrics.countRefusal(err)
		recordOf(c).setReason(err)
		return err
	}
	return s.decide(c, p)
}

// decide answers a request to the gate by a policy. It does not wait for a body that the
// proxy announces: some never send it.
func (s *Service) decide(c echo.Context, p *policy.Policy) error {
	leaveBody(c)
	r := c.Request()
	if isPreflight(r, p.Preflight()) {
		return s.pass(c, p, "", "", nil)
	}
	text, err := findToken(r, p)
	if err != nil {
		return s.refuse(c, err)
	}
	now := s.now()
	token, key, err := s.validate(text, now, p.Leeway())
	recordOf(c).setToken(&token, key)
	if err != nil {
		return s.refuse(c, err)
	}
	headers, err := p.Evaluate(&token, now)
	if err != nil {
		return s.refuse(c, err)
	}
	s.metrics.countPass(key)
	id, _ := token.ID()
	return s.pass(c, p, id, strings.Split(text, ".")[1], headers)
}

// pass lets a request pass. Every header is there, and empty if it has no value, so that
// a proxy replaces what the client sent under its name. Headers are the values of those
// that the policy adds, or nil if all of them are empty.
func (s *Service) pass(c echo.Context, p *policy.Policy, id, claims string, headers []string) error {
	header := c.Response().Header()
	header.Set("Token-Id", policy.Encode(id))
	if p.SendsClaims() {
		header.Set("Token-Claims", claims) // as received
	}
	for i, name := range p.Headers() {
		value := ""
		if headers != nil {
			value = headers[i]
		}
		header.Set(name, value)
	}
	s.writeHeader(c, http.StatusOK)
	return nil
}

// refuse stops a request, with the challenge of RFC 6750 §3.
func (s *Service) refuse(c echo.Context, err error) error {
	s.metrics.countRefusal(err)
	recordOf(c).setReason(err)
	challenge := `Bearer error="invalid_token", error_description="` + err.Error() + `"`
	switch {
	case errors.Is(err, errNoToken), errors.Is(err, errNoTokenHere):
		challenge = "Bearer"
	case errors.Is(err, policy.ErrClaim), errors.Is(err, policy.ErrScope):
		challenge = `Bearer error="insufficient_scope", error_description="` + err.Error() + `"`
		err = fmt.Errorf("%w: %w", errInsufficientScope, err)
	default:
		err = fmt.Errorf("%w: %w", errInvalidToken, err)
	}
	c.Response().Header().Set("WWW-Authenticate", challenge)
	return err
}

// validate returns the token in text, if it may pass at now, and the key that signed it.
// If it may not pass, key is still the one that signed it, or nil.
func (s *Service) validate(text string, now time.Time, leeway time.Duration) (token jwtcore.Token, key *jwtcore.Key, err error) {
	if token, err = jwtcore.Parse(text); err != nil {
		return token, nil, err
	}
	if key, err = token.Validate(s.keys(), now, leeway); err != nil {
		return token, key, err
	}
	if s.isRevoked(&token) {
		return token, key, errRevoked
	}
	return token, key, nil
}

// isPreflight reports whether a proxy asks about a preflight request (CORS,
// https://fetch.spec.whatwg.org), of which it reports the method in the header called
// methodHeader. Browsers send no token with these.
func isPreflight(r *http.Request, methodHeader string) bool {
	if methodHeader == "" {
		return false
	}
	methods := r.Header.Values(methodHeader)
	return len(methods) == 1 && methods[0] == http.MethodOptions &&
		r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}
