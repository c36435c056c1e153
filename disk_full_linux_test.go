package main

import (
	"os"
	"strings"
	"testing"
)

// TestFullDisk writes to a device that is always full.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"mint", "1"}, {"mint", "-n", "1000000000", "1"}, {"inspect", signedWith(t, goodKey, `{}`)}, {"-h"}, {"key", "-h"}, {"healthcheck", "-version"}} {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		p := newProcess(t.TempDir(), withGoodKey, args...)
		p.Stdout = full
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		status := p.wait(t)
		full.Close()
		if log := p.stderr.String(); status != 1 || strings.Count(log, "\n") != 1 || !strings.Contains(log, "no space left on device") {
			t.Errorf("%q: exit status %d, %s", args, status, log)
		}
	}
}
