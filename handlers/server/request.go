package server

import (
	"context"
	"net"
	"net/http"
	"time"
)

// connectionKey is the key of the connection in the context of a request.
type connectionKey struct{}

// withConnection is an http.Server's ConnContext.
func withConnection(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, c)
}

// serveRequest prepares the connection for the body of the request and has the
// handler of its listener answer it. If there is no body, net/http may already be
// reading the next header.
func serveRequest(w http.ResponseWriter, r *http.Request) {
	c := r.Context().Value(connectionKey{}).(*connection)
	if r.ContentLength != 0 {
		c.requests.expectBody(r.ContentLength)
	}
	if r.ContentLength < 0 { // nobody knows where the next header begins
		w.Header().Set("Connection", "close")
	}
	defer c.lingerAfterPanic()
	c.listener.handler.ServeHTTP(w, r)
}

// lingerTime is how long a connection stays open after its last response, so that
// a client that is still sending can read it (RFC 9112 §9.6).
const lingerTime = 500 * time.Millisecond

// abortTime is lingerTime after a response that was cut short, which may be a long one:
// much of it may still be on the way to the client.
const abortTime = 2 * time.Second

// lingerAfterPanic lets the client read the response of a handler that panics. net/http
// closes the connection at once then. If the client is still sending, it would receive a
// reset, and might lose what it has not read.
func (c *connection) lingerAfterPanic() {
	value := recover()
	if value == nil {
		return
	}
	c.SetDeadline(time.Now().Add(abortTime))
	c.linger(make([]byte, 4<<10))
	panic(value)
}

// linger closes the direction to the client, and reads into buffer what still arrives
// until the client closes the other direction or the deadline expires.
func (c *connection) linger(buffer []byte) {
	c.CloseWrite()
	for {
		if _, err := c.Conn.Read(buffer); err != nil {
			return
		}
	}
}
