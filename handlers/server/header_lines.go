package server

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"time"
)

// maxHeaderLines is the number of lines that the header of a request may have,
// without the request line. net/http keeps far more memory for a header of many
// short lines than the header has bytes, and knows no such limit.
const maxHeaderLines = 100

// errHeaderLines is the error of a header with more lines than maxHeaderLines.
var errHeaderLines = errors.New("too many header lines")

// requestReader divides what arrives on a connection into headers and bodies, and
// counts the lines of the headers. So that it always knows which of the two comes
// next, it never returns bytes of both from one call of read.
type requestReader struct {
	lines   int    // of the header that is arriving, with the request line
	partial []byte // what has arrived of its last line, up to two bytes
	body    int64  // bytes of a body that have not arrived; math.MaxInt64 if their number is unknown

	// early holds bytes that arrived together with the end of a header. Those
	// before the index returned have been returned.
	early    []byte
	returned int
}

// expectBody makes the reader expect a body of length bytes, or of unknown length
// if that is negative.
func (r *requestReader) expectBody(length int64) {
	r.body = length
	if length < 0 {
		r.body = math.MaxInt64
	}
}

// hasMore reports whether bytes have arrived that read has not returned.
func (r *requestReader) hasMore() bool { return r.returned < len(r.early) }

// read reads from source a part of a header or of a body. It returns
// errHeaderLines if a header has too many lines.
func (r *requestReader) read(source io.Reader, p []byte) (int, error) {
	if r.body > 0 {
		n, err := r.receive(source, p[:min(int64(len(p)), r.body)])
		r.body -= int64(n)
		return n, err
	}
	n, err := r.receive(source, p)
	end, ok := r.headerPart(p[:n])
	if !ok {
		return 0, errHeaderLines
	}
	if end < n {
		r.keep(p[end:n])
	}
	return end, err
}

// receive reads what was kept or, if that is nothing, from source.
func (r *requestReader) receive(source io.Reader, p []byte) (int, error) {
	if r.hasMore() {
		n := copy(p, r.early[r.returned:])
		r.returned += n
		return n, nil
	}
	clear(r.early) // it may have held keys
	r.early, r.returned = r.early[:0], 0
	return source.Read(p)
}

// keep takes back the last bytes that receive returned.
func (r *requestReader) keep(bytes []byte) {
	if r.returned > 0 {
		r.returned -= len(bytes) // they are still there
		return
	}
	r.early = append(r.early, bytes...)
}

// headerPart counts the lines of the header that text continues. It returns the
// length of the part of text that belongs to the header, or false if there are too
// many lines. Like net/http, it takes LF for the end of a line, with or without CR
// (RFC 9112 §2.2).
func (r *requestReader) headerPart(text []byte) (end int, ok bool) {
	for end < len(text) {
		line := text[end:]
		length := bytes.IndexByte(line, '\n') + 1
		if length == 0 {
			r.partial = append(r.partial, line[:min(len(line), 2-len(r.partial))]...)
			return len(text), true
		}
		end += length
		if r.isBlank(line[:length]) {
			r.lines, r.partial = 0, r.partial[:0]
			return end, true
		}
		r.partial = r.partial[:0]
		if r.lines++; r.lines > 1+maxHeaderLines {
			return end, false
		}
	}
	return end, true
}

// isBlank reports whether line, which follows what has arrived of it before, is the
// blank line at the end of a header.
func (r *requestReader) isBlank(line []byte) bool {
	switch len(r.partial) {
	case 0:
		return len(line) == 1 || len(line) == 2 && line[0] == '\r'
	case 1:
		return r.partial[0] == '\r' && len(line) == 1
	default:
		return false
	}
}

// Read reads from the client a part of the header or of the body of a request.
// net/http calls it for one request at a time.
func (c *connection) Read(p []byte) (int, error) {
	if err := c.handshake(); err != nil {
		return 0, err
	}
	n, err := c.requests.read(c.Conn, p)
	if errors.Is(err, errHeaderLines) {
		c.refuseHeader(p)
		return 0, io.EOF // which net/http does not answer
	}
	return n, err
}

// refuseHeader answers a header with too many lines as net/http answers one that is
// too large. It reads what still arrives into buffer.
func (c *connection) refuseHeader(buffer []byte) {
	c.SetDeadline(time.Now().Add(lingerTime))
	writePlain(c.Conn, http.StatusRequestHeaderFieldsTooLarge, fmt.Sprintf("send at most %d header lines", maxHeaderLines))
	c.linger(buffer)
}

// writePlain writes a response that is sent before there is a request, with the
// headers that protect all responses.
func writePlain(w io.Writer, status int, text string) {
	fmt.Fprintf(w, "HTTP/1.1 %d %s\r\nContent-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nCross-Origin-Resource-Policy: same-origin\r\nConnection: close\r\n\r\n%s\n",
		status, http.StatusText(status), text)
}
