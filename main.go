// Tokenmint is a stateless service that mints and verifies JSON Web Tokens.
//
// Usage:
//
//	tokenmint [flags]                            serve
//	tokenmint healthcheck [flags]                check the running service
//	tokenmint mint [flags] [user_data]           print new tokens
//	tokenmint inspect [flags] [token]            print and check what is in tokens
//	tokenmint key list [flags]                   print the fingerprints of the keys
//	tokenmint key add [flags]                    add a new key
//	tokenmint key promote [flags] [fingerprint]  let another key mint
//	tokenmint key remove [flags] fingerprint     remove a key
//
// All but healthcheck use the keys of the service, and do not need it to run.
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
	"io/fs"
	"log/slog"
	"math"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"

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
	std := stdio{os.Stdin, os.Stdout, os.Stderr}
	switch err := run(context.Background(), os.Args[1:], os.LookupEnv, std); {
	case errors.Is(err, errUsage):
		os.Exit(2)
	case err != nil:
		os.Exit(1)
	}
}

// stdio is the standard input, output and error of the process.
type stdio struct {
	in       io.Reader
	out, err io.Writer
}

// command is one of the things that the program does.
type command struct {
	name      string // the first arguments; "" for the service
	arguments string // after the name, for the usage text
	purpose   string
	details   string // for the usage text of the command alone

	maxArguments int  // besides the flags
	takesData    bool // as an argument, which may be -h by mistake
	flags        func(o *options) *flag.FlagSet
	check        func(o *options) error // returns an error if the options are wrong
	execute      func(ctx context.Context, o options, std stdio, logger *slog.Logger) error
}

var commands = []command{
	{
		arguments: "[flags]",
		purpose:   "serve",
		flags:     serviceFlags,
		check:     (*options).checkService,
		execute:   serve,
	},
	{
		name:      "healthcheck",
		arguments: "[flags]",
		purpose:   "check the running service",
		details:   healthcheckDetails,
		flags:     serviceFlags,
		check:     (*options).checkService,
		execute:   healthcheck,
	},
	{
		name:         "mint",
		arguments:    "[flags] [user_data]",
		purpose:      "print new tokens, one a line",
		details:      mintDetails,
		maxArguments: 1,
		takesData:    true,
		flags:        mintFlags,
		check:        (*options).checkMint,
		execute:      mint,
	},
	{
		name:         "inspect",
		arguments:    "[flags] [token]",
		purpose:      "print and check what is in tokens",
		details:      inspectDetails,
		maxArguments: 1,
		takesData:    true,
		flags:        inspectFlags,
		check:        (*options).checkInspect,
		execute:      inspect,
	},
	{
		name:      "key list",
		arguments: "[flags]",
		purpose:   "print the fingerprints of the keys",
		details:   keyListDetails,
		flags:     keyFlags,
		check:     (*options).checkKeyFile,
		execute:   keyList,
	},
	{
		name:      "key add",
		arguments: "[flags]",
		purpose:   "add a new key",
		details:   keyAddDetails,
		flags:     keyFlags,
		check:     (*options).checkKeyFile,
		execute:   keyAdd,
	},
	{
		name:         "key promote",
		arguments:    "[flags] [fingerprint]",
		purpose:      "let another key mint",
		details:      keyPromoteDetails,
		maxArguments: 1,
		flags:        keyFlags,
		check:        (*options).checkKeyPromote,
		execute:      keyPromote,
	},
	{
		name:         "key remove",
		arguments:    "[flags] fingerprint",
		purpose:      "remove a key",
		details:      keyRemoveDetails,
		maxArguments: 1,
		flags:        keyFlags,
		check:        (*options).checkKeyRemove,
		execute:      keyRemove,
	},
	{
		name:         "key", // with no word after it, or another one
		arguments:    "list|add|promote|remove",
		details:      keyDetails,
		maxArguments: math.MaxInt,
		flags:        keyFlags,
		check:        func(*options) error { return errNoKeyCommand },
	},
}

const healthcheckDetails = `
Healthcheck asks the service that runs with the same settings for /healthz. The
exit status is 0 if the service is healthy. Without flags, healthcheck uses those
of the service if that is process 1, as in a container.
`

const mintDetails = `
Mint prints a new token with user_data, a JSON value such as '{"user": 1}' or
'"text"'. Without an argument, it reads values from standard input, one a line,
and skips blank lines. The value null, which requires -claims, makes a token
without user_data. Write -- before a negative number. The exit status is 0 if
every value became a token, 1 if not, and 2 for wrong usage.
`

