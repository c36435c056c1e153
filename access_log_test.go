package main

import (
	"strings"
	"testing"
)

// TestAccessLogPath puts what may be a secret into the path. Segments of 32
// bytes or more, the size of a 256-bit key, must not appear in the log.
func TestAccessLogPath(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ path, logged string }{
		"31 bytes":        {"/" + strings.Repeat("s", 31), "/" + strings.Repeat("s", 31)},
		"32 bytes":        {"/" + strings.Repeat("s", 32), "/..."},
		"33 bytes":        {"/" + strings.Repeat("s", 33), "/..."},
		"32 bytes inside": {"/token/" + strings.Repeat("s", 32) + "/verify", "/token/.../verify"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, t.TempDir(), withGoodKey, "-access-log")
			if status, answer, err := p.send("GET", test.path, ""); status != 404 || err != nil {
				t.Fatalf("GET %s: %d %s, %v, want 404", test.path, status, answer, err)
			}
			waitFor(t, "the log line of the request", func() bool { return strings.Contains(p.stderr.String(), "duration_ms=") })
			if log := p.stderr.String(); !strings.Contains(log, " path="+test.logged+" ") {
				t.Errorf("the log should have path=%s: %s", test.logged, log)
			}
		})
	}
}
