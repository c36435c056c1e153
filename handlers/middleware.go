package handlers

import (
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/labstack/echo/v4"
)

// observe counts and logs the responses to all requests.
func (s *Service) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		started := time.Now()
		s.metrics.inFlight.Inc()
		if s.accessLog != AccessLogOff {
			keepRecord(c)
		}
		defer func() {
			took := time.Since(started)
			s.metrics.inFlight.Dec()
			route, method := s.metrics.labels(c)
			s.metrics.observe(route, method, c.Response().Status, took)
			if s.accessLog.includes(route) {
				s.logAccess(c, route, method, took)
			}
		}()
		return next(c)
	}
}

// answerErrors answers the errors of handlers and of the router. It turns a panic
// into a 500 and a log line, which says where the handler panicked but not with what
// value: that could hold what the request carried.
func (s *Service) answerErrors(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		defer func() {
			value := recover()
			if value == nil {
				return
			}
			if value == http.ErrAbortHandler {
				panic(value)
			}
			s.logger.Error("panic in a handler", "type", fmt.Sprintf("%T", value), "stack", string(debug.Stack()))
			if c.Response().Committed {
				panic(http.ErrAbortHandler) // the client must not take a part of the response for all of it
			}
			s.respondError(errInternal, c)
		}()
		if err := next(c); err != nil {
			s.respondError(err, c)
		}
		return nil
	}
}

// setCommonHeaders sets the headers that every response carries: the id by which the
// request can be found in logs, and what protects the response. That keeps it out
// of caches (200, 203 and 204 are cacheable by default, RFC 9110 §15.1, and the
// content of a GET is not in a cache's key), keeps browsers from guessing its type,
// and keeps other sites from loading it, which would show them that the service runs
// here.
func (s *Service) setCommonHeaders(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		header := c.Response().Header()
		header["X-Request-Id"] = requestID(c.Request().Header)
		header.Set("Cache-Control", "no-store")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		if isDoubtfullyFramed(c.Request()) || s.draining.Load() {
			header.Set("Connection", "close")
		}
		return next(c)
	}
}

// isDoubtfullyFramed reports whether a proxy may have seen the end of the request
// elsewhere, so that what follows on its connection cannot be trusted. That is
// so for a request with both Content-Length and Transfer-Encoding, and for one with
// Transfer-Encoding in HTTP/1.0 (RFC 9112 §6.1). Since net/http removes the field
// that does not count and leaves no mark of it, all chunked requests and all in
// HTTP/1.0 are treated like these. They are rare, and the good ones among them only
// lose their connection.
func isDoubtfullyFramed(r *http.Request) bool {
	return len(r.TransferEncoding) > 0 || !r.ProtoAtLeast(1, 1)
}

// answerOptionsAsterisk answers OPTIONS *, which is about the server and not about
// a resource (RFC 9110 §9.3.7), and so has no route.
func answerOptionsAsterisk(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if c.Request().Method == http.MethodOptions && c.Request().RequestURI == "*" {
			return c.NoContent(http.StatusNoContent)
		}
		return next(c)
	}
}
