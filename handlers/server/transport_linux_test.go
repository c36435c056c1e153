package server

import (
	"syscall"
	"testing"
)

// TestSocketBuffers checks that the kernel does not let the buffers of a connection
// grow.
func TestSocketBuffers(t *testing.T) {
	t.Parallel()
	accepted, _ := accept(t, listenForTest(t))
	raw, err := accepted.(*connection).transport.Conn.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	for name, option := range map[string]int{"SO_RCVBUF": syscall.SO_RCVBUF, "SO_SNDBUF": syscall.SO_SNDBUF} {
		var size int
		var optionErr error
		err := raw.Control(func(fd uintptr) {
			size, optionErr = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, option)
		})
		if err != nil || optionErr != nil || size != 2*socketBuffer {
			t.Errorf("%s: %d bytes, %v, %v, want %d", name, size, err, optionErr, 2*socketBuffer)
		}
	}
}
