package handlers

import (
	"bufio"
	"bytes"
	"io"
)

// lineReader reads the lines of a text, each of at most limit bytes without its line
// feed. It skips those that are blank. A long line is one that has more than largeBody
// bytes or does not fit into the buffer; it needs a reservation.
type lineReader struct {
	buffer *bufio.Reader
	limit  int // bytes, more than the buffer has
	memory *bodyMemory

	number int64 // of the last line, from 1
	long   bool  // whether a part of the current line has left the buffer
	err    error // of the source, once there are no more lines
}

// line is a line of a text.
type line struct {
	text []byte // without the line feed; valid until the next line is read
	body *body  // holds the text of a long line

	// err is errBodyTooLarge, errTooManyBodies, or errBodyCutShort if the source failed
	// within the line. The text is empty then.
	err error
}

// release releases the memory of a long line.
func (l line) release() {
	if l.body != nil {
		l.body.release()
	}
}

// inLine reports whether a part of a line has been read, but not its end.
func (r *lineReader) inLine() bool { return r.long || r.buffer.Buffered() > 0 }

// next returns the next line, which the caller must release. Ok is false if there are no
// more. The last line may lack its line feed.
func (r *lineReader) next() (l line, ok bool) {
	for r.err == nil {
		l, r.err = r.read()
		r.number++
		if l.err == nil && isBlank(l.text) {
			l.release()
			continue
		}
		if r.err != nil && r.err != io.EOF && l.err == nil {
			l.release()
			l = line{err: errBodyCutShort}
		}
		return l, true
	}
	return line{}, false
}

// isBlank reports whether text consists of white space, as JSON defines it (RFC 8259 §2).
func isBlank(text []byte) bool { return len(bytes.Trim(text, " \t\r")) == 0 }

// joinLines makes a JSON text, such as one with the header of someone else's token, fit
// into a line. There are no line breaks but between its tokens (RFC 8259 §7).
func joinLines(text []byte) {
	for _, lineBreak := range []byte("\r\n") {
		rest := text
		for at := bytes.IndexByte(rest, lineBreak); at >= 0; at = bytes.IndexByte(rest, lineBreak) {
			rest[at] = ' '
			rest = rest[at+1:]
		}
	}
}

// read reads the next line. The error is that of the source.
func (r *lineReader) read() (line, error) {
	text, err := r.buffer.ReadSlice('\n')
	if err == bufio.ErrBufferFull || len(text) > largeBody {
		return r.readLong(text, err)
	}
	return line{text: bytes.TrimSuffix(text, []byte{'\n'})}, err
}

// readLong reads the rest of a line that begins with part. Err is the error with which
// part was read.
func (r *lineReader) readLong(part []byte, err error) (line, error) {
	r.long = true
	defer func() { r.long = false }()
	l := line{body: newBody()}
	size := len(part)
	if err == bufio.ErrBufferFull {
		size = r.limit + len("\n")
	}
	var ok bool
	if l.body.reservation, ok = r.memory.reserve(int64(size)); ok {
		l.body.grow(int64(size))
	} else {
		l.err = errTooManyBodies
	}
	for {
		switch {
		case l.err != nil: // the line is only read to its end
		case len(l.body.text)+len(bytes.TrimSuffix(part, []byte{'\n'})) > r.limit:
			l.release()
			l.body, l.err = nil, errBodyTooLarge
		default:
			l.body.text = append(l.body.text, part...)
		}
		if err != bufio.ErrBufferFull {
			break
		}
		part, err = r.buffer.ReadSlice('\n')
	}
	if l.err == nil {
		l.text = bytes.TrimSuffix(l.body.text, []byte{'\n'})
	}
	return l, err
}
