//go:build !unix

package server

import "net"

// listenUnix returns a listener on a new socket at path.
func listenUnix(path string) (net.Listener, error) { return net.Listen("unix", path) }