const inspectDetails = `
Inspect prints a line of JSON with the header and the claims of the token, and
whether one of the service's own keys signed it. Without an argument, it reads
tokens from standard input, one a line, and skips blank lines. In a script,
write -- before an argument: otherwise one that begins with - is a flag. The
exit status is 0 if all tokens verify and are valid, 1 if not, and 2 for wrong
usage.
`

const keyDetails = `
The key commands change the keys in the file while services use it. They keep
its comments, its owner and its mode. To replace a key without losing a request:

    tokenmint key add
    tokenmint key promote             once each service has logged the new key
    tokenmint key remove fingerprint  once the tokens of the old key have expired

Each command has a -h of its own. It is an error if SIGNING_KEY is set, because
then there is no file.
`

const keyListDetails = `
Key list prints the fingerprint of each key, one a line. The first key mints,
and the line says so. The exit status is 0 if the file is good, 1 if not, and
2 for wrong usage.
`

const keyAddDetails = `
Key add puts a new key below the others and prints its fingerprint. Services
accept its tokens once they have read the file again, which takes them at most
5 seconds. The exit status is 0 if the key was added and its fingerprint was
printed, 1 if not, and 2 for wrong usage.
`

const keyPromoteDetails = `
Key promote moves the key with the fingerprint, or else the last key, above the
others, so that it mints, and prints its fingerprint. Wait until each service
has logged that fingerprint: the others refuse the tokens of the key. The exit
status is 0 if the key mints, 1 if not, and 2 for wrong usage.
`

const keyRemoveDetails = `
Key remove removes the key with the fingerprint, unless that key mints. The
tokens of the key are then refused. The exit status is 0 if the key was
removed, 1 if not, and 2 for wrong usage.
`

// findCommand returns the command that args name, and the arguments after its name.
func findCommand(args []string) (command, []string) {
	for _, c := range commands[1:] {
		if name := strings.Fields(c.name); len(args) >= len(name) && slices.Equal(args[:len(name)], name) {
			return c, args[len(name):]
		}
	}
	return commands[0], args
}

// run executes the program with args. On failure it writes one line to the standard
// error, unless the command has, and returns the error.
func run(ctx context.Context, args []string, lookupEnv func(string) (string, bool), std stdio) error {
	c, args := findCommand(args)
	if c.name == "healthcheck" {
		commandLine, _ := os.ReadFile("/proc/1/cmdline") // empty if there is none
		args = healthcheckArguments(args, string(commandLine), lookupEnv)
	}
	var o options
	flags := c.flags(&o)
	err := o.parse(c, flags, args, lookupEnv)
	logger := newLogger(std.err, "")
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, err = io.WriteString(std.out, c.usage(flags))
		if c.takesData { // a script may pass -h as a token, and it is not a good one
			return errUsage
		}
	case err != nil: // it is logged below
	case o.version:
		_, err = fmt.Fprintln(std.out, version())
	default:
		logger = newLogger(std.err, o.logFormat)
		o.files.Logger = logger
		err = c.execute(ctx, o, std, logger)
	}
	if err != nil && !errors.Is(err, handlers.ErrReported) {
		logger.Error(err.Error())
	}
	return err
}

// newLogger returns a logger that writes to w: as text, as JSON or, if format is "", as
// lines for a person.
func newLogger(w io.Writer, format string) *slog.Logger {
	switch format {
	case "json":
		return slog.New(slog.NewJSONHandler(w, nil))
	case "text":
		return slog.New(slog.NewTextHandler(w, nil))
	default:
		return slog.New(plainHandler{w})
	}
}

// plainHandler writes the messages of warnings and errors, and nothing else.
type plainHandler struct{ w io.Writer }

func (h plainHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn
}

func (h plainHandler) Handle(_ context.Context, record slog.Record) error {
	_, err := fmt.Fprintln(h.w, "tokenmint:", record.Message)
	return err
}

func (h plainHandler) WithAttrs([]slog.Attr) slog.Handler { return h }
func (h plainHandler) WithGroup(string) slog.Handler      { return h }

// options are the settings of the program.
type options struct {
	bind, gateBind  string
	files           handlers.Files
	maxExpiresIn    time.Duration // 0 if there is no limit
	origins         []string
	gracefulTimeout time.Duration
	accessLog       handlers.AccessLog
	logFormat       string // "" for the commands that have no log
	version         bool

	minting              handlers.Minting // of mint
	keyFile, keyEncoding string           // of inspect
	arguments            []string         // besides the flags
	given                map[string]bool  // the flags in the command line
}

