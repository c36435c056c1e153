package handlers

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestResponsesHaveTheirLength mints tokens around the size of 2048 bytes up to
// which net/http adds a Content-Length of its own.
func TestResponsesHaveTheirLength(t *testing.T) {
	_, server := newServer(t)
	around := 0
	for size := 1250; size < 1450; size++ {
		got := send(t, "POST", server.URL+"/token", `{"user_data":"`+strings.Repeat("x", size)+`"}`, jsonHeader())
		if length := got.header.Get("Content-Length"); length != fmt.Sprint(len(got.body)) {
			t.Errorf("%d bytes, Content-Length: %q", len(got.body), length)
		}
		if len(got.body) >= 2046 && len(got.body) <= 2050 {
			around++
		}
	}
	if around < 3 {
		t.Errorf("only %d responses have about 2048 bytes", around)
	}
}

// TestExchangeForgets inspects a token, and looks for its key in the buffers that
// the request has used.
func TestExchangeForgets(t *testing.T) {
	for _, size := range []int{100, maxPooled} {
		key := strings.Repeat("secret", size/6)
		r := httptest.NewRequest("POST", "/token", strings.NewReader(inspectBody(goldenToken, key, "")))
		r.Header.Set("Content-Type", "application/json")
		e := new(exchange)
		body, err := e.readJSON(r, maxInspectBody)
		if err != nil || !bytes.Contains(body, []byte(key)) {
			t.Fatalf("%q, %v", body, err)
		}
		e.data, e.response = []byte(key), []byte(key)
		buffers := [][]byte{body, e.data, e.response}
		e.release()
		for i, buffer := range buffers {
			if bytes.Contains(buffer, []byte("secret")) {
				t.Errorf("a key of %d bytes: buffer %d keeps it", size, i)
			}
		}
	}
}
