package server

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// transport is an accepted connection below TLS, with deadlines that the timer of
// its listener enforces.
type transport struct {
	net.Conn

	// heard is true if anything was read since a response was last written: the
	// next request may arrive before net/http calls the connection idle.
	heard atomic.Bool

	reading     sync.Mutex // during a read: after a panic, net/http may read beside linger
	read, write *deadline
}

// socketBuffer bounds, in bytes, what the kernel keeps of what a client has sent
// and of what it has not received yet. Linux allows twice as much, for its own
// needs, and would let both grow to megabytes.
const socketBuffer = 32 << 10

func newTransport(accepted net.Conn) *transport {
	if buffered, ok := accepted.(interface {
		SetReadBuffer(int) error
		SetWriteBuffer(int) error
	}); ok {
		buffered.SetReadBuffer(socketBuffer)
		buffered.SetWriteBuffer(socketBuffer)
	}
	return &transport{
		Conn:  accepted,
		read:  newDeadline(accepted.SetReadDeadline),
		write: newDeadline(accepted.SetWriteDeadline),
	}
}

func (t *transport) Read(p []byte) (int, error) {
	t.reading.Lock()
	defer t.reading.Unlock()
	if err := t.read.begin(); err != nil {
		return 0, err
	}
	defer t.read.end()
	n, err := t.Conn.Read(p)
	if n > 0 {
		t.heard.Store(true)
	}
	return n, err
}

// Write writes p. If no deadline is set, it takes at most writeTimeout. net/http sets
// none while it reads a header, but TLS may write then: a client can demand an answer
// to a KeyUpdate (RFC 8446 §4.6.3), and not read it.
func (t *transport) Write(p []byte) (int, error) {
	defer t.write.setIfNever(writeTimeout)()
	if err := t.write.begin(); err != nil {
		return 0, err
	}
	defer t.write.end()
	t.heard.Store(false)
	return t.Conn.Write(p)
}

// CloseWrite closes the direction to the client. TCP and Unix connections both
// support it.
func (t *transport) CloseWrite() error {
	return t.Conn.(interface{ CloseWrite() error }).CloseWrite()
}

// SetReadDeadline sets the time by which reads must end. The zero time is no
// deadline.
func (t *transport) SetReadDeadline(at time.Time) error {
	t.read.set(at)
	return nil
}

// SetWriteDeadline sets the time by which writes must end. The zero time is no
// deadline.
func (t *transport) SetWriteDeadline(at time.Time) error {
	t.write.set(at)
	return nil
}

// SetDeadline sets both deadlines.
func (t *transport) SetDeadline(at time.Time) error {
	t.read.set(at)
	t.write.set(at)
	return nil
}
