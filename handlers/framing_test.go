package handlers

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestDoubtfulFraming sends requests whose end can be understood in two ways,
// followed by what could be a second request. The first one is answered, and the
// connection is closed before the second (RFC 9112 §6.1).
func TestDoubtfulFraming(t *testing.T) {
	_, server := newServer(t)
	const (
		chunked  = "f\r\n{\"user_data\":1}\r\n0\r\n\r\n"
		smuggled = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
	)
	tests := []struct {
		name, version, framing, body string
		status, answers              int
	}{
		{"Content-Length alone", "1.1", "Content-Length: 15", `{"user_data":1}`, 200, 2}, // the test would see a second response
		{"Content-Length, then chunked", "1.1", "Content-Length: 25\r\nTransfer-Encoding: chunked", chunked, 200, 1},
		{"chunked, then Content-Length", "1.1", "Transfer-Encoding: chunked\r\nContent-Length: 4", chunked, 200, 1},
		{"Content-Length over what follows", "1.1", "Content-Length: 62\r\nTransfer-Encoding: chunked", chunked, 200, 1},
		{"Content-Length 0", "1.1", "Content-Length: 0\r\nTransfer-Encoding: chunked", chunked, 200, 1},
		{"chunked in other letters", "1.1", "Content-Length: 4\r\ntransfer-encoding: CHUNKED", chunked, 200, 1},
		{"two lengths", "1.1", "Content-Length: 15\r\nContent-Length: 16", `{"user_data":1}`, 400, 1},
		{"a signed length", "1.1", "Content-Length: +15", `{"user_data":1}`, 400, 1},
		{"an unknown coding", "1.1", "Content-Length: 15\r\nTransfer-Encoding: gzip", `{"user_data":1}`, 501, 1},
		{"two codings", "1.1", "Transfer-Encoding: chunked, identity", chunked, 501, 1},
		{"chunked twice", "1.1", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", chunked, 501, 1},
		{"a space before the colon", "1.1", "Content-Length: 15\r\nTransfer-Encoding : chunked", `{"user_data":1}`, 400, 1},
		{"chunked in HTTP/1.0", "1.0", "Connection: keep-alive\r\nTransfer-Encoding: chunked", chunked, 400, 1},
		{"both in HTTP/1.0", "1.0", "Connection: keep-alive\r\nContent-Length: 15\r\nTransfer-Encoding: chunked", `{"user_data":1}`, 200, 1},
	}
	for _, test := range tests {
		request := "POST /token HTTP/" + test.version + "\r\nHost: x\r\nContent-Type: application/json\r\n" + test.framing + "\r\n\r\n" + test.body
		reader := exchangeRaw(t, server.Listener.Addr().String(), request+smuggled)
		answers := 0
		for ; ; answers++ {
			answer, err := http.ReadResponse(reader, nil)
			if err != nil {
				break
			}
			io.Copy(io.Discard, answer.Body)
			if answers == 0 && answer.StatusCode != test.status {
				t.Errorf("%s: %d, want %d", test.name, answer.StatusCode, test.status)
			}
			if answers == 0 && answer.Close != (test.answers == 1) {
				t.Errorf("%s: Connection: close is %t", test.name, answer.Close)
			}
		}
		if answers != test.answers {
			t.Errorf("%s: %d responses, want %d", test.name, answers, test.answers)
		}
	}
}

// TestConnectionIsClosed checks that the service closes the connection itself and
// does not leave that to the client.
func TestConnectionIsClosed(t *testing.T) {
	_, server := newServer(t)
	connection, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	connection.SetDeadline(time.Now().Add(10 * time.Second))
	io.WriteString(connection, "POST /token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\nf\r\n{\"user_data\":1}\r\n0\r\n\r\n")
	if answer, err := io.ReadAll(connection); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 200 OK\r\n") {
		t.Errorf("%q, %v", answer, err)
	}
}

// TestPipeline sends 50 good and bad requests at once, and checks that they are
// answered in order.
func TestPipeline(t *testing.T) {
	_, server := newServer(t)
	var requests strings.Builder
	const count = 50
	bodyOf := func(i int) (body string, status int) {
		switch i % 3 {
		case 0:
			return fmt.Sprintf(`{"user_data":%d}`, i), 200
		case 1:
			return `{"user_data":null}`, 400
		default:
			return fmt.Sprintf(`{"user_data":{"n":[%d]},"expires_in":60}`, i), 200
		}
	}
	for i := range count {
		body, _ := bodyOf(i)
		fmt.Fprintf(&requests, "POST /token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	}
	reader := exchangeRaw(t, server.Listener.Addr().String(), requests.String())
	for i := range count {
		_, status := bodyOf(i)
		got := readResponse(t, reader, "POST")
		if got.status != status {
			t.Fatalf("request %d: %d %s, want %d", i, got.status, got.body, status)
		}
		if status != 200 {
			continue
		}
		token := strings.TrimSuffix(strings.TrimPrefix(got.body, `{"JWT Token":"`), `"}`)
		inspected := send(t, "GET", server.URL+"/token", inspectBody(token, publishedKey, ""), jsonHeader())
		data := fmt.Sprint(i)
		if i%3 == 2 {
			data = fmt.Sprintf(`{"n":[%d]}`, i)
		}
		if !strings.Contains(inspected.body, `"data":`+data+`,`) {
			t.Errorf("request %d: %s", i, inspected.body)
		}
	}
	if rest, _ := io.ReadAll(reader); len(rest) > 0 {
		t.Errorf("after the last response: %q", rest)
	}
}
