// Tokenmint is a stateless service that mints and verifies JSON Web Tokens.
//
// Usage:
//
//	tokenmint [flags]              serve
//	tokenmint healthcheck [flags]  ask the running service whether it is well
//
// README.md lists the flags and their environment variables.
package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"tokenmint/handlers"
	"tokenmint/jwtcore"
)

const (
	headerTimeout = 5 * time.Second  // to receive the header of a request
	readTimeout   = 10 * time.Second // to receive all of it
	writeTimeout  = 15 * time.Second // to answer it
	idleTimeout   = 60 * time.Second // between two requests on a connection

	// maxHeaderBytes makes the largest header of a request 16 KiB: net/http
	// adds 4 KiB to the figure that it is given.
	maxHeaderBytes = 12 << 10

	// drainTime is how long connections are still accepted after the signal to
	// stop. Clients learn in it to go elsewhere, from /readyz and from the
	// Connection: close of every response, before any of them is refused.
	drainTime = 1250 * time.Millisecond

	healthcheckTimeout = 3 * time.Second

	// gcPercent lets the small heap of the service grow to twice the size that
	// Go would, unless GOGC says otherwise: that costs 4 MiB of memory, and
	// saves 7 % of the CPU time of a request.
	gcPercent = 200
)

// errUsage is the class of errors in the command line and the environment.
var errUsage = errors.New("wrong usage")

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	switch err := run(context.Background(), os.Args[1:], os.LookupEnv, os.Stderr); {
	case errors.Is(err, errUsage):
		os.Exit(2)
	case err != nil:
		os.Exit(1)
	}
}

// run is the whole program. It tells stderr in one line what went wrong before
// it returns it.
func run(ctx context.Context, args []string, lookupEnv func(string) (string, bool), stderr io.Writer) error {
	command := serve
	if len(args) > 0 && args[0] == "healthcheck" {
		command, args = healthcheck, args[1:]
	}
	var o options
	flags := newFlagSet(&o)
	err := o.parse(flags, args, lookupEnv)
	switch {
	case errors.Is(err, flag.ErrHelp):
		printUsage(flags, stderr)
		return nil
	case err != nil:
		fmt.Fprintln(stderr, "tokenmint:", err)
		return err
	case o.version:
		fmt.Fprintln(stderr, version())
		return nil
	}
	logger := newLogger(stderr, o.logFormat)
	if err := command(ctx, o, logger); err != nil {
		logger.Error(err.Error())
		return err
	}
	return nil
}

func newLogger(w io.Writer, format string) *slog.Logger {
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, nil))
	}
	return slog.New(slog.NewTextHandler(w, nil))
}

// options are the settings of a run.
type options struct {
	bind            string
	signingKeyFile  string
	tlsCert, tlsKey string
	gracefulTimeout time.Duration
	accessLog       onOff
	logFormat       string
	version         bool

	// signingKey comes from the environment alone: flags show in the process
	// list. It is nil where SIGNING_KEY is not set.
	signingKey *string
	// signingKeyFileSet tells whether signingKeyFile is somebody's choice.
	signingKeyFileSet bool
}

// environment names the variable of each flag that has one.
var environment = map[string]string{
	"bind":             "BIND",
	"signing-key-file": "SIGNING_KEY_FILE",
	"tls-cert":         "TLS_CERT_FILE",
	"tls-key":          "TLS_KEY_FILE",
	"graceful-timeout": "GRACEFUL_TIMEOUT",
	"access-log":       "ACCESS_LOG",
	"log-format":       "LOG_FORMAT",
}

func newFlagSet(o *options) *flag.FlagSet {
	flags := flag.NewFlagSet("tokenmint", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run tells the errors
	flags.StringVar(&o.bind, "bind", "127.0.0.1:5000", "`address` to listen on, host:port or unix:/path")
	flags.StringVar(&o.signingKeyFile, "signing-key-file", "signing.key", "`file` with the signing keys, one a line; made with a new key if there is none")
	flags.StringVar(&o.tlsCert, "tls-cert", "", "`file` with the TLS certificate and its chain, in PEM; none: plain HTTP")
	flags.StringVar(&o.tlsKey, "tls-key", "", "`file` with the private key of the certificate, in PEM")
	flags.DurationVar(&o.gracefulTimeout, "graceful-timeout", 30*time.Second, "`time` that a stop leaves to requests in flight, such as 30s or 1m")
	flags.Var(&o.accessLog, "access-log", "log every request; -access-log=off does not")
	flags.StringVar(&o.logFormat, "log-format", "text", "`format` of the log, text or json")
	flags.BoolVar(&o.version, "version", false, "print module, version and Go release")
	return flags
}

// onOff is a flag that is said to be on or off, and is on where it is just given.
type onOff bool

func (f *onOff) String() string {
	if *f {
		return "on"
	}
	return "off"
}

// Set takes on and off, and what package flag takes for a bool.
func (f *onOff) Set(text string) error {
	switch text {
	case "on":
		*f = true
	case "off":
		*f = false
	default:
		value, err := strconv.ParseBool(text)
		if err != nil {
			return errors.New("it is neither on nor off")
		}
		*f = onOff(value)
	}
	return nil
}

// IsBoolFlag tells package flag that a value is optional, and follows a =.
func (f *onOff) IsBoolFlag() bool { return true }

// parse reads the flags and, for those that are not given, their variables; an
// empty variable counts as none. Its error is of the class errUsage, or
// flag.ErrHelp.
func (o *options) parse(flags *flag.FlagSet, args []string, lookupEnv func(string) (string, bool)) error {
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return err
	} else if err != nil {
		return fmt.Errorf("%w: %w; see tokenmint -h", errUsage, err)
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%w: the only argument is healthcheck, before the flags; see tokenmint -h", errUsage)
	}
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	for name, variable := range environment {
		value, _ := lookupEnv(variable)
		if given[name] || value == "" {
			continue
		}
		if err := flags.Set(name, value); err != nil {
			return fmt.Errorf("%w: %s is not what -%s takes: %w; see tokenmint -h", errUsage, variable, name, err)
		}
		given[name] = true
	}
	if err := o.check(); err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	o.signingKeyFileSet = given["signing-key-file"]
	if key, ok := lookupEnv("SIGNING_KEY"); ok {
		o.signingKey = &key
	}
	return nil
}

