//go:build !race

package handlers

import (
	"bytes"
	"io"
	"net/http/httptest"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

// TestBuffersAreReleased checks that a request returns its buffers to their pools,
// without the key. It is not built with the race detector, under which pools drop
// some of what they hold.
func TestBuffersAreReleased(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collection would empty the pool
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))  // a pool keeps one list per processor
	service := newService(t, t.Output())
	for _, method := range []string{"POST", "GET"} {
		b, a := newBody(), newAnswer()
		b.release()
		a.release()
		r := httptest.NewRequest(method, "/token", strings.NewReader(`{"user_data":"secret","Token":"`+goldenToken+`","Signing_key":"secret"}`))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		service.ServeHTTP(w, r)
		b2, a2 := newBody(), newAnswer()
		if w.Code != 200 || b2 != b || a2 != a {
			t.Errorf("%s: %d, and the buffers are not released", method, w.Code)
		}
		if body := b2.text; bytes.Contains(body[:cap(body)], []byte("secret")) {
			t.Errorf("%s: the pool keeps a key", method)
		}
		b2.release()
		a2.release()
	}
}

// TestStreamBuffersAreReleased checks the same of a stream, with a long line.
func TestStreamBuffersAreReleased(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	service := newService(t, t.Output())
	b := newStreamBuffers(nil)
	b.release()
	line := `{"Token":"` + goldenToken + `","Signing_key":"secret","user_data":"data"`
	long := `,"secret":"` + strings.Repeat("secret", largeBody) + `"`
	late := `{"user_data":"` + strings.Repeat("secret", largeBody) + `","claims":{"iat":1}}` // it fails after its data was copied
	body := line + "}\n" + line + long + "}\n" + late + "\n" + line + "}\n" + strings.Repeat(line+"}\n", 1000) + line
	w := &httptest.ResponseRecorder{}
	for _, path := range []string{"/tokens/verify", "/tokens"} {
		r := httptest.NewRequest("POST", path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/jsonl")
		w = httptest.NewRecorder()
		service.ServeHTTP(w, r)
	}
	b2 := newStreamBuffers(nil)
	defer b2.release()
	if w.Code != 200 || b2 != b || cap(b2.answer.text) != answersSize || cap(b2.answer.data) > maxPooled {
		t.Errorf("%d, and the buffers are not released", w.Code)
	}
	var in bufferSpy
	b2.in.Reset(&in)
	b2.in.Peek(1)
	if len(in.buffer) != streamBuffer {
		t.Fatalf("the buffer has %d bytes", len(in.buffer))
	}
	for _, buffer := range [][]byte{in.buffer, b2.answer.text, b2.answer.data} {
		if bytes.Count(buffer[:cap(buffer)], []byte{0}) != cap(buffer) {
			t.Error("the pool keeps a part of the stream")
		}
	}
}

// bufferSpy is an empty source that shows the buffer of its reader.
type bufferSpy struct{ buffer []byte }

func (s *bufferSpy) Read(p []byte) (int, error) {
	s.buffer = p
	return 0, io.EOF
}
