package handlers

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"tokenmint/jwtcore/keyfile"
)

// watchInterval is the time between two looks at the files. With the second for which a
// changed file must stay the same, a change takes effect after two seconds at most.
const watchInterval = 500 * time.Millisecond

// reload reads the files of one kind again and uses them. If that fails, the service goes
// on with what it has.
type reload struct {
	label   string // of the files, in the metrics
	kept    string // what the log says if the files cannot be used
	execute func() error
}

// Watch reads files again when they change, and all of them whenever a signal arrives,
// until ctx is done. It returns at once. The files must have been read before, and belong
// to Watch from then on. A TLS certificate goes to setCertificate, and everything else to
// s. If a file cannot be used, Watch logs the reason and s keeps what it has.
func (s *Service) Watch(ctx context.Context, files *Files, signals <-chan os.Signal, setCertificate func(*tls.Certificate) error) {
	reloads := s.reloads(files, setCertificate)
	for _, r := range reloads {
		s.metrics.addFile(r.label, s.now())
	}
	go s.watch(ctx, files, reloads, signals)
}

func (s *Service) watch(ctx context.Context, files *Files, reloads []reload, signals <-chan os.Signal) {
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-signals:
			if files.SigningKey != nil {
				s.logger.Warn("SIGHUP does not change the signing keys: SIGNING_KEY is read at start only")
			}
			for _, r := range reloads {
				s.reload(r)
			}
		case now := <-ticker.C:
			for _, r := range reloads {
				if files.watchers[r.label].Settled(now) {
					s.reload(r)
				}
			}
		}
	}
}

// reloads returns the reloads of the files that are in use.
func (s *Service) reloads(files *Files, setCertificate func(*tls.Certificate) error) []reload {
	all := []reload{
		{fileSigningKeys, "the signing keys stay as they were", use(files.watchers[fileSigningKeys], files.readSigningKeysAgain, s.SetSigningKeys)},
		{fileMintCredentials, "the mint credentials stay as they were", use(files.watchers[fileMintCredentials], files.ReadMintCredentials, s.SetMintCredentials)},
		{fileRevokedTokens, "the revoked tokens stay as they were", func() error { return s.reloadRevoked(files) }},
		{fileTLS, "the TLS certificate and its key stay as they were", use(files.watchers[fileTLS], files.ReadCertificate, func(certificate *tls.Certificate) error {
			s.metrics.setCertificateExpiry(certificate.Leaf.NotAfter)
			return setCertificate(certificate)
		})},
	}
	return slices.DeleteFunc(all, func(r reload) bool { return files.watchers[r.label] == nil })
}

// errChanging means that a file changed while it was read, so that perhaps only half of it
// was. Watch reads it again once it has settled.
var errChanging = errors.New("a file changed while it was read")

// use returns a function that reads a value from the files of watcher and sets it.
func use[T any](watcher *keyfile.Watcher, read func() (T, error), set func(T) error) func() error {
	return func() error {
		value, err := read()
		if !watcher.EndRead() {
			return errChanging
		}
		if err != nil {
			return err
		}
		return set(value)
	}
}

// reload executes r, counts it, and logs its error.
func (s *Service) reload(r reload) {
	err := r.execute()
	if errors.Is(err, errChanging) {
		return
	}
	s.metrics.countReload(r.label, err, s.now())
	if err != nil {
		s.logger.Error(r.kept, "error", err)
	}
}

// reloadRevoked reads the file of revoked tokens again. If some lines of it are wrong, or
// it changes meanwhile, the good lines add to what was revoked before, so that no mistake
// lets a revoked token pass.
func (s *Service) reloadRevoked(files *Files) error {
	defer saveMemory()()
	revoked, err := files.ReadRevoked()
	if !files.watchers[fileRevokedTokens].EndRead() {
		err = errChanging
	}
	switch {
	case err == nil:
		s.SetRevoked(revoked)
	case revoked != nil:
		s.AddRevoked(revoked)
		err = fmt.Errorf("those on the good lines of the file are added: %w", err)
	}
	return err
}

// reloadGCPercent replaces GOGC while old and new revoked tokens are both in memory.
// Otherwise garbage could take twice the memory of both: with a million of each and many
// requests, the process would take 120 MiB instead of 80.
const reloadGCPercent = 25

// saveMemory keeps garbage small until restore is called.
func saveMemory() (restore func()) {
	percent := debug.SetGCPercent(reloadGCPercent)
	return func() {
		debug.SetGCPercent(percent)
		runtime.GC() // so that the old tokens no longer count
	}
}
