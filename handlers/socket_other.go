//go:build !unix

package handlers

import "net"

// ListenUnix makes a socket at path.
func ListenUnix(path string) (net.Listener, error) { return net.Listen("unix", path) }
