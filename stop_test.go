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
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// slowRequest sends all of a request but its last byte, and returns what
// sends that and reads the response.
func slowRequest(t *testing.T, address string) (finish func() (status int, closes bool, err error)) {
	t.Helper()
	connection, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	body := `{"user_data":1}`
	fmt.Fprintf(connection, "POST /token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body[:len(body)-1])
	return func() (int, bool, error) {
		io.WriteString(connection, body[len(body)-1:])
		answer, err := io.ReadAll(connection)
		if err != nil {
			return 0, false, err
		}
		text := string(answer)
		var status int
		fmt.Sscanf(text, "HTTP/1.1 %d", &status)
		return status, strings.Contains(text, "\r\nConnection: close\r\n"), nil
	}
}

// TestGracefulStop checks what clients see between the signal and the end.
func TestGracefulStop(t *testing.T) {
	p := start(t, t.TempDir(), nil)
	finish := slowRequest(t, p.address)
	p.send("GET", "/healthz", "") // the slow request was accepted before this one
	began := time.Now()
	p.Process.Signal(syscall.SIGTERM)
	waitFor(t, "readyz to turn 503", func() bool {
		status, _, err := p.send("GET", "/readyz", "")
		if err != nil {
			t.Fatal(err)
		}
		return status == 503
	})
	for time.Since(began) < time.Second { // none is refused in the first second
		if status, answer, err := p.send("POST", "/token", `{"user_data":1}`); status != 200 {
			t.Fatalf("after %v: %d %s, %v", time.Since(began), status, answer, err)
		}
	}
	waitFor(t, "the listener to close", func() bool {
		_, _, err := p.send("GET", "/healthz", "")
		return err != nil
	})
	if status, closes, err := finish(); status != 200 || !closes || err != nil {
		t.Errorf("the request in flight: %d, Connection: close %t, %v", status, closes, err)
	}
	p.Wait()
	if status := p.ProcessState.ExitCode(); status != 0 {
		t.Errorf("exit status %d: %s", status, p.stderr.String())
	}
}

// TestGracefulTimeout leaves a request unfinished for longer than is allowed.
func TestGracefulTimeout(t *testing.T) {
	p := start(t, t.TempDir(), []string{"GRACEFUL_TIMEOUT=100ms"})
	slowRequest(t, p.address)
	p.send("GET", "/healthz", "")
	began := time.Now()
	if status := p.stop(t); status != 1 || !strings.Contains(p.stderr.String(), "cut off after the graceful timeout of 100ms") {
		t.Errorf("exit status %d: %s", status, p.stderr.String())
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the stop took %v", took)
	}
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	p := start(t, t.TempDir(), nil)
	slowRequest(t, p.address)
	p.send("GET", "/healthz", "")
	p.Process.Signal(syscall.SIGINT)
	waitFor(t, "the first signal to arrive", func() bool { return strings.Contains(p.stderr.String(), "stopping") })
	began := time.Now()
	p.stop(t)
	if took := time.Since(began); took > time.Second {
		t.Errorf("the second signal took %v", took)
	}
}

// keepAlive is a client that keeps its connection for as long as the service
// does, and that never repeats a request.
type keepAlive struct {
	address    string
	connection net.Conn
	reader     *bufio.Reader
}

// connect opens a connection where there is none, or where the service has
// closed it, as a pool of connections would notice.
func (k *keepAlive) connect() error {
	if k.connection != nil {
		k.connection.SetReadDeadline(time.Now().Add(50 * time.Microsecond))
		_, err := k.reader.Peek(1)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return k.connection.SetReadDeadline(time.Now().Add(20 * time.Second))
		}
		k.close()
	}
	connection, err := net.Dial("tcp", k.address)
	if err != nil {
		return err
	}
	k.connection, k.reader = connection, bufio.NewReader(connection)
	return connection.SetReadDeadline(time.Now().Add(20 * time.Second))
}

func (k *keepAlive) close() {
	k.connection.Close()
	k.connection = nil
}

// ask sends a request and reads the whole of its answer.
func (k *keepAlive) ask(method, body string) error {
	if _, err := fmt.Fprintf(k.connection, "%s /token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", method, len(body), body); err != nil {
		return err
	}
	return k.readAnswer()
}

func (k *keepAlive) readAnswer() error {
	answer, err := http.ReadResponse(k.reader, nil)
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
		k.close()
	}
	return nil
}

