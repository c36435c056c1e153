// Package server serves HTTP/1.1 over TCP and Unix sockets. It adds what
// net/http lacks: time limits that cost next to nothing, bounds on what clients can
// make it keep in memory, a certificate that can be replaced, Unix sockets that
// survive a crash, and a stop that, on Linux, leaves no request unanswered.
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Limits on what a client sends, and on how long it may take.
const (
	headerTimeout = 5 * time.Second  // for the header of a request
	readTimeout   = 10 * time.Second // for a whole request
	writeTimeout  = 15 * time.Second // for its response
	idleTimeout   = 60 * time.Second // between two requests on a connection

	// maxHeaderBytes bounds a header at 16 KiB: net/http adds 4 KiB to the
	// number that it is given.
	maxHeaderBytes = 12 << 10
)

// drainTime is how long a stopping server still accepts connections. It gives
// clients the time to learn that they should go elsewhere before any of them is
// refused.
const drainTime = 1250 * time.Millisecond

// Config configures a Server. All fields except Certificate, OnDrain and OnClose are
// required.
type Config struct {
	// Endpoints are where clients connect. The Server closes their listeners.
	Endpoints []Endpoint

	// Certificate is the TLS certificate with its private key. If it is nil, the
	// server speaks plain HTTP.
	Certificate *tls.Certificate

	// MemoryLimit is the memory in bytes that the process may use. It bounds the
	// number of connections.
	MemoryLimit int64

	// OnDrain, if not nil, is called once when a stop begins, while clients can
	// still connect. Responses from then on should say Connection: close.
	OnDrain func()

	// OnClose, if not nil, is called once, when a stopping server is about to close its
	// listeners. Requests that would not end by themselves should end now.
	OnClose func()

	// GracefulTimeout bounds the time that a stop takes. If it is zero, requests in
	// flight are cut off at once.
	GracefulTimeout time.Duration

	// Logger receives the addresses of the endpoints, the errors of connections, and
	// the beginning and the end of a stop.
	Logger *slog.Logger
}

// Endpoint is a listener and the handler of what arrives there.
type Endpoint struct {
	Name     string // in the log
	Listener net.Listener
	Handler  http.Handler
}

// Server is an HTTP server.
type Server struct {
	config      Config
	certificate atomic.Pointer[tls.Certificate]
	listeners   []*connections
	http        *http.Server
	errors      *errorLog
}

// New returns a Server. Clients of its endpoints are answered once Serve is called.
// It is an error if a field of config is missing.
func New(config Config) (*Server, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	s := &Server{config: config, errors: &errorLog{logger: config.Logger}}
	if config.Certificate != nil {
		s.useCertificate(config.Certificate)
	}
	s.http = &http.Server{
		Handler:                      http.HandlerFunc(serveRequest),
		ReadHeaderTimeout:            headerTimeout,
		ReadTimeout:                  readTimeout,
		WriteTimeout:                 writeTimeout,
		IdleTimeout:                  idleTimeout,
		MaxHeaderBytes:               maxHeaderBytes,
		DisableGeneralOptionsHandler: true, // the Handler answers OPTIONS * as well
		ConnState:                    trackState,
		ConnContext:                  withConnection,
		ErrorLog:                     log.New(s.errors, "", 0),
		Protocols:                    new(http.Protocols),
	}
	// In HTTP/2, net/http has no time limit for a header, and there is no
	// Connection: close. With HTTP/1.1 alone, both promises also hold over TLS.
	s.http.Protocols.SetHTTP1(true)
	// Each endpoint has a share of its own, so that the clients of one cannot keep
	// those of another out.
	share := max(1, maxConnections(config.MemoryLimit, maxDescriptors())/len(config.Endpoints))
	for _, endpoint := range config.Endpoints {
		s.listeners = append(s.listeners, s.track(endpoint, share))
	}
	return s, nil
}

