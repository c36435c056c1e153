package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// acceptTime is how long the service still accepts connections after the signal
// to stop, at least.
const acceptTime = time.Second

// client keeps its connection for as long as the service does, and never
// repeats a request.
type client struct {
	address    string
	connection net.Conn // nil if the last answer had Connection: close
	reader     *bufio.Reader
	asked      time.Time     // when it last began to ask on this connection
	between    time.Duration // from then to the end of the next request, or 0
}

// newClient returns a client with a connection.
func newClient(t *testing.T, address string) *client {
	t.Helper()
	c := &client{address: address}
	if err := c.connect(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	return c
}

// connect opens a connection if there is none. Like a pool of connections, it
// replaces one that the service has closed.
func (c *client) connect() error {
	if c.connection != nil {
		c.connection.SetReadDeadline(time.Now().Add(50 * time.Microsecond))
		_, err := c.reader.Peek(1)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return c.connection.SetReadDeadline(time.Now().Add(patience))
		}
		c.close()
	}
	connection, err := net.DialTimeout("tcp", c.address, patience)
	if err != nil {
		return err
	}
	c.connection, c.reader, c.asked = connection, bufio.NewReader(connection), time.Time{}
	return connection.SetReadDeadline(time.Now().Add(patience))
}

func (c *client) close() {
	if c.connection != nil {
		c.connection.Close()
		c.connection = nil
	}
}

// ask sends a request for /token and reads the answer.
func (c *client) ask(method, body string) error {
	began := time.Now()
	_, err := io.WriteString(c.connection, tokenRequest(method, body))
	c.between = 0
	if !c.asked.IsZero() {
		c.between = time.Since(c.asked)
	}
	c.asked = began
	if err != nil {
		return err
	}
	return c.readAnswer()
}

// readAnswer reads an answer to its end. It must be a 200 with JSON.
func (c *client) readAnswer() error {
	answer, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode != 200 || !json.Valid(text) {
		return fmt.Errorf("%s: %s", answer.Status, text)
	}
	if answer.Close {
		c.close()
	}
	return nil
}

// startRequest sends all but the last byte of a request. The function that it
// returns sends that byte, and reads the answer, which must have Connection:
// close.
func startRequest(t *testing.T, p *process) (finish func() error) {
	t.Helper()
	c := newClient(t, p.address)
	request := tokenRequest("POST", mintBody)
	last := len(request) - 1
	if _, err := io.WriteString(c.connection, request[:last]); err != nil {
		t.Fatal(err)
	}
	return func() error {
		if _, err := io.WriteString(c.connection, request[last:]); err != nil {
			return err
		}
		return c.readLastAnswer()
	}
}

// readLastAnswer is readAnswer for an answer that must have Connection: close.
func (c *client) readLastAnswer() error {
	if err := c.readAnswer(); err != nil {
		return err
	}
	if c.connection != nil {
		return errors.New("the answer does not have Connection: close")
	}
	return nil
}

// awaitAccept waits until the service has accepted all connections so far: it
// accepts them in order.
func (p *process) awaitAccept(t *testing.T) {
	t.Helper()
	if status, answer, err := p.send("GET", "/healthz", ""); status != 200 {
		t.Fatalf("GET /healthz: %d %s, %v", status, answer, err)
	}
}

// terminate sends SIGTERM, waits until /readyz answers 503, and stores in ready
// a time at which it did not yet.
func (p *process) terminate(t *testing.T, ready *atomic.Pointer[time.Time]) {
	t.Helper()
	asked := time.Now()
	ready.Store(&asked)
	p.signal(t, syscall.SIGTERM)
	waitFor(t, "/readyz to answer 503", func() bool {
		asked := time.Now()
		status, _, err := p.send("GET", "/readyz", "")
		if err != nil {
			t.Fatalf("GET /readyz after SIGTERM: %v", err)
		}
		if status == 200 {
			ready.Store(&asked)
		}
		return status == 503
	})
}

