package handlers

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"

	"tokenmint/handlers/server"
	"tokenmint/jwtcore"
	"tokenmint/jwtcore/keyfile"
)

// Labels of the files in the metrics. TLS has two, which are read together.
const (
	fileSigningKeys     = "signing_keys"
	fileMintCredentials = "mint_credentials"
	fileRevokedTokens   = "revoked_tokens"
	fileTLS             = "tls"
)

// Files names the files that a service reads at start, and again while it runs. Its
// methods that read a file log the warnings about it, and return errors that name the
// setting. Files is not safe for use by several goroutines at once.
type Files struct {
	// SigningKey, if not nil, is the text of a signing key, in place of a file.
	SigningKey *string

	SigningKeys     string // the file of the signing keys, if SigningKey is nil
	MintCredentials string // "" if anyone may mint
	Revoked         string // "" if no file names revoked tokens
	Certificate     string // "" for plain HTTP
	CertificateKey  string // the private key of the certificate

	Logger *slog.Logger

	watchers map[string]*keyfile.Watcher // of the files that have been read, by their labels
}

// beginRead notes how the files with a label are now, so that changes from now on count.
func (f *Files) beginRead(label string, paths ...string) {
	if watcher := f.watchers[label]; watcher != nil {
		watcher.BeginRead()
		return
	}
	if f.watchers == nil {
		f.watchers = map[string]*keyfile.Watcher{}
	}
	f.watchers[label] = keyfile.NewWatcher(paths...)
}

// ReadSigningKeys returns the signing keys, at start. If their file does not exist, the
// error wraps fs.ErrNotExist, and CreateSigningKey can create it.
func (f *Files) ReadSigningKeys() ([]*jwtcore.Key, error) {
	if f.SigningKey == nil {
		return f.readSigningKeyFile(keyfile.AwaitKeys)
	}
	if f.SigningKeys != "" {
		return nil, errors.New("both SIGNING_KEY and SIGNING_KEY_FILE (or -signing-key-file) are set: set one of them")
	}
	key, warnings, err := keyfile.ParseKey(*f.SigningKey)
	if err != nil {
		return nil, fmt.Errorf("SIGNING_KEY: %w", err)
	}
	f.warn("SIGNING_KEY", warnings)
	return []*jwtcore.Key{key}, nil
}

// readSigningKeysAgain is ReadSigningKeys for a file that has changed.
func (f *Files) readSigningKeysAgain() ([]*jwtcore.Key, error) {
	return f.readSigningKeyFile(keyfile.ReadKeys)
}

func (f *Files) readSigningKeyFile(read func(path string) ([]*jwtcore.Key, []string, error)) ([]*jwtcore.Key, error) {
	f.beginRead(fileSigningKeys, f.SigningKeys)
	keys, warnings, err := read(f.SigningKeys)
	if err != nil {
		return nil, fmt.Errorf("SIGNING_KEY_FILE: %w", err)
	}
	f.warn("SIGNING_KEY_FILE", warnings)
	return keys, nil
}

// CreateSigningKey creates the file of the signing keys and returns its key, or the key of
// another process that was faster.
func (f *Files) CreateSigningKey() ([]*jwtcore.Key, error) {
	created, err := keyfile.Create(f.SigningKeys)
	if err != nil {
		return nil, fmt.Errorf("SIGNING_KEY_FILE: %w", err)
	}
	if created {
		f.Logger.Warn("created a key file with a new signing key: keep it, or tokens minted now will not verify later", "file", f.SigningKeys)
	}
	return f.ReadSigningKeys()
}

// ReadMintCredentials returns the credentials of those who may mint, or nil if anyone may.
func (f *Files) ReadMintCredentials() ([]keyfile.Credential, error) {
	if f.MintCredentials == "" {
		return nil, nil
	}
	f.beginRead(fileMintCredentials, f.MintCredentials)
	credentials, warnings, err := keyfile.ReadCredentials(f.MintCredentials)
	if err != nil {
		return nil, fmt.Errorf("MINT_CREDENTIALS_FILE: %w", err)
	}
	f.warn("MINT_CREDENTIALS_FILE", warnings)
	return credentials, nil
}

// ReadRevoked returns the revoked tokens, or nil if no file names them. With an error, it
// returns those that could be read, if any.
func (f *Files) ReadRevoked() (*keyfile.Revoked, error) {
	if f.Revoked == "" {
		return nil, nil
	}
	f.beginRead(fileRevokedTokens, f.Revoked)
	revoked, warnings, err := keyfile.ReadRevoked(f.Revoked)
	if err != nil {
		return revoked, fmt.Errorf("REVOKED_FILE: %w", err)
	}
	f.warn("REVOKED_FILE", warnings)
	return revoked, nil
}

// ReadCertificate returns the TLS certificate with its private key, or nil if there is
// none.
func (f *Files) ReadCertificate() (*tls.Certificate, error) {
	if f.Certificate == "" {
		return nil, nil
	}
	f.beginRead(fileTLS, f.Certificate, f.CertificateKey)
	certificate, certErr := keyfile.ReadFile(f.Certificate)
	key, keyErr := keyfile.ReadFile(f.CertificateKey)
	defer clear(key)
	pair, pairErr := server.ParseCertificate(certificate, key)
	if err := cmp.Or(certErr, keyErr, pairErr); err != nil {
		return nil, fmt.Errorf("TLS_CERT_FILE is %s, TLS_KEY_FILE is %s: %w", f.Certificate, f.CertificateKey, err)
	}
	return pair, nil
}

// warn logs the warnings about the value of a setting.
func (f *Files) warn(setting string, warnings []string) {
	for _, warning := range warnings {
		f.Logger.Warn(setting + ": " + warning)
	}
}