// environment maps each flag that has an environment variable to its name.
var environment = map[string]string{
	"bind":                  "BIND",
	"gate-bind":             "GATE_BIND",
	"signing-key-file":      "SIGNING_KEY_FILE",
	"mint-credentials-file": "MINT_CREDENTIALS_FILE",
	"revoked-file":          "REVOKED_FILE",
	"max-expires-in":        "MAX_EXPIRES_IN",
	"origins":               "ORIGINS",
	"tls-cert":              "TLS_CERT_FILE",
	"tls-key":               "TLS_KEY_FILE",
	"graceful-timeout":      "GRACEFUL_TIMEOUT",
	"access-log":            "ACCESS_LOG",
	"log-format":            "LOG_FORMAT",
}

// newFlagSet returns the flags that all commands have.
func newFlagSet() *flag.FlagSet {
	flags := flag.NewFlagSet("tokenmint", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run prints the error
	return flags
}

// serviceFlags returns the flags of the service, and of its health check.
func serviceFlags(o *options) *flag.FlagSet {
	flags := newFlagSet()
	flags.StringVar(&o.bind, "bind", "127.0.0.1:5000", "`address` to listen on, host:port or unix:/path")
	flags.StringVar(&o.gateBind, "gate-bind", "", "second `address` to listen on, for the gate alone")
	flags.StringVar(&o.files.SigningKeys, "signing-key-file", defaultKeyFile, "`file` with the signing keys, one a line; created with a new key if it does not exist")
	flags.Func("mint-credentials-file", "`file` with the credentials of those who may mint, one a line; without it, anyone may", func(text string) error {
		o.files.MintCredentials = text
		return refuseEmpty(text, "without credentials anyone could mint")
	})
	addRevokedFile(flags, o)
	addMaxExpiresIn(flags, o)
	flags.Func("origins", "`origins` of web pages that may use the service, such as https://example.com, separated by commas", func(text string) (err error) {
		o.origins, err = handlers.ParseOrigins(text)
		return err
	})
	flags.StringVar(&o.files.Certificate, "tls-cert", "", "`file` with the TLS certificate and its chain, in PEM; without it, plain HTTP")
	flags.StringVar(&o.files.CertificateKey, "tls-key", "", "`file` with the private key of the certificate, in PEM")
	o.gracefulTimeout = 30 * time.Second
	flags.Func("graceful-timeout", "`time` that requests in flight have to finish after a signal to stop, such as 30s, 1m, or 30 for seconds", func(text string) (err error) {
		o.gracefulTimeout, err = parseGracefulTimeout(text)
		return err
	})
	flags.Lookup("graceful-timeout").DefValue = "30s"
	flags.BoolFunc("access-log", "log requests: -access-log=on leaves out probes and scrapes, -access-log=all logs all", func(text string) (err error) {
		o.accessLog, err = handlers.ParseAccessLog(text)
		return err
	})
	flags.Lookup("access-log").DefValue = "off"
	o.logFormat = "text"
	flags.Func("log-format", "`format` of the log, text or json", func(text string) (err error) {
		o.logFormat, err = parseLogFormat(text)
		return err
	})
	flags.Lookup("log-format").DefValue = "text"
	flags.BoolVar(&o.version, "version", false, "print module, version and Go release")
	return flags
}

// defaultKeyFile is the file with the signing keys, unless another one is set.
const defaultKeyFile = "signing.key"

func addRevokedFile(flags *flag.FlagSet, o *options) {
	flags.Func("revoked-file", "`file` that revokes tokens: one jti a line, or before and a time, which revokes all tokens issued earlier", func(text string) error {
		o.files.Revoked = text
		return refuseEmpty(text, "without it revoked tokens would pass")
	})
}

func addMaxExpiresIn(flags *flag.FlagSet, o *options) {
	flags.Func("max-expires-in", "longest `lifetime` of a token, such as 1h; without it, there is no limit", func(text string) (err error) {
		o.maxExpiresIn, err = handlers.ParseMaxExpiresIn(text)
		return err
	})
}

func mintFlags(o *options) *flag.FlagSet {
	flags := newFlagSet()
	flags.IntVar(&o.minting.Count, "n", 1, "`number` of tokens to mint with each user_data (default 1)")
	flags.Func("expires-in", "`lifetime` of the tokens, such as 1h or 3600; without it, they do not expire", func(text string) (err error) {
		o.minting.ExpiresIn, err = handlers.ParseExpiresIn(text)
		return err
	})
	flags.Func("claims", "additional claims, a JSON `object`", func(text string) error {
		o.minting.Claims = []byte(text) // checkMint checks it: an error of this function would quote it
		return nil
	})
	flags.StringVar(&o.files.SigningKeys, "signing-key-file", defaultKeyFile, "`file` with the signing keys, one a line; the first one mints")
	addMaxExpiresIn(flags, o)
	return flags
}

func inspectFlags(o *options) *flag.FlagSet {
	flags := newFlagSet()
	flags.Func("key-file", "`file` with one key, to use instead of the service's own", func(text string) error {
		o.keyFile = text
		return refuseEmpty(text, "without it the service's own keys would be tried")
	})
	flags.StringVar(&o.keyEncoding, "key-encoding", "utf8", "`form` of that key: utf8, hex, base64 or base64url (default utf8)")
	flags.StringVar(&o.files.SigningKeys, "signing-key-file", defaultKeyFile, "`file` with the service's own keys, one a line")
	addRevokedFile(flags, o)
	return flags
}

func keyFlags(o *options) *flag.FlagSet {
	flags := newFlagSet()
	flags.StringVar(&o.files.SigningKeys, "signing-key-file", defaultKeyFile, "`file` with the signing keys, one a line; the first one mints")
	return flags
}

// refuseEmpty returns an error if text, the name of a file, is empty, such as a variable
// that was meant to have it. The reason is what would come of that.
func refuseEmpty(text, reason string) error {
	if text == "" {
		return errors.New("it is empty, and " + reason)
	}
	return nil
}

// parseGracefulTimeout accepts a number of seconds, and what time.ParseDuration accepts if
// that is not negative.
func parseGracefulTimeout(text string) (time.Duration, error) {
	if _, err := strconv.ParseUint(text, 10, 64); err == nil {
		text += "s"
	}
	timeout, err := time.ParseDuration(text)
	if err != nil || timeout < 0 {
		return 0, errors.New("write whole seconds, or a duration such as 30s or 1m, that is not negative")
	}
	return timeout, nil
}

// parseLogFormat accepts text and json, in any letter case.
func parseLogFormat(text string) (string, error) {
	format := strings.ToLower(text)
	if format != "text" && format != "json" {
		return "", errors.New("write text or json")
	}
	return format, nil
}

// parse sets the options of c from args and, for flags that are not in args, from
// their environment variables. The error wraps errUsage or is flag.ErrHelp.
func (o *options) parse(c command, flags *flag.FlagSet, args []string, lookupEnv func(string) (string, bool)) error {
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return err
	case err != nil:
		return fmt.Errorf("%w: %w; see %s -h", errUsage, err, c)
	case o.version:
		return nil
	case o.accessLog == handlers.AccessLogOn && isAccessLog(flags.Arg(0)):
		return fmt.Errorf("%w: unexpected argument: write -access-log=%s, with =; see %s -h", errUsage, flags.Arg(0), c)
	case flags.NArg() > c.maxArguments && c.maxArguments == 0:
		return fmt.Errorf("%w: unexpected argument: the commands are healthcheck, mint, inspect and key, and come before the flags; see %s -h", errUsage, c)
	case flags.NArg() > c.maxArguments:
		return fmt.Errorf("%w: more than one argument: put quotes around it, and flags before it; see %s -h", errUsage, c)
	}
	o.arguments = flags.Args()
	o.given = map[string]bool{}
	flags.Visit(func(f *flag.Flag) { o.given[f.Name] = true })
	if err := o.readEnvironment(c, flags, lookupEnv); err != nil {
		return err
	}
	if err := cmp.Or(o.checkFileNames(), c.check(o)); err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	return nil
}