// awaitClosedListener waits until the service refuses connections.
func (p *process) awaitClosedListener(t *testing.T) {
	t.Helper()
	waitFor(t, "the listener to close", func() bool {
		_, _, err := p.send("GET", "/healthz", "")
		return err != nil
	})
}

// errSlow is in an error that may come from a slow machine: the test has not
// kept to a time limit of the service.
var errSlow = errors.New("the test was too slow")

// retry calls try until it does not fail for being slow, up to five times.
func retry(t *testing.T, try func() error) {
	t.Helper()
	for attempt := 1; ; attempt++ {
		err := try()
		if err == nil {
			return
		}
		if !errors.Is(err, errSlow) || attempt == 5 {
			t.Fatal(err)
		}
	}
}

// TestGracefulStop checks what clients see between the signal and the exit.
func TestGracefulStop(t *testing.T) {
	t.Parallel()
	retry(t, func() error {
		p := start(t, t.TempDir(), withGoodKey)
		finish := startRequest(t, p)
		p.awaitAccept(t)
		var ready atomic.Pointer[time.Time]
		p.terminate(t, &ready)
		for time.Since(*ready.Load()) < acceptTime {
			status, answer, err := p.send("POST", "/token", mintBody)
			since := time.Since(*ready.Load())
			if err != nil && since >= acceptTime {
				return fmt.Errorf("connection refused %v after SIGTERM: %w, %w", since, err, errSlow)
			}
			if status != 200 || err != nil {
				return fmt.Errorf("%v after SIGTERM: %d %s, %v, want 200", since, status, answer, err)
			}
		}
		p.awaitClosedListener(t)
		if err := finish(); err != nil {
			return fmt.Errorf("request in flight: %w", err)
		}
		if status := p.wait(t); status != 0 {
			return fmt.Errorf("exit status %d, want 0", status)
		}
		return nil
	})
}

// TestGracefulTimeout leaves a request unfinished for longer than the graceful
// timeout.
func TestGracefulTimeout(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir(), []string{"GRACEFUL_TIMEOUT=100ms"})
	startRequest(t, p)
	p.awaitAccept(t)
	began := time.Now()
	if status := p.stop(t); status != 1 || !strings.Contains(p.stderr.String(), "cut off after the graceful timeout of 100ms") {
		t.Errorf("exit status %d, want 1 and a log line about the graceful timeout", status)
	}
	// Without the timeout, the request would last for the 10 s that it may take.
	if took := time.Since(began); took < 100*time.Millisecond || took > 8*time.Second {
		t.Errorf("the stop took %v, want 100 ms", took)
	}
}

// TestSecondSignalEndsAtOnce sends a second signal while the first still waits
// for a request.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir(), withGoodKey)
	startRequest(t, p)
	p.awaitAccept(t)
	p.signal(t, syscall.SIGINT)
	waitFor(t, "the first signal to arrive", func() bool { return strings.Contains(p.stderr.String(), "stopping") })
	began := time.Now()
	if status := p.stop(t); status == 0 {
		t.Error("exit status 0, want another")
	}
	// The request would last for the 10 s that it may take.
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the second signal took %v, want an end at once", took)
	}
}

// TestStopLosesNothing stops the service under load, several times. Of 64
// clients, half ask without a pause, and half now and then. Each request that
// they send on a connection must get its answer. They must get a connection
// until /readyz has answered 503 for a second.
func TestStopLosesNothing(t *testing.T) {
	t.Parallel()
	testStopLosesNothing(t, start)
}

