package handlers

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tokenmint/jwtcore/keyfile"
)

// linesHeader returns the header of a stream.
func linesHeader(authorization ...string) http.Header {
	return http.Header{"Content-Type": {"application/x-ndjson"}, "Authorization": authorization}
}

// dialogue is a stream whose client reads while it sends.
type dialogue struct {
	lines    *io.PipeWriter
	response *http.Response
	answers  *bufio.Reader
}

// openStream sends the header of a stream and waits for that of the response.
func openStream(t *testing.T, url string, header http.Header) *dialogue {
	t.Helper()
	body, lines := io.Pipe()
	request, err := http.NewRequest("POST", url, body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = header
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		lines.Close()
		answer.Body.Close()
	})
	return &dialogue{lines, answer, bufio.NewReaderSize(answer.Body, 1<<20)}
}

// ask sends a line and returns the answer to it.
func (d *dialogue) ask(t *testing.T, line string) string {
	t.Helper()
	if _, err := io.WriteString(d.lines, line+"\n"); err != nil {
		t.Fatal(err)
	}
	return d.readLine(t)
}

// mint sends a line with data and returns its token.
func (d *dialogue) mint(t *testing.T, data string) string {
	t.Helper()
	return tokenIn(t, response{status: 200, body: d.ask(t, `{"user_data":`+data+`}`)})
}

func (d *dialogue) readLine(t *testing.T) string {
	t.Helper()
	answer, err := d.answers.ReadString('\n')
	if err != nil {
		t.Fatalf("%q, %v", answer, err)
	}
	return strings.TrimSuffix(answer, "\n")
}

// checkEnd checks that nothing follows the answers so far but this error.
func (d *dialogue) checkEnd(t *testing.T, want error) {
	t.Helper()
	if rest, err := io.ReadAll(d.answers); len(rest) > 0 || err != want {
		t.Errorf("the stream ends with %q, %v, want %v", rest, err, want)
	}
}

// errorLine returns the answer to a line with an error.
func errorLine(status int, err error) string { return string(errorBody(status, err.Error())) }

// TestStreamIsADialogue sends each line only after the answer to the one before it.
func TestStreamIsADialogue(t *testing.T) {
	service, server := newServer(t)
	mint := openStream(t, server.URL+"/tokens", linesHeader())
	verify := openStream(t, server.URL+"/tokens/verify", http.Header{"Content-Type": {"Application/JSONL; charset=utf-8"}})
	if got := mint.response.Header.Get("Content-Type"); got != "application/x-ndjson" {
		t.Errorf("Content-Type %q", got)
	}
	if got := verify.response.Header.Get("Content-Type"); got != "application/jsonl" {
		t.Errorf("Content-Type %q", got)
	}
	checkCommonHeaders(t, "a stream", mint.response.Header)
	for i := range 100 {
		token := mint.mint(t, strconv.Itoa(i))
		answer := verify.ask(t, inspectBody(token, publishedKey, ""))
		if !strings.Contains(answer, fmt.Sprintf(`"payload":{"data":%d,"date":"2022-11-17"}},"Signature Verification":true}`, i)) {
			t.Fatal(answer)
		}
		if got, want := mint.ask(t, "{"), `{"status":400,"description":"not one JSON object: it ends too early"}`; got != want {
			t.Fatalf("%q, want %q", got, want)
		}
	}
	for _, d := range []*dialogue{mint, verify} {
		d.lines.Close()
		d.checkEnd(t, nil)
	}
	waitForFree(t, service, 64<<20)
}

