package main

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// signingKey is the key that all copies share.
const signingKey = "a key of sixty-four bytes or more, that all of the copies share ..."

// service is a running copy of the binary.
type service struct {
	binary, log string
	address     string
	process     *exec.Cmd
}

// startService runs a copy on address, or on a free port if address is empty.
func startService(binary, log, address string) (*service, error) {
	s := &service{binary: binary, log: log, address: cmp.Or(address, "127.0.0.1:0")}
	return s, s.start()
}

var listening = regexp.MustCompile(`msg=listening address=(\S+)`)

// start starts the copy, again on its address if it has one, and waits until it
// listens.
func (s *service) start() error {
	file, err := os.Create(s.log)
	if err != nil {
		return err
	}
	defer file.Close()
	s.process = exec.Command(s.binary)
	s.process.Env = []string{"BIND=" + s.address, "SIGNING_KEY=" + signingKey}
	s.process.Stderr = file
	if err := s.process.Start(); err != nil {
		return err
	}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		text, err := os.ReadFile(s.log)
		if err != nil {
			return err
		}
		if match := listening.FindSubmatch(text); match != nil {
			s.address = string(match[1])
			return nil
		}
	}
	s.kill()
	return fmt.Errorf("the service does not listen: see %s", s.log)
}

// kill ends the copy immediately.
func (s *service) kill() {
	s.process.Process.Kill()
	s.process.Wait()
}

// stop ends the copy as an orchestrator does, and waits for it.
func (s *service) stop() error {
	if err := s.process.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return s.process.Wait()
}

// metrics returns those series of the copy's /metrics that have no labels.
func (s *service) metrics() (map[string]float64, error) {
	response, err := http.Get("http://" + s.address + "/metrics")
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	series := map[string]float64{}
	lines := bufio.NewScanner(io.LimitReader(response.Body, 1<<20))
	for lines.Scan() {
		name, text, _ := strings.Cut(lines.Text(), " ")
		if value, err := strconv.ParseFloat(text, 64); err == nil {
			series[name] = value
		}
	}
	return series, lines.Err()
}
