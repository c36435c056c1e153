package handlers

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"tokenmint/jwtcore"
	"tokenmint/jwtcore/keyfile"
)

// AccessLog selects the requests that have a line in the log.
type AccessLog int

// The values of AccessLog.
const (
	AccessLogOff AccessLog = iota // none
	AccessLogOn                   // all but probes and scrapes: /healthz, /readyz and /metrics
	AccessLogAll                  // all
)

// ParseAccessLog returns the value in text: off, on or all, in any letter case. It also
// accepts what strconv.ParseBool does.
func ParseAccessLog(text string) (AccessLog, error) {
	switch strings.ToLower(text) {
	case "off", "false", "f", "0":
		return AccessLogOff, nil
	case "on", "true", "t", "1":
		return AccessLogOn, nil
	case "all":
		return AccessLogAll, nil
	default:
		return AccessLogOff, errors.New("write off, on or all")
	}
}

// includes reports whether requests to a route have a line.
func (a AccessLog) includes(route string) bool {
	switch route {
	case "/healthz", "/readyz", "/metrics":
		return a == AccessLogAll
	default:
		return a != AccessLogOff
	}
}

// record holds what the log shows of a request besides its header and its response. It
// replaces the body of the request, because it counts the bytes that are read.
//
// Methods that set a field do nothing if the record is nil: the access log is off.
type record struct {
	io.ReadCloser       // the body
	size          int64 // bytes that were read of it

	reason     string // for which the gate refuses the token
	err        string // the description of an error
	jti        string
	credential string // the fingerprint of the one that authorized the request to mint
	lines      *int64 // that a stream has answered, or nil
}

// keepRecord gives a request a record. It replaces the request with a copy, because
// net/http looks at the body of its own when it writes the response.
func keepRecord(c echo.Context) {
	r := c.Request().WithContext(c.Request().Context())
	r.Body = &record{ReadCloser: r.Body}
	c.SetRequest(r)
}

// recordOf returns the record of a request, or nil.
func recordOf(c echo.Context) *record {
	r, _ := c.Request().Body.(*record)
	return r
}

func (r *record) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	r.size += int64(n)
	return n, err
}

func (r *record) setReason(err error) {
	if r != nil {
		r.reason = refusalReason(err)
	}
}

func (r *record) setError(err error) {
	if r != nil {
		r.err = err.Error()
	}
}

// setMinted sets the jti of a token that the request has minted.
func (r *record) setMinted(id [16]byte) {
	if r != nil {
		r.jti = hex.EncodeToString(id[:])
	}
}

// setToken sets the jti of a token if signer, one of the service's own keys, is not nil.
// Otherwise anyone could put any jti into the log.
func (r *record) setToken(token *jwtcore.Token, signer *jwtcore.Key) {
	if r != nil && signer != nil {
		r.jti, _ = token.ID()
	}
}

func (r *record) setCredential(credential keyfile.Credential) {
	if r != nil {
		r.credential = credential.Fingerprint()
	}
}

// setStream sets the number of lines that a stream has answered, and why the service ends
// it early, or nil.
func (r *record) setStream(lines int64, ended error) {
	if r == nil {
		return
	}
	r.lines = &lines
	if ended != nil {
		r.setError(ended)
	}
}

// Bounds in bytes of what a client can make long. With them, and with a request id of
// maxRequestID characters that must all be escaped, a line has at most 2 KiB.
const (
	maxLoggedPath      = 512
	maxLoggedError     = 256
	maxLoggedUserAgent = 256
	maxLoggedID        = 128
)

// logAccess logs one request that was answered, without its body, its query and
// most of its header. The remote address is that of the connection, because any client
// can send an X-Forwarded-For.
func (s *Service) logAccess(c echo.Context, route, method string, took time.Duration) {
	r, response, record := c.Request(), c.Response(), recordOf(c)
	size := response.Size
	if r.Method == http.MethodHead {
		size = 0 // the body was written, but not sent
	}
	id, _ := traceID(r.Header["Traceparent"])
	attributes := make([]slog.Attr, 0, 16)
	add := func(name, value string) {
		if value != "" {
			attributes = append(attributes, slog.String(name, value))
		}
	}
	add("request_id", response.Header().Get("X-Request-Id"))
	add("trace_id", id)
	add("method", method)
	add("route", route)
	add("path", bounded(withoutSecrets(r.URL.EscapedPath(), "/", maxLoggedPath), maxLoggedPath))
	attributes = append(attributes, slog.Int("status", response.Status))
	add("reason", record.reason)
	add("error", bounded(record.err, maxLoggedError))
	attributes = append(attributes,
		slog.Int64("bytes_in", record.size),
		slog.Int64("bytes_out", size),
		slog.Float64("duration_ms", float64(took.Microseconds())/1000),
		slog.String("remote", r.RemoteAddr))
	add("user_agent", bounded(withoutSecrets(r.UserAgent(), " ", maxLoggedUserAgent), maxLoggedUserAgent))
	add("jti", bounded(record.jti, maxLoggedID))
	add("credential", record.credential)
	if record.lines != nil {
		attributes = append(attributes, slog.Int64("lines", *record.lines))
	}
	s.logger.LogAttrs(context.Background(), slog.LevelInfo, "request", attributes...)
}

// ellipsis takes the place of what is left out.
const ellipsis = "..."

// minSecret is the size in bytes from which a part of a path or of a User-Agent is left
// out of the log, because it could be a secret or a part of a token: 32 characters are a
// common length of secrets.
const minSecret = 32

// withoutSecrets returns text without its long parts, because some clients put a token or
// a key into the wrong place by mistake. It may stop after limit bytes.
func withoutSecrets(text, separator string, limit int) string {
	var kept strings.Builder
	kept.Grow(min(len(text), limit+minSecret) + len(separator))
	for part := range strings.SplitSeq(text, separator) {
		if len(part) >= minSecret {
			part = ellipsis
		}
		kept.WriteString(part)
		kept.WriteString(separator)
		if kept.Len() > limit+len(separator) {
			break
		}
	}
	return strings.TrimSuffix(kept.String(), separator)
}

// bounded returns text, cut to limit bytes. It replaces what a format of the log would
// escape, and thus make longer.
func bounded(text string, limit int) string {
	if len(text) > limit {
		text = text[:limit-len(ellipsis)] + ellipsis
	}
	return strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			return '?'
		}
		return c
	}, text)
}
