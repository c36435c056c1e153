package handlers

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"net/http"
	"strings"
)

// maxRequestID is the size in bytes of the longest X-Request-Id that is accepted.
const maxRequestID = 128

// requestID returns the value of X-Request-Id in the response to a request with header:
// the client's own id, or else the id of its trace, or else a new one.
func requestID(header http.Header) []string {
	if sent := header["X-Request-Id"]; len(sent) == 1 && isRequestID(sent[0]) {
		return sent
	}
	id, ok := traceID(header["Traceparent"])
	if !ok {
		id = newRequestID()
	}
	return []string{id}
}

// isRequestID reports whether text can be a request id: at most maxRequestID characters
// of visible ASCII.
func isRequestID(text string) bool {
	if text == "" || len(text) > maxRequestID {
		return false
	}
	for i := range len(text) {
		if text[i] < '!' || text[i] > '~' {
			return false
		}
	}
	return true
}

// newRequestID returns a new request id. It need not be hard to guess, only different
// from all others, and the generator of math/rand/v2 needs neither a lock nor a system
// call. The id has the form of a trace id.
func newRequestID() string {
	var id [16]byte
	binary.NativeEndian.PutUint64(id[:8], rand.Uint64())
	binary.NativeEndian.PutUint64(id[8:], rand.Uint64())
	var text [2 * len(id)]byte
	hex.Encode(text[:], id[:])
	return string(text[:])
}

// traceID returns the id of the trace in the header traceparent (W3C Trace Context
// §3.2): version, trace id, parent id and flags. Ok is false if there is not exactly one
// such header or if it is not valid. Versions after 00 may append fields.
func traceID(traceparent []string) (id string, ok bool) {
	if len(traceparent) != 1 || len(traceparent[0]) < len("00-")+32+len("-")+16+len("-00") {
		return "", false
	}
	text := traceparent[0]
	version, id, parent, flags, rest := text[:2], text[3:35], text[36:52], text[53:55], text[55:]
	switch {
	case text[2] != '-' || text[35] != '-' || text[52] != '-':
		return "", false
	case !isLowerHex(version) || !isLowerHex(id) || !isLowerHex(parent) || !isLowerHex(flags):
		return "", false
	case version == "ff" || isZero(id) || isZero(parent):
		return "", false
	case rest != "" && (version == "00" || rest[0] != '-'):
		return "", false
	default:
		return id, true
	}
}

// isLowerHex reports whether text consists of lowercase hex digits.
func isLowerHex(text string) bool { return strings.Trim(text, "0123456789abcdef") == "" }

func isZero(digits string) bool { return strings.Trim(digits, "0") == "" }
