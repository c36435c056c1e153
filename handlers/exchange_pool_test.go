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

// TestExchangeIsReleased checks that a request returns its buffers to the pool,
// without the key. It is not built with the race detector, under which pools drop
// some of what they hold.
func TestExchangeIsReleased(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collection would empty the pool
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))  // a pool keeps one list per processor
	service := newService(t, t.Output())
	for _, method := range []string{"POST", "GET"} {
		e := newExchange()
		e.release()
		r := httptest.NewRequest(method, "/token", strings.NewReader(`{"user_data":"secret","Token":"`+goldenToken+`","Signing_key":"secret"}`))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		service.ServeHTTP(w, r)
		again := newExchange()
		if w.Code != 200 || again != e {
			t.Errorf("%s: %d, and the exchange is not released", method, w.Code)
		}
		if body := again.body.AvailableBuffer(); bytes.Contains(body[:cap(body)], []byte("secret")) {
			t.Errorf("%s: the pool keeps a key", method)
		}
		again.release()
	}
}
