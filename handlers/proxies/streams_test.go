package proxies

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// everyLine lets a client send all lines of the tests before it reads an answer.
const everyLine = 100_000

func testNginxWithStreams(t *testing.T) {
	start := func(t *testing.T, service string) string { return startNginxLoadBalancer(t, service) }
	testStreams(t, start, 1_000)
	t.Run("no second copy", testNoSecondCopy)
	t.Run("no metrics", func(t *testing.T) { testNoMetrics(t, start) })
}

func testHAProxyWithStreams(t *testing.T) { testStreams(t, startHAProxyForService, everyLine) }

func testCaddyWithStreams(t *testing.T) {
	testStreams(t, startCaddyForService, everyLine)
	t.Run("no metrics", func(t *testing.T) { testNoMetrics(t, startCaddyForService) })
}

// publisher starts a proxy that publishes the service at this address, and returns the
// proxy's own.
type publisher func(t *testing.T, service string) string

// testStreams checks that streams pass a proxy. Ahead is the most lines that a client may
// have sent without having read their answers.
func testStreams(t *testing.T, start publisher, ahead int) {
	service := startService(t)
	proxy := "http://" + start(t, service.address)

	t.Run("line by line", func(t *testing.T) { testLineByLine(t, proxy) })
	t.Run("100,000 lines", func(t *testing.T) { testManyLines(t, proxy, ahead) })
	t.Run("a known length", func(t *testing.T) { testKnownLength(t, proxy) })
	t.Run("refused", func(t *testing.T) { testRefusedStreams(t, proxy) })
	t.Run("stop", func(t *testing.T) { testStopInStream(t, service, proxy) }) // the last one, because it stops the service
}

// streamClient has time for streams.
var streamClient = &http.Client{Timeout: 30 * time.Second, Transport: client.Transport}

// streamHeader is the header of a request for a stream.
func streamHeader() http.Header {
	header := bearer(mintCredential)
	header.Set("Content-Type", "application/x-ndjson")
	return header
}

// post sends a request for a stream, whose lines come from body.
func post(t *testing.T, url string, header http.Header, body io.Reader) *http.Response {
	t.Helper()
	request, err := http.NewRequest("POST", url, body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = header
	response, err := streamClient.Do(request)
	if err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return response
}

// postPipe sends a request for a stream. It returns once the response begins; the lines
// may follow.
func postPipe(t *testing.T, url string, header http.Header) (*http.Response, *io.PipeWriter) {
	t.Helper()
	body, lines := io.Pipe()
	// Do waits for the body, even after its timeout.
	timeout := time.AfterFunc(streamClient.Timeout, func() { lines.CloseWithError(os.ErrDeadlineExceeded) })
	t.Cleanup(func() { timeout.Stop() })
	return post(t, url, header, body), lines
}

// stream is a request whose response has begun, but which may still send lines.
type stream struct {
	lines   *io.PipeWriter
	answers *bufio.Reader
}

func openStream(t *testing.T, url string) *stream {
	t.Helper()
	response, lines := postPipe(t, url, streamHeader())
	if response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", url, response.Status)
	}
	return &stream{lines, bufio.NewReader(response.Body)}
}

func (s *stream) send(t *testing.T, line string) {
	t.Helper()
	if _, err := io.WriteString(s.lines, line+"\n"); err != nil {
		t.Fatal(err)
	}
}

func (s *stream) receive(t *testing.T) (answer string) {
	t.Helper()
	answer, err := s.answers.ReadString('\n')
	if err != nil {
		t.Fatalf("%q, %v", answer, err)
	}
	return answer
}

// end ends the request. The response must end as well, without more answers.
func (s *stream) end(t *testing.T) {
	t.Helper()
	s.lines.Close()
	if rest, err := io.ReadAll(s.answers); err != nil || len(rest) != 0 {
		t.Errorf("after the last answer: %q, %v", rest, err)
	}
}

// testLineByLine mints tokens and verifies each before it mints the next one.
func testLineByLine(t *testing.T, proxy string) {
	minting, verifying := openStream(t, proxy+"/tokens"), openStream(t, proxy+"/tokens/verify")
	for range 5 {
		minting.send(t, mintAlice)
		token := tokenIn(t, minting.receive(t))
		verifying.send(t, `{"Token":"`+token+`"}`)
		if answer := verifying.receive(t); !strings.Contains(answer, `"Signature Verification":true`) {
			t.Errorf("the answer to the token %s: %s", token, answer)
		}
		time.Sleep(100 * time.Millisecond)
	}
	minting.end(t)
	verifying.end(t)
}

// testManyLines sends lines while it reads the answers to others.
func testManyLines(t *testing.T, proxy string, ahead int) {
	const lines = everyLine
	s := openStream(t, proxy+"/tokens")
	unanswered := make(chan struct{}, ahead)
	go func() {
		defer s.lines.Close()
		buffered := bufio.NewWriter(s.lines)
		for i := range lines {
			select {
			case unanswered <- struct{}{}:
			default:
				buffered.Flush() // or the answers would not come
				unanswered <- struct{}{}
			}
			buffered.WriteString(numberedLine(i))
		}
		buffered.Flush() // if it fails, the response has ended
	}()
	for i := range lines {
		checkNumber(t, s.receive(t), i)
		<-unanswered
	}
	s.end(t)
}