// isAccessLog reports whether text is a value of -access-log. If the flag does not end
// with =, its value is an argument of the command.
func isAccessLog(text string) bool {
	_, err := handlers.ParseAccessLog(text)
	return err == nil
}

// readEnvironment sets the options whose flags are not in the command line. An empty
// variable counts as unset, unless its flag refuses it.
func (o *options) readEnvironment(c command, flags *flag.FlagSet, lookupEnv func(string) (string, bool)) error {
	for name, variable := range environment {
		value, set := lookupEnv(variable)
		refusesEmpty := name == "mint-credentials-file" || name == "revoked-file"
		if flags.Lookup(name) == nil || o.given[name] || !set || value == "" && !refusesEmpty {
			continue
		}
		if err := flags.Set(name, value); err != nil {
			return fmt.Errorf("%w: invalid value of %s (see -%s in %s -h): %w", errUsage, variable, name, c, err)
		}
	}
	if key, ok := lookupEnv("SIGNING_KEY"); ok { // which has no flag, because flags show in the process list
		o.files.SigningKey = &key
		if !isSet(flags, "signing-key-file") {
			o.files.SigningKeys = "" // not the default
		}
	}
	return nil
}

// isSet reports whether the command line or the environment sets the named flag.
func isSet(flags *flag.FlagSet, name string) (set bool) {
	flags.Visit(func(f *flag.Flag) { set = set || f.Name == name })
	return set
}

