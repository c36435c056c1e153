//go:build unix

package server

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// lockTimeout bounds the wait for other processes that bind or remove a socket in
// the same folder, which takes each of them a moment.
const lockTimeout = 2 * time.Second

// unixListener listens on a Unix socket and removes it when it closes, unless
// another process has put its own socket there since.
type unixListener struct {
	*net.UnixListener
	path     string
	socket   fs.FileInfo // of the socket that this listener has bound
	unlinked sync.Once
}

// listenUnix returns a listener on a new socket at path, whose owner and group
// may connect. It replaces a socket that a dead process has left there, and
// leaves everything else alone.
func listenUnix(path string) (net.Listener, error) {
	if strings.HasPrefix(path, "@") { // which names a socket that is not a file
		return net.Listen("unix", path)
	}
	unlock, err := lockFolder(path)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if isDeadSocket(path) {
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	defer syscall.Umask(syscall.Umask(0o117)) // mode 0660, from the first moment on
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	listener.SetUnlinkOnClose(false) // which would remove whatever is at path
	socket, err := os.Lstat(path)
	if err != nil {
		listener.Close()
		return nil, err
	}
	return &unixListener{UnixListener: listener, path: path, socket: socket}, nil
}

// lockFolder locks the folder of path until unlock is called. A process holds the
// lock while it binds or removes a socket. So no process mistakes a socket for a
// dead one while its owner is about to listen, and none removes a socket that has
// just replaced its own.
func lockFolder(path string) (unlock func() error, err error) {
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(lockTimeout); ; time.Sleep(5 * time.Millisecond) {
		err := syscall.Flock(int(folder.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return folder.Close, nil // which ends the lock
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) || time.Now().After(deadline) {
			folder.Close()
			return nil, fmt.Errorf("lock %s: %w", folder.Name(), err)
		}
	}
}

// isDeadSocket reports whether path is a socket that no process listens on.
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

// unlink removes the listener's socket, so that no more clients can connect. It
// does nothing if the socket is gone or belongs to another process, and nothing
// after the first call: once the listener is closed, the inode that identifies the
// socket may be another file's.
func (l *unixListener) unlink() (err error) {
	l.unlinked.Do(func() { err = l.removeSocket() })
	return err
}

func (l *unixListener) removeSocket() error {
	unlock, err := lockFolder(l.path)
	if err != nil {
		return err
	}
	defer unlock()
	socket, err := os.Lstat(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !os.SameFile(socket, l.socket) {
		return nil
	}
	return os.Remove(l.path)
}

// Close removes the socket and closes the listener.
func (l *unixListener) Close() error {
	l.unlink() // on an error, it leaves a dead socket, which the next start replaces
	return l.UnixListener.Close()
}