// check returns an error if a field is missing.
func (c Config) check() error {
	switch {
	case len(c.Endpoints) == 0:
		return errors.New("server: Config.Endpoints is empty")
	case slices.ContainsFunc(c.Endpoints, func(e Endpoint) bool { return e.Listener == nil || e.Handler == nil }):
		return errors.New("server: Config.Endpoints has one without Listener or Handler")
	case c.MemoryLimit <= 0:
		return errors.New("server: Config.MemoryLimit is not positive")
	case c.Logger == nil:
		return errors.New("server: Config.Logger is nil")
	default:
		return nil
	}
}

// track returns the connections of endpoint, at most limit at a time.
func (s *Server) track(endpoint Endpoint, limit int) *connections {
	l := trackConnections(endpoint.Listener)
	l.handler, l.max, l.errors = endpoint.Handler, limit, s.errors
	if s.config.Certificate != nil {
		l.tls = s.tlsConfig()
	}
	return l
}

// Serve answers requests until ctx is done, and then stops the server. It
// returns nil after a clean stop. Otherwise it returns the error that ended it:
// a listener's, or that requests were cut off by the graceful timeout.
func (s *Server) Serve(ctx context.Context) error {
	defer s.errors.flush()
	defer s.close()
	ended := make(chan error, len(s.listeners))
	for _, endpoint := range s.config.Endpoints {
		s.logAddress(endpoint)
	}
	for _, l := range s.listeners {
		go func() { ended <- s.http.Serve(l) }()
	}
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return s.stop(ended)
	}
}

// logAddress logs where clients of endpoint connect, with a URL to click if it has one.
func (s *Server) logAddress(endpoint Endpoint) {
	scheme := "http"
	if s.config.Certificate != nil {
		scheme = "https"
	}
	address := endpoint.Listener.Addr()
	attributes := []any{"address", bindOf(address)}
	if url := urlOf(address, scheme); url != "" {
		attributes = append(attributes, "url", url)
	}
	attributes = append(attributes, "tls", s.config.Certificate != nil, "serves", endpoint.Name)
	s.config.Logger.Info("listening", attributes...)
}

// stop sends clients away, closes the listeners and waits for requests in flight,
// all within the graceful timeout. Ended receives what http.Server.Serve returns,
// once for each listener.
func (s *Server) stop(ended <-chan error) error {
	s.config.Logger.Info("stopping")
	ctx, cancel := context.WithTimeout(context.Background(), s.config.GracefulTimeout)
	defer cancel()
	if s.config.OnDrain != nil {
		s.config.OnDrain()
	}
	var errs []error
	select {
	case <-time.After(drainTime):
	case <-ctx.Done():
	case err := <-ended:
		errs = append(errs, acceptError(err))
	}
	if s.config.OnClose != nil {
		s.config.OnClose()
	}
	drainErr := s.drain(ctx)
	s.close() // ends Serve, even if drain could not close the listener
	for len(errs) < len(s.listeners) {
		errs = append(errs, acceptError(<-ended))
	}
	if err := errors.Join(append(errs, drainErr)...); err != nil {
		return err
	}
	s.config.Logger.Info("stopped")
	return nil
}

// close closes the listeners and all connections.
func (s *Server) close() {
	for _, l := range s.listeners {
		l.cutOff()
	}
	s.http.Close()
}

// acceptError returns err unless it is what ends http.Server.Serve as intended.
func acceptError(err error) error {
	if errors.Is(err, net.ErrClosed) || errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// drain drains all listeners at the same time.
func (s *Server) drain(ctx context.Context) error {
	errs := make([]error, len(s.listeners))
	var drains sync.WaitGroup
	for i, l := range s.listeners {
		drains.Go(func() { errs[i] = l.drain(ctx, headerTimeout) })
	}
	drains.Wait()
	err := errors.Join(errs...)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("requests in flight were cut off after the graceful timeout of %v: %w", s.config.GracefulTimeout, context.DeadlineExceeded)
	}
	return err
}
