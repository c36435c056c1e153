package handlers

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"tokenmint/jwtcore/keyfile"
)

// minSecretSegment is the size in bytes from which a path segment is left out of
// the log, because it could be a secret or a part of a token: 32 characters are a
// common length of secrets.
const minSecretSegment = 32

// logAccess logs one request that was answered, without its body, its query and
// its header. The line of a request to mint has the fingerprint of its credential, and
// that of a stream the number of its lines.
// The remote address is that of the connection, because any client can send an
// X-Forwarded-For.
func (s *Service) logAccess(c echo.Context, took time.Duration) {
	r, response := c.Request(), c.Response()
	size := response.Size
	if r.Method == http.MethodHead {
		size = 0 // the body was written, but not sent
	}
	attributes := []slog.Attr{
		slog.String("method", methodLabel(r.Method)),
		slog.String("path", loggedPath(r)),
		slog.Int("status", response.Status),
		slog.Int64("bytes", size),
		slog.Float64("duration_ms", float64(took.Microseconds())/1000),
		slog.String("remote", r.RemoteAddr),
	}
	if credential, ok := c.Get(credentialKey).(keyfile.Credential); ok {
		attributes = append(attributes, slog.String("credential", credential.Fingerprint()))
	}
	if lines, ok := c.Get(linesKey).(int64); ok {
		attributes = append(attributes, slog.Int64("lines", lines))
	}
	s.logger.LogAttrs(context.Background(), slog.LevelInfo, "request", attributes...)
}

// loggedPath returns the path of the request as it was sent: percent-encoded, and
// so without control characters. It leaves out long segments, because some clients
// put a token or a key into the path by mistake.
func loggedPath(r *http.Request) string {
	segments := strings.Split(r.URL.EscapedPath(), "/")
	for i, segment := range segments {
		if len(segment) >= minSecretSegment {
			segments[i] = "..."
		}
	}
	return strings.Join(segments, "/")
}