// checkFileNames returns an error if the name of a file is probably the secret that should
// be in the file. The log and errors quote the names of files, and the service would create
// a key file of that name.
func (o *options) checkFileNames() error {
	for _, file := range []struct{ setting, name string }{
		{"SIGNING_KEY_FILE (or -signing-key-file)", o.files.SigningKeys},
		{"MINT_CREDENTIALS_FILE (or -mint-credentials-file)", o.files.MintCredentials},
		{"TLS_KEY_FILE (or -tls-key)", o.files.CertificateKey},
		{"-key-file", o.keyFile},
	} {
		if isLikeSecret(file.name) {
			return fmt.Errorf("%s looks like a secret itself: put that into a file, and write the name of the file, with ./ in front of a long one", file.setting)
		}
	}
	return nil
}

// isLikeSecret reports whether the name of a file looks like a key or a credential: PEM, or
// at least 64 characters of hex or base64.
func isLikeSecret(name string) bool {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_="
	return strings.Contains(name, "-----BEGIN ") || len(name) >= 64 && name[0] != '/' && strings.Trim(name, alphabet) == ""
}

// checkService returns an error if an option of the service is invalid, or if its options
// contradict each other.
func (o *options) checkService() error {
	switch {
	case o.bind == "unix:" || o.gateBind == "unix:":
		return errors.New("the socket to bind has no path: write unix:/path")
	case o.bind == "":
		return errors.New("the address to bind is empty: write host:port or unix:/path")
	case o.gateBind == o.bind:
		return errors.New("GATE_BIND (or -gate-bind) is the same address as BIND: the gate needs one of its own")
	case (o.files.Certificate == "") != (o.files.CertificateKey == ""):
		return errors.New("TLS needs both a certificate and its key: set -tls-cert and -tls-key (TLS_CERT_FILE and TLS_KEY_FILE), or neither")
	default:
		return nil
	}
}

func (o *options) checkMint() error { return o.minting.Check(o.maxExpiresIn) }

func (o *options) checkInspect() error {
	switch {
	case o.keyFile == "" && o.given["key-encoding"]:
		return errors.New("-key-encoding is the form of the key in -key-file, which is not set")
	case o.keyFile != "" && (o.given["signing-key-file"] || o.given["revoked-file"]):
		return errors.New("-signing-key-file and -revoked-file do not go with -key-file, which is in place of the service's own keys")
	}
	if _, err := jwtcore.DecodeSecret(nil, o.keyEncoding); err != nil {
		return fmt.Errorf("-key-encoding: %w", err)
	}
	return nil
}

// errNoKeyCommand is the error of key without the rest of a command's name.
var errNoKeyCommand = errors.New("the commands are key list, key add, key promote and key remove, and come before the flags; see tokenmint key -h")

// checkKeyFile returns an error if the service uses no key file.
func (o *options) checkKeyFile() error {
	if o.files.SigningKey != nil {
		return errors.New("SIGNING_KEY is set, so that there is no file of keys: change the variable instead, or unset it")
	}
	return nil
}

// checkKeyPromote refuses an empty fingerprint, such as an unset variable of a script:
// the last key may be another one than the script means.
func (o *options) checkKeyPromote() error {
	if len(o.arguments) > 0 && o.arguments[0] == "" {
		return errors.New("the fingerprint is empty; see tokenmint key list")
	}
	return o.checkKeyFile()
}

func (o *options) checkKeyRemove() error {
	if len(o.arguments) == 0 {
		return errors.New("there is no fingerprint of the key to remove; see tokenmint key list")
	}
	return o.checkKeyFile()
}

