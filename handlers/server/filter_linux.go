package server

import (
	"errors"
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
		err := attachFilter(listener, dropSYN)
		if errors.Is(err, unix.EPERM) { // some kernels demand CAP_NET_ADMIN
			err = setMinTTL(listener, maxTTL)
		}
		return err
	default:
		return nil
	}
}

// maxTTL is the largest time to live of a packet. Senders that are not routers hardly
// use it, and each router decrements it.
const maxTTL = 255

// setMinTTL makes the kernel drop packets for a socket whose time to live, or hop limit in
// IPv6, is less than ttl (RFC 5082). For a listener these are the packets that open a
// connection: a handshake that has begun belongs to another socket. Connections inherit the
// setting, so undo it with resumeReceiving. Unlike a filter, it needs no right.
func setMinTTL(socket syscall.Conn, ttl int) error {
	raw, err := socket.SyscallConn()
	if err != nil {
		return err
	}
	var err4, err6 error
	err = raw.Control(func(fd uintptr) {
		err4 = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_MINTTL, ttl)
		err6 = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_MINHOPCOUNT, ttl)
	})
	if errors.Is(err6, unix.ENOPROTOOPT) { // the socket is for IPv4 alone
		err6 = nil
	}
	return errors.Join(err, err4, err6)
}

// resumeReceiving undoes what a connection has inherited since stopConnecting. The client
// sends again what was dropped.
func resumeReceiving(accepted net.Conn) {
	if tcp, ok := accepted.(*net.TCPConn); ok {
		setMinTTL(tcp, 0)
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
