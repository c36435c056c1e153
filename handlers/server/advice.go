package server

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"unicode"
)

// withAdvice adds to err what to do about it, unless advice is empty.
func withAdvice(err error, advice string) error {
	if advice == "" {
		return err
	}
	return fmt.Errorf("%w: %s", err, advice)
}

// tcpAdvice returns what to do if err ends the attempt to listen on address.
func tcpAdvice(address string, err error) string {
	_, port, addressErr := net.SplitHostPort(address)
	number, portErr := net.LookupPort("tcp", port)
	var nameErr *net.DNSError
	switch {
	case strings.ContainsFunc(address, unicode.IsSpace):
		return "remove the white space"
	case addressErr != nil || port == "":
		return "write host:port, such as 127.0.0.1:5000 or [::1]:5000, or unix:/path"
	case portErr != nil:
		return "write a port from 1 to 65535"
	case errors.As(err, &nameErr):
		return "correct the host name, or write an IP address"
	case errors.Is(err, syscall.EADDRINUSE):
		return "stop the process that listens there, or choose another port"
	case errors.Is(err, fs.ErrPermission) && number < 1024:
		return "choose a port from 1024 on, or give the process the capability CAP_NET_BIND_SERVICE"
	case errors.Is(err, syscall.EADDRNOTAVAIL), errors.Is(err, syscall.EAFNOSUPPORT):
		return "choose an address that this machine has, or 0.0.0.0 for all of them"
	default:
		return ""
	}
}

// maxSocketPath is the longest path of a socket that its address has room for.
const maxSocketPath = len(syscall.RawSockaddrUnix{}.Path) - 1

// unixAdvice returns what to do if err ends the attempt to listen on a socket at path.
func unixAdvice(path string, err error) string {
	info, statErr := os.Lstat(path)
	switch {
	case len(path) > maxSocketPath:
		return fmt.Sprintf("choose a path of at most %d bytes, not %d", maxSocketPath, len(path))
	case errors.Is(err, syscall.EADDRINUSE) && statErr == nil && info.Mode().Type() != fs.ModeSocket:
		return "what is there is not a socket: move it away, or choose another path"
	case errors.Is(err, syscall.EADDRINUSE):
		return "stop the process that listens there, remove the socket if none does, or choose another path"
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return fmt.Sprintf("create the folder %s, or choose another path", filepath.Dir(path))
	case errors.Is(err, fs.ErrPermission):
		return fmt.Sprintf("give user %d the rights to read the folder %s and to write to it, or choose another path", os.Geteuid(), filepath.Dir(path))
	case errors.Is(err, syscall.EROFS):
		return "choose a path in a folder that can be written to"
	case errors.Is(err, syscall.EWOULDBLOCK):
		return "another process keeps the folder locked: choose a path in a folder of the service's own"
	default:
		return ""
	}
}
