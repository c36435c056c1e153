package handlers

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// newTightService returns a service with the least memory for bodies.
func newTightService(t *testing.T) *Service {
	t.Helper()
	return newService(t, t.Output(), func(c *Config) { c.BodyMemory = minBodyMemory })
}

// waitForFree waits until that many bytes of the memory for bodies are free.
func waitForFree(t *testing.T, service *Service, free int64) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); service.bodyMemory.free.Load() != free; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d bytes are free, want %d", service.bodyMemory.free.Load(), free)
		}
	}
}

// paddedInspection returns a good inspection of that many bytes.
func paddedInspection(size int) string {
	body := inspectBody(goldenToken, publishedKey, "")
	return body[:len(body)-1] + strings.Repeat(" ", size-len(body)) + "}"
}

// holdBack sends the header of a request to route, with more lines if there are any,
// and the first sent bytes of its body, which has size bytes, or is chunked if size
// is negative.
func holdBack(t *testing.T, server *httptest.Server, route string, size, sent int, lines ...string) net.Conn {
	t.Helper()
	connection, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	connection.SetDeadline(time.Now().Add(30 * time.Second))
	framing := fmt.Sprintf("Content-Length: %d\r\n\r\n", size)
	if size < 0 {
		framing = fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n", maxInspectBody)
	}
	accepted := jsonType
	if route == "POST "+introspectPath {
		accepted = formType
	}
	text := route + " HTTP/1.1\r\nHost: x\r\nContent-Type: " + accepted.names[0] + "\r\n" + strings.Join(lines, "") + framing + strings.Repeat(" ", sent)
	if _, err := io.WriteString(connection, text); err != nil {
		t.Fatal(err)
	}
	return connection
}

// TestBodiesHeldBack fills the memory for bodies with clients that do not send them
// to their end. The next large body is refused before it has arrived, small ones are
// not, and the memory is free again when the clients are gone.
func TestBodiesHeldBack(t *testing.T) {
	for _, route := range []struct {
		name string
		size int
	}{
		{"GET /token", maxInspectBody}, {"HEAD /token", maxInspectBody}, {"QUERY /token", maxInspectBody}, {"POST /token/verify", maxInspectBody},
		{"POST /token", maxMintBody}, {"POST /token/sign", maxMintBody}, {"POST /introspect", maxInspectBody}, {"GET /token", -1},
	} {
		service := newTightService(t)
		server := httptest.NewServer(service)
		t.Cleanup(server.Close)
		size := int64(route.size)
		if size < 0 {
			size = maxInspectBody + 1
		}
		const clients = 4
		service.bodyMemory.free.Store(clients * size)
		var held []net.Conn
		for range clients {
			held = append(held, holdBack(t, server, route.name, route.size, largeBody+1))
		}
		waitForFree(t, service, 0)
		for _, next := range []string{"GET /token", "QUERY /token", "POST /token", "POST /token/verify", "POST /token/sign", "POST /introspect"} {
			for _, size := range []int{largeBody + 2, -1} {
				method, _, _ := strings.Cut(next, " ")
				got := readResponse(t, bufio.NewReader(holdBack(t, server, next, size, largeBody+1)), method)
				checkError(t, route.name+", then "+next, got, 503)
				if got.header.Get("Retry-After") != "1" || !got.closes {
					t.Errorf("%s, then %s: %v", route.name, next, got.header)
				}
			}
		}
		mintOver(t, server, `{"user_data":1}`)
		for _, connection := range held {
			connection.Close()
		}
		waitForFree(t, service, clients*size)
		if got := send(t, "QUERY", server.URL+"/token", paddedInspection(maxInspectBody), jsonHeader()); got.status != 200 {
			t.Errorf("%s: afterwards %d %s", route.name, got.status, got.body)
		}
	}
}

// TestSmallBodiesHeldBack checks that bodies of up to 16 KiB take no part of the
// memory, nor do larger ones of which no more has arrived.
func TestSmallBodiesHeldBack(t *testing.T) {
	service := newTightService(t)
	server := httptest.NewServer(service)
	t.Cleanup(server.Close)
	for range 10 {
		holdBack(t, server, "GET /token", largeBody, largeBody-1)
		holdBack(t, server, "GET /token", maxInspectBody, largeBody-1)
		holdBack(t, server, "GET /token", -1, largeBody-1)
	}
	for range 10 { // time for the service to see what was held back
		if got := send(t, "QUERY", server.URL+"/token", paddedInspection(maxInspectBody), jsonHeader()); got.status != 200 {
			t.Errorf("%d %s", got.status, got.body)
		}
	}
	waitForFree(t, service, minBodyMemory)
}

// unreadResponse is the response to a client that does not read it until its channel
// is closed.
type unreadResponse struct {
	recorder
	written chan int
	read    chan struct{}
}

func (r *unreadResponse) Write(p []byte) (int, error) {
	r.written <- len(p)
	<-r.read
	return len(p), nil
}

