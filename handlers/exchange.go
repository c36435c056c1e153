package handlers

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"
)

// maxPooled is the size in bytes up to which buffers are used again. Larger ones
// would be wasted on the requests after them.
const maxPooled = 64 << 10

// exchange holds the buffers for one request and its response. It is pooled:
// callers must not retain any part of it.
type exchange struct {
	body     bytes.Buffer
	data     []byte // the user data without insignificant white space
	response []byte
}

var exchanges = sync.Pool{New: func() any { return new(exchange) }}

func newExchange() *exchange { return exchanges.Get().(*exchange) }

// release overwrites what e holds, keys above all, and returns it to the pool.
func (e *exchange) release() {
	clear(e.body.Bytes())
	clear(e.data)
	clear(e.response)
	if max(e.body.Cap(), cap(e.data), cap(e.response)) > maxPooled {
		return
	}
	e.body.Reset()
	e.data = e.data[:0]
	e.response = e.response[:0]
	exchanges.Put(e)
}

// readJSON reads the body of a request for JSON and returns it. The body belongs
// to e. It is an error if the body has more than limit bytes; if its length is
// known beforehand, such a body is not read.
func (e *exchange) readJSON(r *http.Request, limit int64) ([]byte, error) {
	if !isJSON(r.Header["Content-Type"]) {
		return nil, errContentType
	}
	if !isIdentity(r.Header["Content-Encoding"]) {
		return nil, errContentEncoding
	}
	if r.ContentLength > limit {
		return nil, errBodyTooLarge
	}
	// The buffer grows with what arrives, not with what Content-Length promises.
	n, err := e.body.ReadFrom(io.LimitReader(r.Body, limit+1))
	if n > limit {
		return nil, errBodyTooLarge
	}
	if err != nil {
		return nil, errBodyCutShort
	}
	return e.body.Bytes(), nil
}

// isJSON reports whether there is one Content-Type and it is application/json,
// with any parameters. Types compare without regard to case (RFC 9110 §8.3.1).
func isJSON(contentType []string) bool {
	if len(contentType) != 1 {
		return false
	}
	mediaType, _, _ := strings.Cut(contentType[0], ";")
	return strings.EqualFold(strings.Trim(mediaType, " \t"), "application/json")
}

// isIdentity reports whether the body has no content coding (RFC 9110 §8.4).
func isIdentity(contentEncoding []string) bool {
	for _, coding := range contentEncoding {
		if coding != "" && !strings.EqualFold(coding, "identity") {
			return false
		}
	}
	return true
}

// respondJSON writes a response with a JSON body.
func (s *Service) respondJSON(c echo.Context, status int, body []byte) error {
	return s.respond(c, status, "application/json", body)
}

// respond writes a response. Its length is always in the header, so that a client
// can see that it has received all of it.
func (s *Service) respond(c echo.Context, status int, contentType string, body []byte) error {
	header := c.Response().Header()
	header.Set("Content-Type", contentType)
	header.Set("Content-Length", strconv.Itoa(len(body)))
	s.writeHeader(c, status)
	c.Response().Write(body) // it fails only if the client is gone
	return nil
}

// writeHeader writes the header of a response. It sets Connection: close if the
// service began to drain after the request arrived.
func (s *Service) writeHeader(c echo.Context, status int) {
	if s.draining.Load() {
		c.Response().Header().Set("Connection", "close")
	}
	c.Response().WriteHeader(status)
}
