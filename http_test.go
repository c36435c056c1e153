package main

import (
	"bufio"
	"net/http"
	"strings"
	"testing"
)

// TestOptionsAsterisk asks for the capabilities of the server as a whole (RFC
// 9110 §9.3.7). The answer must have the headers that every response has.
func TestOptionsAsterisk(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir(), withGoodKey)
	text := exchange(t, p.address, "OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	answer, err := http.ReadResponse(bufio.NewReader(strings.NewReader(text)), nil)
	if err != nil {
		t.Fatalf("answer %q: %v", text, err)
	}
	if answer.StatusCode != http.StatusNoContent {
		t.Errorf("status %d, want 204", answer.StatusCode)
	}
	for name, want := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"} {
		if got := answer.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	// A 204 ends with its header (RFC 9112 §6.3), so a body would go unnoticed
	// in answer.
	if _, body, _ := strings.Cut(text, "\r\n\r\n"); body != "" {
		t.Errorf("body %q, want none", body)
	}
}
