package handlers

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
)

// canary takes the place of a secret in requests. No response to them contains it.
const canary = "canary-7f3a91"

// checkError checks that a response is an error with this status, in the
// contract's shape.
func checkError(t *testing.T, name string, got response, status int) {
	t.Helper()
	if got.status != status {
		t.Errorf("%s: %d, want %d: %s", name, got.status, status, got.body)
		return
	}
	description := got.header.Get("Error-Description")
	if description == "" || strings.ContainsFunc(description, func(r rune) bool { return r < ' ' || r > '~' }) {
		t.Errorf("%s: Error-Description is %q, want a line of ASCII", name, description)
	}
	if strings.Contains(description+got.body, canary) {
		t.Errorf("%s: the response quotes the request: %s", name, got.body)
	}
	if status == http.StatusNoContent {
		if got.body != "" || got.header.Get("Content-Length") != "" || got.header.Get("Content-Type") != "" {
			t.Errorf("%s: a 204 with content: %q, %v", name, got.body, got.header)
		}
		return
	}
	var body struct {
		Status      int
		Description string
	}
	decoder := json.NewDecoder(strings.NewReader(got.body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&body); err != nil {
		t.Errorf("%s: body %q: %v", name, got.body, err)
	}
	if body.Status != status || body.Description != description {
		t.Errorf("%s: body %q with Error-Description %q", name, got.body, description)
	}
	if got.header.Get("Content-Type") != "application/json" {
		t.Errorf("%s: Content-Type %q", name, got.header.Get("Content-Type"))
	}
}

// errorCase is a bad request, with its status on POST /token, on GET and HEAD
// /token, and on QUERY /token and POST /token/verify. A status of 0 means that the
// case does not apply to the route.
type errorCase struct {
	name                       string
	header                     http.Header // nil for application/json
	body                       string
	mint, inspect, inspectHTTP int
}

func errorCases() []errorCase {
	contentType := func(values ...string) http.Header { return http.Header{"Content-Type": values} }
	encoded := func(values ...string) http.Header {
		return http.Header{"Content-Type": {"application/json"}, "Content-Encoding": values}
	}
	good := `{"user_data":1,"Token":"` + goldenToken + `","Signing_key":"` + publishedKey + `"}`
	withToken := func(token string) string {
		text, _ := json.Marshal(token)
		return `{"user_data":1,"Token":` + string(text) + `,"Signing_key":"` + canary + `"}`
	}
	large := func(size int) string { // returns a JSON object of that many bytes
		return `{"user_data":"` + strings.Repeat("x", size-len(`{"user_data":""}`)) + `"}`
	}
	cases := []errorCase{
		// Content-Type comes first.
		{"no Content-Type", http.Header{}, good, 202, 202, 415},
		{"text/plain", contentType("text/plain"), good, 202, 202, 415},
		{"a form", contentType("application/x-www-form-urlencoded"), good, 202, 202, 415},
		{"a JSON type of another name", contentType("application/jwt+json"), good, 202, 202, 415},
		{"application/json within another type", contentType("text/plain; application/json"), good, 202, 202, 415},
		{"application/json and more letters", contentType("application/jsonp"), good, 202, 202, 415},
		{"two types in one line", contentType("application/json, text/plain"), good, 202, 202, 415},
		{"two types in two lines", contentType("application/json", "text/plain"), good, 202, 202, 415},
		{"Content-Type before Content-Encoding", http.Header{"Content-Type": {"text/plain"}, "Content-Encoding": {"gzip"}}, good, 202, 202, 415},
		{"Content-Type before the size", contentType("text/plain"), large(maxInspectBody + 1), 202, 202, 415},
		{"Content-Type before the body", contentType("text/plain"), "", 202, 202, 415},

		// Content-Encoding.
		{"gzip", encoded("gzip"), good, 415, 415, 415},
		{"identity, then gzip", encoded("identity", "gzip"), good, 415, 415, 415},
		{"identity and gzip in one line", encoded("identity, gzip"), good, 415, 415, 415},
		{"Content-Encoding before the size", encoded("br"), large(maxInspectBody + 1), 415, 415, 415},

		// Size.
		{"over 256 KiB", nil, large(maxMintBody + 1), 413, 203, 400},
		{"over 512 KiB", nil, large(maxInspectBody + 1), 413, 413, 413},
		{"far over, not JSON", nil, strings.Repeat("x", 4*maxInspectBody), 413, 413, 413},

		// JSON.
		{"empty", nil, "", 400, 203, 400},
		{"white space", nil, " \n", 400, 400, 400},
		{"not JSON", nil, canary, 400, 400, 400},
		{"an array", nil, "[" + good + "]", 400, 400, 400},
		{"a string", nil, `"` + canary + `"`, 400, 400, 400},
		{"null", nil, "null", 400, 400, 400},
		{"cut short", nil, good[:len(good)-1], 400, 400, 400},
		{"cut within a string", nil, good[:40], 400, 400, 400},
		{"trailing text", nil, good + "x", 400, 400, 400},
		{"trailing object", nil, good + good, 400, 400, 400},
		{"trailing NUL", nil, good + "\x00", 400, 400, 400},
		{"a byte order mark", nil, "\ufeff" + good, 400, 400, 400},
		{"single quotes", nil, strings.ReplaceAll(good, `"`, "'"), 400, 400, 400},
		{"invalid UTF-8", nil, `{"` + canary + "\xff" + `":1,` + good[1:], 400, 400, 400},
		{"a lone surrogate", nil, `{"a":"` + canary + `\udc00",` + good[1:], 400, 400, 400},
		{"a duplicate member", nil, `{"user_data":1,` + good[1:], 400, 0, 0},
		{"a duplicate member", nil, `{"Token":"` + canary + `",` + good[1:], 0, 400, 400},
		{"a duplicate in another spelling", nil, `{"\u0075ser_data":1,` + good[1:], 400, 0, 0},
		{"a duplicate in another spelling", nil, `{"\u0054oken":"` + canary + `",` + good[1:], 0, 400, 400},
		{"a duplicate of an unknown member", nil, `{"` + canary + `":1,"` + canary + `":2,` + good[1:], 400, 400, 400},
		{"a duplicate deep down", nil, `{"a":[{"b":{"` + canary + `":1,"` + canary + `":2}}],` + good[1:], 400, 400, 400},
		{"a duplicate in the data", nil, `{"user_data":{"` + canary + `":1,"` + canary + `":2}}`, 400, 400, 400},
		{"nested without end", nil, strings.Repeat(`{"a":`, 50_000), 400, 400, 400},
		{"Token a number", nil, `{"Token":1,"Signing_key":"k"}`, 0, 400, 400},
		{"Token an array", nil, `{"Token":["` + goldenToken + `"],"Signing_key":"k"}`, 0, 400, 400},
		{"Signing_key a number", nil, `{"Token":"` + goldenToken + `","Signing_key":7}`, 0, 400, 400},
		{"Signing_key a JWK", nil, `{"Token":"` + goldenToken + `","Signing_key":{"kty":"oct","k":"a2V5"}}`, 0, 400, 400},
		{"Key_encoding a number", nil, `{"Token":"` + goldenToken + `","Signing_key":"k","Key_encoding":16}`, 0, 400, 400},
		{"the type of Signing_key before the absence of Token", nil, `{"Signing_key":7}`, 0, 400, 400},
		{"syntax before the absence of Token", nil, `{"Signing_key":"k"`, 0, 400, 400},

		// user_data and expires_in.
		{"no user_data", nil, `{}`, 400, 0, 0},
		{"user_data null", nil, `{"user_data":null}`, 400, 0, 0},
		{"user_data in another case", nil, `{"User_data":1}`, 400, 0, 0},
		{"expires_in 0", nil, `{"user_data":1,"expires_in":0}`, 400, 0, 0},
		{"expires_in negative", nil, `{"user_data":1,"expires_in":-1}`, 400, 0, 0},
		{"expires_in over a hundred years", nil, `{"user_data":1,"expires_in":3153600001}`, 400, 0, 0},
		{"expires_in half a second", nil, `{"user_data":1,"expires_in":0.5}`, 400, 0, 0},
		{"expires_in 1.5", nil, `{"user_data":1,"expires_in":1.5}`, 400, 0, 0},
		{"expires_in next to 1", nil, `{"user_data":1,"expires_in":0.99999999999999999999}`, 400, 0, 0},
		{"expires_in next to 3600", nil, `{"user_data":1,"expires_in":3600.00000000000000000001}`, 400, 0, 0},
		{"expires_in 36e-1", nil, `{"user_data":1,"expires_in":36e-1}`, 400, 0, 0},
		{"expires_in 1.5e0", nil, `{"user_data":1,"expires_in":1.5e0}`, 400, 0, 0},
		{"expires_in over by a fraction", nil, `{"user_data":1,"expires_in":3153600000.00000001}`, 400, 0, 0},
		{"expires_in 1e400", nil, `{"user_data":1,"expires_in":1e400}`, 400, 0, 0},
		{"expires_in a string", nil, `{"user_data":1,"expires_in":"60"}`, 400, 0, 0},
		{"expires_in true", nil, `{"user_data":1,"expires_in":true}`, 400, 0, 0},
		{"expires_in an object", nil, `{"user_data":1,"expires_in":{}}`, 400, 0, 0},

		// Near misses of expires_in.
		{"expiresIn", nil, `{"user_data":1,"expiresIn":3600}`, 400, 0, 0},
		{"expires-in", nil, `{"user_data":1,"expires-in":3600}`, 400, 0, 0},
		{"EXPIRES_IN", nil, `{"user_data":1,"EXPIRES_IN":3600}`, 400, 0, 0},
		{"Expires_In beside expires_in", nil, `{"user_data":1,"expires_in":60,"Expires_In":60}`, 400, 0, 0},
		{"expires_in_", nil, `{"user_data":1,"expires_in_":3600}`, 400, 0, 0},
		{"exp", nil, `{"user_data":1,"exp":1764150000}`, 400, 0, 0},
		{"e-x_p", nil, `{"user_data":1,"e-x_p":1764150000}`, 400, 0, 0},
		{"expires", nil, `{"user_data":1,"expires":"1h"}`, 400, 0, 0},
		{"expiry", nil, `{"user_data":1,"expiry":3600}`, 400, 0, 0},
		{"expiresAt", nil, `{"user_data":1,"expiresAt":3600}`, 400, 0, 0},
		{"ttl before another unknown member", nil, `{"ttl":60,"other":1,"user_data":1}`, 400, 0, 0},
		{"TTL null", nil, `{"user_data":1,"TTL":null}`, 400, 0, 0},
		{"lifetime without user_data", nil, `{"lifetime":3600}`, 400, 0, 0},

		// claims.
		{"claims null, no user_data", nil, `{"claims":null}`, 400, 0, 0},
		{"claims a string", nil, `{"user_data":1,"claims":"` + canary + `"}`, 400, 0, 0},
		{"claims an array", nil, `{"claims":[{"sub":"a"}]}`, 400, 0, 0},
		{"claims with a duplicate", nil, `{"claims":{"sub":"a","\u0073ub":"a"}}`, 400, 0, 0},
		{"claims with exp", nil, `{"user_data":1,"claims":{"exp":1764150000}}`, 400, 0, 0},
		{"claims with a sub that is a number", nil, `{"user_data":1,"claims":{"sub":7}}`, 400, 0, 0},
		{"Claims in another case", nil, `{"Claims":{"sub":"a"}}`, 400, 0, 0},

		// Token, then Signing_key.
		{"no Token", nil, `{"Signing_key":"` + canary + `"}`, 0, 203, 400},
		{"Token null", nil, `{"Token":null,"Signing_key":"` + canary + `"}`, 0, 203, 400},
		{"Token empty", nil, `{"Token":"","Signing_key":"` + canary + `"}`, 0, 203, 400},
		{"Token in another case", nil, `{"token":"` + goldenToken + `","Signing_key":"k"}`, 0, 203, 400},
		{"neither", nil, `{}`, 0, 203, 400},
		{"no Signing_key", nil, `{"Token":"` + goldenToken + `"}`, 0, 204, 0},
		{"Signing_key null", nil, `{"Token":"` + goldenToken + `","Signing_key":null}`, 0, 204, 0},
		{"Signing_key empty", nil, `{"Token":"` + goldenToken + `","Signing_key":""}`, 0, 204, 400},
		{"Signing_key in another case", nil, `{"Token":"` + goldenToken + `","signing_key":"k"}`, 0, 204, 0},
		{"no Signing_key, before the token's form", nil, `{"Token":"` + canary + `"}`, 0, 204, 400},

		// The key's encoding and the token's form.
		{"Key_encoding unknown", nil, `{"Token":"` + goldenToken + `","Signing_key":"k","Key_encoding":"` + canary + `"}`, 0, 400, 400},
		{"Key_encoding unknown, without a key", nil, `{"Token":"` + goldenToken + `","Key_encoding":"` + canary + `"}`, 0, 204, 400},
		{"not hex", nil, `{"Token":"` + goldenToken + `","Signing_key":"` + canary + `","Key_encoding":"hex"}`, 0, 400, 400},
		{"not base64", nil, `{"Token":"` + goldenToken + `","Signing_key":"` + canary + `!","Key_encoding":"base64"}`, 0, 400, 400},
		{"not base64url", nil, `{"Token":"` + goldenToken + `","Signing_key":"` + canary + `!","Key_encoding":"base64url"}`, 0, 400, 400},
		{"no token", nil, withToken(canary), 0, 400, 400},
		{"two segments", nil, withToken(canary + "." + canary), 0, 400, 400},
		{"a JWE", nil, withToken("e30.e30.e30.e30.e30"), 0, 400, 400},
		{"Bearer before the token", nil, withToken("Bearer " + goldenToken), 0, 400, 400},
		{"quotes around the token", nil, withToken(`"` + goldenToken + `"`), 0, 400, 400},
		{"a malformed token, without a key", nil, `{"Token":"` + canary + `"}`, 0, 204, 400},
		{"a padded token", nil, withToken(goldenToken + "=="), 0, 400, 400},
		{"a line break in the token", nil, withToken(goldenToken[:50] + "\n" + goldenToken[50:]), 0, 400, 400},
		{"a header that is not JSON", nil, withToken(canary + "." + canary + "."), 0, 400, 400},
	}
	return cases
}

// TestErrorTable tries every cell of the contract's table of errors over a socket.
func TestErrorTable(t *testing.T) {
	_, server := newServer(t)
	for _, test := range errorCases() {
		header := test.header
		if header == nil {
			header = jsonHeader()
		}
		routes := []struct {
			method, path string
			status       int
		}{
			{"POST", "/token", test.mint},
			{"GET", "/token", test.inspect},
			{"HEAD", "/token", test.inspect},
			{"QUERY", "/token", test.inspectHTTP},
			{"POST", "/token/verify", test.inspectHTTP},
		}
		for _, route := range routes {
			if route.status == 0 {
				continue
			}
			name := test.name + ": " + route.method + " " + route.path
			got := send(t, route.method, server.URL+route.path, test.body, header)
			if route.method == "HEAD" {
				if got.status != route.status || got.body != "" || got.header.Get("Error-Description") == "" {
					t.Errorf("%s: %d, want %d", name, got.status, route.status)
				}
				continue
			}
			checkError(t, name, got, route.status)
		}
	}
}

func TestUnsupportedMediaTypeSaysWhatIsSupported(t *testing.T) {
	_, server := newServer(t)
	got := send(t, "QUERY", server.URL+"/token", "{}", http.Header{"Content-Type": {"text/plain"}})
	if got.header.Get("Accept") != "application/json" {
		t.Errorf("Accept: %q", got.header.Get("Accept"))
	}
	got = send(t, "QUERY", server.URL+"/token", "{}", http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"gzip"}})
	if got.header.Get("Accept-Encoding") != "identity" {
		t.Errorf("Accept-Encoding: %q", got.header.Get("Accept-Encoding"))
	}
}