// TestAnswersUnread checks that a response takes memory until it is written, as much
// as it has itself.
func TestAnswersUnread(t *testing.T) {
	service := newTightService(t)
	server := httptest.NewServer(service)
	t.Cleanup(server.Close)
	token, _ := mintOver(t, server, `{"user_data":"`+strings.Repeat("x", 200_000)+`"}`)
	waitForFree(t, service, minBodyMemory) // the client may have its response earlier
	for body, path := range map[string]string{
		`{"user_data":"` + strings.Repeat("x", 200_000) + `"}`: "/token",
		inspectBody(token, publishedKey, ""):                   "/token/verify",
	} {
		r := httptest.NewRequest("POST", path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := &unreadResponse{recorder{header: http.Header{}}, make(chan int), make(chan struct{})}
		ended := make(chan struct{})
		go func() {
			service.ServeHTTP(w, r)
			close(ended)
		}()
		size := int64(<-w.written)
		if taken := minBodyMemory - service.bodyMemory.free.Load(); size < 200_000 || taken < size || taken > size+16<<10 {
			t.Errorf("%s: a response of %d bytes takes %d", path, size, taken)
		}
		if turns := len(service.bodyMemory.turns); turns != 0 {
			t.Errorf("%s: the response has %d turns", path, turns)
		}
		close(w.read)
		<-ended
		waitForFree(t, service, minBodyMemory)
	}
}

// TestOnlyTheTextIsKept checks that nothing else waits for the client to read.
func TestOnlyTheTextIsKept(t *testing.T) {
	text, data := []byte("secret"), []byte("secret")
	b, a := &body{text: text}, new(answer)
	b.reservation, _ = newBodyMemory(minBodyMemory).reserve(int64(len(text)))
	a.takeTurn(b, func(a *answer, body []byte) error {
		a.data = data
		a.text = bytes.Clone(body)
		return nil
	})
	if b.text != nil || a.data != nil || string(a.text) != "secret" {
		t.Errorf("body %q, data %q, answer %q", b.text, a.data, a.text)
	}
	if string(text)+string(data) != strings.Repeat("\x00", 12) {
		t.Errorf("left in memory: %q, %q", text, data)
	}
}

// TestTurns checks that only so many large bodies are processed at a time.
func TestTurns(t *testing.T) {
	memory := newBodyMemory(minBodyMemory)
	var running, most atomic.Int64
	var requests sync.WaitGroup
	for range 8 * runtime.GOMAXPROCS(0) {
		requests.Go(func() {
			b, a := new(body), new(answer)
			b.reservation, _ = memory.reserve(1)
			defer b.release()
			a.takeTurn(b, func(*answer, []byte) error {
				now := running.Add(1)
				for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
				}
				time.Sleep(time.Millisecond)
				running.Add(-1)
				return nil
			})
		})
	}
	requests.Wait()
	if most.Load() > int64(runtime.GOMAXPROCS(0)) {
		t.Errorf("%d at a time", most.Load())
	}
}

// TestBodyMemoryIsFreed sends large requests of all kinds at once: good ones, bad
// ones, some that panic and some that never arrive. None keeps any memory, or its
// turn.
func TestBodyMemoryIsFreed(t *testing.T) {
	var log bytes.Buffer
	service := newService(t, &log, func(c *Config) { c.BodyMemory = minBodyMemory })
	var panics atomic.Bool
	service.now = func() time.Time {
		if panics.Load() {
			panic(canary)
		}
		return goldenTime
	}
	server := httptest.NewServer(service)
	t.Cleanup(server.Close)
	padding := strings.Repeat(" ", 100_000)
	bodies := []string{
		`{"user_data":1` + padding + `}`,
		inspectBody(goldenToken, publishedKey, "") + padding,
		`{"user_data":1` + padding,
		`{"Token":"` + padding + `","Signing_key":"k"}`,
		`{"Token":` + padding + `7}`,
		strings.Repeat("x", maxInspectBody+1),
	}
	var statuses sync.Map
	for _, panicking := range []bool{false, true} {
		panics.Store(panicking)
		var clients sync.WaitGroup
		for i := range 8 {
			clients.Go(func() {
				for j, body := range bodies {
					method := []string{"POST", "QUERY"}[(i+j)%2]
					got := send(t, method, server.URL+"/token", body, jsonHeader())
					statuses.Store(got.status, true)
				}
				holdBack(t, server, "GET /token", maxInspectBody, 100_000).Close()
				holdBack(t, server, "GET /token", -1, 100_000).Close()
			})
		}
		clients.Wait()
		waitForFree(t, service, minBodyMemory)
	}
	if turns := len(service.bodyMemory.turns); turns != 0 {
		t.Errorf("%d turns are taken", turns)
	}
	for _, status := range []int{200, 400, 413, 500} {
		if _, ok := statuses.Load(status); !ok {
			t.Errorf("no response with %d", status)
		}
	}
}

// TestBodySizes sends bodies of sizes around those that matter, of a known and an
// unknown length.
func TestBodySizes(t *testing.T) {
	server := httptest.NewServer(newTightService(t))
	t.Cleanup(server.Close)
	for _, route := range []struct {
		method, path string
		limit        int
	}{{"POST", "/token", maxMintBody}, {"QUERY", "/token", maxInspectBody}, {"GET", "/token", maxInspectBody}, {"POST", "/token/verify", maxInspectBody}} {
		for _, size := range []int{1000, 1023, 1024, 1025, largeBody - 1, largeBody, largeBody + 1, 2 * largeBody, route.limit - 1, route.limit, route.limit + 1} {
			body := paddedInspection(size)
			if route.path == "/token" && route.method == "POST" {
				body = `{"user_data":1` + strings.Repeat(" ", size-15) + "}"
			}
			for _, reader := range []io.Reader{strings.NewReader(body), io.MultiReader(strings.NewReader(body))} {
				request, err := http.NewRequest(route.method, server.URL+route.path, reader)
				if err != nil {
					t.Fatal(err)
				}
				request.Header = jsonHeader()
				answer, err := http.DefaultClient.Do(request)
				if err != nil {
					t.Fatal(err)
				}
				answer.Body.Close()
				if want := map[bool]int{false: 200, true: 413}[size > route.limit]; answer.StatusCode != want {
					t.Errorf("%s %s: %d bytes, Content-Length %d: %d, want %d", route.method, route.path, size, request.ContentLength, answer.StatusCode, want)
				}
			}
		}
	}
}