// TestStreamAnswersLikeSingleRequests sends the bodies of the error cases, and good ones,
// in one stream. Each is answered as it would be alone, with HTTP's own codes.
func TestStreamAnswersLikeSingleRequests(t *testing.T) {
	_, server := newServer(t)
	var bodies []string
	for _, test := range errorCases() {
		if test.header == nil && strings.Trim(test.body, " \t\r\n") != "" && !strings.Contains(test.body, "\n") {
			bodies = append(bodies, test.body)
		}
	}
	if len(bodies) < 50 {
		t.Fatalf("only %d error cases", len(bodies))
	}
	bodies = append(bodies, inspectBody(sign(publishedKey, "{\r\n\"alg\":\n\n\"HS512\"}\r", "\n{\"a\":\"\\n\"\r}"), publishedKey, ""))
	for _, encoding := range []string{"utf8", "hex", "rot13"} {
		bodies = append(bodies, inspectBody(goldenToken, publishedKey, encoding), `{"Token":"`+goldenToken+`"}`+"\r")
	}
	routes := map[string]string{"/tokens": "/token", "/tokens/verify": "/token/verify"}
	for stream, single := range routes {
		got := send(t, "POST", server.URL+stream, strings.Join(bodies, "\n"), linesHeader())
		answers := strings.Split(strings.TrimSuffix(got.body, "\n"), "\n")
		if got.status != 200 || len(answers) != len(bodies) {
			t.Fatalf("%s: %d, %d answers to %d lines", stream, got.status, len(answers), len(bodies))
		}
		for i, body := range bodies {
			want := send(t, "POST", server.URL+single, body, jsonHeader())
			if want.status != 200 {
				checkError(t, fmt.Sprintf("%s: line %d", stream, i+1), response{status: want.status, header: withContentType(want.header), body: answers[i]}, want.status)
			} else if single == "/token/verify" && answers[i] != withoutLineBreaks.Replace(want.body) {
				t.Errorf("%s: %.200s is answered with %s, alone with %s", stream, body, answers[i], want.body)
			} else if single == "/token" && len(answers[i]) != len(want.body) {
				t.Errorf("%s: %.200s is answered with %s, alone with %s", stream, body, answers[i], want.body)
			}
		}
	}
}

var withoutLineBreaks = strings.NewReplacer("\r", " ", "\n", " ")

func withContentType(header http.Header) http.Header {
	header.Set("Content-Type", "application/json")
	return header
}

// TestStreamIsComplete sends many lines and reads the answers meanwhile. Each has one, in
// order.
func TestStreamIsComplete(t *testing.T) {
	_, server := newServer(t, func(c *Config) { c.Now = time.Now })
	const count = 100_000
	d := openStream(t, server.URL+"/tokens/verify", linesHeader())
	go func() {
		w := bufio.NewWriter(d.lines)
		for i := range count {
			fmt.Fprintf(w, "%s{\"Token\":\"%d\"}\n", strings.Repeat("\n", i%3), i)
		}
		w.Flush()
		d.lines.Close()
	}()
	for i := range count {
		line := d.readLine(t)
		if !strings.HasPrefix(line, `{"status":400,`) {
			t.Fatalf("line %d: %s", i, line)
		}
	}
	d.checkEnd(t, nil)
}

// TestLongLines sends lines around the sizes of the buffers, and over the limit. Those are
// refused; the others are answered.
func TestLongLines(t *testing.T) {
	service, server := newServer(t)
	for path, limit := range map[string]int{"/tokens": maxMintBody, "/tokens/verify": maxInspectBody} {
		d := openStream(t, server.URL+path, linesHeader())
		for _, size := range []int{largeBody - 1, largeBody, largeBody + 1, streamBuffer - 1, streamBuffer, streamBuffer + 1, limit - 1, limit, limit + 1, 2 * limit, 4*limit + 1} {
			body := `{"user_data":1,"Token":"` + goldenToken + `","padding":"`
			body += strings.Repeat("x", size-len(body)-2) + `"}`
			got := d.ask(t, body)
			if size > limit {
				if want := errorLine(413, errBodyTooLarge); got != want {
					t.Errorf("%s: a line of %d bytes: %q, want %q", path, size, got, want)
				}
			} else if !strings.HasPrefix(got, `{"JWT Token":"`) && !strings.HasPrefix(got, `{"Header":`) {
				t.Errorf("%s: a line of %d bytes: %q", path, size, got)
			}
		}
		d.ask(t, "{}")
		d.lines.Close()
		d.checkEnd(t, nil)
	}
	waitForFree(t, service, 64<<20)
}

