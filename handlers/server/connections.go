package server

import (
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// stuckTime is how long a request must have been in progress before its
	// connection may be closed to make room for another. The time that the service
	// itself needs is a small part of it: the rest is the client's.
	stuckTime = time.Second

	// admitInterval is how often a new connection that finds no room looks for some.
	admitInterval = 5 * time.Millisecond
)

// connections is a listener that keeps track of its connections. It bounds their
// number, enforces their deadlines with a single timer (see deadline), and knows
// which of them are owed a response, so that a stop leaves no request unanswered
// (see drain).
type connections struct {
	net.Listener
	handler http.Handler // of all requests on the connections
	tls     *tls.Config  // nil for plain HTTP
	max     int          // bounds the number of open connections
	errors  *errorLog

	draining atomic.Bool

	mutex sync.Mutex
	open  map[*connection]bool
	timer *time.Timer // calls enforceDeadlines while there are connections
}

// trackConnections returns a listener for an http.Server whose ConnState is
// trackState. The caller sets the other fields.
func trackConnections(listener net.Listener) *connections {
	l := &connections{Listener: listener, open: map[*connection]bool{}}
	l.timer = time.AfterFunc(deadlineInterval, l.enforceDeadlines)
	return l
}

// Accept waits for the next connection and for room for it.
func (l *connections) Accept() (net.Conn, error) {
	accepted, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if l.draining.Load() {
		resumeReceiving(accepted)
	}
	c := newConnection(l, accepted)
	for !l.admit(c) {
		time.Sleep(admitInterval)
	}
	return c, nil
}

// admit opens c. At the bound it closes another connection to make room. It
// returns false if there is none that it may close.
func (l *connections) admit(c *connection) bool {
	old, ok := l.replace(c)
	if old != nil {
		old.transport.Close() // without the mutex, because it waits for the read in progress
	}
	return ok
}

// replace adds c to the open connections. At the bound it removes another one,
// which it returns. If there is none that it may remove, ok is false.
func (l *connections) replace(c *connection) (old *connection, ok bool) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if len(l.open) >= l.max {
		if old = l.dispensable(); old == nil {
			return nil, false
		}
		delete(l.open, old)
	}
	if len(l.open) == 0 {
		l.timer.Reset(deadlineInterval)
	}
	l.open[c] = true
	return old, true
}

// dispensable returns the connection that has waited longest for a request. It
// prefers the one whose request has been in progress longest if that is stuckTime or
// more, and the other has waited less: clients that hold back bodies must not keep
// out those that have just connected. It returns nil if there is neither.
func (l *connections) dispensable() *connection {
	var waiting, busy *connection
	for c := range l.open {
		oldest := &waiting
		if c.phase.Load() == busyPhase {
			oldest = &busy
		}
		if *oldest == nil || c.since.Load() < (*oldest).since.Load() {
			*oldest = c
		}
	}
	stuck := sinceStart() - int64(stuckTime)
	if busy != nil && busy.since.Load() <= stuck && (waiting == nil || waiting.since.Load() > stuck) {
		return busy
	}
	return waiting
}

// sinceStart returns the time since processStart in nanoseconds.
func sinceStart() int64 { return int64(time.Since(processStart)) }

// The phases of a connection.
const (
	// In requestPhase, the client is about to send a request, or will exceed the
	// time limit for a header. It is owed a response.
	requestPhase = iota
	// In busyPhase, the header of a request has arrived in full.
	busyPhase
	// In answeredPhase, all requests so far have been answered. The next one may
	// have begun to arrive.
	answeredPhase
)

// connection is one of connections, as net/http sees it: the plain text, whether
// or not the client speaks TLS.
type connection struct {
	net.Conn                 // transport, or TLS on top of it
	hello     *boundedReader // between the two, or nil
	transport *transport
	listener  *connections
	requests  requestReader

	phase atomic.Int32
	since atomic.Int64 // when the phase began, in nanoseconds after processStart
}

func newConnection(l *connections, accepted net.Conn) *connection {
	t := newTransport(accepted)
	c := &connection{Conn: t, transport: t, listener: l}
	if l.tls != nil {
		c.hello = &boundedReader{Conn: t, left: maxHandshakeBytes}
		c.Conn = tls.Server(c.hello, l.tls)
	}
	c.since.Store(sinceStart())
	return c
}

// trackState is an http.Server's ConnState.
func trackState(conn net.Conn, state http.ConnState) {
	c := conn.(*connection)
	switch state {
	case http.StateActive:
		c.enter(busyPhase)
	case http.StateIdle:
		if c.requests.hasMore() { // the client has sent the next request already
			c.enter(requestPhase)
		} else {
			c.enter(answeredPhase)
		}
	}
}

func (c *connection) enter(phase int32) {
	c.since.Store(sinceStart())
	c.phase.Store(phase)
}

// Close closes the connection. Over TLS that writes an alert first, so the connection
// stays open for its listener until then: it counts, and its deadlines are enforced.
func (c *connection) Close() error {
	err := c.Conn.Close()
	c.listener.mutex.Lock()
	defer c.listener.mutex.Unlock()
	delete(c.listener.open, c)
	return err
}

// CloseWrite lets net/http close one direction before the other, so that a
// client that is still sending can read the response. TLS, TCP and Unix
// connections all support it.
func (c *connection) CloseWrite() error {
	return c.Conn.(interface{ CloseWrite() error }).CloseWrite()
}
