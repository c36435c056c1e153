package server

import (
	"math"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// deadlineInterval is how often deadlines are enforced, and so how late one may
// take effect.
const deadlineInterval = 250 * time.Millisecond

// deadline is the time by which the reads or the writes of a connection must
// end. There is at most one of each at a time: transport ensures that for reads, and
// net/http and crypto/tls for writes.
//
// net/http moves deadlines eight times for each request. If each move set a timer,
// that would take a tenth of the request's CPU time. So a deadline is a number that
// one timer checks for all connections, and the connection's own deadline is set
// only if a read or a write is in progress when it expires. BenchmarkRequest shows
// the gain.
type deadline struct {
	apply func(time.Time) error // sets the deadline of the connection itself
	at    atomic.Int64          // nanoseconds after processStart; never; or at most expired

	mutex      sync.Mutex
	inProgress atomic.Bool // changes under mutex
	applied    bool        // whether the connection's own deadline was set, to end what is in progress
}

// processStart is earlier than any deadline that is meant for a client. net/http
// sets one that is earlier still, in 1970, to end its background read at once.
var processStart = time.Now()

const (
	never   = math.MaxInt64
	expired = 0
)

func newDeadline(apply func(time.Time) error) *deadline {
	d := &deadline{apply: apply}
	d.at.Store(never)
	return d
}

// set moves the deadline. One before processStart takes effect at once, any
// other when deadlines are enforced next. The zero time is no deadline.
func (d *deadline) set(at time.Time) {
	if at.IsZero() {
		d.at.Store(never)
		return
	}
	d.at.Store(int64(at.Sub(processStart)))
	if d.hasExpired() && d.inProgress.Load() {
		d.interrupt()
	}
}

// setIfNever moves the deadline to timeout from now if there is none. The function that
// it returns removes that deadline, unless it has expired or was moved.
func (d *deadline) setIfNever(timeout time.Duration) (restore func()) {
	if d.at.Load() != never {
		return func() {}
	}
	at := sinceStart() + int64(timeout)
	d.at.CompareAndSwap(never, at)
	return func() { d.at.CompareAndSwap(at, never) }
}

// enforce makes the deadline expire if it is not after now. It stays expired
// until it is moved.
func (d *deadline) enforce(now time.Time) {
	if at := d.at.Load(); at <= int64(now.Sub(processStart)) && d.at.CompareAndSwap(at, expired) {
		d.interrupt()
	}
}

func (d *deadline) hasExpired() bool { return d.at.Load() <= expired }

// interrupt ends what is in progress, unless the deadline was moved meanwhile.
func (d *deadline) interrupt() {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.inProgress.Load() && d.hasExpired() {
		d.applied = true
		d.apply(processStart) // it fails on a closed connection, where nothing is in progress for long
	}
}

// begin marks the beginning of a read or a write. It returns
// os.ErrDeadlineExceeded if the deadline has expired.
//
// It stores inProgress and then loads at, while set does the opposite. So at
// least one of the two sees what the other has stored, and no read or write
// outlasts its deadline.
func (d *deadline) begin() error {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.inProgress.Store(true)
	if d.hasExpired() {
		d.inProgress.Store(false)
		return os.ErrDeadlineExceeded
	}
	return nil
}

// end marks the end of a read or a write.
func (d *deadline) end() {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.inProgress.Store(false)
	if d.applied {
		d.applied = false
		d.apply(time.Time{})
	}
}

// enforceDeadlines enforces the deadlines of all connections, and has itself
// called again as long as there are any.
func (l *connections) enforceDeadlines() {
	now := time.Now()
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for c := range l.open {
		c.transport.read.enforce(now)
		c.transport.write.enforce(now)
	}
	if len(l.open) > 0 {
		l.timer.Reset(deadlineInterval)
	}
}
