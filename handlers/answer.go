package handlers

import (
	"net/http"
	"strconv"
	"sync"

	"github.com/labstack/echo/v4"
)

// maxPooled is the size in bytes up to which buffers are used again: enough for all
// bodies that are not large, and their answers. Larger ones would be wasted on the
// requests after them.
const maxPooled = 2 * largeBody

// answer holds the buffers for the response to a request. It is pooled: callers must
// not retain any part of it.
type answer struct {
	data []byte // the user data without insignificant white space
	text []byte
}

var answers = sync.Pool{New: func() any { return new(answer) }}

func newAnswer() *answer { return answers.Get().(*answer) }

// release overwrites what a holds and returns it to the pool.
func (a *answer) release() {
	a.data, a.text = emptied(a.data), emptied(a.text)
	answers.Put(a)
}

// emptied overwrites buffer and returns it without content, or nil if it is too
// large for a pool.
func emptied(buffer []byte) []byte {
	clear(buffer)
	if cap(buffer) > maxPooled {
		return nil
	}
	return buffer[:0]
}

// answerJSON reads the body of a request, of at most limit bytes, and responds with the
// JSON text that process appends to the answer.
func (s *Service) answerJSON(c echo.Context, accepted contentType, limit int64, process func(a *answer, body []byte) error) error {
	b := newBody()
	defer b.release()
	if err := b.readAll(c.Request(), accepted, limit, s.bodyMemory); err != nil {
		return err
	}
	a := newAnswer()
	defer a.release()
	var err error
	if b.isLarge() {
		err = a.takeTurn(b, process)
	} else {
		err = process(a, b.text)
	}
	if err != nil {
		return err
	}
	return s.respondJSON(c, http.StatusOK, a.text)
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