// testKnownLength sends a request with a Content-Length.
func testKnownLength(t *testing.T, proxy string) {
	const lines = 1_000
	var body bytes.Buffer
	for i := range lines {
		body.WriteString(numberedLine(i))
	}
	answers := bufio.NewScanner(post(t, proxy+"/tokens", streamHeader(), &body).Body)
	for i := range lines {
		if !answers.Scan() {
			t.Fatalf("%d answers, %v", i, answers.Err())
		}
		checkNumber(t, answers.Text(), i)
	}
	if answers.Scan() || answers.Err() != nil {
		t.Errorf("after the last answer: %q, %v", answers.Text(), answers.Err())
	}
}

// testRefusedStreams sends requests that fail before the first line.
func testRefusedStreams(t *testing.T, proxy string) {
	for _, test := range []struct {
		name, value string
		status      int
	}{
		{"Authorization", "Bearer " + mintCredential + "x", http.StatusUnauthorized},
		{"Content-Type", "text/plain", http.StatusUnsupportedMediaType},
	} {
		header := streamHeader()
		header.Set(test.name, test.value)
		response, lines := postPipe(t, proxy+"/tokens", header)
		var description struct{ Status int }
		if err := json.NewDecoder(response.Body).Decode(&description); err != nil {
			t.Error(err)
		}
		if response.StatusCode != test.status || description.Status != test.status {
			t.Errorf("%s: %s: %s, %+v", test.name, test.value, response.Status, description)
		}
		lines.Close()
	}
}

// testStopInStream stops the service while a stream goes on: the client gets complete
// lines, and can see that there would be more.
func testStopInStream(t *testing.T, service *tokenmint, proxy string) {
	s := openStream(t, proxy+"/tokens")
	s.send(t, numberedLine(0))
	checkNumber(t, s.receive(t), 0)
	if err := service.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	go func() {
		for i := 1; ; i++ {
			if _, err := io.WriteString(s.lines, numberedLine(i)); err != nil {
				return // the response has ended
			}
			time.Sleep(time.Millisecond)
		}
	}()
	for i := 1; ; i++ {
		answer, err := s.answers.ReadString('\n')
		if err == nil {
			checkNumber(t, answer, i)
			continue
		}
		if err == io.EOF || answer != "" || i == 1 {
			t.Errorf("the response ends with %q, %v after %d answers", answer, err, i)
		}
		break
	}
	if err := service.Wait(); err != nil {
		t.Errorf("the service: %v", err)
	}
}

// testNoSecondCopy checks that nginx does not send a stream to another copy after one
// has failed.
func testNoSecondCopy(t *testing.T) {
	copies, received := startFailingCopies(t)
	proxy := "http://" + startNginxLoadBalancer(t, copies...)
	response := post(t, proxy+"/tokens", streamHeader(), strings.NewReader(mintAlice))
	if response.StatusCode != http.StatusBadGateway || len(received) != 1 {
		t.Errorf("%s, and %d copies got the stream", response.Status, len(received))
	}
}

// startFailingCopies starts copies that close a connection as soon as a request arrives,
// and note that in received.
func startFailingCopies(t *testing.T) (addresses []string, received chan struct{}) {
	t.Helper()
	received = make(chan struct{}, 3)
	for range cap(received) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { listener.Close() })
		addresses = append(addresses, listener.Addr().String())
		go http.Serve(listener, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			received <- struct{}{}
			panic(http.ErrAbortHandler)
		}))
	}
	return addresses, received
}

// testNoMetrics checks that clients of a proxy cannot read the metrics.
func testNoMetrics(t *testing.T, start publisher) {
	proxy := "http://" + start(t, startService(t).address)
	for _, path := range []string{"/metrics", "/metrics?x", "//metrics", "/./metrics", "/%6detrics", "/metrics/"} {
		response, err := client.Get(proxy + path)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", path, response.Status)
		}
	}
}

// numberedLine returns a line to mint a token with this number.
func numberedLine(number int) string {
	return fmt.Sprintf(`{"user_data":%d,"claims":{"sub":"alice"},"expires_in":600}`+"\n", number)
}

// checkNumber checks that an answer has a token with this number.
func checkNumber(t *testing.T, answer string, number int) {
	t.Helper()
	decoded, err := base64.RawURLEncoding.DecodeString(strings.Split(tokenIn(t, answer), ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims struct{ Payload struct{ Data *int } }
	if err := json.Unmarshal(decoded, &claims); err != nil {
		t.Fatal(err)
	}
	if got := claims.Payload.Data; got == nil || *got != number {
		t.Fatalf("answer %d has the claims %s", number, decoded)
	}
}

// tokenIn returns the token in an answer.
func tokenIn(t *testing.T, answer string) string {
	t.Helper()
	var minted map[string]string
	if err := json.Unmarshal([]byte(answer), &minted); err != nil || minted["JWT Token"] == "" {
		t.Fatalf("the answer is %q", answer)
	}
	return minted["JWT Token"]
}
