package server

import (
	"context"
	"errors"
	"net"
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

// drain closes the listener, and each connection as soon as it is owed no
// response. It returns nil when the last connection has ended, ctx's error if ctx
// ends first, or the listener's error if it cannot be closed. If the next request
// on a connection has begun to arrive, its header may take headerTimeout; net/http
// would wait for its first bytes as long as for an idle connection.
//
// http.Server.Shutdown leaves requests unanswered: it takes a connection for idle
// until the whole header of its next request has arrived, and it closes a new
// connection on which the first header has not arrived in full.
// TestStopLosesNothing, which stops the program under load, loses requests with
// Shutdown and none with drain.
func (l *connections) drain(ctx context.Context, headerTimeout time.Duration) error {
	l.draining.Store(true)
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
		answered := c.phase.Load() == answeredPhase
		if !answered || c.transport.heard.Load() && !late {
			busy++
			continue
		}
		delete(l.open, c)
		c.transport.Close()
	}
	return busy
}

// cutOff closes all connections below TLS. To close them above it could wait for a
// client that does not read.
func (l *connections) cutOff() {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for c := range l.open {
		c.transport.Close()
	}
}
