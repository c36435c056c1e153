package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// signingKey is the key that all copies share.
const signingKey = "a key of sixty-four bytes or more, that all of the copies share ..."

// credential is what a client needs in order to mint.
const credential = "a-credential-for-all-of-the-copies"

// secrets is a folder with files that copies share.
type secrets string

func (s secrets) keyFile() string        { return filepath.Join(string(s), "signing.key") }
func (s secrets) credentialFile() string { return filepath.Join(string(s), "mint.credentials") }

// create creates the folder, with the signing key and the credential.
func (s secrets) create() error {
	return errors.Join(
		os.Mkdir(string(s), 0o700),
		os.WriteFile(s.keyFile(), []byte(signingKey), 0o600),
		os.WriteFile(s.credentialFile(), []byte(credential), 0o600),
	)
}

// keyCommand executes a command of tokenmint key on the signing keys, and returns what
// it prints.
type keyCommand func(command ...string) (string, error)

// key returns the keyCommand of a binary.
func (s secrets) key(binary string) keyCommand {
	return func(command ...string) (string, error) {
		run := exec.Command(binary, append([]string{"key"}, command...)...)
		run.Env = []string{"SIGNING_KEY_FILE=" + s.keyFile()}
		run.Stderr = os.Stderr
		printed, err := run.Output()
		if err != nil {
			return "", fmt.Errorf("tokenmint key %v: %w", command, err)
		}
		return strings.TrimSuffix(string(printed), "\n"), nil
	}
}

// volumeKey is key for a volume of Kubernetes, where nobody can write: the command
// changes a copy of the file, which then takes the place of the file.
func (s secrets) volumeKey(binary string) keyCommand {
	return func(command ...string) (string, error) {
		next, err := s.copyKeys()
		if err != nil {
			return "", err
		}
		printed, err := next.key(binary)(command...)
		if err != nil {
			return "", err
		}
		return printed, s.publish(next)
	}
}

// copyKeys copies the file with the signing keys into a new folder in the folder.
func (s secrets) copyKeys() (secrets, error) {
	keys, err := os.ReadFile(s.keyFile())
	if err != nil {
		return "", err
	}
	folder, err := os.MkdirTemp(string(s), "..")
	if err != nil {
		return "", err
	}
	next := secrets(folder)
	return next, os.WriteFile(next.keyFile(), keys, 0o600)
}

// publish makes the key file that of the folder next, as Kubernetes does it: the file is
// a symbolic link, through a second one that is replaced. The old folder goes.
func (s secrets) publish(next secrets) error {
	data := filepath.Join(string(s), "..data")
	old, err := os.Readlink(data)
	isFirst := errors.Is(err, os.ErrNotExist)
	if err := replaceLink(data, filepath.Base(string(next))); err != nil {
		return err
	}
	if isFirst {
		return replaceLink(s.keyFile(), filepath.Join("..data", filepath.Base(s.keyFile())))
	}
	return os.RemoveAll(filepath.Join(string(s), old))
}

// replaceLink replaces what is at path, if anything, by a symbolic link.
func replaceLink(path, target string) error {
	return errors.Join(os.Symlink(target, path+".new"), os.Rename(path+".new", path))
}
