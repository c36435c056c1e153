// Package handlers is tokenmint's HTTP side: the routes, what each of them
// takes and answers, and the one table of errors.
package handlers

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"tokenmint/jwtcore"
)

// Config is what a Service needs to know. Every field but AccessLog has to be
// set.
type Config struct {
	// SigningKeys are the service's own keys, for HS512; the first one mints.
	// SetSigningKeys replaces them while the service runs.
	SigningKeys []*jwtcore.Key

	// Now tells the time that new tokens carry.
	Now func() time.Time

	// Logger takes what an operator has to know. No key, token or user data
	// is ever given to it.
	Logger *slog.Logger

	// AccessLog makes the Logger take a line for every request.
	AccessLog bool
}

// Service answers tokenmint's requests. It is an http.Handler.
type Service struct {
	signingKeys atomic.Pointer[[]*jwtcore.Key]
	now         func() time.Time
	logger      *slog.Logger
	accessLog   bool
	router      *echo.Echo
	metrics     *metrics
	page        page
	draining    atomic.Bool
}

// New returns a Service, or an error that names the field of config at fault.
func New(config Config) (*Service, error) {
	switch {
	case len(config.SigningKeys) == 0:
		return nil, fmt.Errorf("handlers: Config.SigningKeys: %w", errNoSigningKeys)
	case config.Now == nil:
		return nil, errors.New("handlers: Config.Now is nil")
	case config.Logger == nil:
		return nil, errors.New("handlers: Config.Logger is nil")
	}
	s := &Service{
		now:       config.Now,
		logger:    config.Logger,
		accessLog: config.AccessLog,
		router:    echo.New(),
		metrics:   newMetrics(),
		page:      newPage(),
	}
	s.signingKeys.Store(&config.SigningKeys)
	s.router.Logger.SetOutput(io.Discard) // it writes to standard output
	s.routes()
	return s, nil
}

func (s *Service) routes() {
	s.router.POST("/token", s.mint)
	s.router.GET("/token", s.inspect)
	s.router.HEAD("/token", s.inspect)
	s.router.Add("QUERY", "/token", s.inspect) // RFC 10008
	s.router.POST("/token/verify", s.inspect)
	// Whatever the method, and whatever stands behind the prefix that Envoy puts
	// before the path it asks about: only RouteNotFound takes every method.
	s.router.RouteNotFound("/auth", s.auth)
	s.router.RouteNotFound("/auth/*", s.auth)
	s.router.GET("/healthz", s.health)
	s.router.HEAD("/healthz", s.health)
	s.router.GET("/readyz", s.ready)
	s.router.HEAD("/readyz", s.ready)
	s.router.GET("/metrics", s.showMetrics)
	s.router.HEAD("/metrics", s.showMetrics)
	s.router.GET("/", s.showPage)
	s.router.HEAD("/", s.showPage)
	s.router.GET("/assets/:name", s.asset)
	s.router.HEAD("/assets/:name", s.asset)
	s.router.GET("/openapi.yaml", s.describe)
	s.router.HEAD("/openapi.yaml", s.describe)
	s.metrics.addRoutes(s.router.Routes()) // after the last of them
}

var errNoSigningKeys = errors.New("there is no signing key")

// SetSigningKeys replaces the keys, of which there has to be at least one. A
// request sees all of the old ones or all of the new ones. The slice belongs
// to the service from then on.
func (s *Service) SetSigningKeys(keys []*jwtcore.Key) error {
	if len(keys) == 0 {
		return errNoSigningKeys
	}
	s.signingKeys.Store(&keys)
	return nil
}

// keys returns the keys of this moment, the one that mints first.
func (s *Service) keys() []*jwtcore.Key { return *s.signingKeys.Load() }

// Drain makes the service ask its clients to move away: from now on /readyz
// answers 503 and every response closes its connection.
func (s *Service) Drain() { s.draining.Store(true) }

// Header values that are set on every response, shared by all of them.
var (
	noStore         = []string{"no-store"}
	noSniff         = []string{"nosniff"}
	applicationJSON = []string{"application/json"}
	closeConnection = []string{"close"}
)

// ServeHTTP answers one request. Whatever the answer, it carries the headers
// that keep it out of caches (RFC 9110 §15.1: 200, 203 and 204 are cacheable
// by default, and a GET's content is in no cache's key) and out of a browser's
// guesses. A panic becomes a 500, and the process lives on.
//
// It is what Echo's own ServeHTTP does without middleware, but keeps the
// context in hand, which knows the route and what was answered.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	started := time.Now()
	header := w.Header()
	header["Cache-Control"] = noStore
	header["X-Content-Type-Options"] = noSniff
	if isDoubtfullyFramed(r) {
		header["Connection"] = closeConnection
	}
	s.closeWhenDraining(header)
	c := s.router.AcquireContext()
	defer s.router.ReleaseContext(c)
	c.Reset(r, w)
	defer s.observe(c, started)
	defer s.recoverPanic(c)
	s.router.Router().Find(r.Method, echo.GetPath(r), c)
	if err := c.Handler()(c); err != nil {
		s.respondError(err, c)
	}
}

// isDoubtfullyFramed reports whether another could have read the end of a
// request elsewhere, so that what follows on its connection is not to be
// trusted: one with both Content-Length and Transfer-Encoding, or with
// Transfer-Encoding in HTTP/1.0 (RFC 9112 §6.1). Of such requests net/http
// removes the field that does not count, and leaves no mark of it. So all that
// are chunked or in HTTP/1.0 are taken for them: they are rare, and what it
// costs the good among them is a new connection.
func isDoubtfullyFramed(r *http.Request) bool {
	return len(r.TransferEncoding) > 0 || !r.ProtoAtLeast(1, 1)
}

// observe counts and logs what was answered.
func (s *Service) observe(c echo.Context, started time.Time) {
	took := time.Since(started)
	s.metrics.observe(c.Path(), c.Request().Method, c.Response().Status, took)
	if s.accessLog {
		s.logAccess(c, took)
	}
}

func (s *Service) closeWhenDraining(header http.Header) {
	if s.draining.Load() {
		header["Connection"] = closeConnection
	}
}

// recoverPanic logs where a handler panicked, but not with what value, which
// could hold what the request carried. Where part of a response has gone out
// already, the client sees it cut off.
func (s *Service) recoverPanic(c echo.Context) {
	value := recover()
	if value == nil {
		return
	}
	if value == http.ErrAbortHandler {
		panic(value)
	}
	s.logger.Error("panic in a handler", "type", fmt.Sprintf("%T", value), "stack", string(debug.Stack()))
	if c.Response().Committed {
		panic(http.ErrAbortHandler)
	}
	writeError(c.Response(), http.StatusInternalServerError, errInternal.Error())
}

// respond writes a response with a JSON body.
func (s *Service) respond(c echo.Context, status int, body []byte) error {
	response := c.Response()
	s.closeWhenDraining(response.Header()) // again: it may have begun since
	writeJSON(response, status, body)
	return nil
}
