package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// stream is a request with many lines, whose client reads while it sends.
type stream struct {
	lines    *io.PipeWriter
	response *http.Response
	answers  *bufio.Reader
}

// openStream opens a stream on path.
func (p *process) openStream(t *testing.T, path string) *stream {
	t.Helper()
	body, lines := io.Pipe()
	request, err := http.NewRequest("POST", p.scheme+"://"+p.address+path, body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-ndjson")
	client := http.Client{Transport: p.client.Transport} // without its time limit
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		lines.Close()
		response.Body.Close()
	})
	if response.StatusCode != 200 {
		t.Fatal(response.Status)
	}
	return &stream{lines, response, bufio.NewReader(response.Body)}
}

// ask sends a line and returns its answer.
func (s *stream) ask(t *testing.T, line string) string {
	t.Helper()
	if _, err := io.WriteString(s.lines, line+"\n"); err != nil {
		t.Fatal(err)
	}
	answer, err := s.answers.ReadString('\n')
	if err != nil {
		t.Fatalf("%q, %v", answer, err)
	}
	return answer
}

// readTokens reads answers until the response ends. It returns their number, which are
// all complete, and the error at the end.
func (s *stream) readTokens() (count int, err error) {
	for {
		answer, err := s.answers.ReadString('\n')
		if err == io.EOF && answer == "" {
			return count, nil
		}
		if err != nil && answer == "" {
			return count, err
		}
		if !strings.HasPrefix(answer, `{"JWT Token":"`) || !json.Valid([]byte(answer)) || err != nil {
			return count, fmt.Errorf("%q is not an answer: %v", answer, err)
		}
		count++
	}
}

// TestStopEndsStreams stops the service while streams are open: idle, within a line, in
// full flow, and short ones that begin all the time. Each ends after a complete answer and
// without its last chunk, unless the service has answered all of it.
func TestStopEndsStreams(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"http", "https"} {
		folder, env := t.TempDir(), withGoodKey
		if scheme == "https" {
			certFile := filepath.Join(folder, "cert.pem")
			writeCertificate(t, certFile, filepath.Join(folder, "key.pem"), "streams")
			env = append([]string{"TLS_CERT_FILE=cert.pem", "TLS_KEY_FILE=key.pem"}, env...)
		}
		p := start(t, folder, env)
		if scheme == "https" {
			p.useTLS(t, filepath.Join(folder, "cert.pem"))
		}
		stopStreams(t, p)
	}
}

func stopStreams(t *testing.T, p *process) {
	const line = `{"user_data":1}`
	idle, partial := p.openStream(t, "/tokens"), p.openStream(t, "/tokens")
	for _, s := range []*stream{idle, partial} {
		s.ask(t, line)
	}
	io.WriteString(partial.lines, line)
	type end struct {
		what  string
		count int
		err   error
	}
	ends := make(chan end, 5)
	for range 3 {
		flowing := p.openStream(t, "/tokens")
		go func() {
			for err := error(nil); err == nil; {
				_, err = io.WriteString(flowing.lines, strings.Repeat(line+"\n", 100))
			}
		}()
		flowing.answers.Peek(1) // so that it flows
		go func() {
			count, err := flowing.readTokens()
			ends <- end{"in full flow", count, err}
		}()
	}
	for what, s := range map[string]*stream{"idle": idle, "within a line": partial} {
		go func() {
			count, err := s.readTokens()
			ends <- end{what, count, err}
		}()
	}
	signaled := time.Now()
	p.signal(t, syscall.SIGTERM)
	waitFor(t, "the stop to begin", func() bool { return strings.Contains(p.stderr.String(), "msg=stopping") })
	body := strings.Repeat(line+"\n", 1000)
	request, err := http.NewRequest("POST", p.scheme+"://"+p.address+"/tokens", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/jsonl")
	response, err := p.client.Do(request)
	count, closes := 0, false
	if err == nil {
		short := &stream{response: response, answers: bufio.NewReader(response.Body)}
		closes = response.Close
		count, err = short.readTokens()
	}
	inTime := time.Since(signaled) < time.Second // on a slow machine, the service has ended its streams
	if inTime && (count != 1000 || err != nil || !closes) {
		t.Errorf("%s: a short stream after the signal has %d answers, %v", p.scheme, count, err)
	}
	for range cap(ends) {
		end := <-ends
		if wanted := end.what == "in full flow"; !errors.Is(end.err, io.ErrUnexpectedEOF) || (end.count > 0) != wanted {
			t.Errorf("%s: a stream %s has %d more answers, %v, want %v", p.scheme, end.what, end.count, end.err, io.ErrUnexpectedEOF)
		}
	}
	if status := p.wait(t); status != 0 {
		t.Errorf("%s: exit status %d: %s", p.scheme, status, p.stderr.String())
	}
}

// TestStopWithSlowReader stops the service while a client reads slowly the many answers to
// lines that the service has received. It ends within the graceful timeout.
func TestStopWithSlowReader(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir(), withGoodKey)
	connection, err := net.Dial("tcp", p.address)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	io.WriteString(connection, "POST /tokens HTTP/1.1\r\nHost: x\r\nContent-Type: application/jsonl\r\nContent-Length: 100000000\r\n\r\n")
	go func() {
		for err := error(nil); err == nil; {
			_, err = io.WriteString(connection, strings.Repeat(`{"user_data":1}`+"\n", 100))
		}
	}()
	go func() {
		for err := error(nil); err == nil; time.Sleep(time.Second) {
			_, err = io.ReadFull(connection, make([]byte, 12_000))
		}
	}()
	time.Sleep(2 * time.Second)
	p.signal(t, syscall.SIGTERM)
	if status := p.wait(t); status != 0 {
		t.Errorf("exit status %d: %s", status, p.stderr.String())
	}
}

