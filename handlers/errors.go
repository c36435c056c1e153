package handlers

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"tokenmint/handlers/policy"
	"tokenmint/jwtcore"
	"tokenmint/jwtcore/ijson"
)

// The errors of requests. Each text is one line that says what to do, in ASCII,
// because it is also sent in a header.
var (
	errCredential       = errors.New("minting needs a credential")
	errOrigin           = errors.New("pages of this origin may not mint: the operator can list it in ORIGINS, or demand a credential instead")
	errContentType      = errors.New("send the Content-Type application/json")
	errFormType         = errors.New("send the Content-Type application/x-www-form-urlencoded")
	errLinesType        = errors.New("send the Content-Type application/x-ndjson or application/jsonl")
	errContentEncoding  = errors.New("send the body as it is, without a Content-Encoding")
	errBodyTooLarge     = errors.New("the body is too large: send at most 256 KiB to mint, 512 KiB to inspect")
	errTooManyBodies    = errors.New("too many large bodies and streams are in flight: send this one again in a second")
	errHTTPVersion      = errors.New("a stream needs HTTP/1.1: with nginx, set proxy_http_version 1.1")
	errBodyCutShort     = errors.New("the body ended early, arrived too slowly or was badly framed: send all of it")
	errMemberType       = errors.New("a member has the wrong type")
	errTokenAbsent      = errors.New("send the token to inspect in the member Token")
	errSigningKeyAbsent = errors.New("send the key to check the signature with in the member Signing_key")
	errSecretAbsent     = errors.New("send the key to sign with in the member Signing_key")
	errClaimsAbsent     = errors.New("send the claims to sign in the member Claims, an object")
	errForm             = errors.New("send a well-formed form, with its values percent-encoded")
	errTokenParameter   = errors.New("send one parameter token, with the token to introspect")
	errUserDataAbsent   = errors.New("send the data to sign in the member user_data: any JSON value except null")
	errNearMiss         = errors.New("a member looks like expires_in, but has another name: send the lifetime as expires_in, in whole seconds")
	errExpiresIn        = errors.New("send expires_in as whole seconds")
	errNotFound         = errors.New("there is no such route at this address: openapi.yaml lists the routes of the service")
	errMethod           = errors.New("this route does not support this method: the header Allow lists those it supports")
	errDraining         = errors.New("the service is stopping: ask another copy of it")
	errInternal         = errors.New("the service failed: try again, and report it to the operator if it fails again")
)

// errorTable is the one place where errors become status codes. GET, HEAD and
// POST /token use the codes of the service's published contract, which answers
// some errors with 2xx. All other routes use HTTP's own codes (RFC 9110 §15). An
// error that is not in the table is a 500.
var errorTable = []struct {
	err             error
	http, published int
}{
	{errNoToken, http.StatusUnauthorized, http.StatusUnauthorized},
	{errNoTokenHere, http.StatusUnauthorized, http.StatusUnauthorized},
	{errInvalidToken, http.StatusUnauthorized, http.StatusUnauthorized}, // whatever it wraps
	{errInsufficientScope, http.StatusForbidden, http.StatusForbidden},
	{policy.ErrQuery, http.StatusBadRequest, http.StatusBadRequest},
	{errCredential, http.StatusUnauthorized, http.StatusUnauthorized},
	{errOrigin, http.StatusForbidden, http.StatusForbidden},
	{errHTTPVersion, http.StatusUpgradeRequired, http.StatusUpgradeRequired},
	{errContentType, http.StatusUnsupportedMediaType, http.StatusAccepted},
	{errFormType, http.StatusUnsupportedMediaType, http.StatusUnsupportedMediaType},
	{errLinesType, http.StatusUnsupportedMediaType, http.StatusUnsupportedMediaType},
	{errContentEncoding, http.StatusUnsupportedMediaType, http.StatusUnsupportedMediaType},
	{errBodyTooLarge, http.StatusRequestEntityTooLarge, http.StatusRequestEntityTooLarge},
	{errTooManyBodies, http.StatusServiceUnavailable, http.StatusServiceUnavailable},
	{errBodyCutShort, http.StatusBadRequest, http.StatusBadRequest},
	{jwtcore.ErrMalformed, http.StatusBadRequest, http.StatusBadRequest},
	{ijson.ErrNotObject, http.StatusBadRequest, http.StatusBadRequest},
	{errMemberType, http.StatusBadRequest, http.StatusBadRequest},
	{errTokenAbsent, http.StatusBadRequest, http.StatusNonAuthoritativeInfo},
	{errSigningKeyAbsent, http.StatusBadRequest, http.StatusNoContent},
	{errSecretAbsent, http.StatusBadRequest, http.StatusBadRequest},
	{errClaimsAbsent, http.StatusBadRequest, http.StatusBadRequest},
	{errForm, http.StatusBadRequest, http.StatusBadRequest},
	{errTokenParameter, http.StatusBadRequest, http.StatusBadRequest},
	{errUserDataAbsent, http.StatusBadRequest, http.StatusBadRequest},
	{errNearMiss, http.StatusBadRequest, http.StatusBadRequest},
	{errExpiresIn, http.StatusBadRequest, http.StatusBadRequest},
	{jwtcore.ErrKeyEncoding, http.StatusBadRequest, http.StatusBadRequest},
	{jwtcore.ErrTooDeep, http.StatusBadRequest, http.StatusBadRequest},
	{jwtcore.ErrClaims, http.StatusBadRequest, http.StatusBadRequest},
	{jwtcore.ErrAlgorithm, http.StatusBadRequest, http.StatusBadRequest},
	{jwtcore.ErrCritical, http.StatusBadRequest, http.StatusBadRequest},
	{errNotFound, http.StatusNotFound, http.StatusNotFound},
	{errMethod, http.StatusMethodNotAllowed, http.StatusMethodNotAllowed},
	{errDraining, http.StatusServiceUnavailable, http.StatusServiceUnavailable},
	{errInternal, http.StatusInternalServerError, http.StatusInternalServerError},
}

