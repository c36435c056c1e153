//go:build !race

package handlers

import (
	"bytes"
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