// TestStreamTimeLimits opens streams at the time limits: one whose client sends a byte of
// a line now and then, one with two lines that take longer together than one may, one that
// is idle for longer than a write may take, and one whose client does not read.
func TestStreamTimeLimits(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir(), withGoodKey)
	const line = `{"user_data":1}`
	t.Run("within a line", func(t *testing.T) {
		t.Parallel()
		s := p.openStream(t, "/tokens")
		time.Sleep(2 * time.Second) // which is not a part of the line
		s.ask(t, line)
		began := time.Now()
		go func() {
			for _, err := s.lines.Write([]byte("x")); err == nil; _, err = s.lines.Write([]byte("x")) {
				time.Sleep(3 * time.Second)
			}
		}()
		answers, err := io.ReadAll(s.answers)
		if !strings.HasPrefix(string(answers), `{"status":400,"description":"the body ended early`) || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%q, %v", answers, err)
		}
		if took := time.Since(began); took < 9*time.Second || took > 14*time.Second {
			t.Errorf("ended after %v, want 10s", took)
		}
	})
	t.Run("two slow lines", func(t *testing.T) {
		t.Parallel()
		s := p.openStream(t, "/tokens")
		for range 2 {
			io.WriteString(s.lines, "{")
			time.Sleep(6 * time.Second)
			if answer := s.ask(t, `"user_data":1}`); !strings.HasPrefix(answer, `{"JWT Token":"`) {
				t.Errorf("%q", answer)
			}
		}
	})
	t.Run("idle", func(t *testing.T) {
		t.Parallel()
		s := p.openStream(t, "/tokens")
		s.ask(t, line)
		time.Sleep(16 * time.Second)
		s.lines.Close()
		if count, err := s.readTokens(); count != 0 || err != nil {
			t.Errorf("%d more answers, %v", count, err)
		}
	})
	t.Run("unread", func(t *testing.T) {
		t.Parallel()
		connection, err := net.Dial("tcp", p.address)
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close()
		connection.SetDeadline(time.Now().Add(patience))
		began := time.Now()
		io.WriteString(connection, "POST /tokens HTTP/1.1\r\nHost: x\r\nContent-Type: application/jsonl\r\nContent-Length: 100000000\r\n\r\n")
		for err == nil {
			_, err = io.WriteString(connection, strings.Repeat(line+"\n", 100))
		}
		if took := time.Since(began); took < 14*time.Second || took > 20*time.Second {
			t.Errorf("ended after %v, want 15s: %v", took, err)
		}
	})
}