// TestLargestLineRoundTrip mints the largest data and inspects the token, in streams.
func TestLargestLineRoundTrip(t *testing.T) {
	_, server := newServer(t)
	data := strings.Repeat("d", maxMintBody-len(`{"user_data":""}`))
	token := openStream(t, server.URL+"/tokens", linesHeader()).mint(t, `"`+data+`"`)
	shown := openStream(t, server.URL+"/tokens/verify", linesHeader()).ask(t, `{"Token":"`+token+`"}`)
	if !strings.Contains(shown, data) || !strings.Contains(shown, `"Signature Verification":true`) {
		t.Errorf("%.200s", shown)
	}
}

// TestStreamsNeedMemory opens streams until there is no memory for another, and sends a
// long line. Both get a 503, and the memory is free again at the end.
func TestStreamsNeedMemory(t *testing.T) {
	service := newTightService(t)
	server := httptest.NewServer(service)
	t.Cleanup(server.Close)
	var open []*dialogue
	for range minBodyMemory / streamMemory {
		open = append(open, openStream(t, server.URL+"/tokens", linesHeader()))
	}
	refused := openStream(t, server.URL+"/tokens/verify", linesHeader())
	if refused.response.StatusCode != 503 || refused.response.Header.Get("Retry-After") != "1" || !refused.response.Close {
		t.Errorf("%s, %v", refused.response.Status, refused.response.Header)
	}
	if got, want := open[0].ask(t, strings.Repeat("x", maxMintBody)), errorLine(503, errTooManyBodies); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	for _, d := range open {
		d.mint(t, "1")
		d.lines.Close()
		d.checkEnd(t, nil)
	}
	waitForFree(t, service, minBodyMemory)
}

// TestStreamIsRefused checks the errors of the whole request. They do not wait for a body.
func TestStreamIsRefused(t *testing.T) {
	service, server := newServer(t, withCredentials)
	with := func(name, value string) http.Header {
		header := linesHeader("Bearer " + credentialA)
		header.Set(name, value)
		return header
	}
	tests := []struct {
		name, path string
		header     http.Header
		status     int
		field      string // a header of the response, with its value
		value      string
	}{
		{"no credential", "/tokens", linesHeader(), 401, "Www-Authenticate", "Bearer"},
		{"a wrong credential", "/tokens", linesHeader("Bearer wrong"), 401, "Www-Authenticate", "Bearer"},
		{"JSON", "/tokens", with("Content-Type", "application/json"), 415, "Accept", "application/x-ndjson, application/jsonl"},
		{"no type", "/tokens/verify", http.Header{}, 415, "Accept", "application/x-ndjson, application/jsonl"},
		{"gzip", "/tokens/verify", with("Content-Encoding", "gzip"), 415, "Accept-Encoding", "identity"},
		{"no credential, with a query", "/tokens?", linesHeader(), 401, "Www-Authenticate", "Bearer"},
	}
	for _, test := range tests {
		var lines strings.Builder
		test.header.Write(&lines)
		connection, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close()
		connection.SetDeadline(time.Now().Add(8 * time.Second)) // in 10 s, the body would be late
		fmt.Fprintf(connection, "POST %s HTTP/1.1\r\nHost: x\r\n%sContent-Length: 100000\r\n\r\n", test.path, lines.String())
		got := readResponse(t, bufio.NewReader(connection), "POST")
		checkError(t, test.name, got, test.status)
		if value := got.header.Get(test.field); value != test.value || !got.closes {
			t.Errorf("%s: %s: %q, want %q; closes: %t", test.name, test.field, value, test.value, got.closes)
		}
	}
	d := openStream(t, server.URL+"/tokens", linesHeader("Bearer "+credentialA))
	d.mint(t, "1")
	d.lines.Close()
	d.checkEnd(t, nil)
	waitForFree(t, service, 64<<20)
}

