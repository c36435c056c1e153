// Package handlers is the HTTP side of tokenmint: the routes, what each of them
// accepts and answers, and the one table of errors.
package handlers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"tokenmint/jwtcore"
	"tokenmint/jwtcore/keyfile"
)

// Config configures a Service. SigningKeys, Now, Logger and BodyMemory are required.
type Config struct {
	// SigningKeys are the service's own keys, for HS512. The first one mints, and
	// all of them pass at the gate. SetSigningKeys replaces them while the service
	// runs.
	SigningKeys []*jwtcore.Key

	// MintCredentials are those that may mint. If there are none, anyone may.
	// SetMintCredentials replaces them while the service runs.
	MintCredentials []keyfile.Credential

	// Revoked are the revoked tokens, which do not pass at the gate. It may be nil.
	// SetRevoked replaces them while the service runs, and AddRevoked adds to them.
	Revoked *keyfile.Revoked

	// MaxExpiresIn is the longest lifetime of a token, from 1s to 876000h; a fraction
	// of a second is dropped. If it is 0, a token may live for 876000h, or for ever.
	MaxExpiresIn time.Duration

	// Origins are those whose pages may use the token routes from a browser, as
	// ParseOrigins returns them.
	Origins []string

	// Now returns the current time.
	Now func() time.Time

	// Logger receives what an operator must know. It is never given a key, a
	// token or user data.
	Logger *slog.Logger

	// BodyMemory is how many bytes bodies over 16 KiB may take together, each until
	// its response has been written. It must be at least 1 MiB.
	BodyMemory int64

	// AccessLog selects the requests that have a line in the log.
	AccessLog AccessLog

	// CertificateExpiry is when the TLS certificate expires, for the metrics. It is zero
	// for plain HTTP.
	CertificateExpiry time.Time

	// Version is the version of the program, for the metrics.
	Version string
}

// Service is an http.Handler that answers tokenmint's requests.
type Service struct {
	signingKeys     atomic.Pointer[[]*jwtcore.Key]
	mintCredentials atomic.Pointer[[]keyfile.Credential] // nil: anyone may mint
	revoked         atomic.Pointer[keyfile.Revoked]      // nil: no token is revoked
	policies        *policies
	maxExpiresIn    int64 // seconds; 0: no bound
	origins         []string
	now             func() time.Time
	logger          *slog.Logger
	accessLog       AccessLog
	router          *echo.Echo // with all routes
	gate            *echo.Echo // with those of the gate
	metrics         *metrics
	bodyMemory      *bodyMemory
	page            page
	draining        atomic.Bool
	streaming       context.Context // done when streams must end
	endStreams      context.CancelFunc
	lastWrite       atomic.Pointer[time.Time] // when they must have written all answers; nil until they must end
}

// check returns an error that names a field if it is missing or wrong.
func (c Config) check() error {
	switch {
	case c.Now == nil:
		return errors.New("Config.Now is nil")
	case c.Logger == nil:
		return errors.New("Config.Logger is nil")
	case c.BodyMemory < minBodyMemory:
		return fmt.Errorf("Config.BodyMemory is %d bytes, but the largest bodies need %d", c.BodyMemory, minBodyMemory)
	case c.MaxExpiresIn != 0 && !isMaxExpiresIn(c.MaxExpiresIn):
		return fmt.Errorf("Config.MaxExpiresIn is %v: set it from 1s to 876000h, or to 0", c.MaxExpiresIn)
	}
	for _, origin := range c.Origins {
		if parsed, err := parseOrigin(origin); err != nil || parsed != origin {
			return fmt.Errorf("Config.Origins: %q is not as ParseOrigins returns it", origin)
		}
	}
	return nil
}

// New returns a Service. If a field of config is missing or wrong, the error names
// it.
func New(config Config) (*Service, error) {
	if err := config.check(); err != nil {
		return nil, fmt.Errorf("handlers: %w", err)
	}
	s := &Service{
		policies:     newPolicies(config.Logger),
		maxExpiresIn: int64(config.MaxExpiresIn / time.Second),
		origins:      slices.Clone(config.Origins),
		now:          config.Now,
		logger:       config.Logger,
		accessLog:    config.AccessLog,
		metrics:      newMetrics(config.Version),
		bodyMemory:   newBodyMemory(config.BodyMemory),
		page:         newPage(),
	}
	if !config.CertificateExpiry.IsZero() {
		s.metrics.setCertificateExpiry(config.CertificateExpiry)
	}
	s.streaming, s.endStreams = context.WithCancel(context.Background())
	if err := s.SetSigningKeys(config.SigningKeys); err != nil {
		return nil, fmt.Errorf("handlers: Config.SigningKeys: %w", err)
	}
	if config.Revoked != nil {
		s.SetRevoked(config.Revoked)
	}
	if len(config.MintCredentials) > 0 {
		s.SetMintCredentials(config.MintCredentials)
	}
	s.router, s.gate = s.newRouter(), s.newRouter()
	if len(s.origins) > 0 {
		s.router.Use(s.shareWithOrigins())
	}
	s.addRoutes(s.router)
	s.addGateRoutes(s.gate)
	s.metrics.addRoutes(s.router.Routes())
	return s, nil
}

// SetSigningKeys replaces the signing keys with a copy of keys, and logs their
// fingerprints. It is an error if there are none. A request sees either all of the
// old keys or all of the new ones.
func (s *Service) SetSigningKeys(keys []*jwtcore.Key) error {
	if len(keys) == 0 {
		return errors.New("there is no signing key")
	}
	keys = slices.Clone(keys)
	s.signingKeys.Store(&keys)
	s.metrics.setSigningKeys(keys)
	s.logger.Info("signing keys", "count", len(keys), "fingerprints", fingerprints(keys), "mints", keys[0].Fingerprint())
	return nil
}

// fingerprints returns the fingerprints of secrets.
func fingerprints[S interface{ Fingerprint() string }](secrets []S) []string {
	all := make([]string, len(secrets))
	for i, secret := range secrets {
		all[i] = secret.Fingerprint()
	}
	return all
}

// keys returns the current signing keys, the one that mints first.
func (s *Service) keys() []*jwtcore.Key { return *s.signingKeys.Load() }

// Drain makes the service ask its clients to move away: from now on, /readyz
// answers 503 and every response says Connection: close.
func (s *Service) Drain() { s.draining.Store(true) }