// testStopLosesNothing is TestStopLosesNothing with a function that starts the service.
func testStopLosesNothing(t *testing.T, start func(t *testing.T, folder string, env []string, args ...string) *process) {
	for round := range 3 {
		t.Run(strconv.Itoa(round), func(t *testing.T) {
			t.Parallel()
			var answered atomic.Int64
			var ready atomic.Pointer[time.Time] // nil before the signal
			var clients sync.WaitGroup
			t.Cleanup(clients.Wait) // after the cleanup that kills the service, if the test fails
			p := start(t, t.TempDir(), withGoodKey)
			inspect := inspection(p.mint(t), goodKey)
			for i := range 64 {
				clients.Go(func() {
					c := &client{address: p.address}
					defer c.close()
					for turn := i; ; turn++ {
						if err := c.connect(); err != nil {
							if last := ready.Load(); last == nil || time.Since(*last) < acceptTime {
								t.Errorf("connection refused too early: %v", err)
							}
							return
						}
						method, body := "POST", mintBody
						if turn%2 == 0 {
							method, body = "GET", inspect
						}
						if err := c.ask(method, body); err != nil {
							if c.between < acceptTime {
								t.Errorf("client %d: request without an answer: %v", i, err)
								return
							}
							c.close() // on a slow machine, its connection was idle when the service closed it
							continue
						}
						answered.Add(1)
						if i%2 == 0 {
							time.Sleep(mathrand.N(acceptTime)) // so that it asks again while the service drains
						}
					}
				})
			}
			waitFor(t, "the load", func() bool { return answered.Load() >= 1000 })
			p.terminate(t, &ready)
			clients.Wait()
			if status := p.wait(t); status != 0 {
				t.Errorf("exit status %d after %d requests, want 0", status, answered.Load())
			}
		})
	}
}

// TestStopWaitsForSlowRequests has requests in flight when the listener closes.
// Of each, another part has arrived.
func TestStopWaitsForSlowRequests(t *testing.T) {
	t.Parallel()
	const headerLimit = 5 * time.Second
	retry(t, func() error {
		began := time.Now()
		err := stopWithSlowRequests(t)
		if err != nil && time.Since(began) >= headerLimit {
			return fmt.Errorf("%w: %w", errSlow, err) // the service may have closed connections for it
		}
		return err
	})
}

// stopWithSlowRequests stops a service that has requests in flight, and returns
// all that goes wrong.
func stopWithSlowRequests(t *testing.T) error {
	t.Helper()
	p := start(t, t.TempDir(), withGoodKey)
	var finish []func() error
	for range 20 {
		finish = append(finish, startRequest(t, p))
	}
	request := tokenRequest("POST", mintBody)
	header := len(request) - len(mintBody)
	type slowClient struct {
		*client
		sent int  // bytes of the request
		used bool // whether the connection has had a request before
	}
	var clients []slowClient
	for _, sent := range []int{0, 1, 30, header - 5, header, len(request) - 1} {
		for _, used := range []bool{false, true} {
			if used && sent == 0 {
				continue // this connection is idle: no request is in flight
			}
			c := newClient(t, p.address)
			if used {
				if err := c.ask("POST", mintBody); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := io.WriteString(c.connection, request[:sent]); err != nil {
				t.Fatal(err)
			}
			clients = append(clients, slowClient{c, sent, used})
		}
	}
	idle := newClient(t, p.address)
	if err := idle.ask("POST", mintBody); err != nil {
		t.Fatal(err)
	}
	p.signal(t, syscall.SIGTERM)

	var failures []error
	// The service closes idle connections as soon as it has closed the listener.
	if _, err := idle.reader.Peek(1); err != io.EOF {
		failures = append(failures, fmt.Errorf("idle connection: %v, want it closed", err))
	}
	if _, _, err := p.send("GET", "/healthz", ""); err == nil {
		failures = append(failures, errors.New("the service accepts connections after it has closed idle ones"))
	}
	time.Sleep(200 * time.Millisecond) // for the service to close what it must not
	for _, c := range clients {
		_, err := io.WriteString(c.connection, request[c.sent:])
		if err == nil {
			err = c.readLastAnswer()
		}
		if err != nil {
			failures = append(failures, fmt.Errorf("%d bytes sent before, connection used before %t: %w", c.sent, c.used, err))
		}
	}
	for _, f := range finish {
		if err := f(); err != nil {
			failures = append(failures, fmt.Errorf("slow body: %w", err))
		}
	}
	if status := p.wait(t); status != 0 {
		failures = append(failures, fmt.Errorf("exit status %d, want 0", status))
	}
	return errors.Join(failures...)
}
