package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"time"
)

const (
	soakWarmUp = 5 * time.Second
	settleTime = 20 * time.Second // for connections and streams to end

	// How much more than before is normal: the runtime may be at work, and a
	// connection may be about to end.
	spareGoroutines, spareDescriptors = 4, 4
	spareMemory                       = 1.3
)

// usage is what a process holds.
type usage struct {
	goroutines, descriptors int
	memory                  float64 // resident, MiB
}

// soak loads the service with good and bad traffic for the duration, and with a stream
// that lasts all the time. It compares what the service holds afterwards with what it
// held after a few seconds of the same load, which shows anything that grows with the
// number of requests or lines.
func soak(ctx context.Context, binary, folder string, duration time.Duration) error {
	secrets := secrets(filepath.Join(folder, "secrets"))
	if err := secrets.create(); err != nil {
		return err
	}
	s, err := startService(binary, filepath.Join(folder, "copy"), secrets)
	if err != nil {
		return err
	}
	defer s.kill()
	streaming, endStream := context.WithCancel(ctx)
	defer endStream()
	streamed := make(chan error, 1)
	go func() { streamed <- newClient(s.address, new(result)).streamTraffic(streaming, time.Millisecond) }()
	base, err := s.usageAfter(ctx, soakWarmUp)
	if err != nil {
		return err
	}
	after, err := s.usageAfter(ctx, duration)
	if err != nil {
		return err
	}
	for deadline := time.Now().Add(settleTime); !after.within(base) && time.Now().Before(deadline); time.Sleep(time.Second) {
		if after, err = s.usage(); err != nil {
			return err
		}
	}
	fmt.Printf("soak: %v: before %+v, after %+v\n", duration, base, after)
	if !after.within(base) {
		return fmt.Errorf("after %v the service holds %+v, before it held %+v", duration, after, base)
	}
	endStream()
	return errors.Join(<-streamed, s.stop())
}

func (u usage) within(base usage) bool {
	return u.goroutines <= base.goroutines+spareGoroutines && u.descriptors <= base.descriptors+spareDescriptors && u.memory <= base.memory*spareMemory
}

// usageAfter loads the service for the duration, and returns what it holds
// afterwards.
func (s *service) usageAfter(ctx context.Context, duration time.Duration) (usage, error) {
	result := new(result)
	c := newClient(s.address, result)
	ctx, cancel := context.WithTimeout(ctx, duration)
	defer cancel()
	var traffic sync.WaitGroup
	traffic.Go(func() { c.goodTraffic(ctx, 16, time.Millisecond) })
	traffic.Go(func() { c.badTraffic(ctx, 16, 5*time.Millisecond) })
	traffic.Wait()
	c.CloseIdleConnections()
	fmt.Printf("soak: %d requests in %v, the slowest took %v\n", result.requests.Load(), duration, time.Duration(result.slowest.Load()).Round(time.Millisecond))
	if err := result.err(); err != nil {
		return usage{}, err
	}
	if result.requests.Load() < 100 {
		return usage{}, errors.New("too few requests to judge by")
	}
	time.Sleep(time.Second) // until the service has noticed that connections are closed
	return s.usage()
}

var residentSize = regexp.MustCompile(`VmRSS:\s+(\d+) kB`)

// usage reads the goroutines from the metrics and the rest from the kernel, with
// which the metrics must agree.
func (s *service) usage() (usage, error) {
	series, err := s.metrics()
	if err != nil {
		return usage{}, err
	}
	process := fmt.Sprintf("/proc/%d/", s.process.Process.Pid)
	descriptors, err := os.ReadDir(process + "fd")
	if err != nil {
		return usage{}, err
	}
	status, err := os.ReadFile(process + "status")
	if err != nil {
		return usage{}, err
	}
	match := residentSize.FindSubmatch(status)
	if match == nil || series["go_goroutines"] == 0 || series["process_open_fds"] == 0 {
		return usage{}, errors.New("no figures in /proc or in the metrics")
	}
	kilobytes, err := strconv.ParseFloat(string(match[1]), 64)
	if difference := series["process_open_fds"] - float64(len(descriptors)); difference > spareDescriptors || difference < -spareDescriptors {
		return usage{}, fmt.Errorf("%v descriptors in the metrics, %d in /proc", series["process_open_fds"], len(descriptors))
	}
	return usage{int(series["go_goroutines"]), len(descriptors), kilobytes / 1024}, err
}
