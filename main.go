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
	"context"
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
	drainTime = 1500 * time.Millisecond

	healthcheckTimeout = 3 * time.Second
)

// errUsage is the class of errors in the command line and the environment.
var errUsage = errors.New("wrong usage")

func main() {
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
	logger := slog.New(slog.NewTextHandler(stderr, nil))
	if err := command(ctx, o, logger); err != nil {
		logger.Error(err.Error())
		return err
	}
	return nil
}

// options are the settings of a run.
type options struct {
	bind            string
	signingKeyFile  string
	gracefulTimeout time.Duration
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
	"graceful-timeout": "GRACEFUL_TIMEOUT",
}

func newFlagSet(o *options) *flag.FlagSet {
	flags := flag.NewFlagSet("tokenmint", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run tells the errors
	flags.StringVar(&o.bind, "bind", "127.0.0.1:5000", "`address` to listen on")
	flags.StringVar(&o.signingKeyFile, "signing-key-file", "signing.key", "`file` with the signing keys, one a line; made with a new key if there is none")
	flags.DurationVar(&o.gracefulTimeout, "graceful-timeout", 30*time.Second, "`time` that a stop leaves to requests in flight")
	flags.BoolVar(&o.version, "version", false, "print module, version and Go release")
	return flags
}

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
			return fmt.Errorf("%w: %s: %w", errUsage, variable, err)
		}
		given[name] = true
	}
	if o.gracefulTimeout < 0 {
		return fmt.Errorf("%w: the graceful timeout is negative", errUsage)
	}
	o.signingKeyFileSet = given["signing-key-file"]
	if key, ok := lookupEnv("SIGNING_KEY"); ok {
		o.signingKey = &key
	}
	return nil
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
			fmt.Fprintf(stderr, " (%s, default %s)", variable, f.DefValue)
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
	service, err := handlers.New(handlers.Config{SigningKeys: keys, Now: time.Now, Logger: logger})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", o.bind)
	if err != nil {
		return err
	}
	server := newServer(service, logger)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	logger.Info("listening", "address", listener.Addr().String())

	for {
		select {
		case err := <-failed:
			return err
		case <-hangups:
			reload(o, service, logger)
		case <-ctx.Done():
			restoreSignals() // a second signal ends the process at once
			return stop(server, service, o.gracefulTimeout, logger)
		}
	}
}

func newServer(service *handlers.Service, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler:                      service,
		ReadHeaderTimeout:            headerTimeout,
		ReadTimeout:                  readTimeout,
		WriteTimeout:                 writeTimeout,
		IdleTimeout:                  idleTimeout,
		MaxHeaderBytes:               maxHeaderBytes,
		DisableGeneralOptionsHandler: true, // "OPTIONS *" gets the headers of every response
		ErrorLog:                     slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
}

// stop sends clients away, closes the listener and waits for the requests in
// flight, all within timeout.
func stop(server *http.Server, service *handlers.Service, timeout time.Duration, logger *slog.Logger) error {
	logger.Info("stopping")
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	service.Drain()
	select {
	case <-time.After(drainTime):
	case <-ctx.Done():
	}
	if err := server.Shutdown(ctx); err != nil {
		server.Close()
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

// reload reads again what SIGHUP asks for. What is wrong with it is logged, and
// changes nothing.
func reload(o options, service *handlers.Service, logger *slog.Logger) {
	if o.signingKey != nil {
		logger.Warn("SIGHUP has no signing keys to read again: SIGNING_KEY is read at start alone")
		return
	}
	keys, err := jwtcore.ReadKeyFile(o.signingKeyFile)
	if err == nil {
		err = service.SetSigningKeys(keys)
	}
	if err != nil {
		logger.Error("the signing keys stay as they were", "error", err)
		return
	}
	logger.Info("read the signing keys again", "file", o.signingKeyFile, "keys", len(keys))
}

// healthcheck asks the service that runs with the same options for /healthz.
func healthcheck(ctx context.Context, o options, _ *slog.Logger) error {
	host, port, err := net.SplitHostPort(o.bind)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); host == "" || ip.IsUnspecified() {
		host = "localhost" // it listens on every address
	}
	ctx, cancel := context.WithTimeout(ctx, healthcheckTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/healthz", nil)
	if err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // and no proxy
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the service answers /healthz with %s", response.Status)
	}
	return nil
}
