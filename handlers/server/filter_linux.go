package server

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// The flags of a TCP header (RFC 9293 §3.1), at their offset in the packets that
// a socket filter sees.
const (
	tcpFlagsOffset = 13
	tcpFlagSYN     = 0x02
)

// dropSYN is a socket filter that drops packets that open a connection and lets
// all others pass. (Jt and Jf are the numbers of instructions to skip if the test
// is true, and if it is false.)
//
// Closing a listener resets the connections that wait in the kernel to be
// accepted, and their clients may already have sent a request. With the filter,
// they are accepted first. TestStopLosesNothing loses requests without it.
var dropSYN = []unix.SockFilter{
	{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: tcpFlagsOffset},
	{Code: unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, K: tcpFlagSYN, Jt: 0, Jf: 1},
	{Code: unix.BPF_RET | unix.BPF_K, K: 0},
	{Code: unix.BPF_RET | unix.BPF_K, K: 0xffffffff},
}

// stopConnecting keeps more clients from connecting, while those that have begun
// to can still be accepted. A client that is kept out of a TCP socket tries again
// after a second, and is refused by then.
func stopConnecting(listener net.Listener) error {
	switch listener := listener.(type) {
	case *unixListener:
		return listener.unlink()
	case *net.TCPListener:
		return attachFilter(listener, dropSYN)
	default:
		return nil
	}
}

func attachFilter(socket syscall.Conn, filter []unix.SockFilter) error {
	raw, err := socket.SyscallConn()
	if err != nil {
		return err
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	var attachErr error
	err = raw.Control(func(fd uintptr) {
		attachErr = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &program)
	})
	if err != nil {
		return err
	}
	return attachErr
}