// TestRemovedCredentialEndsStream removes the credential of a stream. The next lines are
// not answered with tokens.
func TestRemovedCredentialEndsStream(t *testing.T) {
	service, server := newServer(t, withCredentials)
	d := openStream(t, server.URL+"/tokens", linesHeader("Bearer "+credentialA))
	d.mint(t, "1")
	service.SetMintCredentials([]keyfile.Credential{keyfile.NewCredential(credentialB)})
	if got, want := d.ask(t, `{"user_data":1}`), errorLine(401, errUnknownCredential); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	d.checkEnd(t, io.ErrUnexpectedEOF)
}

// TestOriginsOfStreams checks that web pages use streams under the rules of the other
// token routes.
func TestOriginsOfStreams(t *testing.T) {
	_, server := newServer(t, withOrigins)
	for origin, status := range map[string]int{"https://app.example": 200, "https://evil.example": 403, server.URL: 200} {
		header := linesHeader()
		header.Set("Origin", origin)
		got := send(t, "POST", server.URL+"/tokens", "", header)
		if allowed := got.header.Get("Access-Control-Allow-Origin"); got.status != status || (allowed != "") != (origin == "https://app.example") {
			t.Errorf("%s: %d, want %d; Access-Control-Allow-Origin: %q", origin, got.status, status, allowed)
		}
		got = send(t, "OPTIONS", server.URL+"/tokens/verify", "", http.Header{"Origin": {origin}, "Access-Control-Request-Method": {"POST"}})
		if allowed := got.header.Get("Access-Control-Allow-Origin"); (allowed != "") != (origin == "https://app.example") {
			t.Errorf("preflight from %s: Access-Control-Allow-Origin: %q", origin, allowed)
		}
	}
}

// TestEndOfStream sends streams that end in many ways. The response has its last chunk
// only if the service has received all of the request.
func TestEndOfStream(t *testing.T) {
	_, server := newServer(t)
	const header = "POST /tokens HTTP/1.1\r\nHost: x\r\nContent-Type: application/jsonl\r\n"
	const chunked = header + "Transfer-Encoding: chunked\r\n\r\n"
	cutShort := errorLine(400, errBodyCutShort)
	tests := []struct {
		name, request string
		answers       []string // "" for a token
		err           error
	}{
		{"no lines", chunked + "0\r\n\r\n", nil, nil},
		{"an empty body", header + "Content-Length: 0\r\n\r\n", nil, nil},
		{"a whole line", chunked + "10\r\n{\"user_data\":1}\n\r\n0\r\n\r\n", []string{""}, nil},
		{"without a line feed", header + "Content-Length: 15\r\n\r\n{\"user_data\":1}", []string{""}, nil},
		{"chunks within a line", chunked + "1\r\n{\r\n4\r\n\"use\r\n0a\r\nr_data\":1}\r\n1\r\n\n\r\n0\r\n\r\n", []string{""}, nil},
		{"chunks within a character", chunked + "10\r\n{\"user_data\":\"\xe2\x82\r\n4\r\n\xac\"}\n\r\n0\r\n\r\n", []string{""}, nil},
		{"a character cut short", chunked + "13\r\n{\"user_data\":\"\xe2\x82\"}\n\r\n0\r\n\r\n", []string{`{"status":400,"description":"not one JSON object: invalid UTF-8 at byte 14"}`}, nil},
		{"half a line", chunked + "8\r\n{\"user_d\r\n0\r\n\r\n", []string{`{"status":400,"description":"not one JSON object: it ends too early"}`}, nil},
		{"no last chunk", chunked + "10\r\n{\"user_data\":1}\n\r\n", []string{""}, io.ErrUnexpectedEOF},
		{"no last chunk, half a line", chunked + "18\r\n{\"user_data\":1}\n{\"user_d\r\n", []string{"", cutShort}, io.ErrUnexpectedEOF},
		{"no last chunk, no line feed", chunked + "f\r\n{\"user_data\":1}\r\n", []string{cutShort}, io.ErrUnexpectedEOF},
		{"half a chunk", chunked + "ff\r\n{\"user_data\":1}\n", []string{""}, io.ErrUnexpectedEOF},
		{"less than Content-Length", header + "Content-Length: 16\r\n\r\n{\"user_data\":1}", []string{cutShort}, io.ErrUnexpectedEOF},
		{"a bad chunk", chunked + "10\r\n{\"user_data\":1}\n\r\nxyz\r\n", []string{""}, io.ErrUnexpectedEOF},
		{"a bad chunk within a line", chunked + "8\r\n{\"user_d\r\n-1\r\n", []string{cutShort}, io.ErrUnexpectedEOF},
	}
	for _, test := range tests {
		answer, err := http.ReadResponse(exchangeRaw(t, server.Listener.Addr().String(), test.request), nil)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		text, err := io.ReadAll(answer.Body)
		if answer.StatusCode != 200 || err != test.err {
			t.Errorf("%s: %s, %v, want %v", test.name, answer.Status, err, test.err)
		}
		var got []string
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, `{"JWT Token":"`) && strings.HasSuffix(line, "\"}\n") {
				line = ""
			}
			got = append(got, strings.TrimSuffix(line, "\n"))
		}
		if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", test.answers) {
			t.Errorf("%s: %q, want %q", test.name, got, test.answers)
		}
	}
}

