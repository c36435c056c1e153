package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// result collects what clients observe. It is safe for concurrent use.
type result struct {
	requests atomic.Int64
	checks   atomic.Int64 // the requests among them with a token that must be good
	slowest  atomic.Int64 // nanoseconds
	mutex    sync.Mutex
	failures []error
}

// sawTime takes note of the time of a request.
func (r *result) sawTime(took time.Duration) {
	for {
		slowest := r.slowest.Load()
		if int64(took) <= slowest || r.slowest.CompareAndSwap(slowest, int64(took)) {
			return
		}
	}
}

func (r *result) fail(err error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.failures = append(r.failures, err)
}

// err returns an error that holds the first few failures, or nil if there are none.
func (r *result) err() error {
	if len(r.failures) == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d requests failed: %w", len(r.failures), r.requests.Load(), errors.Join(r.failures[:min(5, len(r.failures))]...))
}

// client sends requests to one address. It never repeats one, so that no failure
// is hidden.
type client struct {
	http.Client
	address    string
	credential string // that it mints with
	result     *result
}

func newClient(address string, result *result) *client {
	return &client{
		Client:     http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: 20 * time.Second},
		address:    address,
		credential: credential,
		result:     result,
	}
}

// ask sends a JSON body. The body cannot be read a second time, so that the
// transport cannot repeat the request by itself.
func (c *client) ask(method, path, body string) (status int, answer string, err error) {
	began := time.Now()
	request, err := http.NewRequest(method, "http://"+c.address+path, struct{ io.Reader }{strings.NewReader(body)})
	if err != nil {
		return 0, "", err
	}
	request.ContentLength = int64(len(body))
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+c.credential)
	response, err := c.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	c.result.requests.Add(1)
	c.result.sawTime(time.Since(began))
	return response.StatusCode, string(text), err
}

// mint returns a new token.
func (c *client) mint(data string) (string, error) {
	status, answer, err := c.ask("POST", "/token", `{"user_data":"`+data+`"}`)
	if err != nil {
		return "", fmt.Errorf("mint: %w", err)
	}
	if status != 200 {
		return "", fmt.Errorf("mint: %d %q", status, answer)
	}
	return mintedToken(answer)
}

// mintedToken returns the token in an answer.
func mintedToken(answer string) (string, error) {
	var minted map[string]string
	if err := json.Unmarshal([]byte(answer), &minted); err != nil || minted["JWT Token"] == "" {
		return "", fmt.Errorf("the answer %q has no token", answer)
	}
	return minted["JWT Token"], nil
}

// verify checks that a token verifies and carries data. POST /token/verify tries the
// service's own keys.
func (c *client) verify(method, path, token, data string) error {
	members := map[string]string{"Token": token}
	if path != "/token/verify" {
		members["Signing_key"] = signingKey
	}
	body, err := json.Marshal(members)
	if err != nil {
		return err
	}
	c.result.checks.Add(1)
	status, answer, err := c.ask(method, path, string(body))
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if status != 200 || !strings.Contains(answer, `"Signature Verification":true`) || !strings.Contains(answer, `"data":"`+data+`"`) {
		return fmt.Errorf("%s %s: %d %q", method, path, status, answer)
	}
	return nil
}

// pass checks that the gate answers a token with the status want.
func (c *client) pass(token string, want int) error {
	request, err := http.NewRequest("GET", "http://"+c.address+"/auth", nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := c.Do(request)
	if err != nil {
		return err
	}
	response.Body.Close()
	c.result.requests.Add(1)
	if want == 200 {
		c.result.checks.Add(1)
	}
	if response.StatusCode != want {
		return fmt.Errorf("the gate answers %s, want %d", response.Status, want)
	}
	return nil
}

// goodTraffic runs count clients, which mint tokens and verify each of them, until
// ctx ends.
func (c *client) goodTraffic(ctx context.Context, count int, pause time.Duration) {
	routes := [][2]string{{"GET", "/token"}, {"QUERY", "/token"}, {"POST", "/token/verify"}}
	var clients sync.WaitGroup
	for i := range count {
		clients.Go(func() {
			for turn := 0; ctx.Err() == nil; turn++ {
				data := fmt.Sprintf("client %d turn %d", i, turn)
				token, err := c.mint(data)
				if err == nil {
					route := routes[turn%len(routes)]
					err = c.verify(route[0], route[1], token, data)
				}
				if err != nil {
					c.result.fail(err)
				}
				time.Sleep(pause)
			}
		})
	}
	clients.Wait()
}

// streamTraffic mints tokens over a single stream until ctx ends. It sends some lines at
// a time, reads their answers before the next, and takes the last of them to the gate.
func (c *client) streamTraffic(ctx context.Context, pause time.Duration) error {
	sent, sender := io.Pipe()
	streaming, cancel := context.WithCancel(context.Background())
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(settleTime, cancel) })()
	request, err := http.NewRequestWithContext(streaming, "POST", "http://"+c.address+"/tokens", sent)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-ndjson")
	request.Header.Set("Authorization", "Bearer "+c.credential)
	response, err := c.Transport.RoundTrip(request) // without the time limit of c
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answers := bufio.NewReader(response.Body)
	for ctx.Err() == nil {
		token, err := mintLines(sender, answers, 100)
		if err == nil {
			err = c.pass(token, 200)
		}
		if err != nil {
			return fmt.Errorf("the stream: %w", err)
		}
		time.Sleep(pause)
	}
	sender.Close()
	if rest, err := io.ReadAll(answers); err != nil || len(rest) > 0 {
		return fmt.Errorf("the end of the stream: %q, %v", rest, err)
	}
	return nil
}

