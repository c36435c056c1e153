package handlers

import (
	"runtime"
	"sync/atomic"
)

const (
	// largeBody is the size in bytes above which a body needs a reservation.
	largeBody = 16 << 10

	// minBodyMemory is the smallest size in bytes of a bodyMemory: two of the
	// largest bodies.
	minBodyMemory = 2 * maxInspectBody
)

// bodyMemory bounds the memory that large bodies take. A client may send its body
// as slowly as it likes, and may never read the response, so each request holds a
// reservation for as long as it takes.
//
// Processing a body takes several times its size: for its decoded parts, and for the
// names of its members. So large bodies are processed in turns, one per processor.
// A turn is short, because processing never waits for a client. The lines of a stream are
// processed in these turns, too: if 200 streams competed for the processors with other
// requests, those would wait for 200 ms.
type bodyMemory struct {
	free  atomic.Int64  // bytes
	turns chan struct{} // holds a value for each body or stream that is being processed
}

func newBodyMemory(size int64) *bodyMemory {
	m := &bodyMemory{turns: make(chan struct{}, runtime.GOMAXPROCS(0))}
	m.free.Store(size)
	return m
}

// beginTurn waits for a turn.
func (m *bodyMemory) beginTurn() { m.turns <- struct{}{} }

func (m *bodyMemory) endTurn() { <-m.turns }

// reserve returns a reservation for size bytes. Ok is false if fewer are free.
func (m *bodyMemory) reserve(size int64) (r reservation, ok bool) {
	for {
		free := m.free.Load()
		if size > free {
			return r, false
		}
		if m.free.CompareAndSwap(free, free-size) {
			return reservation{m, size}, true
		}
	}
}

// reservation is a part of a bodyMemory. The zero value is a part of none.
type reservation struct {
	memory *bodyMemory
	size   int64 // bytes
}

// resize changes the size, even if fewer bytes are free: the memory is already in
// use.
func (r *reservation) resize(size int64) {
	r.memory.free.Add(r.size - size)
	r.size = size
}

// release gives the memory back. It may be called again, and on the zero value.
func (r *reservation) release() {
	if r.memory != nil {
		r.resize(0)
	}
	*r = reservation{}
}

// isLarge reports whether b holds a reservation.
func (b *body) isLarge() bool { return b.reservation.memory != nil }

// takeTurn is answerLarge when it is the turn of the body.
func (a *answer) takeTurn(b *body, process func(a *answer, body []byte) error) error {
	memory := b.reservation.memory
	memory.beginTurn()
	defer memory.endTurn()
	return a.answerLarge(b, process)
}

// answerLarge calls process with a large body. Then it drops everything but the text of
// the answer, because the client may never read that.
func (a *answer) answerLarge(b *body, process func(a *answer, body []byte) error) error {
	err := process(a, b.text)
	clear(b.text)
	clear(a.data)
	b.text, a.data = nil, nil
	if err != nil {
		return err
	}
	b.reservation.resize(int64(cap(a.text)))
	return nil
}
