package handlers

import (
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// The flags of a TCP header (RFC 9293 §3.1), where a filter on a socket finds
// the header.
const (
	tcpFlagsOffset = 13
	tcpFlagSYN     = 0x02
)

// dropSYN is a filter that drops whatever opens a connection, and lets the rest
// pass. (Its jumps tell how many instructions to skip if so, and if not.)
var dropSYN = []unix.SockFilter{
	{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: tcpFlagsOffset},
	{Code: unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, K: tcpFlagSYN, Jt: 0, Jf: 1},
	{Code: unix.BPF_RET | unix.BPF_K, K: 0},
	{Code: unix.BPF_RET | unix.BPF_K, K: 0xffffffff},
}

// stopConnecting lets no further client begin to connect. Those that have begun
// still can be accepted: closing a listener resets those that wait in the
// kernel for it, and their clients may have sent a request by then. Who is kept
// out so tries again after a second, and is refused by then.
func stopConnecting(listener net.Listener) error {
	switch listener := listener.(type) {
	case *net.UnixListener:
		listener.SetUnlinkOnClose(false) // there may be another's by then
		return os.Remove(listener.Addr().String())
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
