package handlers

import (
	"bufio"
	"crypto/rand"
	"io"
	"sync"
)

const (
	// streamBuffer is the number of bytes that a stream reads and writes at a time.
	streamBuffer = 64 << 10

	// answersSize is the size in bytes of the memory for answers. They exceed
	// streamBuffer by the last of them. That to a long line has a reservation of its own.
	answersSize = streamBuffer + maxPooled

	// streamMemory is the most memory in bytes that a stream takes: for what it reads, for
	// answers, and for the data of a line with the random bytes.
	streamMemory = streamBuffer + answersSize + maxPooled

	// randomBuffer is the number of random bytes that a stream reads at a time: enough
	// for 256 ids. An id then takes about half the time: see BenchmarkStreamID.
	randomBuffer = 4 << 10
)

// streamBuffers are the buffers of a stream. They are pooled: callers must not retain any
// part of them.
type streamBuffers struct {
	in     *bufio.Reader // of streamBuffer bytes
	random *bufio.Reader
	answer answer // to the lines that have not been written
}

var pooledStreamBuffers = sync.Pool{New: func() any {
	return &streamBuffers{
		in:     bufio.NewReaderSize(nil, streamBuffer),
		random: bufio.NewReaderSize(rand.Reader, randomBuffer),
		answer: answer{text: make([]byte, 0, answersSize)},
	}
}}

// newStreamBuffers returns buffers for a stream that reads from source.
func newStreamBuffers(source io.Reader) *streamBuffers {
	b := pooledStreamBuffers.Get().(*streamBuffers)
	b.in.Reset(source)
	return b
}

// emptyAnswer makes room for other answers.
func (b *streamBuffers) emptyAnswer() {
	if cap(b.answer.text) > answersSize { // after a long line
		b.answer.text = make([]byte, 0, answersSize)
	}
	b.answer.text = b.answer.text[:0]
}

// release overwrites what b holds, keys above all, and returns it to the pool.
func (b *streamBuffers) release() {
	b.in.Reset(zeros{})
	b.in.Peek(b.in.Size())
	b.in.Reset(nil)
	b.emptyAnswer()
	clear(b.answer.text[:cap(b.answer.text)])
	clear(b.answer.data[:cap(b.answer.data)])
	pooledStreamBuffers.Put(b)
}

// zeros is an endless source of zeros.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
