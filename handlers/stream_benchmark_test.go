package handlers

import (
	"bytes"
	"crypto/rand"
	"crypto/sha512"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
)

// benchmarkLines is the number of lines in the stream of a benchmark.
const benchmarkLines = 10_000

// streams returns functions that answer streams of lines, each call a new stream, and
// functions that do only what no stream can avoid: the blocks of SHA-512 for each token.
// That is the limit of jwtcore's BenchmarkLimit, without the id and the clock.
func streams(b *testing.B) map[string]func() {
	service := newService(b, io.Discard, quiet, func(c *Config) { c.Now = time.Now })
	answer := func(path, line string) func() {
		text := strings.Repeat(line+"\n", benchmarkLines)
		return func() {
			request := httptest.NewRequest("POST", path, strings.NewReader(text))
			request.Header.Set("Content-Type", "application/x-ndjson")
			response := discardingWriter{header: http.Header{}}
			service.ServeHTTP(&response, request)
			if response.lines != benchmarkLines || response.errors > 0 {
				b.Errorf("%s: %d answers, %d of them errors", path, response.lines, response.errors)
			}
		}
	}
	hash := func(blocks int) func() {
		text := make([]byte, blocks*sha512.BlockSize-17) // the padding fills the last block
		return func() {
			for range benchmarkLines {
				sha512.Sum512(text)
			}
		}
	}
	return map[string]func(){
		"Mint":        answer("/tokens", `{"user_data":"this is test"}`),
		"MintLimit":   hash(3),
		"Verify":      answer("/tokens/verify", `{"Token":"`+goldenToken+`","Signing_key":"`+publishedKey+`"}`),
		"VerifyLimit": hash(5),
	}
}

// discardingWriter counts the lines of a response, and those with an error, and keeps
// none.
type discardingWriter struct {
	header        http.Header
	lines, errors int
}

func (w *discardingWriter) Header() http.Header { return w.header }
func (w *discardingWriter) WriteHeader(int)     {}
func (w *discardingWriter) Flush()              {}

func (w *discardingWriter) Write(p []byte) (int, error) {
	w.lines += bytes.Count(p, []byte{'\n'})
	w.errors += bytes.Count(p, []byte(`"status":`))
	return len(p), nil
}

// BenchmarkStream reports the time of a line in a stream.
func BenchmarkStream(b *testing.B) {
	for name, stream := range streams(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				stream()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*benchmarkLines), "ns/line")
		})
	}
}

// BenchmarkStreamTwoCores reports how many times the lines that one stream answers on one
// core two streams answer on two cores in the same time, garbage collection included. The
// limit shows what the machine allows.
func BenchmarkStreamTwoCores(b *testing.B) {
	for name, stream := range streams(b) {
		b.Run(name, func(b *testing.B) {
			var one, two float64
			for b.Loop() {
				one, two = max(one, streamsPerSecond(1, stream)), max(two, streamsPerSecond(2, stream))
			}
			b.ReportMetric(0, "ns/op") // which is not that of one stream
			b.ReportMetric(two/one, "times-one-core")
		})
	}
}

// streamsPerSecond answers streams on that many cores at the same time.
func streamsPerSecond(cores int, stream func()) float64 {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cores))
	const each = 2
	began := time.Now()
	var wait sync.WaitGroup
	for range cores {
		wait.Go(func() {
			for range each {
				stream()
			}
		})
	}
	wait.Wait()
	return float64(cores*each) / time.Since(began).Seconds()
}

// BenchmarkStreamID compares ids from the buffer of a stream with ids whose random bytes
// are read one by one.
func BenchmarkStreamID(b *testing.B) {
	for name, random := range map[string]io.Reader{"Buffered": newStreamBuffers(nil).random, "OneByOne": rand.Reader} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				uuid.NewRandomFromReader(random)
			}
		})
	}
}