// TestStreamNeedsHTTP11 sends a stream in HTTP/1.0, where the end of a response does not
// show whether it is complete.
func TestStreamNeedsHTTP11(t *testing.T) {
	_, server := newServer(t)
	reader := exchangeRaw(t, server.Listener.Addr().String(), "POST /tokens HTTP/1.0\r\nContent-Type: application/jsonl\r\nContent-Length: 15\r\n\r\n{\"user_data\":1}")
	got := readResponse(t, reader, "POST")
	checkError(t, "HTTP/1.0", got, http.StatusUpgradeRequired)
	if got.header.Get("Upgrade") != "HTTP/1.1" || !slices.Contains(got.header["Connection"], "Upgrade") {
		t.Errorf("%v", got.header)
	}
}

// TestStreamsTakeTurns checks that lines wait for a turn, and that a client which does not
// read its answers does not keep one.
func TestStreamsTakeTurns(t *testing.T) {
	service, server := newServer(t)
	for range 2 * cap(service.bodyMemory.turns) {
		unread := openStream(t, server.URL+"/tokens", linesHeader())
		go func() {
			for err := error(nil); err == nil; {
				_, err = io.WriteString(unread.lines, strings.Repeat("x\n", 1000))
			}
		}()
	}
	d := openStream(t, server.URL+"/tokens", linesHeader())
	began := time.Now()
	for range 20 {
		d.mint(t, "1")
		time.Sleep(10 * time.Millisecond)
	}
	if took := time.Since(began); took > answerTimeout-5*time.Second {
		t.Errorf("the answers took %v: they waited for other clients", took)
	}
	for range cap(service.bodyMemory.turns) {
		service.bodyMemory.beginTurn()
	}
	answered := make(chan string)
	go func() { answered <- d.ask(t, "{}") }()
	select {
	case answer := <-answered:
		t.Errorf("without a turn, the answer is %s", answer)
	case <-time.After(100 * time.Millisecond):
		for range cap(service.bodyMemory.turns) {
			service.bodyMemory.endTurn()
		}
		<-answered
	}
}

