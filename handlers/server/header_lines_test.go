package server

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
)

// lines returns n header lines of the shortest kind.
func lines(n int) string { return strings.Repeat("a:\r\n", n) }

// TestHeaderLines sends requests with headers up to and over the limit. Those over it
// have no end: they must be refused before that.
func TestHeaderLines(t *testing.T) {
	t.Parallel()
	const get = "GET / HTTP/1.1\r\nHost: x\r\n"
	post := func(length int) string {
		return fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n", length)
	}
	tests := []struct {
		name, text string
		want       []int // the status codes of the responses
	}{
		{"at the limit", get + lines(99) + "\r\n", []int{200}},
		{"one over it", get + lines(100), []int{431}},
		{"far over it", get + lines(3000), []int{431}},
		{"lines end with LF", "GET / HTTP/1.1\nHost: x\n" + strings.Repeat("a:\n", 99) + "\n", []int{200}},
		{"too many lines end with LF", "GET / HTTP/1.1\nHost: x\n" + strings.Repeat("a:\n", 100), []int{431}},
		{"continued lines count", get + "a: b\r\n" + strings.Repeat(" c\r\n", 99), []int{431}},
		{"a body of lines", post(4000) + "\r\n" + lines(1000), []int{200}},
		{"a body of blank lines", post(4000) + "\r\n" + strings.Repeat("\r\n", 2000), []int{200}},
		{"a header after a body", post(4000) + "\r\n" + lines(1000) + get + lines(99) + "\r\n", []int{200, 200}},
		{"too many lines after a body", post(40) + "\r\n" + lines(10) + get + lines(100), []int{200, 431}},
		{"too many lines after a large body", post(4000) + "\r\n" + lines(1000) + get + lines(100), []int{200, 431}},
		{"requests in one packet", get + lines(60) + "\r\n" + get + lines(60) + "\r\n" + get + lines(60) + "\r\n", []int{200, 200, 200}},
		{"too many lines in the second", get + lines(60) + "\r\n" + get + lines(100), []int{200, 431}},
		{"a blank line before a request", post(1) + "\r\nx\r\n" + get + lines(99) + "\r\n", []int{200, 200}},
		{"a chunked body of lines", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfa0\r\n" + lines(1000) + "\r\n0\r\n\r\n", []int{200}},
		{"a chunked body of short chunks", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1\r\nx\r\n", 500) + "0\r\n\r\n", []int{200}},
	}
	for _, secured := range []bool{false, true} {
		_, dial := serve(t, secured)
		for _, test := range tests {
			connection := dial()
			if _, err := io.WriteString(connection, test.text); err != nil {
				t.Errorf("secured %t: %s: %v", secured, test.name, err)
			}
			reader := bufio.NewReader(connection)
			for i, want := range test.want {
				response, err := http.ReadResponse(reader, nil)
				if err != nil || response.StatusCode != want {
					t.Errorf("secured %t: %s: response %d: %v, %v, want %d", secured, test.name, i, response, err, want)
					break
				}
				body, err := io.ReadAll(response.Body)
				if err != nil {
					t.Errorf("secured %t: %s: response %d: %v", secured, test.name, i, err)
				}
				if want == 431 && (!response.Close || response.Header.Get("Cross-Origin-Resource-Policy") != "same-origin" || !strings.Contains(string(body), "at most 100 header lines")) {
					t.Errorf("secured %t: %s: the refusal is %v with %q", secured, test.name, response, body)
				}
			}
			connection.Close()
		}
	}
}

// TestChunkedBodyClosesConnection checks that no header follows a chunked body, because
// the server would not know where it begins.
func TestChunkedBodyClosesConnection(t *testing.T) {
	t.Parallel()
	_, dial := serve(t, false)
	connection := dial()
	io.WriteString(connection, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n")
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil || response.StatusCode != 200 || !response.Close {
		t.Errorf("%v, %v, want a 200 with Connection: close", response, err)
	}
}

// TestRequestReaderForgets checks that the reader does not keep what it has returned,
// which may be a key.
func TestRequestReaderForgets(t *testing.T) {
	t.Parallel()
	var r requestReader
	source := strings.NewReader("POST / HTTP/1.1\r\n\r\na key")
	buffer := make([]byte, 100)
	for range 2 {
		if _, err := r.read(source, buffer); err != nil {
			t.Fatal(err)
		}
		r.expectBody(5)
	}
	r.read(source, buffer)
	if kept := r.early[:cap(r.early)]; bytes.Contains(kept, []byte("key")) {
		t.Errorf("the reader keeps %q", kept)
	}
}

// FuzzRequestReader reads a header and a body that arrive in any pieces, into
// buffers of any size. What is read must be what arrived, and divided where net/http
// divides it.
func FuzzRequestReader(f *testing.F) {
	f.Add([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), []byte("body\r\n\r\nGET"), uint8(7), uint8(0))
	f.Add([]byte("GET / HTTP/1.1\nHost: x\n\n"), []byte("\n\n"), uint8(1), uint8(1))
	f.Add([]byte("GET / HTTP/1.1\r\n"+lines(101)), []byte{}, uint8(200), uint8(3))
	f.Add([]byte("GET / HTTP/1.1\r\na: b\r\n \r\nc\r\r\n\r\n"), []byte("x"), uint8(3), uint8(2))
	f.Fuzz(func(t *testing.T, text, body []byte, size, pieces uint8) {
		var source io.Reader = bytes.NewReader(append(bytes.Clone(text), body...))
		switch pieces % 3 {
		case 1:
			source = iotest.OneByteReader(source)
		case 2:
			source = iotest.HalfReader(source)
		}
		all := append(bytes.Clone(text), body...)
		end, count := headerOf(all)
		var r requestReader
		var got []byte
		buffer := make([]byte, int(size)+1)
		for len(got) < end {
			n, err := r.read(source, buffer)
			got = append(got, buffer[:n]...)
			if errors.Is(err, errHeaderLines) {
				if count <= 1+maxHeaderLines {
					t.Fatalf("refused after %d lines", count)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if count > 1+maxHeaderLines {
			t.Fatalf("%d lines passed", count)
		}
		if len(got) > end {
			t.Fatalf("the header has %d bytes, but %d were read", end, len(got))
		}
		r.expectBody(int64(len(all) - end))
		for {
			n, err := r.read(source, buffer)
			got = append(got, buffer[:n]...)
			if err != nil || len(got) == len(all) {
				break
			}
		}
		if !bytes.Equal(got, all) {
			t.Fatalf("read %q, want %q", got, all)
		}
	})
}

// headerOf returns the length of the header at the beginning of text, which may lack
// its end, and the number of its complete lines before the blank one.
func headerOf(text []byte) (length, count int) {
	for line := range bytes.Lines(text) {
		if line[len(line)-1] != '\n' {
			return len(text), count
		}
		length += len(line)
		if s := string(line); s == "\n" || s == "\r\n" {
			return length, count
		}
		count++
	}
	return length, count
}