// String returns what a user writes to execute c.
func (c command) String() string { return strings.TrimSpace("tokenmint " + c.name) }

// usage returns the usage text of c. That of the service lists all commands.
func (c command) usage(flags *flag.FlagSet) string {
	var text strings.Builder
	if c.name == "" {
		lead := "usage:"
		for _, other := range commands {
			if other.execute == nil {
				continue
			}
			fmt.Fprintf(&text, "%-6s %-43s  %s\n", lead, other.String()+" "+other.arguments, other.purpose)
			lead = ""
		}
		text.WriteString("\nThe flags below are those of the service. \"tokenmint mint -h\" shows those of\nmint, and likewise for each command.\n")
	} else {
		fmt.Fprintf(&text, "usage: %v %s\n%s", c, c.arguments, c.details)
	}
	text.WriteString(`
A flag wins over its environment variable. The variable SIGNING_KEY has no
flag. It holds one signing key and replaces the file.

`)
	flags.VisitAll(func(f *flag.Flag) {
		value, usage := flag.UnquoteUsage(f)
		fmt.Fprintf(&text, "  -%s %s\n    \t%s", f.Name, value, usage)
		if variable, ok := environment[f.Name]; ok {
			fmt.Fprintf(&text, " (%s, default %s)", variable, cmp.Or(f.DefValue, "none"))
		}
		text.WriteString("\n")
	})
	return text.String()
}

// version returns the module, its version and the Go release that built it.
func version() string {
	return fmt.Sprintf("tokenmint %s %s", moduleVersion(), runtime.Version())
}

// imageVersion is the version that the build of the image sets, with -ldflags -X.
var imageVersion string

// moduleVersion returns the version of the program, or "unknown" if it was built without
// module information.
func moduleVersion() string {
	info, ok := debug.ReadBuildInfo()
	switch {
	case imageVersion != "":
		return imageVersion
	case ok:
		return info.Main.Version
	default:
		return "unknown"
	}
}

// serve runs the service until ctx is done or a signal to stop arrives. It reads and
// checks everything before it listens, and creates a key file only after that, so
// that a start that fails leaves nothing behind.
func serve(ctx context.Context, o options, _ stdio, logger *slog.Logger) error {
	ctx, stop := stopOnSignal(ctx)
	defer stop()
	hangups := make(chan os.Signal, 1) // from here on, SIGHUP does not end the process
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)

	limit, err := memoryLimit()
	if err != nil {
		return err
	}
	secrets, err := readSecrets(&o.files)
	if err != nil {
		return err
	}
	listeners, err := listen(o)
	if err != nil {
		return err
	}
	defer closeAll(listeners)
	if secrets.keys == nil {
		if secrets.keys, err = o.files.CreateSigningKey(); err != nil {
			return err
		}
	}
	service, err := newService(o, secrets, limit, logger)
	if err != nil {
		return err
	}
	httpServer, err := server.New(server.Config{
		Endpoints:       endpoints(service, listeners),
		Certificate:     secrets.certificate,
		MemoryLimit:     limit,
		OnDrain:         service.Drain,
		OnClose:         service.EndStreams,
		GracefulTimeout: o.gracefulTimeout,
		Logger:          logger,
	})
	if err != nil {
		return err
	}
	warnOfOpenMinting(o, listeners[0].Addr(), logger)
	service.Watch(ctx, &o.files, hangups, httpServer.SetCertificate)
	return httpServer.Serve(ctx)
}

// stopOnSignal returns a context that is done when a signal to stop arrives or stop is
// called. By then, the next signal ends the process at once.
func stopOnSignal(parent context.Context) (ctx context.Context, stop func()) {
	signaled, restoreSignals := signal.NotifyContext(parent, syscall.SIGTERM, syscall.SIGINT)
	ctx, cancel := context.WithCancel(parent)
	context.AfterFunc(signaled, func() {
		restoreSignals()
		cancel()
	})
	return ctx, restoreSignals
}

// minMemory is the least memory in bytes with which the service starts: it takes most
// of that without any client.
const minMemory = 16 << 20