// TestStreamClock moves the clock during a stream. A line that arrives later gets a later
// time.
func TestStreamClock(t *testing.T) {
	var seconds atomic.Int64
	_, server := newServer(t, func(c *Config) { c.Now = func() time.Time { return time.Unix(seconds.Load(), 0) } })
	minting := openStream(t, server.URL+"/tokens", linesHeader())
	verifying := openStream(t, server.URL+"/tokens/verify", linesHeader())
	for now := range int64(3) {
		seconds.Store(now)
		token := tokenIn(t, response{status: 200, body: minting.ask(t, `{"user_data":1,"expires_in":1}`)})
		if got := verifying.ask(t, inspectBody(token, publishedKey, "")); !strings.Contains(got, fmt.Sprintf(`{"iat":%d,"exp":%d,`, now, now+1)) || !strings.Contains(got, `"valid"`) {
			t.Errorf("at %d: %s", now, got)
		}
		seconds.Store(now + 1)
		if got := verifying.ask(t, inspectBody(token, publishedKey, "")); !strings.Contains(got, `"expired"`) {
			t.Errorf("at %d: %s", now+1, got)
		}
	}
}

// TestExpect checks that a client that waits for 100 need not wait longer (RFC 9110
// §10.1.1).
func TestExpect(t *testing.T) {
	_, server := newServer(t)
	connection, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	connection.SetDeadline(time.Now().Add(10 * time.Second))
	reader := bufio.NewReader(connection)
	io.WriteString(connection, "POST /tokens HTTP/1.1\r\nHost: x\r\nContent-Type: application/jsonl\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n")
	for _, want := range []int{100, 200} {
		answer, err := http.ReadResponse(reader, &http.Request{Method: "HEAD"})
		if err != nil || answer.StatusCode != want {
			t.Fatalf("%v, %v, want %d", answer, err, want)
		}
		if want == 100 && len(answer.Header) > 0 { // Connection: close is about the response that follows
			t.Errorf("100 with %v", answer.Header)
		}
		if want == 200 {
			checkCommonHeaders(t, "after 100", answer.Header)
		}
	}
	io.WriteString(connection, "10\r\n{\"user_data\":1}\n\r\n0\r\n\r\n")
	body, err := io.ReadAll(reader)
	if err != nil || !strings.Contains(string(body), `{"JWT Token":"`) || strings.Contains(string(body), "Continue") {
		t.Errorf("%q, %v", body, err)
	}
}

// TestEndStreams ends streams in all states: those that wait for a line, have a part of
// one, or begin later. They answer the lines that they have, and no part of a line.
func TestEndStreams(t *testing.T) {
	service, server := newServer(t)
	var open []*dialogue
	for range 10 {
		open = append(open, openStream(t, server.URL+"/tokens", linesHeader()))
	}
	for i, d := range open {
		d.mint(t, "1")
		if i%2 == 0 {
			io.WriteString(d.lines, `{"user_data":1}`)
			time.Sleep(10 * time.Millisecond) // so that the part of a line arrives first, mostly
		}
	}
	service.EndStreams()
	for _, d := range open {
		d.checkEnd(t, io.ErrUnexpectedEOF)
	}
	late := openStream(t, server.URL+"/tokens", linesHeader())
	if late.response.StatusCode != 503 || !late.response.Close {
		t.Errorf("a stream after the end: %s, %v", late.response.Status, late.response.Header)
	}
	waitForFree(t, service, 64<<20)
}

// streamEntry is what the access log shows of a stream.
type streamEntry struct {
	Route, Error, JTI string
	Status, Lines     int
	Received          int `json:"bytes_in"`
	Sent              int `json:"bytes_out"`
}

