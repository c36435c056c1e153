package handlers

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"tokenmint/jwtcore"
)

// What can be wrong with a request. Each text is one line that says what to
// do, in ASCII, since it travels in a header as well.
var (
	errContentType      = errors.New("send the Content-Type application/json")
	errContentEncoding  = errors.New("send the body as it is, without a Content-Encoding")
	errBodyTooLarge     = errors.New("the body is too large: send at most 256 KiB to mint, 512 KiB to inspect")
	errBodyCutShort     = errors.New("the body ended early, came too slowly or was not well framed: send all of it")
	errMemberType       = errors.New("a member has the wrong type")
	errTokenAbsent      = errors.New("send the token to inspect in the member Token")
	errSigningKeyAbsent = errors.New("send the key to check the signature with in the member Signing_key")
	errUserDataAbsent   = errors.New("send the data to sign in the member user_data: any JSON value but null")
	errExpiresIn        = errors.New("send expires_in as whole seconds from 1 to 3153600000, or leave it out")
	errNotFound         = errors.New("nothing is here: see the routes in the README")
	errMethod           = errors.New("this route does not take this method: the header Allow names those it takes")
	errDraining         = errors.New("the service is stopping: ask another copy of it")
	errInternal         = errors.New("the service failed: try again, and tell its operator if that does not help")
)

// errorTable is the one place where errors become status codes. GET, HEAD and
// POST /token answer with the codes of the service's published contract, which
// says some of its errors with 2xx; all others use HTTP's own (RFC 9110 §15).
// An error that is not in the table is a 500.
var errorTable = []struct {
	err             error
	http, published int
}{
	{errNoToken, http.StatusUnauthorized, http.StatusUnauthorized},
	{errInvalidToken, http.StatusUnauthorized, http.StatusUnauthorized}, // whatever it wraps
	{errContentType, http.StatusUnsupportedMediaType, http.StatusAccepted},
	{errContentEncoding, http.StatusUnsupportedMediaType, http.StatusUnsupportedMediaType},
	{errBodyTooLarge, http.StatusRequestEntityTooLarge, http.StatusRequestEntityTooLarge},
	{errBodyCutShort, http.StatusBadRequest, http.StatusBadRequest},
	{jwtcore.ErrMalformed, http.StatusBadRequest, http.StatusBadRequest},
	{jwtcore.ErrNotObject, http.StatusBadRequest, http.StatusBadRequest},
	{errMemberType, http.StatusBadRequest, http.StatusBadRequest},
	{errTokenAbsent, http.StatusBadRequest, http.StatusNonAuthoritativeInfo},
	{errSigningKeyAbsent, http.StatusBadRequest, http.StatusNoContent},
	{errUserDataAbsent, http.StatusBadRequest, http.StatusBadRequest},
	{errExpiresIn, http.StatusBadRequest, http.StatusBadRequest},
	{jwtcore.ErrKeyEncoding, http.StatusBadRequest, http.StatusBadRequest},
	{jwtcore.ErrTooDeep, http.StatusBadRequest, http.StatusBadRequest},
	{errNotFound, http.StatusNotFound, http.StatusNotFound},
	{errMethod, http.StatusMethodNotAllowed, http.StatusMethodNotAllowed},
	{errDraining, http.StatusServiceUnavailable, http.StatusServiceUnavailable},
}

// respondError answers with an error that a handler or the router returned.
func (s *Service) respondError(err error, c echo.Context) {
	switch {
	case errors.Is(err, echo.ErrNotFound):
		err = errNotFound
	case errors.Is(err, echo.ErrMethodNotAllowed):
		err = errMethod
	}
	status := statusOf(err, usesPublishedCodes(c))
	if status == http.StatusInternalServerError {
		s.logger.Error("a request failed", "error", err)
		err = errInternal
	}
	header := c.Response().Header()
	s.closeWhenDraining(header)
	switch { // what would have been taken, RFC 9110 §15.5.16
	case errors.Is(err, errContentType):
		header.Set("Accept", "application/json")
	case errors.Is(err, errContentEncoding):
		header.Set("Accept-Encoding", "identity")
	}
	writeError(c.Response(), status, err.Error())
}

func usesPublishedCodes(c echo.Context) bool {
	switch c.Request().Method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
		return c.Path() == "/token"
	default:
		return false
	}
}

func statusOf(err error, published bool) int {
	for _, row := range errorTable {
		if !errors.Is(err, row.err) {
			continue
		}
		if published {
			return row.published
		}
		return row.http
	}
	return http.StatusInternalServerError
}

// writeError writes the error shape. The description is sent in a header too,
// since a 204 can carry no body (RFC 9110 §15.3.5).
func writeError(w http.ResponseWriter, status int, description string) {
	w.Header().Set("Error-Description", description)
	if status == http.StatusNoContent {
		w.WriteHeader(status)
		return
	}
	body := append([]byte(`{"status":`), strconv.Itoa(status)...)
	body = append(body, `,"description":`...)
	body = appendString(body, description)
	writeJSON(w, status, append(body, '}'))
}

// netHTTPBuffer is the size in bytes of the answers whose length net/http tells
// by itself, and for less than a handler can.
const netHTTPBuffer = 2048

// writeJSON writes a whole response. Its length is always told, so that a
// client can tell that none of it is missing.
func writeJSON(w http.ResponseWriter, status int, body []byte) {
	header := w.Header()
	header["Content-Type"] = applicationJSON
	if len(body) > netHTTPBuffer {
		header.Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(status)
	w.Write(body) // an error is the client's leaving, and nobody is left to tell
}
