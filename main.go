// Tokenmint is a stateless service that mints and verifies JSON Web Tokens.
//
// Usage:
//
//	tokenmint [flags]              serve
//	tokenmint healthcheck [flags]  check the health of the running service
//
// README.md lists the flags and their environment variables.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"sync"
	"syscall"
	"time"

	"tokenmint/handlers"
	"tokenmint/handlers/server"
	"tokenmint/jwtcore"
	"tokenmint/jwtcore/keyfile"
)

// gcPercent lets the small heap of the service grow to twice the size that Go would
// let it, unless GOGC is set. That costs 4 MiB of memory and saves 7 % of the CPU
// time of a request.
const gcPercent = 200

// errUsage is wrapped by all errors in the command line and the environment.
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

// run executes the program with args. On failure it writes one line to stderr
// and returns the error.
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

// options are the settings of the program.
type options struct {
	bind            string
	signingKeyFile  string
	tlsCert, tlsKey string
	gracefulTimeout time.Duration
	accessLog       bool
	logFormat       string
	version         bool

	// signingKey is nil if SIGNING_KEY is not set. It has no flag, because flags
	// show in the process list.
	signingKey *string
	// signingKeyFileSet is false if signingKeyFile is the default.
	signingKeyFileSet bool
}

// environment maps each flag that has an environment variable to its name.
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
	flags.SetOutput(io.Discard) // run prints the error
	flags.StringVar(&o.bind, "bind", "127.0.0.1:5000", "`address` to listen on, host:port or unix:/path")
	flags.StringVar(&o.signingKeyFile, "signing-key-file", "signing.key", "`file` with the signing keys, one a line; created with a new key if it does not exist")
	flags.StringVar(&o.tlsCert, "tls-cert", "", "`file` with the TLS certificate and its chain, in PEM; without it, plain HTTP")
	flags.StringVar(&o.tlsKey, "tls-key", "", "`file` with the private key of the certificate, in PEM")
	flags.DurationVar(&o.gracefulTimeout, "graceful-timeout", 30*time.Second, "`time` that requests in flight have to finish after a signal to stop, such as 30s or 1m")
	flags.BoolFunc("access-log", "log every request; -access-log=off turns it off", func(text string) (err error) {
		o.accessLog, err = parseOnOff(text)
		return err
	})
	flags.Lookup("access-log").DefValue = "off"
	flags.StringVar(&o.logFormat, "log-format", "text", "`format` of the log, text or json")
	flags.BoolVar(&o.version, "version", false, "print module, version and Go release")
	return flags
}

// parseOnOff accepts on and off, and what package flag accepts for a bool.
func parseOnOff(text string) (bool, error) {
	switch text {
	case "on":
		return true, nil
	case "off":
		return false, nil
	}
	value, err := strconv.ParseBool(text)
	if err != nil {
		return false, errors.New("the value is neither on nor off")
	}
	return value, nil
}

