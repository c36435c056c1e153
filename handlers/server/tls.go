package server

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
)

// tlsConfig returns the configuration of a server with s's certificate.
func (s *Server) tlsConfig() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return s.certificate.Load(), nil },
	}
}

// handshake does the TLS handshake, if there is one to do. net/http does it only on
// connections that are a *tls.Conn.
func (c *connection) handshake() error {
	secured, ok := c.Conn.(*tls.Conn)
	if !ok {
		return nil
	}
	err := secured.Handshake() // which returns at once after the first
	if err == nil {
		c.hello.left = noBound
		return nil
	}
	var notTLS tls.RecordHeaderError
	if errors.As(err, &notTLS) && notTLS.Conn != nil && beginsLikeHTTP(notTLS.RecordHeader) {
		writePlain(notTLS.Conn, http.StatusBadRequest, "send the request over TLS")
	}
	c.listener.errors.log(fmt.Sprintf("TLS handshake error from %s: %v", c.RemoteAddr(), err))
	return io.EOF // which net/http does not answer
}

// maxHandshakeBytes bounds what a client may send before its handshake is complete. A
// browser sends 2 KiB. crypto/tls would accept 64 KiB, and keep three times that.
const maxHandshakeBytes = 16 << 10

// noBound is the value of boundedReader.left if there is no bound.
const noBound = -1

// boundedReader is a connection on which only so many bytes can be read.
type boundedReader struct {
	net.Conn
	left int64
}

func (r *boundedReader) Read(p []byte) (int, error) {
	if r.left == noBound {
		return r.Conn.Read(p)
	}
	if r.left == 0 {
		return 0, errors.New("the client sends too much before the handshake is complete")
	}
	n, err := r.Conn.Read(p[:min(int64(len(p)), r.left)])
	r.left -= int64(n)
	return n, err
}

// beginsLikeHTTP reports whether the client sent the beginning of an HTTP request in
// place of the header of a TLS record.
func beginsLikeHTTP(header [5]byte) bool {
	switch string(header[:]) {
	case "GET /", "HEAD ", "POST ", "QUERY", "PUT /", "OPTIO":
		return true
	default:
		return false
	}
}