// check tells what is wrong with the options as they were given.
func (o *options) check() error {
	switch network, address := o.endpoint(); {
	case network == "unix" && address == "":
		return errors.New("the socket to bind has no path: write unix:/path")
	case o.gracefulTimeout < 0:
		return errors.New("the graceful timeout is negative")
	case o.logFormat != "text" && o.logFormat != "json":
		return errors.New("the log format is neither text nor json")
	case (o.tlsCert == "") != (o.tlsKey == ""):
		return errors.New("TLS needs both a certificate and its key: set -tls-cert and -tls-key (TLS_CERT_FILE and TLS_KEY_FILE), or neither")
	default:
		return nil
	}
}

// usesTLS reports whether the service speaks TLS.
func (o *options) usesTLS() bool { return o.tlsCert != "" }

// endpoint is where to listen, in the words of package net.
func (o *options) endpoint() (network, address string) {
	if path, ok := strings.CutPrefix(o.bind, "unix:"); ok {
		return "unix", path
	}
	return "tcp", o.bind
}

func printUsage(flags *flag.FlagSet, stderr io.Writer) {
	fmt.Fprint(stderr, `usage: tokenmint [flags]              serve
       tokenmint healthcheck [flags]  ask the running service whether it is well

A flag wins over its environment variable. SIGNING_KEY, which has no flag,
holds one signing key, in place of the file.

`)
	flags.VisitAll(func(f *flag.Flag) {
		value, usage := flag.UnquoteUsage(f)
		fmt.Fprintf(stderr, "  -%s %s\n    \t%s", f.Name, value, usage)
		if variable, ok := environment[f.Name]; ok {
			fmt.Fprintf(stderr, " (%s, default %s)", variable, cmp.Or(f.DefValue, "none"))
		}
		fmt.Fprintln(stderr)
	})
}

// version names the module, its version and the Go release that built it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "tokenmint, built without module information"
	}
	return fmt.Sprintf("%s %s %s", info.Main.Path, info.Main.Version, info.GoVersion)
}

// serve runs the service until ctx ends or a signal to stop arrives.
func serve(ctx context.Context, o options, logger *slog.Logger) error {
	ctx, restoreSignals := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer restoreSignals()
	hangups := make(chan os.Signal, 1) // from here on SIGHUP does not end the process
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)

	keys, err := loadSigningKeys(o, logger)
	if err != nil {
		return err
	}
	service, err := handlers.New(handlers.Config{SigningKeys: keys, Now: time.Now, Logger: logger, AccessLog: bool(o.accessLog)})
	if err != nil {
		return err
	}
	certificate := &certificate{certFile: o.tlsCert, keyFile: o.tlsKey}
	if o.usesTLS() {
		if err := certificate.read(); err != nil {
			return err
		}
	}
	listener, err := listen(o)
	if err != nil {
		return err
	}
	connections := handlers.NewConnections(listener)
	server := newServer(service, certificate, logger)
	server.ConnState = connections.Track
	failed := make(chan error, 1)
	go func() { failed <- serveOn(server, connections, o.usesTLS()) }()
	logger.Info("listening", "address", listener.Addr().String(), "tls", o.usesTLS())

	for {
		select {
		case err := <-failed:
			return err
		case <-hangups:
			reload(o, service, certificate, logger)
		case <-ctx.Done():
			restoreSignals() // a second signal ends the process at once
			return stop(server, connections, service, o.gracefulTimeout, logger)
		}
	}
}

