package handlers

import (
	"io"
	"net/http"
	"strings"
	"sync"
)

// body is the body of a request. It is pooled: callers must not retain any part of
// it. It is apart from answer, because a client may send it slowly, and the buffers of
// the answer should not wait with it.
type body struct {
	text        []byte
	reservation reservation // for a large body, and then for its answer
}

var bodies = sync.Pool{New: func() any { return new(body) }}

func newBody() *body { return bodies.Get().(*body) }

// release overwrites what b holds, keys above all, and returns it to the pool.
func (b *body) release() {
	b.text = emptied(b.text)
	b.reservation.release()
	bodies.Put(b)
}

// contentType is the type of a body that a route takes.
type contentType struct {
	names []string
	err   error // for other types
}

var (
	jsonType  = contentType{[]string{"application/json"}, errContentType}
	formType  = contentType{[]string{"application/x-www-form-urlencoded"}, errFormType}
	linesType = contentType{[]string{"application/x-ndjson", "application/jsonl"}, errLinesType}
)

// readAll reads the body of a request, which must have the given type. It is an error
// if the body has more than limit bytes; if its length is known beforehand, such a body
// is not read. A large body needs a reservation.
func (b *body) readAll(r *http.Request, accepted contentType, limit int64, memory *bodyMemory) error {
	if _, ok := accepted.match(r.Header["Content-Type"]); !ok {
		return accepted.err
	}
	if !isIdentity(r.Header["Content-Encoding"]) {
		return errContentEncoding
	}
	if r.ContentLength > limit {
		return errBodyTooLarge
	}
	size := r.ContentLength
	if size < 0 { // unknown
		size = limit + 1 // enough to see that the body is too large
	}
	err := b.read(r.Body, min(size, largeBody))
	if err == nil && size > largeBody {
		var ok bool
		if b.reservation, ok = memory.reserve(size); !ok {
			return errTooManyBodies
		}
		b.grow(size)
		err = b.read(r.Body, size)
	}
	switch {
	case int64(len(b.text)) > limit:
		return errBodyTooLarge
	case err != nil && err != io.EOF:
		return errBodyCutShort
	default:
		return nil
	}
}

// read reads r until b has size bytes. It returns io.EOF if r ends before or there.
// The memory grows with what arrives, not with what Content-Length promises.
func (b *body) read(r io.Reader, size int64) error {
	for int64(len(b.text)) < size {
		if len(b.text) == cap(b.text) {
			b.grow(min(max(512, 2*int64(cap(b.text))), size))
		}
		n, err := r.Read(b.text[len(b.text):min(int64(cap(b.text)), size)])
		b.text = b.text[:len(b.text)+n]
		if err != nil {
			return err
		}
	}
	return nil
}

// grow moves the text into new memory that has room for size bytes.
func (b *body) grow(size int64) {
	text := append(make([]byte, 0, size), b.text...)
	clear(b.text)
	b.text = text
}

// match returns the name of t that is in the header Content-Type, with any parameters. Ok
// is false if there is not exactly one such header. Types compare without regard to case
// (RFC 9110 §8.3.1).
func (t contentType) match(header []string) (name string, ok bool) {
	if len(header) != 1 {
		return "", false
	}
	mediaType, _, _ := strings.Cut(header[0], ";")
	mediaType = strings.Trim(mediaType, " \t")
	for _, name := range t.names {
		if strings.EqualFold(mediaType, name) {
			return name, true
		}
	}
	return "", false
}

// list returns the names of t, as a header has them (RFC 9110 §5.6.1).
func (t contentType) list() string { return strings.Join(t.names, ", ") }

// isIdentity reports whether the body has no content coding (RFC 9110 §8.4).
func isIdentity(contentEncoding []string) bool {
	for _, coding := range contentEncoding {
		if coding != "" && !strings.EqualFold(coding, "identity") {
			return false
		}
	}
	return true
}
