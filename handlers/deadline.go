package handlers

import (
	"errors"
	"sync"
	"time"
)

// deadlineInterval is how often the deadlines are looked at.
const deadlineInterval = 250 * time.Millisecond

// deadline is the time by which the reads or the writes of a connection have to
// end. The connection itself is told of it only once it has expired: net/http
// moves the deadlines eight times for each request, and if each time moved a
// timer, that would be a tenth of the request's CPU time.
type deadline struct {
	tell    func(time.Time) error // sets the connection's own deadline
	mutex   sync.Mutex
	at      time.Time // zero for none
	expired bool      // as the connection was told
}

// longAgo is before any deadline that a client is given. net/http sets one that
// is earlier still, in 1970, to end its background read at once.
var longAgo = time.Now()

// set moves the deadline.
func (d *deadline) set(at time.Time) error {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.at = at
	return d.update(longAgo)
}

// enforce ends what the deadline is for, if it has expired by now. An error is a
// closed connection's.
func (d *deadline) enforce(now time.Time) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.update(now)
}

func (d *deadline) update(now time.Time) error {
	expired := !d.at.IsZero() && !d.at.After(now)
	if expired == d.expired {
		return nil
	}
	d.expired = expired
	if expired {
		return d.tell(d.at)
	}
	return d.tell(time.Time{})
}

// SetReadDeadline sets the time by which reads have to end, and none with the
// zero time.
func (c *connection) SetReadDeadline(at time.Time) error { return c.read.set(at) }

// SetWriteDeadline sets the time by which writes have to end, and none with the
// zero time.
func (c *connection) SetWriteDeadline(at time.Time) error { return c.write.set(at) }

// SetDeadline sets both.
func (c *connection) SetDeadline(at time.Time) error {
	return errors.Join(c.read.set(at), c.write.set(at))
}

// enforceDeadlines looks after the deadlines of all connections, again and again
// as long as there are any.
func (l *Connections) enforceDeadlines() {
	now := time.Now()
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for c := range l.open {
		c.read.enforce(now)
		c.write.enforce(now)
	}
	if len(l.open) > 0 {
		l.timer.Reset(deadlineInterval)
	}
}
