package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tokenmint/peers"
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
	var rows []string // without their figures
	for line := range strings.Lines(out.String()) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), "  ")
		rows = append(rows, name)
	}
	var want []string
	for _, contest := range contests {
		want = append(want, contest.Name)
		for _, contestant := range contest.Contestants {
			want = append(want, contestant.Name)
		}
		want = append(want, "")
	}
	if !slices.Equal(rows, want) {
		t.Errorf("rows %q, want %q", rows, want)
	}
	if err := run(&out, 0, time.Millisecond); err == nil {
		t.Error("run accepts 0 rounds")
	}
}

func TestMedianRatio(t *testing.T) {
	result := func(nanoseconds float64) testing.BenchmarkResult {
		return testing.BenchmarkResult{Extra: map[string]float64{processorTime: nanoseconds}}
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
