package handlers

import (
	"context"
	"io"
	"maps"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
)

// Time limits of a stream, in place of those of a whole request.
const (
	lineInterval  = 60 * time.Second // from the end of a line to the beginning of the next one
	lineTimeout   = 10 * time.Second // from the beginning of a line to its end
	answerTimeout = 15 * time.Second // for each write
)

// mintLines answers POST /tokens: each line as POST /token would.
func (s *Service) mintLines(c echo.Context) error {
	st := &stream{service: s, context: c, lines: lineReader{limit: maxMintBody}}
	st.authorize = func() error { return s.authorizeMint(c) }
	st.process = func(a *answer, line []byte) error {
		_, err := s.mintToken(a, line, st.now, st.random)
		return err
	}
	return st.serve()
}

// verifyLines answers POST /tokens/verify: each line as POST /token/verify would.
func (s *Service) verifyLines(c echo.Context) error {
	st := &stream{service: s, context: c, lines: lineReader{limit: maxInspectBody}}
	st.authorize = func() error { return nil }
	st.process = func(a *answer, line []byte) error { return s.verifyToken(a, line, st.now) }
	return st.serve()
}

// stream is a request with many lines. Each of them is answered like a request of its own,
// while others may still arrive (https://github.com/ndjson/ndjson-spec). The answers are
// written when there are many of them, and before the stream waits for more lines.
type stream struct {
	service   *Service
	context   echo.Context
	mediaType string                             // of the lines and their answers
	authorize func() error                       // returns an error if the caller may not use the stream
	process   func(a *answer, line []byte) error // appends the answer to a line

	*streamBuffers
	reservation reservation // for the buffers
	lines       lineReader
	control     *http.ResponseController

	answered  int64     // lines
	now       time.Time // when the turn began
	timedLine int64     // the number of lines before the one that began at lineBegan
	lineBegan time.Time // when the stream had the first part of that line, and waited for the rest
	ended     error     // why the service ends the stream early, or nil
}

// serve answers all lines. If it does not reach the end of the request, the response ends
// without its last chunk, so that the client knows (RFC 9112 §8).
func (st *stream) serve() error {
	if err := st.begin(); err != nil {
		leaveBody(st.context)
		return err
	}
	defer st.end()
	st.writeHeader()
	err := st.answerLines()
	if st.ended != nil && st.ended != errDraining {
		st.appendError(st.ended)
	}
	if flushErr := st.flush(); err != io.EOF || flushErr != nil {
		st.control.SetReadDeadline(time.Now().Add(bodyGrace)) // net/http still reads
		panic(http.ErrAbortHandler)
	}
	return nil
}

// begin checks the request and takes memory for its buffers.
func (st *stream) begin() error {
	if err := st.authorize(); err != nil {
		return err
	}
	if !st.context.Request().ProtoAtLeast(1, 1) { // a client could not see that the response ends early
		return errHTTPVersion
	}
	header := st.context.Request().Header
	var ok bool
	if st.mediaType, ok = linesType.match(header["Content-Type"]); !ok {
		return linesType.err
	}
	if !isIdentity(header["Content-Encoding"]) {
		return errContentEncoding
	}
	if st.service.streaming.Err() != nil {
		return errDraining
	}
	if st.reservation, ok = st.service.bodyMemory.reserve(streamMemory); !ok {
		return errTooManyBodies
	}
	st.streamBuffers = newStreamBuffers(st)
	st.lines.buffer, st.lines.memory = st.in, st.service.bodyMemory
	return nil
}

// writeHeader writes the header of the response, because some clients send no line before
// they have it. Others first wait for 100 (RFC 9110 §10.1.1), which net/http does not send
// once the header is written.
func (st *stream) writeHeader() {
	response := st.context.Response()
	st.control = http.NewResponseController(response.Writer)
	st.control.EnableFullDuplex() // it fails only in tests without a connection
	if st.context.Request().Header.Get("Expect") != "" {
		fields := maps.Clone(response.Header())
		clear(response.Header()) // after Connection: close, some clients expect nothing
		response.Writer.WriteHeader(http.StatusContinue)
		maps.Copy(response.Header(), fields)
	}
	response.Header().Set("Content-Type", st.mediaType)
	st.service.writeHeader(st.context, http.StatusOK)
	st.control.Flush() // if the client is gone, the next write fails
}

// end releases the memory of the stream.
func (st *stream) end() {
	recordOf(st.context).setStream(st.answered, st.ended)
	st.streamBuffers.release()
	st.reservation.release()
}

// beginTurn waits for a turn to process lines.
func (st *stream) beginTurn() {
	st.service.bodyMemory.beginTurn()
	st.now = st.service.now()
}

