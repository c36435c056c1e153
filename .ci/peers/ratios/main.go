// Ratios times all contestants in turn, round after round. It prints the median of
// each, and its ratios to tokenmint and to the least that the work can cost.
//
// It measures the processor time of the process, which includes garbage collection
// but not the wait for a busy machine. A ratio is the median of the ratios within
// the rounds, so that a slowdown for a while affects both of its sides.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"tokenmint/peers"
)

func main() {
	testing.Init() // defines the flag that Benchmark reads
	rounds := flag.Int("rounds", 41, "how many times each contestant is timed")
	duration := flag.Duration("time", 20*time.Millisecond, "about how long it is timed")
	flag.Parse()
	if err := run(os.Stdout, *rounds, *duration); err != nil {
		fmt.Fprintln(os.Stderr, "ratios:", err)
		os.Exit(1)
	}
}

func run(out io.Writer, rounds int, duration time.Duration) error {
	if rounds < 1 {
		return fmt.Errorf("%d rounds have no median", rounds)
	}
	if err := flag.Set("test.benchtime", duration.String()); err != nil {
		return err
	}
	contests, err := peers.Contests()
	if err != nil {
		return err
	}
	for _, contest := range contests {
		results, err := timeInTurn(contest, rounds)
		if err != nil {
			return err
		}
		if err := printTable(out, contest, results); err != nil {
			return err
		}
	}
	return nil
}

// timeInTurn returns the results of each contestant, one for each round.
func timeInTurn(contest peers.Contest, rounds int) (map[string][]testing.BenchmarkResult, error) {
	results := map[string][]testing.BenchmarkResult{}
	for range rounds {
		for _, contestant := range contest.Contestants {
			result, err := timeOnce(contestant)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", contest.Name, contestant.Name, err)
			}
			results[contestant.Name] = append(results[contestant.Name], result)
		}
	}
	return results, nil
}

// processorTime is the metric that this program adds to a result.
const processorTime = "cpu-ns/op"

func timeOnce(contestant peers.Contestant) (result testing.BenchmarkResult, err error) {
	result = testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		start := processorTimeSoFar()
		for b.Loop() {
			if err = contestant.Do(); err != nil {
				b.FailNow()
			}
		}
		spent := processorTimeSoFar() - start
		b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N), processorTime)
	})
	return result, err
}

// processorTimeSoFar returns the time of all threads of this process, in user mode
// and in the kernel.
func processorTimeSoFar() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err) // cannot happen with valid arguments
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func printTable(out io.Writer, contest peers.Contest, results map[string][]testing.BenchmarkResult) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(table, "%s\tCPU ns\tB\tallocations\ttimes tokenmint\ttimes the limit\t\n", contest.Name)
	for _, contestant := range contest.Contestants {
		own := results[contestant.Name]
		fmt.Fprintf(table, "%s\t%.0f\t%d\t%d\t%.2f\t%.2f\t\n", contestant.Name,
			median(nanoseconds(own)), own[0].AllocedBytesPerOp(), own[0].AllocsPerOp(),
			medianRatio(own, results[peers.Tokenmint]), medianRatio(own, results[peers.Limit]))
	}
	fmt.Fprintln(table)
	return table.Flush()
}

func nanoseconds(results []testing.BenchmarkResult) []float64 {
	times := make([]float64, len(results))
	for i, result := range results {
		times[i] = result.Extra[processorTime]
	}
	return times
}

func medianRatio(these, those []testing.BenchmarkResult) float64 {
	ratios := nanoseconds(these)
	for i, nanoseconds := range nanoseconds(those) {
		ratios[i] /= nanoseconds
	}
	return median(ratios)
}

func median(values []float64) float64 {
	values = slices.Sorted(slices.Values(values))
	middle := len(values) / 2
	if len(values)%2 == 1 {
		return values[middle]
	}
	return (values[middle-1] + values[middle]) / 2
}
