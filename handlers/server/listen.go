package server

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"
)

// Listen returns a listener on bind: host:port, or unix:/path for a Unix socket of
// mode 0660. Clients can connect from then on.
func Listen(bind string) (net.Listener, error) {
	network, address := split(bind)
	if network == "unix" && !strings.HasPrefix(address, "@") { // which names a socket that is not a file
		return listenUnix(address)
	}
	var config net.ListenConfig
	config.SetMultipathTCP(false) // a stop without loss needs a socket filter, which Linux has for plain TCP only
	return config.Listen(context.Background(), network, address)
}

// split returns the network and the address that bind names, as package net
// spells them.
func split(bind string) (network, address string) {
	if path, ok := strings.CutPrefix(bind, "unix:"); ok {
		return "unix", path
	}
	return "tcp", bind
}

// NewClient returns a client for the server that listens on bind, whatever host
// its URLs name. It uses no proxy and keeps no connection. If the server listens
// on all addresses, the client connects to this machine.
//
// The client does not verify the certificate, whose name is the one that clients
// elsewhere use. Send it nothing secret, and trust its answers as far as you
// trust the processes that can listen on bind.
func NewClient(bind string) *http.Client {
	network, address := split(bind)
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
		DisableKeepAlives: true,
	}}
}
