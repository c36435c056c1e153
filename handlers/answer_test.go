package handlers

import (
	"fmt"
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
