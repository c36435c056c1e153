// Package server serves HTTP/1.1 over TCP and Unix sockets. It adds what
// net/http lacks: time limits that cost next to nothing, a certificate that can
// be reloaded, Unix sockets that survive a crash, and a stop that, on Linux, leaves
// no request unanswered.
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
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

// Config configures a Server. Bind, Handler and Logger are required.
type Config struct {
	// Bind is the address to listen on: host:port, or unix:/path for a Unix
	// socket of mode 0660.
	Bind string

	// CertFile and KeyFile name the files with the TLS certificate, followed by
	// its chain, and with its private key, both in PEM. If both are empty, the
	// server speaks plain HTTP.
	CertFile, KeyFile string

	// Handler answers the requests.
	Handler http.Handler

	// OnDrain, if not nil, is called once when a stop begins, while clients can
	// still connect. Responses from then on should say Connection: close.
	OnDrain func()

	// GracefulTimeout bounds the time that a stop takes. If it is zero, requests in
	// flight are cut off at once.
	GracefulTimeout time.Duration

	// Logger receives the errors of connections, and the beginning and the end of a
	// stop.
	Logger *slog.Logger
}

// Server is an HTTP server that listens on one address.
type Server struct {
	config      Config
	certificate certificate
	connections *connections
	http        *http.Server
}

// Listen reads the certificate, if there is one, and returns a Server that
// listens on its address. Clients can connect from then on; they are answered
// once Serve is called.
func Listen(config Config) (*Server, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	s := &Server{config: config, certificate: certificate{certFile: config.CertFile, keyFile: config.KeyFile}}
	if s.UsesTLS() {
		if err := s.ReloadCertificate(); err != nil {
			return nil, err
		}
	}
	listener, err := listen(config.Bind)
	if err != nil {
		return nil, err
	}
	s.start(listener)
	return s, nil
}

// check returns an error if a field is missing.
func (c Config) check() error {
	switch {
	case c.Bind == "" || c.Bind == "unix:":
		return errors.New("server: Config.Bind has no address")
	case (c.CertFile == "") != (c.KeyFile == ""):
		return errors.New("server: Config.CertFile and Config.KeyFile need each other")
	case c.Handler == nil:
		return errors.New("server: Config.Handler is nil")
	case c.Logger == nil:
		return errors.New("server: Config.Logger is nil")
	default:
		return nil
	}
}

// start makes the server answer what connects to listener, once Serve is called.
func (s *Server) start(listener net.Listener) {
	s.connections = trackConnections(listener)
	s.http = &http.Server{
		Handler:                      s.config.Handler,
		ReadHeaderTimeout:            headerTimeout,
		ReadTimeout:                  readTimeout,
		WriteTimeout:                 writeTimeout,
		IdleTimeout:                  idleTimeout,
		MaxHeaderBytes:               maxHeaderBytes,
		DisableGeneralOptionsHandler: true, // the Handler answers OPTIONS * as well
		ConnState:                    s.connections.track,
		ErrorLog:                     slog.NewLogLogger(s.config.Logger.Handler(), slog.LevelWarn),
		TLSConfig:                    &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: s.certificate.get},
		Protocols:                    new(http.Protocols),
	}
	// In HTTP/2, net/http has no time limit for a header, and there is no
	// Connection: close. With HTTP/1.1 alone, both promises also hold over TLS.
	s.http.Protocols.SetHTTP1(true)
}

// Addr returns the address that the server listens on.
func (s *Server) Addr() net.Addr { return s.connections.Addr() }

// UsesTLS reports whether the server speaks TLS.
func (s *Server) UsesTLS() bool { return s.config.CertFile != "" }

// ReloadCertificate reads the certificate and its key again. If it returns an
// error, the server goes on with those that it has.
func (s *Server) ReloadCertificate() error { return s.certificate.read() }

// Serve answers requests until ctx is done, and then stops the server. It
// returns nil after a clean stop. Otherwise it returns the error that ended it:
// the listener's, or that requests were cut off by the graceful timeout.
func (s *Server) Serve(ctx context.Context) error {
	defer s.http.Close()
	ended := make(chan error, 1)
	go func() { ended <- s.acceptAll() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return s.stop(ended)
	}
}

func (s *Server) acceptAll() error {
	if s.UsesTLS() {
		return s.http.ServeTLS(s.connections, "", "") // TLSConfig has the certificate
	}
	return s.http.Serve(s.connections)
}

// stop sends clients away, closes the listener and waits for requests in flight,
// all within the graceful timeout. Ended receives the result of acceptAll.
func (s *Server) stop(ended <-chan error) error {
	s.config.Logger.Info("stopping")
	ctx, cancel := context.WithTimeout(context.Background(), s.config.GracefulTimeout)
	defer cancel()
	if s.config.OnDrain != nil {
		s.config.OnDrain()
	}
	var acceptErr error
	select {
	case <-time.After(drainTime):
	case <-ctx.Done():
	case acceptErr = <-ended:
	}
	drainErr := s.connections.drain(ctx, headerTimeout)
	if errors.Is(drainErr, context.DeadlineExceeded) {
		drainErr = fmt.Errorf("requests in flight were cut off after the graceful timeout of %v: %w", s.config.GracefulTimeout, drainErr)
	}
	s.http.Close() // ends acceptAll, even if drain could not close the listener
	if acceptErr == nil {
		acceptErr = <-ended
	}
	if errors.Is(acceptErr, net.ErrClosed) || errors.Is(acceptErr, http.ErrServerClosed) {
		acceptErr = nil // as intended
	}
	if err := errors.Join(acceptErr, drainErr); err != nil {
		return err
	}
	s.config.Logger.Info("stopped")
	return nil
}
