package server

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// handshakeTime is how long clients that have begun to connect may take to
	// finish, after all others are kept out: longer than a packet needs to travel
	// around the world and back.
	handshakeTime = 250 * time.Millisecond

	// drainInterval is how often drain looks for connections to close.
	drainInterval = 5 * time.Millisecond
)

// connections is a listener that knows which of its connections are owed a
// response, so that a stop leaves no request unanswered. http.Server.Shutdown
// does leave some: it takes a connection for idle until the whole header of its
// next request has arrived, and it closes a new connection on which the first
// header has not arrived in full.
//
// TestStopLosesNothing, which stops the program under load, loses requests with
// Shutdown and none with drain.
//
// Otherwise net/http closes connections: an idle one after idleTimeout.
//
// The listener also keeps the deadlines of all its connections with a single timer: see
// deadline.
type connections struct {
	net.Listener
	mutex sync.Mutex
	open  map[*connection]bool
	timer *time.Timer // calls enforceDeadlines while there are connections
}

// trackConnections returns a listener for an http.Server whose ConnState is the
// listener's track.
func trackConnections(listener net.Listener) *connections {
	l := &connections{Listener: listener, open: map[*connection]bool{}}
	l.timer = time.AfterFunc(deadlineInterval, l.enforceDeadlines)
	return l
}

// Accept waits for the next connection. A new one is owed a response: its client
// is about to send a request, or will exceed the time limit for a header.
func (l *connections) Accept() (net.Conn, error) {
	accepted, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &connection{
		Conn:     accepted,
		listener: l,
		read:     newDeadline(accepted.SetReadDeadline),
		write:    newDeadline(accepted.SetWriteDeadline),
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if len(l.open) == 0 {
		l.timer.Reset(deadlineInterval)
	}
	l.open[c] = true
	return c, nil
}

// track is an http.Server's ConnState.
func (l *connections) track(c net.Conn, state http.ConnState) {
	if secured, ok := c.(*tls.Conn); ok {
		c = secured.NetConn()
	}
	switch state {
	case http.StateActive:
		c.(*connection).answered.Store(false)
	case http.StateIdle:
		c.(*connection).answered.Store(true)
	}
}

// drain closes the listener, and each connection as soon as it is owed no
// response. It returns nil when the last connection has ended, ctx's error if ctx
// ends first, or the listener's error if it cannot be closed. If the next request on a connection has begun to arrive, its
// header may take headerTimeout; net/http would wait for its first bytes as long
// as for an idle connection.
func (l *connections) drain(ctx context.Context, headerTimeout time.Duration) error {
	if stopConnecting(l.Listener) == nil { // if it fails, clients that are just connecting are reset
		select {
		case <-time.After(handshakeTime):
		case <-ctx.Done():
		}
	}
	if err := l.Listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	closed := time.Now()
	ticker := time.NewTicker(drainInterval)
	defer ticker.Stop()
	for l.closeIdle(time.Since(closed) > headerTimeout) > 0 {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// closeIdle closes the idle connections. If late is true, it also closes those
// on which the header of the next request has not arrived in full. It returns
// the number of connections that it left open.
func (l *connections) closeIdle(late bool) (busy int) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for c := range l.open {
		if !c.isIdle() && !(late && c.answered.Load()) {
			busy++
			continue
		}
		delete(l.open, c)
		c.Conn.Close()
	}
	return busy
}

// connection is one of connections.
type connection struct {
	net.Conn
	listener *connections

	// answered is true from a response until the header of the next request has
	// arrived in full.
	answered atomic.Bool

	// heard is true if anything was read since a response was last written: the
	// next request may arrive before net/http calls the connection idle.
	heard atomic.Bool

	read, write *deadline
}

// isIdle reports whether nothing has arrived since the last response.
func (c *connection) isIdle() bool { return c.answered.Load() && !c.heard.Load() }

func (c *connection) Read(p []byte) (int, error) {
	if err := c.read.begin(); err != nil {
		return 0, err
	}
	defer c.read.end()
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.heard.Store(true)
	}
	return n, err
}

func (c *connection) Write(p []byte) (int, error) {
	if err := c.write.begin(); err != nil {
		return 0, err
	}
	defer c.write.end()
	c.heard.Store(false)
	return c.Conn.Write(p)
}

func (c *connection) Close() error {
	c.listener.mutex.Lock()
	delete(c.listener.open, c)
	c.listener.mutex.Unlock()
	return c.Conn.Close()
}

// CloseWrite lets net/http close one direction before the other, so that a
// client that is still sending can read the response. TCP and Unix connections
// both support it.
func (c *connection) CloseWrite() error {
	return c.Conn.(interface{ CloseWrite() error }).CloseWrite()
}
