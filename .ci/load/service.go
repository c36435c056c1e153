package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// service is a running copy of the binary.
type service struct {
	binary, folder string
	secrets        secrets
	address        string
	process        *exec.Cmd
}

// startService runs a copy on a free port. Its files go into folder, which it
// creates.
func startService(binary, folder string, secrets secrets) (*service, error) {
	s := &service{binary: binary, folder: folder, secrets: secrets, address: "127.0.0.1:0"}
	if err := os.Mkdir(folder, 0o700); err != nil {
		return nil, err
	}
	return s, s.start()
}

// start starts the copy, again on its address if it has one, and waits until it
// listens.
func (s *service) start() error {
	file, err := os.Create(s.logFile())
	if err != nil {
		return err
	}
	defer file.Close()
	s.process = exec.Command(s.binary)
	s.process.Env = []string{
		"BIND=" + s.address,
		"SIGNING_KEY_FILE=" + s.secrets.keyFile(),
		"MINT_CREDENTIALS_FILE=" + s.secrets.credentialFile(),
		"LOG_FORMAT=json",
	}
	s.process.Stderr = file
	if err := s.process.Start(); err != nil {
		return err
	}
	err = await(context.Background(), 10*time.Second, s.findAddress)
	if err != nil {
		s.kill()
	}
	return err
}

// findAddress sets the address to the one that the copy listens on.
func (s *service) findAddress() error {
	lines, err := s.log()
	for _, line := range lines {
		if line.Msg == "listening" {
			s.address = line.Address
			return err
		}
	}
	return errors.Join(err, fmt.Errorf("the service does not listen: its log is %+v", lines))
}

// await calls check until it returns nil. It returns the last error if that takes
// longer than the limit, or if ctx ends.
func await(ctx context.Context, limit time.Duration, check func() error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		err := check()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(50 * time.Millisecond):
		}
	}
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

// logLine is a line of the log.
type logLine struct {
	Time         time.Time
	Level, Msg   string
	Error        string
	Address      string   // that the copy listens on
	Fingerprints []string // of its secrets
	Mints        string   // the fingerprint of the key that mints
}

// logFile returns the path of the log.
func (s *service) logFile() string { return filepath.Join(s.folder, "log") }

// log returns the lines that the copy has logged since it was started.
func (s *service) log() (lines []logLine, err error) {
	text, err := os.ReadFile(s.logFile())
	if err != nil {
		return nil, err
	}
	for text := range bytes.Lines(text) {
		var line logLine
		if err := json.Unmarshal(text, &line); err != nil {
			return nil, fmt.Errorf("the log has %q: %w", text, err)
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// metrics returns the series of the copy's /metrics. Their names include the labels.
func (s *service) metrics() (map[string]float64, error) {
	response, err := http.Get("http://" + s.address + "/metrics")
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	series := map[string]float64{}
	lines := bufio.NewScanner(io.LimitReader(response.Body, 1<<20))
	for lines.Scan() {
		end := max(0, strings.LastIndexByte(lines.Text(), ' '))
		if value, err := strconv.ParseFloat(strings.TrimSpace(lines.Text()[end:]), 64); err == nil {
			series[lines.Text()[:end]] = value
		}
	}
	return series, lines.Err()
}
