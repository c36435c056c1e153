package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// signingKey is the key that all copies share.
const signingKey = "a key of sixty-four bytes or more, that all of the copies share ..."

// credential is what a client needs in order to mint.
const credential = "a-credential-for-all-of-the-copies"

// service is a running copy of the binary.
type service struct {
	binary, folder string
	address        string
	process        *exec.Cmd
}

// startService runs a copy on a free port. Its files go into folder, which it
// creates.
func startService(binary, folder string) (*service, error) {
	s := &service{binary: binary, folder: folder, address: "127.0.0.1:0"}
	if err := os.Mkdir(folder, 0o700); err != nil {
		return nil, err
	}
	if err := os.WriteFile(s.file("mint.credentials"), []byte(credential), 0o600); err != nil {
		return nil, err
	}
	return s, s.start()
}

// file returns the path of a file of the copy.
func (s *service) file(name string) string { return filepath.Join(s.folder, name) }

var listening = regexp.MustCompile(`msg=listening address=(\S+)`)

// start starts the copy, again on its address if it has one, and waits until it
// listens.
func (s *service) start() error {
	file, err := os.Create(s.file("log"))
	if err != nil {
		return err
	}
	defer file.Close()
	s.process = exec.Command(s.binary)
	s.process.Env = []string{"BIND=" + s.address, "SIGNING_KEY=" + signingKey, "MINT_CREDENTIALS_FILE=" + s.file("mint.credentials")}
	s.process.Stderr = file
	if err := s.process.Start(); err != nil {
		return err
	}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		text, err := os.ReadFile(file.Name())
		if err != nil {
			return err
		}
		if match := listening.FindSubmatch(text); match != nil {
			s.address = string(match[1])
			return nil
		}
	}
	s.kill()
	return fmt.Errorf("the service does not listen: see %s", file.Name())
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
