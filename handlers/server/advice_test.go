//go:build unix

package server

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
)

// TestListenAdvice checks what an error of Listen says, and that it still wraps its cause.
func TestListenAdvice(t *testing.T) {
	folder := t.TempDir()
	t.Chdir(folder) // the paths of sockets are short
	if err := os.WriteFile("file", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	taken := mustListen(t, "127.0.0.1:0").Addr().String()
	mustListen(t, "unix:taken")
	const address = "write host:port, such as 127.0.0.1:5000 or [::1]:5000, or unix:/path"
	tests := []struct {
		bind string
		is   error // nil if the cause has no name
		says string
	}{
		{"5000", nil, address},
		{"localhost", nil, address},
		{"localhost:", nil, address},
		{"::1:5000", nil, address},
		{"[::1", nil, address},
		{"http://localhost:5000", nil, address},
		{"localhost:5000\n", nil, "remove the white space"},
		{"127.0.0.1:port", nil, "write a port from 1 to 65535"},
		{"127.0.0.1:65536", nil, "write a port from 1 to 65535"},
		{"127.0.0.1:-1", nil, "write a port from 1 to 65535"},
		{"name..invalid:5000", nil, "correct the host name, or write an IP address"},
		{"192.0.2.1:5000", syscall.EADDRNOTAVAIL, "choose an address that this machine has, or 0.0.0.0 for all of them"},
		{taken, syscall.EADDRINUSE, "stop the process that listens there, or choose another port"},
		{"unix:taken", syscall.EADDRINUSE, "stop the process that listens there, remove the socket if none does, or choose another path"},
		{"unix:file", syscall.EADDRINUSE, "what is there is not a socket: move it away, or choose another path"},
		{"unix:" + folder, syscall.EADDRINUSE, "what is there is not a socket: move it away, or choose another path"},
		{"unix:missing/socket", os.ErrNotExist, "create the folder missing, or choose another path"},
		{"unix:file/socket", syscall.ENOTDIR, "create the folder file, or choose another path"},
		{"unix:" + strings.Repeat("x", maxSocketPath+1), syscall.EINVAL, fmt.Sprintf("choose a path of at most %d bytes, not %d", maxSocketPath, maxSocketPath+1)},
	}
	for _, test := range tests {
		listener, err := Listen(test.bind)
		if err == nil {
			t.Errorf("%q: no error", test.bind)
			listener.Close()
			continue
		}
		if !strings.HasSuffix(err.Error(), ": "+test.says) {
			t.Errorf("%q: %v, want at the end %q", test.bind, err, test.says)
		}
		if test.is != nil && !errors.Is(err, test.is) {
			t.Errorf("%q: %v does not wrap %v", test.bind, err, test.is)
		}
	}
	mustListen(t, "unix:"+strings.Repeat("x", maxSocketPath))
}

// TestAdvice checks the advice for errors that some users, such as root, do not get.
func TestAdvice(t *testing.T) {
	denied := fmt.Sprintf("give user %d the rights to read the folder folder and to write to it, or choose another path", os.Geteuid())
	for _, test := range []struct{ got, want string }{
		{tcpAdvice("127.0.0.1:80", opError(syscall.EACCES)), "choose a port from 1024 on, or give the process the capability CAP_NET_BIND_SERVICE"},
		{tcpAdvice("127.0.0.1:5000", opError(syscall.EACCES)), ""},
		{tcpAdvice("[::1]:5000", opError(syscall.EAFNOSUPPORT)), "choose an address that this machine has, or 0.0.0.0 for all of them"},
		{unixAdvice("folder/socket", opError(syscall.EACCES)), denied},
		{unixAdvice("folder/socket", opError(syscall.EPERM)), denied},
		{unixAdvice("folder/socket", opError(syscall.EROFS)), "choose a path in a folder that can be written to"},
		{unixAdvice("folder/socket", opError(syscall.EWOULDBLOCK)), "another process keeps the folder locked: choose a path in a folder of the service's own"},
		{unixAdvice("folder/socket", opError(syscall.EIO)), ""},
	} {
		if test.got != test.want {
			t.Errorf("advice %q, want %q", test.got, test.want)
		}
	}
	cause := opError(syscall.EIO)
	if got := withAdvice(cause, ""); got != cause {
		t.Errorf("without advice: %v", got)
	}
}

// opError returns an error of net.Listen.
func opError(errno syscall.Errno) error {
	return &net.OpError{Op: "listen", Net: "tcp", Err: os.NewSyscallError("bind", errno)}
}

func TestURL(t *testing.T) {
	for _, test := range []struct {
		address net.Addr
		want    string
	}{
		{&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 5000}, "https://127.0.0.1:5000"},
		{&net.TCPAddr{IP: net.IPv4zero, Port: 5000}, "https://localhost:5000"},
		{&net.TCPAddr{IP: net.IPv6unspecified, Port: 5000}, "https://localhost:5000"},
		{&net.TCPAddr{IP: net.IPv6loopback, Port: 5000}, "https://[::1]:5000"},
		{&net.TCPAddr{IP: net.ParseIP("fe80::1"), Zone: "eth0", Port: 5000}, "https://[fe80::1%25eth0]:5000"},
		{&net.UnixAddr{Name: "/run/socket", Net: "unix"}, ""},
	} {
		if got := urlOf(test.address, "https"); got != test.want {
			t.Errorf("%v: %q, want %q", test.address, got, test.want)
		}
	}
}
