//go:build !linux

package server

import "net"

// stopConnecting does nothing on this system: closing the listener resets the
// connections that wait in the kernel to be accepted.
func stopConnecting(net.Listener) error { return nil }

func resumeReceiving(net.Conn) {}
