package main

import (
	"strings"
	"testing"
	"time"

	"tokenmint/jwtcore/peers"
)

// TestRun prints the tables of one short round.
func TestRun(t *testing.T) {
	var out strings.Builder
	if err := run(&out, 1, time.Millisecond); err != nil {
		t.Fatal(err)
	}
	contests, err := peers.Contests()
	if err != nil {
		t.Fatal(err)
	}
	for _, contest := range contests {
		for _, contestant := range contest.Contestants {
			if strings.Count(out.String(), contestant.Name+" ") < len(contests) {
				t.Errorf("%s is not in each table:\n%s", contestant.Name, &out)
			}
		}
	}
	if err := run(&out, 0, time.Millisecond); err == nil {
		t.Error("no rounds are taken")
	}
}

func TestMedianRatio(t *testing.T) {
	result := func(nanoseconds int) testing.BenchmarkResult {
		return testing.BenchmarkResult{N: 2, T: 2 * time.Duration(nanoseconds)}
	}
	// The second round was slow for both.
	these := []testing.BenchmarkResult{result(20), result(900), result(40)}
	those := []testing.BenchmarkResult{result(10), result(300), result(10)}
	if got := medianRatio(these, those); got != 3 {
		t.Errorf("%g, want 3", got)
	}
	if got := medianRatio(these[:2], those[:2]); got != 2.5 {
		t.Errorf("%g of two rounds, want 2.5", got)
	}
	if got := median(nanoseconds(these)); got != 40 {
		t.Errorf("median %g, want 40", got)
	}
}