// TestStopLosesNothing stops the service under load, several times. Of 64
// clients half ask without a pause, and half now and then: every request that
// they send on a connection gets its answer, and they get a connection until
// readyz has said for a second that they should go elsewhere.
func TestStopLosesNothing(t *testing.T) {
	t.Parallel()
	for range 3 {
		p := start(t, t.TempDir(), []string{"SIGNING_KEY=" + goodKey})
		inspection := `{"Token":"` + p.mint(t) + `","Signing_key":"` + goodKey + `"}`
		var answered, unready atomic.Int64 // unready is when readyz first said 503
		var clients sync.WaitGroup
		for i := range 64 {
			clients.Go(func() {
				k := &keepAlive{address: p.address}
				for turn := i; ; turn++ {
					if err := k.connect(); err != nil {
						if since := unready.Load(); since == 0 || time.Since(time.Unix(0, since)) < time.Second {
							t.Errorf("refused too early: %v", err)
						}
						return
					}
					method, body := "POST", `{"user_data":"data"}`
					if turn%2 == 0 {
						method, body = "GET", inspection
					}
					if err := k.ask(method, body); err != nil {
						t.Errorf("client %d: a request was lost: %v", i, err)
						return
					}
					answered.Add(1)
					if i%2 == 0 {
						time.Sleep(mathrand.N(time.Second)) // idle for less time than clients get to learn of the stop
					}
				}
			})
		}
		time.Sleep(500 * time.Millisecond)
		p.Process.Signal(syscall.SIGTERM)
		waitFor(t, "readyz to turn 503", func() bool {
			status, _, err := p.send("GET", "/readyz", "")
			if err != nil {
				t.Fatal(err)
			}
			return status == 503
		})
		unready.Store(time.Now().UnixNano())
		clients.Wait()
		p.Wait()
		if status := p.ProcessState.ExitCode(); status != 0 || answered.Load() < 1000 {
			t.Errorf("exit status %d after %d requests: %s", status, answered.Load(), p.stderr.String())
		}
	}
}

// TestStopWaitsForSlowRequests has requests in flight when the listener closes,
// in each of the states that a connection can be in.
func TestStopWaitsForSlowRequests(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	p := start(t, folder, nil)
	var finish []func() (int, bool, error)
	for range 20 {
		finish = append(finish, slowRequest(t, p.address))
	}
	// Sent so far, on a new connection and behind an answer: a whole request less that.
	const request = "POST /token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{\"user_data\":1}"
	parts := []int{0, 1, 30, len(request) - 20, len(request) - 1}
	clients := map[string]*keepAlive{}
	rest := map[string]string{}
	for _, part := range parts {
		for _, used := range []bool{false, true} {
			if used && part == 0 {
				continue // it is idle, and nothing is in flight
			}
			k := &keepAlive{address: p.address}
			if err := k.connect(); err != nil {
				t.Fatal(err)
			}
			if used {
				if err := k.ask("POST", `{"user_data":1}`); err != nil {
					t.Fatal(err)
				}
			}
			io.WriteString(k.connection, request[:part])
			name := fmt.Sprintf("%d bytes sent, used before: %t", part, used)
			clients[name], rest[name] = k, request[part:]
		}
	}
	idle := &keepAlive{address: p.address}
	if err := idle.connect(); err != nil {
		t.Fatal(err)
	}
	if err := idle.ask("POST", `{"user_data":1}`); err != nil {
		t.Fatal(err)
	}
	p.Process.Signal(syscall.SIGTERM)
	waitFor(t, "the listener to close", func() bool {
		_, _, err := p.send("GET", "/healthz", "")
		return err != nil
	})
	time.Sleep(200 * time.Millisecond)
	if _, err := idle.reader.Peek(1); err != io.EOF {
		t.Errorf("the idle connection: %v", err)
	}
	for name, k := range clients {
		io.WriteString(k.connection, rest[name])
		if err := k.readAnswer(); err != nil {
			t.Errorf("%s: %v", name, err)
		} else if k.connection != nil {
			t.Errorf("%s: answered without Connection: close", name)
		}
	}
	for _, f := range finish {
		if status, closes, err := f(); status != 200 || !closes || err != nil {
			t.Errorf("a slow body: %d, Connection: close %t, %v", status, closes, err)
		}
	}
	p.Wait()
	if status := p.ProcessState.ExitCode(); status != 0 {
		t.Errorf("exit status %d: %s", status, p.stderr.String())
	}
}