// parse sets the options from args and, for flags that are not in args, from
// their environment variables. An empty variable counts as unset. The error wraps
// errUsage or is flag.ErrHelp.
func (o *options) parse(flags *flag.FlagSet, args []string, lookupEnv func(string) (string, bool)) error {
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return err
	} else if err != nil {
		return fmt.Errorf("%w: %w; see tokenmint -h", errUsage, err)
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%w: unexpected argument: the only command is healthcheck, and it comes before the flags; see tokenmint -h", errUsage)
	}
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	for name, variable := range environment {
		value, _ := lookupEnv(variable)
		if given[name] || value == "" {
			continue
		}
		if err := flags.Set(name, value); err != nil {
			return fmt.Errorf("%w: invalid value of %s (see -%s in tokenmint -h): %w", errUsage, variable, name, err)
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

// check returns an error if an option is invalid, or if the options contradict each
// other.
func (o *options) check() error {
	switch {
	case o.bind == "unix:":
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

func printUsage(flags *flag.FlagSet, stderr io.Writer) {
	fmt.Fprint(stderr, `usage: tokenmint [flags]              serve
       tokenmint healthcheck [flags]  check the health of the running service

A flag wins over its environment variable. The variable SIGNING_KEY has no
flag. It holds one signing key and replaces the file.

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

// version returns the module, its version and the Go release that built it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "tokenmint, built without module information"
	}
	return fmt.Sprintf("%s %s %s", info.Main.Path, info.Main.Version, info.GoVersion)
}

// serve runs the service until ctx is done or a signal to stop arrives.
func serve(ctx context.Context, o options, logger *slog.Logger) error {
	ctx, restoreSignals := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	context.AfterFunc(ctx, restoreSignals) // a second signal ends the process at once
	hangups := make(chan os.Signal, 1)     // from here on, SIGHUP does not end the process
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)

	keys, err := loadSigningKeys(o, logger)
	if err != nil {
		return err
	}
	service, err := handlers.New(handlers.Config{SigningKeys: keys, Now: time.Now, Logger: logger, BodyMemory: 64 << 20, AccessLog: o.accessLog})
	if err != nil {
		return err
	}
	httpServer, err := server.Listen(server.Config{
		Bind:            o.bind,
		CertFile:        o.tlsCert,
		KeyFile:         o.tlsKey,
		Handler:         service,
		OnDrain:         service.Drain,
		GracefulTimeout: o.gracefulTimeout,
		Logger:          logger,
	})
	if err != nil {
		return err
	}
	logger.Info("listening", "address", httpServer.Addr().String(), "tls", httpServer.UsesTLS())
	var reloads sync.WaitGroup
	defer reloads.Wait()
	defer restoreSignals() // which ends ctx
	reloads.Go(func() {
		for ctx.Err() == nil {
			select {
			case <-hangups:
				reload(o, service, httpServer, logger)
			case <-ctx.Done():
			}
		}
	})
	return httpServer.Serve(ctx)
}

// reload reads the signing keys and the TLS certificate again. If one of them
// cannot be used, it logs the reason and the service goes on with the old one.
func reload(o options, service *handlers.Service, httpServer *server.Server, logger *slog.Logger) {
	report := func(keys, path string, err error) {
		service.CountReload(keys, err)
		if err != nil {
			logger.Error("the "+keys+" keys stay as they were", "error", err)
			return
		}
		logger.Info("read the "+keys+" keys again", "file", path)
	}
	if o.signingKey == nil {
		report("signing", o.signingKeyFile, reloadSigningKeys(o.signingKeyFile, service))
	} else {
		logger.Warn("SIGHUP does not change the signing keys: SIGNING_KEY is read at start only")
	}
	if httpServer.UsesTLS() {
		report("tls", o.tlsKey, httpServer.ReloadCertificate())
	}
}

func reloadSigningKeys(path string, service *handlers.Service) error {
	keys, _, err := keyfile.ReadKeys(path)
	if err == nil {
		err = service.SetSigningKeys(keys)
	}
	return err
}

// loadSigningKeys returns the key in SIGNING_KEY or, if that is unset, the keys
// in the key file. It creates the file if it does not exist.
func loadSigningKeys(o options, logger *slog.Logger) ([]*jwtcore.Key, error) {
	switch {
	case o.signingKey != nil && o.signingKeyFileSet:
		return nil, errors.New("both SIGNING_KEY and SIGNING_KEY_FILE (or -signing-key-file) are set: set one of them")
	case o.signingKey != nil:
		return parseSigningKey(*o.signingKey)
	}
	created, err := keyfile.Create(o.signingKeyFile)
	if err != nil {
		return nil, err
	}
	if created {
		logger.Warn("created a key file with a new signing key: keep it, or tokens minted now will not verify later", "file", o.signingKeyFile)
	}
	keys, _, err := keyfile.ReadKeys(o.signingKeyFile)
	return keys, err
}

// parseSigningKey returns the key in the text of SIGNING_KEY.
func parseSigningKey(text string) ([]*jwtcore.Key, error) {
	key, _, err := keyfile.ParseKey(text)
	if err != nil {
		return nil, fmt.Errorf("SIGNING_KEY: %w", err)
	}
	return []*jwtcore.Key{key}, nil
}

// healthcheck asks the service that runs with the same options for /healthz.
func healthcheck(_ context.Context, o options, _ *slog.Logger) error {
	scheme := "http"
	if o.tlsCert != "" {
		scheme = "https"
	}
	client := server.NewClient(o.bind)
	client.Timeout = 3 * time.Second
	response, err := client.Get(scheme + "://localhost/healthz")
	if err != nil {
		return err
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the service answers /healthz with %s", response.Status)
	}
	return nil
}
