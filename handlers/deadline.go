package handlers

import (
	"math"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// deadlineInterval is how often the deadlines are looked at.
const deadlineInterval = 250 * time.Millisecond

// deadline is the time by which the reads or the writes of a connection have to
// end. There is one of each at a time: net/http and crypto/tls see to that. The
// connection itself is told only when one is under way that has to end now:
// net/http moves the deadlines eight times for each request, and if each time
// moved a timer, that would be a tenth of the request's CPU time.
type deadline struct {
	tell func(time.Time) error // sets the connection's own deadline
	at   atomic.Int64          // in nanoseconds after processStart, or never, or expired and less

	mutex    sync.Mutex
	underWay atomic.Bool // changes under mutex
	told     bool        // the connection was told to end what is under way
}

// processStart is before any deadline that a client is given. net/http sets one
// that is earlier still, in 1970, to end its background read at once.
var processStart = time.Now()

const (
	never   = math.MaxInt64
	expired = 0
)

func newDeadline(tell func(time.Time) error) *deadline {
	d := &deadline{tell: tell}
	d.at.Store(never)
	return d
}

// set moves the deadline. One that is not before processStart has no effect until
// the next time that deadlines are looked at.
func (d *deadline) set(at time.Time) {
	if at.IsZero() {
		d.at.Store(never)
		return
	}
	d.at.Store(int64(at.Sub(processStart)))
	if d.hasExpired() && d.underWay.Load() {
		d.interrupt()
	}
}

// enforce makes a deadline expire that has come by now. It stays so until it is
// moved.
func (d *deadline) enforce(now time.Time) {
	if at := d.at.Load(); at <= int64(now.Sub(processStart)) && d.at.CompareAndSwap(at, expired) {
		d.interrupt()
	}
}

func (d *deadline) hasExpired() bool { return d.at.Load() <= expired }

// interrupt ends what is under way, unless the deadline was moved since.
func (d *deadline) interrupt() {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.underWay.Load() && d.hasExpired() {
		d.told = true
		d.tell(processStart) // an error is a closed connection's, which ends it as well
	}
}

// begin tells that a read or a write is under way. It returns
// os.ErrDeadlineExceeded where the deadline has expired.
//
// It stores underWay and then loads at, where set does the opposite: so one of
// them sees what the other stored, and no read waits behind its deadline.
func (d *deadline) begin() error {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.underWay.Store(true)
	if d.hasExpired() {
		d.underWay.Store(false)
		return os.ErrDeadlineExceeded
	}
	return nil
}

// end tells that it is over.
func (d *deadline) end() {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.underWay.Store(false)
	if d.told {
		d.told = false
		d.tell(time.Time{})
	}
}

// SetReadDeadline sets the time by which reads have to end, and none with the
// zero time.
func (c *connection) SetReadDeadline(at time.Time) error {
	c.read.set(at)
	return nil
}

// SetWriteDeadline sets the time by which writes have to end, and none with the
// zero time.
func (c *connection) SetWriteDeadline(at time.Time) error {
	c.write.set(at)
	return nil
}

// SetDeadline sets both.
func (c *connection) SetDeadline(at time.Time) error {
	c.read.set(at)
	c.write.set(at)
	return nil
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