// memoryLimit returns the memory in bytes that the process may use. That is
// GOMEMLIMIT or, if it is not set, nine tenths of the cgroup's limit or of the
// machine's memory, which then becomes GOMEMLIMIT.
func memoryLimit() (int64, error) {
	provider := memlimit.ApplyFallback(memlimit.FromCgroup, memlimit.FromSystem)
	limit, err := memlimit.Set(memlimit.WithProvider(provider))
	if err == nil && limit == math.MaxInt64 { // GOMEMLIMIT is off
		var available uint64
		available, err = provider()
		limit = int64(available)
	}
	if err == nil && limit < minMemory {
		err = fmt.Errorf("the memory limit, from GOMEMLIMIT or the cgroup, is %d bytes: the service needs at least %d", limit, minMemory)
	}
	return limit, err
}

// listen returns a listener on BIND and, if it is set, one on GATE_BIND.
func listen(o options) ([]net.Listener, error) {
	listener, err := server.Listen(o.bind)
	if err != nil {
		return nil, fmt.Errorf("BIND: %w", err)
	}
	if o.gateBind == "" {
		return []net.Listener{listener}, nil
	}
	gate, err := server.Listen(o.gateBind)
	if err != nil {
		listener.Close()
		return nil, fmt.Errorf("GATE_BIND: %w", err)
	}
	return []net.Listener{listener, gate}, nil
}

func closeAll(listeners []net.Listener) {
	for _, listener := range listeners {
		listener.Close()
	}
}

// newService returns the service. Large bodies may take a quarter of the memory limit.
func newService(o options, s secrets, memoryLimit int64, logger *slog.Logger) (*handlers.Service, error) {
	config := handlers.Config{
		SigningKeys:     s.keys,
		MintCredentials: s.credentials,
		Revoked:         s.revoked,
		MaxExpiresIn:    o.maxExpiresIn,
		Origins:         o.origins,
		BodyMemory:      memoryLimit / 4,
		Now:             time.Now,
		Logger:          logger,
		AccessLog:       o.accessLog,
		Version:         moduleVersion(),
	}
	if s.certificate != nil {
		config.CertificateExpiry = s.certificate.Leaf.NotAfter
	}
	return handlers.New(config)
}

// endpoints returns the service on the first of the listeners, and its gate on the
// second, if there is one.
func endpoints(service *handlers.Service, listeners []net.Listener) []server.Endpoint {
	all := []server.Endpoint{{Name: "all routes", Listener: listeners[0], Handler: service}}
	for _, listener := range listeners[1:] {
		all = append(all, server.Endpoint{Name: "the gate", Listener: listener, Handler: service.Gate()})
	}
	return all
}

// warnOfOpenMinting logs a warning if clients on other machines may mint without a
// credential.
func warnOfOpenMinting(o options, address net.Addr, logger *slog.Logger) {
	if o.files.MintCredentials == "" && !isLocal(address) {
		logger.Warn("anyone who can connect may mint tokens: set MINT_CREDENTIALS_FILE", "address", address.String())
	}
}

// isLocal reports whether only this machine can connect to address.
func isLocal(address net.Addr) bool {
	tcp, ok := address.(*net.TCPAddr)
	return !ok || tcp.IP.IsLoopback()
}

// secrets is what the service reads from files.
type secrets struct {
	keys        []*jwtcore.Key       // nil if the key file does not exist yet
	credentials []keyfile.Credential // nil if anyone may mint
	revoked     *keyfile.Revoked     // nil if no file names revoked tokens
	certificate *tls.Certificate     // nil for plain HTTP
}

// readSecrets reads all files. Only that of the signing keys may be missing.
func readSecrets(files *handlers.Files) (s secrets, err error) {
	if s.keys, err = files.ReadSigningKeys(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return s, err
	}
	if s.credentials, err = files.ReadMintCredentials(); err != nil {
		return s, err
	}
	if s.revoked, err = files.ReadRevoked(); err != nil {
		return s, err
	}
	s.certificate, err = files.ReadCertificate()
	return s, err
}

// healthcheck asks the service that runs with the same options for /healthz.
func healthcheck(_ context.Context, o options, _ stdio, _ *slog.Logger) error {
	client := server.NewClient(o.bind)
	client.Timeout = 3 * time.Second
	return handlers.CheckHealth(client, o.bind, o.files.Certificate != "")
}

