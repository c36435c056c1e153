package handlers

import (
	"bytes"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestBuffersForget inspects a token, and looks for its key in the buffers that the
// request has used.
func TestBuffersForget(t *testing.T) {
	for _, size := range []int{100, largeBody, maxPooled} {
		key := strings.Repeat("secret", size/6)
		r := httptest.NewRequest("POST", "/token", strings.NewReader(inspectBody(goldenToken, key, "")))
		r.Header.Set("Content-Type", "application/json")
		b, a := new(body), new(answer)
		if err := b.readAll(r, jsonType, maxInspectBody, newBodyMemory(minBodyMemory)); err != nil || !bytes.Contains(b.text, []byte(key)) {
			t.Fatalf("%q, %v", b.text, err)
		}
		a.data, a.text = []byte(key), []byte(key)
		buffers := [][]byte{b.text, a.data, a.text}
		b.release()
		a.release()
		for i, buffer := range buffers {
			if bytes.Contains(buffer, []byte("secret")) {
				t.Errorf("a key of %d bytes: buffer %d keeps it", size, i)
			}
		}
	}
}

// TestBodyGrowsWithWhatArrives reads a body that is announced and not sent.
func TestBodyGrowsWithWhatArrives(t *testing.T) {
	b := new(body)
	if err := b.read(strings.NewReader("{"), largeBody); err != io.EOF {
		t.Errorf("%v, want io.EOF", err)
	}
	if cap(b.text) > 1<<10 {
		t.Errorf("the body takes %d bytes, but one has arrived", cap(b.text))
	}
}