// TestStreamIsLoggedOnce checks that a stream has one line in the access log, whatever is
// wrong with its own lines.
func TestStreamIsLoggedOnce(t *testing.T) {
	log, server := newLoggingServer(t, "json")
	log.Reset()
	body := "{\"user_data\":1}\n\n{\"user_data\":\"" + canary + "\"}\n{}"
	got := send(t, "POST", server.URL+"/tokens", body, linesHeader())
	server.Close() // so that the log is complete
	var entry streamEntry
	if err := json.Unmarshal(log.Bytes(), &entry); err != nil {
		t.Fatalf("%v: %s", err, log)
	}
	if entry != (streamEntry{"/tokens", "", "", 200, 3, len(body), len(got.body)}) || strings.Contains(log.String(), canary) {
		t.Errorf("logged: %s", log)
	}
}

// TestEndedStreamIsLogged checks that the access log shows why the service ends a stream.
func TestEndedStreamIsLogged(t *testing.T) {
	var log bytes.Buffer
	service := newCanaryService(t, &log, "json", AccessLogOn)
	server := httptest.NewServer(service)
	d := openStream(t, server.URL+"/tokens", linesHeader())
	d.mint(t, "1")
	log.Reset()
	service.EndStreams()
	d.checkEnd(t, io.ErrUnexpectedEOF)
	server.Close()
	var entry streamEntry
	if err := json.Unmarshal(log.Bytes(), &entry); err != nil {
		t.Fatalf("%v: %s", err, &log)
	}
	if entry.Route != "/tokens" || entry.Status != 200 || entry.Lines != 1 || entry.Error != errDraining.Error() {
		t.Errorf("logged: %s", &log)
	}
}

// TestStreamsAreCounted checks that tokens in streams count like others, and a stream as
// one request.
func TestStreamsAreCounted(t *testing.T) {
	_, server := newServer(t)
	for range 2 {
		send(t, "POST", server.URL+"/tokens", strings.Repeat("{\"user_data\":1}\n{}\n", 50), linesHeader())
		send(t, "POST", server.URL+"/tokens/verify", strings.Repeat("{\"Token\":\""+goldenToken+"\"}\n{}\n", 20), linesHeader())
	}
	got := scrape(t, server)
	for name, want := range map[string]float64{
		"tokenmint_tokens_minted_total":                                                  100,
		`tokenmint_verdicts_total{verdict="true"}`:                                       40,
		`tokenmint_http_requests_total{code="200",method="POST",route="/tokens"}`:        2,
		`tokenmint_http_requests_total{code="200",method="POST",route="/tokens/verify"}`: 2,
		`tokenmint_http_request_duration_seconds_count{method="POST",route="/tokens"}`:   2,
	} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
}

// TestStreamWithoutReader ends a stream whose client has gone. That is no fault of the
// service.
func TestStreamWithoutReader(t *testing.T) {
	service, server := newServer(t)
	d := openStream(t, server.URL+"/tokens", linesHeader())
	d.mint(t, "1")
	d.response.Body.Close()
	d.lines.CloseWithError(errors.New("gone"))
	waitForFree(t, service, 64<<20)
}

// FuzzStream sends arbitrary lines to be verified. Each is answered like a request of its
// own.
func FuzzStream(f *testing.F) {
	service := newService(f, io.Discard)
	f.Add([]byte(inspectBody(goldenToken, publishedKey, "") + "\n\n{\"Token\":\"" + goldenToken + "\"}\r\n{"))
	f.Add([]byte("{\"Token\":\"\\u0061.b.c\"}\n \n\xff\n\u00a0"))
	f.Fuzz(func(t *testing.T, body []byte) {
		var want []byte
		for line := range bytes.SplitSeq(body, []byte{'\n'}) {
			if isBlank(line) {
				continue
			}
			_, answer := request(service, "POST", "/token/verify", line)
			want = append(want, withoutLineBreaks.Replace(string(answer))+"\n"...)
		}
		r := httptest.NewRequest("POST", "/tokens/verify", bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/x-ndjson")
		w := httptest.NewRecorder()
		service.ServeHTTP(w, r)
		if w.Code != 200 || !bytes.Equal(w.Body.Bytes(), want) {
			t.Errorf("%d %q, want %q", w.Code, w.Body, want)
		}
	})
}