// healthcheckArguments returns args or, if there are none, the flags of the service that is
// process 1. The command line of that has the form of /proc/1/cmdline. The health check of
// an image cannot know the flags with which a container starts.
func healthcheckArguments(args []string, commandLine string, lookupEnv func(string) (string, bool)) []string {
	if len(args) > 0 {
		return args
	}
	words := strings.Split(strings.TrimSuffix(commandLine, "\x00"), "\x00")
	isProgram := func(word string) bool { return filepath.Base(word) == filepath.Base(os.Args[0]) }
	i := slices.IndexFunc(words, isProgram) // more than 0 if process 1 is an init that starts the service
	if i < 0 {
		return nil
	}
	var o options
	if err := o.parse(commands[0], serviceFlags(&o), words[i+1:], lookupEnv); err != nil || o.version {
		return nil
	}
	return words[i+1:]
}

// mint prints tokens.
func mint(_ context.Context, o options, std stdio, logger *slog.Logger) error {
	keys, err := readExistingKeys(&o.files)
	if err != nil {
		return err
	}
	service, err := newService(o, secrets{keys: keys}, minMemory, logger)
	if err != nil {
		return err
	}
	return service.Mint(newCommand(o, std, logger), o.minting)
}

// inspect prints what is in tokens, and checks them.
func inspect(_ context.Context, o options, std stdio, logger *slog.Logger) error {
	if o.keyFile != "" {
		return handlers.InspectWithKeyFile(newCommand(o, std, logger), o.keyFile, o.keyEncoding)
	}
	keys, err := readExistingKeys(&o.files)
	if err != nil {
		return err
	}
	revoked, err := o.files.ReadRevoked()
	if err != nil {
		return err
	}
	service, err := newService(o, secrets{keys: keys, revoked: revoked}, minMemory, logger)
	if err != nil {
		return err
	}
	return service.Inspect(newCommand(o, std, logger))
}

func newCommand(o options, std stdio, logger *slog.Logger) handlers.Command {
	return handlers.Command{Arguments: o.arguments, Stdin: std.in, Stdout: std.out, Now: time.Now, Logger: logger}
}

// readExistingKeys reads the signing keys for the commands that work with the keys of a
// service. They do not create a key file: in a wrong folder, that would be a key of no
// service.
func readExistingKeys(files *handlers.Files) ([]*jwtcore.Key, error) {
	keys, err := files.ReadSigningKeys()
	return keys, explainKeyFile(files.SigningKeys, err)
}

// explainKeyFile returns err, of reading or changing the key file, with what to do.
func explainKeyFile(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("the key file %s does not exist: start the service once, which creates it, or name another one with -signing-key-file (SIGNING_KEY_FILE)", path)
	case errors.Is(err, keyfile.ErrFingerprint):
		return fmt.Errorf("%w: %w; see tokenmint key list", errUsage, err)
	default:
		return err
	}
}

// keyList prints the fingerprints of the keys, and which key mints.
func keyList(_ context.Context, o options, std stdio, _ *slog.Logger) error {
	keys, err := readExistingKeys(&o.files)
	if err != nil {
		return err
	}
	list := keys[0].Fingerprint() + " mints\n"
	for _, key := range keys[1:] {
		list += key.Fingerprint() + "\n"
	}
	_, err = io.WriteString(std.out, list)
	return err
}

// keyAdd adds a key and prints its fingerprint.
func keyAdd(_ context.Context, o options, std stdio, logger *slog.Logger) error {
	fingerprint, warnings, err := keyfile.AddKey(o.files.SigningKeys)
	return finishKeyEdit(o, std, logger, fingerprint+"\n", warnings, err)
}

// keyPromote lets the key in the argument, or else the last one, mint, and prints its
// fingerprint.
func keyPromote(_ context.Context, o options, std stdio, logger *slog.Logger) error {
	promoted, warnings, err := keyfile.PromoteKey(o.files.SigningKeys, strings.Join(o.arguments, ""))
	return finishKeyEdit(o, std, logger, promoted+"\n", warnings, err)
}

// keyRemove removes the key in the argument.
func keyRemove(_ context.Context, o options, std stdio, logger *slog.Logger) error {
	warnings, err := keyfile.RemoveKey(o.files.SigningKeys, o.arguments[0])
	return finishKeyEdit(o, std, logger, "", warnings, err)
}

// finishKeyEdit prints the output and the warnings of a change of the key file, unless it
// failed with err.
func finishKeyEdit(o options, std stdio, logger *slog.Logger, output string, warnings []string, err error) error {
	if err != nil {
		return explainKeyFile(o.files.SigningKeys, err)
	}
	for _, warning := range warnings {
		logger.Warn("SIGNING_KEY_FILE: " + warning)
	}
	_, err = io.WriteString(std.out, output)
	return err
}
