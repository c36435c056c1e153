package handlers

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"
)

// maxPooled is the size in bytes up to which memory is kept for the next
// request: a rare large one must not hold its own for good.
const maxPooled = 64 << 10

// exchange is the memory of one request and its answer. It is used again for
// others, so nothing of it may be kept.
type exchange struct {
	limited io.LimitedReader
	body    bytes.Buffer
	answer  []byte
}

var exchanges = sync.Pool{New: func() any { return new(exchange) }}

func newExchange() *exchange { return exchanges.Get().(*exchange) }

func (e *exchange) release() {
	if e.body.Cap() > maxPooled || cap(e.answer) > maxPooled {
		return
	}
	e.limited.R = nil
	e.body.Reset()
	e.answer = e.answer[:0]
	exchanges.Put(e)
}

// readJSON reads the body of a request that has to be JSON to its end and
// returns it. A body over limit bytes is refused, without being read where its
// length is told in advance.
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
	// The buffer grows with what arrives, not with what a header promises.
	e.limited = io.LimitedReader{R: r.Body, N: limit + 1}
	n, err := e.body.ReadFrom(&e.limited)
	if n > limit {
		return nil, errBodyTooLarge
	}
	if err != nil {
		return nil, errBodyCutShort
	}
	return e.body.Bytes(), nil
}

// isJSON reports whether the one Content-Type is application/json, with any
// parameters (RFC 9110 §8.3.1: types compare without regard to case).
func isJSON(contentType []string) bool {
	if len(contentType) != 1 {
		return false
	}
	mediaType, _, _ := strings.Cut(contentType[0], ";")
	return strings.EqualFold(strings.Trim(mediaType, " \t"), "application/json")
}

// isIdentity reports whether nothing was done to the body on its way
// (RFC 9110 §8.4).
func isIdentity(contentEncoding []string) bool {
	for _, coding := range contentEncoding {
		if coding != "" && !strings.EqualFold(coding, "identity") {
			return false
		}
	}
	return true
}
