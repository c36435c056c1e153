package handlers

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
	// handshakeTime is left to clients that have begun to connect when no other
	// may: more than a packet needs around the world and back.
	handshakeTime = 250 * time.Millisecond

	// drainInterval is how often Drain looks after the connections.
	drainInterval = 5 * time.Millisecond
)

// Connections is a listener that knows which of its connections may be owed an
// answer, so that a stop leaves no request without one. http.Server.Shutdown
// does: for it a connection is idle until the whole header of its next request
// is in, and it hangs up on a new connection that has not sent all of its first.
//
// It also keeps the deadlines of all of them with a single timer.
type Connections struct {
	net.Listener
	mutex sync.Mutex
	open  map[*connection]bool
	timer *time.Timer // calls enforceDeadlines while there are connections
}

// NewConnections returns a listener for the server whose ConnState is its Track.
func NewConnections(listener net.Listener) *Connections {
	l := &Connections{Listener: listener, open: map[*connection]bool{}}
	l.timer = time.AfterFunc(deadlineInterval, l.enforceDeadlines)
	return l
}

// Accept waits for the next connection. A new one is owed an answer: who has
// just connected is about to send, or meets the time limit for a header.
func (l *Connections) Accept() (net.Conn, error) {
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

// Track is a http.Server's ConnState.
func (l *Connections) Track(c net.Conn, state http.ConnState) {
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

// Drain closes the listener, and each connection once it is owed no answer. It
// returns when the last has ended, or with an error when ctx has. A next request
// that has begun to arrive behind an answer gets headerTimeout for its header:
// net/http would wait for its first bytes as long as for an idle connection.
func (l *Connections) Drain(ctx context.Context, headerTimeout time.Duration) error {
	if stopConnecting(l.Listener) == nil { // where it fails, clients that connect just now are reset
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

// closeIdle closes the idle connections, and late also those whose next header
// is not in yet. It returns how many others there are.
func (l *Connections) closeIdle(late bool) (busy int) {
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

// connection is one of Connections.
type connection struct {
	net.Conn
	listener *Connections

	// answered is true from an answer until the next request's header is in.
	answered atomic.Bool

	// heard is true when something was read since an answer last began to go
	// out: the next request may arrive before net/http calls a connection idle.
	heard atomic.Bool

	read, write *deadline
}

// isIdle reports whether nothing has come since the last answer.
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

// CloseWrite lets net/http say that it hangs up before it does, so that a client
// that still sends reads why: TCP and Unix connections both can.
func (c *connection) CloseWrite() error {
	return c.Conn.(interface{ CloseWrite() error }).CloseWrite()
}
