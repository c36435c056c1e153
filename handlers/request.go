package handlers

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"
)

// maxPooledBuffer is the size in bytes up to which a buffer is kept for the
// next request: a rare large one must not hold its memory for good.
const maxPooledBuffer = 64 << 10

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func releaseBuffer(buffer *bytes.Buffer) {
	if buffer.Cap() > maxPooledBuffer {
		return
	}
	buffer.Reset()
	buffers.Put(buffer)
}

// readJSON reads the body of a request that has to be JSON to its end, into
// buffer, and returns it. A body over limit bytes is refused without being
// read where its length is told in advance.
func readJSON(r *http.Request, limit int64, buffer *bytes.Buffer) ([]byte, error) {
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
	n, err := buffer.ReadFrom(io.LimitReader(r.Body, limit+1))
	if n > limit {
		return nil, errBodyTooLarge
	}
	if err != nil {
		return nil, errBodyCutShort
	}
	return buffer.Bytes(), nil
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
