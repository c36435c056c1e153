package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"time"
)

// maxLogLines is how many lines the clients of one attack may cause in the log.
const maxLogLines = 10

// survive starts a service, attacks it and prints a line with the figures. It is an
// error if the service dies, fails the probes, logs too much, or afterwards does not
// answer or does not stop cleanly.
func survive(ctx context.Context, setup setup, a attack) (err error) {
	s, err := setup.start()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.cleanUp()) }()
	p, err := newProbe(s)
	if err != nil {
		return err
	}
	linesBefore, err := s.logLines()
	if err != nil {
		return err
	}

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		<-s.ended
		cancel()
	}()
	var met encounter
	var attackErr error
	var attacking sync.WaitGroup
	began := time.Now()
	attacking.Go(func() {
		defer cancel()
		met, attackErr = a.start(ctx, s)
	})
	p.run(ctx)
	attacking.Wait()

	used, memoryErr := s.usage()
	if err := s.alive(); err != nil {
		return fmt.Errorf("%w after %v; %s", errors.Join(memoryErr, err), s.endedAt.Sub(began).Round(100*time.Millisecond), used)
	}
	probed, probeErr := p.judge()
	linesAfter, logErr := s.logLines()
	lines := linesAfter - linesBefore
	fmt.Printf("memory: %s: %s; %s; %d log lines; %v\n", setup.title(a), used, probed, lines, met)
	if lines > maxLogLines {
		logErr = fmt.Errorf("clients caused %d lines in the log", lines)
	}
	_, answerErr := newProbe(s)
	return errors.Join(memoryErr, probeErr, logErr, attackErr, answerErr, s.stop())
}

func (o setup) title(a attack) string {
	if o.secure {
		return a.name + " over TLS"
	}
	return a.name
}

// start runs the clients of the attack. Elsewhere they would have processors of their
// own, so here they run with a lower priority than the service. It is an error if so
// few of them could connect that this was no attack.
func (a attack) start(ctx context.Context, s *service) (encounter, error) {
	self, err := os.Executable()
	if err != nil {
		return encounter{}, err
	}
	outputs := make([]bytes.Buffer, a.parts())
	results := make([]error, a.parts())
	var processes sync.WaitGroup
	for part := range outputs {
		secure := fmt.Sprintf("-tls=%t", s.client != nil)
		clients := exec.CommandContext(ctx, "nice", "-n", "10", self, "attack", secure, "-part", strconv.Itoa(part), a.name, s.address)
		clients.Stdout, clients.Stderr = &outputs[part], os.Stderr
		processes.Go(func() { results[part] = clients.Run() })
	}
	processes.Wait()
	if err := errors.Join(results...); err != nil {
		return encounter{}, err
	}
	var all encounter
	for _, output := range outputs {
		var met encounter
		if err := json.Unmarshal(output.Bytes(), &met); err != nil {
			return all, err
		}
		all = all.plus(met)
	}
	if all.Reached < int64(a.clients)*9/10 {
		return all, fmt.Errorf("only %d of %d clients could connect", all.Reached, a.clients)
	}
	return all, nil
}