func newServer(service *handlers.Service, certificate *certificate, logger *slog.Logger) *http.Server {
	server := &http.Server{
		Handler:                      service,
		ReadHeaderTimeout:            headerTimeout,
		ReadTimeout:                  readTimeout,
		WriteTimeout:                 writeTimeout,
		IdleTimeout:                  idleTimeout,
		MaxHeaderBytes:               maxHeaderBytes,
		DisableGeneralOptionsHandler: true, // "OPTIONS *" gets the headers of every response
		ErrorLog:                     slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
		TLSConfig:                    &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: certificate.get},
		Protocols:                    new(http.Protocols),
	}
	// Over HTTP/2, net/http has no time limit for a header, and there is no
	// Connection: close. What is promised of both holds with TLS as well.
	server.Protocols.SetHTTP1(true)
	return server
}

func serveOn(server *http.Server, listener net.Listener, usesTLS bool) error {
	if usesTLS {
		return server.ServeTLS(listener, "", "") // the certificate is in its TLSConfig
	}
	return server.Serve(listener)
}

// listen makes the socket that -bind asks for.
func listen(o options) (net.Listener, error) {
	network, address := o.endpoint()
	if network == "unix" {
		return handlers.ListenUnix(address)
	}
	var config net.ListenConfig
	config.SetMultipathTCP(false) // Linux has no filter for it, which a stop without loss needs
	return config.Listen(context.Background(), network, address)
}

// certificate is what the service shows to TLS clients, as it was last read.
type certificate struct {
	certFile, keyFile string
	pair              atomic.Pointer[tls.Certificate]
}

// read reads the files. If something is wrong with them, the old certificate
// stays.
func (c *certificate) read() error {
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("the TLS certificate in %s with the key in %s: %w", c.certFile, c.keyFile, err)
	}
	c.pair.Store(&pair)
	return nil
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.pair.Load(), nil }

// stop sends clients away, closes the listener and waits for the requests in
// flight, all within timeout.
func stop(server *http.Server, connections *handlers.Connections, service *handlers.Service, timeout time.Duration, logger *slog.Logger) error {
	logger.Info("stopping")
	defer server.Close()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	service.Drain()
	select {
	case <-time.After(drainTime):
	case <-ctx.Done():
	}
	if err := connections.Drain(ctx, headerTimeout); err != nil {
		return fmt.Errorf("requests in flight were cut off after the graceful timeout of %v: %w", timeout, err)
	}
	logger.Info("stopped")
	return nil
}

// loadSigningKeys returns the key in SIGNING_KEY, or those in the key file,
// which it makes where there is none.
func loadSigningKeys(o options, logger *slog.Logger) ([]*jwtcore.Key, error) {
	if o.signingKey == nil {
		created, err := jwtcore.CreateKeyFile(o.signingKeyFile)
		if err != nil {
			return nil, err
		}
		if created {
			logger.Warn("made a key file with a new signing key: keep it, or tokens minted now will not verify later", "file", o.signingKeyFile)
		}
		return jwtcore.ReadKeyFile(o.signingKeyFile)
	}
	if o.signingKeyFileSet {
		return nil, errors.New("both SIGNING_KEY and SIGNING_KEY_FILE (or -signing-key-file) are set: set one of them")
	}
	keys, err := jwtcore.ParseKeys([]byte(*o.signingKey))
	switch {
	case err != nil:
		return nil, fmt.Errorf("SIGNING_KEY: %w", err)
	case len(keys) > 1:
		return nil, errors.New("SIGNING_KEY holds more than one line: put several keys into a file")
	}
	return keys, nil
}

// reload reads the key files again, as SIGHUP asks. What is wrong with one of
// them is logged, and changes nothing of what it is for.
func reload(o options, service *handlers.Service, certificate *certificate, logger *slog.Logger) {
	again := func(keys, path string, read func() error) {
		err := read()
		service.CountReload(keys, err)
		if err != nil {
			logger.Error("the "+keys+" keys stay as they were", "error", err)
			return
		}
		logger.Info("read the "+keys+" keys again", "file", path)
	}
	if o.signingKey == nil {
		again("signing", o.signingKeyFile, func() error { return reloadSigningKeys(o.signingKeyFile, service) })
	} else {
		logger.Warn("SIGHUP has no signing keys to read again: SIGNING_KEY is read at start alone")
	}
	if o.usesTLS() {
		again("tls", o.tlsKey, certificate.read)
	}
}

func reloadSigningKeys(path string, service *handlers.Service) error {
	keys, err := jwtcore.ReadKeyFile(path)
	if err != nil {
		return err
	}
	return service.SetSigningKeys(keys)
}

// healthcheck asks the service that runs with the same options for /healthz.
func healthcheck(ctx context.Context, o options, _ *slog.Logger) error {
	url := "http://localhost/healthz"
	if o.usesTLS() {
		url = "https://localhost/healthz"
	}
	ctx, cancel := context.WithTimeout(ctx, healthcheckTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := healthcheckClient(o.endpoint()).Do(request)
	if err != nil {
		return err
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the service answers /healthz with %s", response.Status)
	}
	return nil
}

// healthcheckClient returns a client that reaches one address, and no proxy; if
// the service listens on every address, package net dials the machine itself.
// It does not verify a certificate's name, which is the one that clients
// elsewhere use: this client asks the service at its own socket, sends it
// nothing secret, and believes nothing of what it hears but that it is well.
func healthcheckClient(network, address string) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
		DisableKeepAlives: true,
	}}
}
