//go:build unix

package handlers

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
)

// ListenUnix makes a socket at path for its owner and their group. A socket
// that a dead process has left there is replaced. The folder is locked
// meanwhile: of processes that start at once, none takes the socket of another
// for a dead one's before that listens.
func ListenUnix(path string) (net.Listener, error) {
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	defer folder.Close() // the lock ends with it
	if err := syscall.Flock(int(folder.Fd()), syscall.LOCK_EX); err != nil {
		return nil, fmt.Errorf("lock %s: %w", folder.Name(), err)
	}
	if isDeadSocket(path) {
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	defer syscall.Umask(syscall.Umask(0o117)) // mode 0660, from the first moment on
	return net.Listen("unix", path)
}

// isDeadSocket reports whether path is a socket that nobody listens on. What
// else may be there is left alone, for net.Listen to complain of.
func isDeadSocket(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Type() != fs.ModeSocket {
		return false
	}
	connection, err := net.Dial("unix", path)
	if err == nil {
		connection.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}