func (st *stream) endTurn() { st.service.bodyMemory.endTurn() }

// answerLines answers the lines until there are no more. The error is io.EOF if the
// request has ended.
func (st *stream) answerLines() error {
	defer st.interruptOnClose()()
	st.beginTurn()
	defer st.endTurn()
	for {
		l, ok := st.lines.next()
		if !ok || l.err == errBodyCutShort && st.ended != nil {
			return st.lines.err
		}
		if err := st.answerLine(l); err != nil {
			return err
		}
	}
}

// answerLine answers a line. The error is that of a write.
func (st *stream) answerLine(l line) error {
	defer l.release()
	if l.body == nil {
		st.appendAnswer(l, st.process)
		if len(st.answer.text) < streamBuffer {
			return nil
		}
		return st.writeBetweenTurns()
	}
	if err := st.writeBetweenTurns(); err != nil { // so that the answer has the buffer for itself
		return err
	}
	st.appendAnswer(l, func(a *answer, _ []byte) error { return a.answerLarge(l.body, st.process) })
	return st.writeBetweenTurns()
}

func (st *stream) appendAnswer(l line, process func(a *answer, line []byte) error) {
	st.answered++
	before := len(st.answer.text)
	err := l.err
	if err == nil {
		err = process(&st.answer, l.text)
	}
	if err != nil {
		st.answer.text = st.answer.text[:before]
		st.appendError(err)
		return
	}
	joinLines(st.answer.text[before:])
	st.answer.text = append(st.answer.text, '\n')
}

func (st *stream) appendError(err error) {
	status, err := st.service.explain(err, false)
	st.answer.text = append(st.answer.text, errorBody(status, err.Error())...)
	st.answer.text = append(st.answer.text, '\n')
}

// Read ends the turn of the stream until the client has sent more. Before it waits for
// that, it writes the answers that are ready. Then the caller must still be allowed to use
// the stream: it may last longer than a credential.
func (st *stream) Read(p []byte) (int, error) {
	st.endTurn()
	defer st.beginTurn()
	if err := st.flush(); err != nil {
		return 0, err
	}
	st.control.SetReadDeadline(st.readDeadline())
	if st.service.streaming.Err() != nil { // since EndStreams may have interrupted before that
		st.ended = errDraining
		return 0, st.ended
	}
	n, err := st.context.Request().Body.Read(p)
	if n > 0 {
		if st.ended = st.authorize(); st.ended != nil {
			return 0, st.ended
		}
	}
	if err != nil && err != io.EOF && st.service.streaming.Err() != nil {
		st.ended = errDraining
	}
	return n, err
}

// readDeadline returns the time by which more of the request must arrive.
func (st *stream) readDeadline() time.Time {
	now := time.Now()
	switch {
	case !st.lines.inLine():
		return now.Add(lineInterval)
	case st.lineBegan.IsZero() || st.timedLine != st.lines.number:
		st.timedLine, st.lineBegan = st.lines.number, now
	}
	return st.lineBegan.Add(lineTimeout)
}

// flush writes the answers, and all that net/http has buffered.
func (st *stream) flush() error {
	if err := st.write(); err != nil {
		return err
	}
	return st.control.Flush()
}

// writeBetweenTurns ends the turn of the stream until the answers have been written.
func (st *stream) writeBetweenTurns() error {
	st.endTurn()
	defer st.beginTurn()
	return st.write()
}

// write writes the answers. After the last of them, the time for a write is also that for
// the end of the response.
func (st *stream) write() error {
	deadline := time.Now().Add(answerTimeout)
	if last := st.service.lastWrite.Load(); last != nil {
		deadline = *last
	}
	st.control.SetWriteDeadline(deadline)
	if len(st.answer.text) == 0 {
		return nil
	}
	_, err := st.context.Response().Write(st.answer.text)
	st.emptyAnswer()
	return err
}

// interruptOnClose makes EndStreams interrupt the read in progress. The function that it
// returns undoes that.
func (st *stream) interruptOnClose() (restore func()) {
	interrupted := make(chan struct{})
	stop := context.AfterFunc(st.service.streaming, func() {
		defer close(interrupted)
		st.control.SetReadDeadline(time.Unix(0, 0))
	})
	return func() {
		if !stop() {
			<-interrupted // so that the deadline is not left to the next request
		}
	}
}

// EndStreams ends all streams after the lines that they have read. They answer those, and
// end without their last chunk. For all answers together, a client may take as long as for
// one before: they could be many.
func (s *Service) EndStreams() {
	last := time.Now().Add(answerTimeout)
	s.lastWrite.Store(&last)
	s.endStreams()
}