// mintLines sends lines over a stream, reads their answers, and returns the last token.
func mintLines(sender io.Writer, answers *bufio.Reader, count int) (token string, err error) {
	io.WriteString(sender, strings.Repeat(`{"user_data":"a line"}`+"\n", count)) // it fails if the service reads no more
	for range count {
		answer, err := answers.ReadString('\n')
		if err != nil {
			return "", fmt.Errorf("%q, %w", answer, err)
		}
		if token, err = mintedToken(answer); err != nil {
			return "", err
		}
	}
	return token, nil
}

// badTraffic runs count clients, which send what a service must survive, until ctx
// ends.
func (c *client) badTraffic(ctx context.Context, count int, pause time.Duration) {
	var clients sync.WaitGroup
	for range count {
		clients.Go(func() {
			for ctx.Err() == nil {
				if err := c.misbehave(ctx, rand.IntN(9)); err != nil {
					c.result.fail(err)
				}
				time.Sleep(pause)
			}
		})
	}
	clients.Wait()
}

// misbehave does one bad thing. It returns an error if the service does not answer
// as it should.
func (c *client) misbehave(ctx context.Context, kind int) error {
	const head = "POST /token HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + credential + "\r\nContent-Type: application/json\r\n"
	switch kind {
	case 0:
		return c.expect(400, "POST", "/token", `{"user_data":`)
	case 1:
		return c.expect(413, "POST", "/token", `{"user_data":"`+strings.Repeat("x", 256<<10)+`"}`)
	case 2:
		return c.expect(404, "GET", fmt.Sprintf("/%d", rand.Int()), "")
	case 3:
		return c.expect(400, "QUERY", "/token", `{"Token":"a.b.c","Signing_key":"k"}`)
	case 4: // may not mint, and leaves with its body unsent
		return c.raw(ctx, strings.Replace(head, credential, "wrong", 1)+"Content-Length: 100\r\n\r\n{", 0)
	case 5: // leaves in the middle of a request
		return c.raw(ctx, head+"Content-Length: 100\r\n\r\n{", 0)
	case 6: // leaves without reading the answer
		return c.raw(ctx, strings.Repeat(head+"Content-Length: 15\r\n\r\n{\"user_data\":1}", 5), 0)
	case 7: // leaves in the middle of a line
		lines := strings.NewReplacer("/token ", "/tokens ", "application/json", "application/x-ndjson").Replace(head)
		return c.raw(ctx, lines+"Transfer-Encoding: chunked\r\n\r\n10\r\n{\"user_data\":1}\n\r\n1\r\n{\r\n", 0)
	default: // is slow, until the service closes the connection
		return c.raw(ctx, head, 7*time.Second)
	}
}

func (c *client) expect(want int, method, path, body string) error {
	status, answer, err := c.ask(method, path, body)
	if err != nil {
		return fmt.Errorf("%s %.20s: %w", method, path, err)
	}
	if status != want {
		return fmt.Errorf("%s %.20s: %d, want %d: %q", method, path, status, want, answer)
	}
	return nil
}

// raw sends text, waits at most stay for the service to close the connection, and
// closes it itself.
func (c *client) raw(ctx context.Context, text string, stay time.Duration) error {
	connection, err := net.Dial("tcp", c.address)
	if err != nil {
		return err
	}
	defer connection.Close()
	defer context.AfterFunc(ctx, func() { connection.Close() })()
	io.WriteString(connection, text)
	if stay == 0 {
		return nil
	}
	connection.SetReadDeadline(time.Now().Add(stay))
	if _, err := io.Copy(io.Discard, connection); errors.Is(err, net.ErrClosed) || err == nil {
		return nil
	} else {
		return fmt.Errorf("the service did not close a slow connection: %w", err)
	}
}
