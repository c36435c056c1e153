package server

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Listen returns a listener on bind: host:port, or unix:/path for a Unix socket of
// mode 0660. Clients can connect from then on. Errors say what to do.
func Listen(bind string) (net.Listener, error) {
	network, address := split(bind)
	if network == "unix" {
		listener, err := listenUnix(address)
		if err != nil {
			return nil, withAdvice(err, unixAdvice(address, err))
		}
		return listener, nil
	}
	listener, err := listenTCP(address)
	if err != nil {
		return nil, withAdvice(err, tcpAdvice(address, err))
	}
	return listener, nil
}

// listenTCP returns a listener on address. Package net would choose any free port if the
// address ends before its port, such as 127.0.0.1:$PORT without that variable.
func listenTCP(address string) (net.Listener, error) {
	if strings.HasSuffix(address, ":") {
		return nil, &net.AddrError{Err: "missing port in address", Addr: address}
	}
	var config net.ListenConfig
	config.SetMultipathTCP(false) // a stop without loss needs a socket filter, which Linux has for plain TCP only
	return config.Listen(context.Background(), "tcp", address)
}

// urlOf returns the URL of a server that listens on address, or "" if that is a Unix
// socket. A server on all addresses is on localhost.
func urlOf(address net.Addr, scheme string) string {
	tcp, ok := address.(*net.TCPAddr)
	if !ok {
		return ""
	}
	host := tcp.String()
	if tcp.IP.IsUnspecified() {
		host = "localhost:" + strconv.Itoa(tcp.Port)
	}
	return (&url.URL{Scheme: scheme, Host: host}).String()
}

// split returns the network and the address that bind names, as package net
// spells them.
func split(bind string) (network, address string) {
	if path, ok := strings.CutPrefix(bind, "unix:"); ok {
		return "unix", path
	}
	return "tcp", bind
}

// bindOf is the inverse of split, for the address of a listener.
func bindOf(address net.Addr) string {
	if address.Network() == "unix" {
		return "unix:" + address.String()
	}
	return address.String()
}

// NewClient returns a client for the server that listens on bind, whatever host
// its URLs name. It uses no proxy, follows no redirect and keeps no connection. If the
// server listens on all addresses, the client connects to this machine.
//
// The client does not verify the certificate, whose name is the one that clients
// elsewhere use. Send it nothing secret, and trust its answers as far as you
// trust the processes that can listen on bind.
func NewClient(bind string) *http.Client {
	network, address := split(bind)
	return &http.Client{
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, address)
			},
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
			DisableKeepAlives: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
