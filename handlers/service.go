// Package handlers is the HTTP side of tokenmint: the routes, what each of them
// accepts and answers, and the one table of errors.
package handlers

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"tokenmint/jwtcore"
)

// Config configures a Service. All fields except AccessLog are required.
type Config struct {
	// SigningKeys are the service's own keys, for HS512. The first one mints, and
	// all of them pass at the gate. SetSigningKeys replaces them while the service
	// runs.
	SigningKeys []*jwtcore.Key

	// Now returns the current time.
	Now func() time.Time

	// Logger receives what an operator must know. It is never given a key, a
	// token or user data.
	Logger *slog.Logger

	// BodyMemory is how many bytes bodies over 16 KiB may take together, each until
	// its response has been written. It must be at least 1 MiB.
	BodyMemory int64

	// AccessLog adds a line to the log for every request.
	AccessLog bool
}

// Service is an http.Handler that answers tokenmint's requests.
type Service struct {
	signingKeys atomic.Pointer[[]*jwtcore.Key]
	now         func() time.Time
	logger      *slog.Logger
	accessLog   bool
	router      *echo.Echo // with all routes
	gate        *echo.Echo // with those of the gate
	metrics     *metrics
	bodyMemory  *bodyMemory
	page        page
	draining    atomic.Bool
}

// New returns a Service. If a field of config is missing, the error names it.
func New(config Config) (*Service, error) {
	s := &Service{
		now:        config.Now,
		logger:     config.Logger,
		accessLog:  config.AccessLog,
		metrics:    newMetrics(),
		bodyMemory: newBodyMemory(config.BodyMemory),
		page:       newPage(),
	}
	if err := s.SetSigningKeys(config.SigningKeys); err != nil {
		return nil, fmt.Errorf("handlers: Config.SigningKeys: %w", err)
	}
	switch {
	case config.Now == nil:
		return nil, errors.New("handlers: Config.Now is nil")
	case config.Logger == nil:
		return nil, errors.New("handlers: Config.Logger is nil")
	case config.BodyMemory < minBodyMemory:
		return nil, fmt.Errorf("handlers: Config.BodyMemory is %d bytes: set at least %d", config.BodyMemory, minBodyMemory)
	}
	s.router, s.gate = s.newRouter(), s.newRouter()
	s.addRoutes(s.router)
	s.addGateRoutes(s.gate)
	s.metrics.addRoutes(s.router.Routes())
	return s, nil
}

// SetSigningKeys replaces the signing keys with a copy of keys. It is an error if
// there are none. A request sees either all of the old keys or all of the new
// ones.
func (s *Service) SetSigningKeys(keys []*jwtcore.Key) error {
	if len(keys) == 0 {
		return errors.New("there is no signing key")
	}
	keys = slices.Clone(keys)
	s.signingKeys.Store(&keys)
	return nil
}

// keys returns the current signing keys, the one that mints first.
func (s *Service) keys() []*jwtcore.Key { return *s.signingKeys.Load() }

// Drain makes the service ask its clients to move away: from now on, /readyz
// answers 503 and every response says Connection: close.
func (s *Service) Drain() { s.draining.Store(true) }