// exchangeRaw sends text as it is, closes its side, and returns what it receives.
func exchangeRaw(t *testing.T, address, text string) *bufio.Reader {
	t.Helper()
	connection, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if _, err := io.WriteString(connection, text); err != nil {
		t.Fatal(err)
	}
	connection.(*net.TCPConn).CloseWrite()
	answer, err := io.ReadAll(connection)
	if err != nil {
		t.Fatal(err)
	}
	return bufio.NewReader(bytes.NewReader(answer))
}

func readResponse(t *testing.T, reader *bufio.Reader, method string) response {
	t.Helper()
	answer, err := http.ReadResponse(reader, &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response{answer.StatusCode, answer.Header, string(body), answer.Close}
}

// TestBodyCutShort sends bodies that end too early.
func TestBodyCutShort(t *testing.T) {
	_, server := newServer(t)
	bodies := map[string]string{
		"less than Content-Length":     "Content-Length: 100\r\n\r\n{\"user_data\":1}",
		"nothing of Content-Length":    "Content-Length: 100\r\n\r\n",
		"a chunk cut short":            "Transfer-Encoding: chunked\r\n\r\nff\r\n{\"user_data\":1}",
		"no last chunk":                "Transfer-Encoding: chunked\r\n\r\nf\r\n{\"user_data\":1}\r\n",
		"a chunk size that is not hex": "Transfer-Encoding: chunked\r\n\r\nzz\r\n{\"user_data\":1}\r\n0\r\n\r\n",
		"whole JSON, but not at end":   "Content-Length: 16\r\n\r\n{\"user_data\":1}",
	}
	for name, body := range bodies {
		for _, method := range []string{"POST", "GET", "QUERY"} {
			reader := exchangeRaw(t, server.Listener.Addr().String(), method+" /token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"+body)
			checkError(t, method+": "+name, readResponse(t, reader, method), 400)
		}
	}
}

// TestConnectionLivesOn sends bad requests one after another on one connection: no
// error may leave a part of a body that the next request would begin with.
func TestConnectionLivesOn(t *testing.T) {
	_, server := newServer(t)
	var requests strings.Builder
	var sent []errorCase
	for _, test := range errorCases() {
		if test.inspect == 0 || len(test.body) > 100_000 || test.header != nil {
			continue
		}
		requests.WriteString("GET /token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(test.body)) + "\r\n\r\n" + test.body)
		sent = append(sent, test)
	}
	if len(sent) < 20 {
		t.Fatalf("only %d requests", len(sent))
	}
	reader := exchangeRaw(t, server.Listener.Addr().String(), requests.String())
	for _, test := range sent {
		checkError(t, test.name, readResponse(t, reader, "GET"), test.inspect)
	}
	if rest, _ := io.ReadAll(reader); len(rest) > 0 {
		t.Errorf("after the last response: %q", rest)
	}
}

// TestUnknownErrorIsInternal checks that an error that is not in the table becomes
// a 500 that does not quote it, and a log line.
func TestUnknownErrorIsInternal(t *testing.T) {
	var log bytes.Buffer
	service := newService(t, &log)
	service.router.GET("/fails", func(echo.Context) error { return errors.New("disk " + canary) })
	server := httptest.NewServer(service)
	defer server.Close()
	checkError(t, "an unknown error", send(t, "GET", server.URL+"/fails", "", nil), 500)
	if !strings.Contains(log.String(), "disk") {
		t.Errorf("logged: %q", log.String())
	}
}

func TestErrorTableIsSound(t *testing.T) {
	for i, row := range errorTable {
		if row.http < 400 {
			t.Errorf("%v: %d is not an error in HTTP", row.err, row.http)
		}
		for _, other := range errorTable[:i] {
			if errors.Is(row.err, other.err) {
				t.Errorf("%v is hidden by %v", row.err, other.err)
			}
		}
	}
}