// respondError answers with an error that a handler or the router returned.
func (s *Service) respondError(err error, c echo.Context) {
	switch {
	case errors.Is(err, echo.ErrNotFound):
		err = errNotFound
	case errors.Is(err, echo.ErrMethodNotAllowed):
		err = errMethod
	}
	status, err := s.explain(err, usesPublishedCodes(c))
	header := c.Response().Header()
	switch {
	case errors.Is(err, errCredential): // RFC 9110 §15.5.2
		header.Set("WWW-Authenticate", "Bearer")
		leaveBody(c)
	case errors.Is(err, errOrigin), errors.Is(err, errNotFound):
		leaveBody(c)
	case errors.Is(err, errContentType): // what would have been accepted (RFC 9110 §15.5.16)
		header.Set("Accept", jsonType.list())
	case errors.Is(err, errFormType):
		header.Set("Accept", formType.list())
	case errors.Is(err, errLinesType):
		header.Set("Accept", linesType.list())
	case errors.Is(err, errContentEncoding):
		header.Set("Accept-Encoding", "identity")
	case errors.Is(err, errHTTPVersion): // RFC 9110 §15.5.22
		header.Set("Upgrade", "HTTP/1.1")
		header.Add("Connection", "Upgrade")
	case errors.Is(err, errTooManyBodies):
		header.Set("Retry-After", "1")
		leaveBody(c)
	}
	header.Set("Error-Description", err.Error())
	recordOf(c).setError(err)
	if status == http.StatusNoContent { // which has no body (RFC 9110 §15.3.5)
		s.writeHeader(c, status)
		return
	}
	if status == http.StatusBadRequest && c.Path() == introspectPath {
		s.respondJSON(c, status, oauthErrorBody(err.Error()))
		return
	}
	s.respondJSON(c, status, errorBody(status, err.Error()))
}

// explain returns the status of err, and the error to send. If err is not in the table, it
// is a fault of the service: explain logs it, and its text is not sent.
func (s *Service) explain(err error, published bool) (status int, sent error) {
	status, ok := statusOf(err, published)
	if !ok {
		s.logger.Error("a request failed", "error", err)
		return status, errInternal
	}
	return status, err
}

// bodyGrace is how long the body of a request may still arrive after a response that does
// not depend on it. If the connection were closed at once, the client could lose the
// response.
const bodyGrace = 500 * time.Millisecond

// leaveBody closes the connection after the response. Otherwise net/http would first
// wait for the rest of the body, so that another request can follow it, and a client
// may hold that back.
func leaveBody(c echo.Context) {
	if c.Request().ContentLength != 0 {
		c.Response().Header().Set("Connection", "close")
		http.NewResponseController(c.Response()).SetReadDeadline(time.Now().Add(bodyGrace)) // it fails only in tests without a connection
	}
}

// errorBody returns the body of an error response.
func errorBody(status int, description string) []byte {
	body := append([]byte(`{"status":`), strconv.Itoa(status)...)
	body = append(body, `,"description":`...)
	body = appendString(body, description)
	return append(body, '}')
}

func usesPublishedCodes(c echo.Context) bool {
	switch c.Request().Method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
		return c.Path() == "/token"
	default:
		return false
	}
}

// statusOf returns the status of err, from the published contract or HTTP's own. If
// err is not in the table, ok is false and the status is 500.
func statusOf(err error, published bool) (status int, ok bool) {
	for _, row := range errorTable {
		if !errors.Is(err, row.err) {
			continue
		}
		if published {
			return row.published, true
		}
		return row.http, true
	}
	return http.StatusInternalServerError, false
}
