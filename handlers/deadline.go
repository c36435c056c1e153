package handlers

import (
	"errors"
	"sync"
	"time"
)

// deadlineInterval is how late a connection may learn that a deadline has passed.
const deadlineInterval = 250 * time.Millisecond

// deadline is the time by which the reads or the writes of a connection have to
// end. The connection hears of it once it has passed, which is rare: net/http
// moves the deadlines of a connection eight times for each request, and if each
// time moved a timer, that would be a tenth of the request's CPU time.
type deadline struct {
	tell   func(time.Time) error // the connection's own way to set it
	mutex  sync.Mutex
	at     time.Time // zero for none
	passed bool      // as the connection was told
}

// longAgo is before any deadline that a client is given. net/http sets one that
// is earlier still to end a read at once.
var longAgo = time.Now()

// set moves the deadline.
func (d *deadline) set(at time.Time) error {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.at = at
	return d.update(longAgo)
}

// keep finds out whether the deadline has passed by now.
func (d *deadline) keep(now time.Time) error {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	return d.update(now)
}

func (d *deadline) update(now time.Time) error {
	passed := !d.at.IsZero() && !d.at.After(now)
	if passed == d.passed {
		return nil
	}
	d.passed = passed
	if passed {
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

// keepDeadlines tells the connections which of their deadlines have passed, and
// comes back as long as there are connections.
func (l *Connections) keepDeadlines() {
	now := time.Now()
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for c := range l.open {
		c.read.keep(now)
		c.write.keep(now)
	}
	if len(l.open) > 0 {
		l.timer.Reset(deadlineInterval)
	}
}
