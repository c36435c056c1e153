package main

import (
	"crypto/sha512"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
)

const (
	shortStream, longStream = 1_000, 1_000_000 // lines

	// streamClients is the number of clients at a time. They keep the service busy. With
	// a single one, its threads sleep between two short streams, and waking them costs
	// more than a tenth of such a stream.
	streamClients = 4

	ticksPerSecond = 100 // of the CPU times in /proc
)

// measureStreams prints the table of streams.
func (b *benchmark) measureStreams() {
	fmt.Printf("%-8s %24s %24s %24s %12s\n", "stream", "a request, of a line", "10^6 lines, of 10^3", "a line, of the hash", "peak memory")
	b.compareStreams("mint", "/tokens", 3)
	b.compareStreams("verify", "/tokens/verify", 5)
}

// compareStreams measures the streams of a route and prints a line with ratios of CPU
// times: of a request, of a line in a long stream, and of the blocks of SHA-512 that no
// token can avoid (see jwtcore/bench_test.go).
func (b *benchmark) compareStreams(route, path string, blocks int) {
	service := b.start(2, b.tokenmint)
	defer service.stop()
	asked := service.requestFor(route, 16)
	script := filepath.Join(b.folder, "request.lua")
	check(os.WriteFile(script, asked.script(), 0o600))
	s := stream{service, path, asked.body + "\n", int64(len(service.ask(asked)) + 1)}
	s.send(longStream)
	peak := service.peakMemory() // before wrk adds to it

	var ofRequest, ofShort, ofLimit []float64
	for range b.turns {
		request := service.load(script, 64, b.seconds)
		short, long := s.lineTime(shortStream), s.lineTime(longStream)
		ofRequest = append(ofRequest, request/long)
		ofShort = append(ofShort, long/short)
		ofLimit = append(ofLimit, long/hashTime(blocks))
	}
	fmt.Printf("%-8s %24s %24s %24s %8.0f MiB\n", route, spread(ofRequest), spread(ofShort), spread(ofLimit), peak)
}

// streamClient writes and reads as much at a time as the service does.
var streamClient = http.Client{Transport: &http.Transport{WriteBufferSize: 64 << 10, ReadBufferSize: 64 << 10}}

// stream is a request of many equal lines, with answers of equal length.
type stream struct {
	*server
	path, line string
	answerSize int64 // bytes
}

// send sends the line that many times, in one request, and reads the answers meanwhile.
func (s stream) send(lines int) {
	block := strings.Repeat(s.line, shortStream)
	blocks := make([]io.Reader, lines/shortStream)
	for i := range blocks {
		blocks[i] = strings.NewReader(block)
	}
	request, err := http.NewRequest("POST", s.url+s.path, io.MultiReader(blocks...))
	check(err)
	request.ContentLength = int64(lines * len(s.line))
	request.Header.Set("Content-Type", "application/x-ndjson")
	response, err := streamClient.Do(request)
	check(err)
	defer response.Body.Close()
	size, err := io.Copy(io.Discard, response.Body)
	if want := int64(lines) * s.answerSize; err != nil || size != want {
		log.Fatalf("%s: %s, %d bytes of %d, %v", s.path, response.Status, size, want, err)
	}
}

// lineTime has each client send a million lines in streams of that many, and returns the
// server's CPU time per line, in ticks.
func (s stream) lineTime(lines int) float64 {
	before := s.cpuTime()
	var clients sync.WaitGroup
	for range streamClients {
		clients.Go(func() {
			for range longStream / lines {
				s.send(lines)
			}
		})
	}
	clients.Wait()
	return (s.cpuTime() - before) / (streamClients * longStream)
}

// hashTime returns the CPU time that SHA-512 takes for that many blocks, in ticks.
func hashTime(blocks int) float64 {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	text := make([]byte, blocks*sha512.BlockSize-17) // the padding fills the last block
	before := threadTime()
	for range longStream {
		sha512.Sum512(text)
	}
	return (threadTime() - before) / longStream
}

// threadTime returns the CPU time that this thread has used, in ticks.
func threadTime() float64 {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_THREAD, &usage))
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9 * ticksPerSecond
}
