package handlers

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// maxLoggedSegment is the size in bytes of the longest path segment that is
// logged: shorter than a signing key, and than what says anything in a token.
const maxLoggedSegment = 32

// logAccess logs one request that was answered: no body, no query and no
// header. The remote address is the connection's own, since anyone can write
// an X-Forwarded-For.
func (s *Service) logAccess(c echo.Context, took time.Duration) {
	r, response := c.Request(), c.Response()
	size := response.Size
	if r.Method == http.MethodHead {
		size = 0 // it was told, but not sent
	}
	s.logger.LogAttrs(context.Background(), slog.LevelInfo, "request",
		slog.String("method", countedMethods[methodIndex(r.Method)]),
		slog.String("path", loggedPath(r)),
		slog.Int("status", response.Status),
		slog.Int64("bytes", size),
		slog.Float64("duration_ms", float64(took.Microseconds())/1000),
		slog.String("remote", r.RemoteAddr),
	)
}

// loggedPath returns the path as it was sent: percent-encoded, so that it has
// no control characters in it. Some clients put a token or a key into the path
// by mistake: long segments are left out.
func loggedPath(r *http.Request) string {
	segments := strings.Split(r.URL.EscapedPath(), "/")
	for i, segment := range segments {
		if len(segment) > maxLoggedSegment {
			segments[i] = "..."
		}
	}
	return strings.Join(segments, "/")
}
