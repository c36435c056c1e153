package main

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"time"
)

const signingKey = "a key of sixty-four bytes or more, for nothing but these attacks ..."

// setup is how to start a service.
type setup struct {
	binary, folder string
	secure         bool // TLS
	gate           bool // a second address, for the gate
	descriptors    int  // that it may open; 0: as many as this process
}

// service is a running service.
type service struct {
	address, gate string      // where it serves everything, and the gate
	client        *tls.Config // of clients, or nil
	log           string
	cgroup        *cgroup // nil if there is none
	process       *exec.Cmd
	ended         chan struct{} // closed when the process has ended
	result        error         // of the process, and when that was
	endedAt       time.Time
}

// start starts a service and waits until it listens.
func (o setup) start() (*service, error) {
	s := &service{log: filepath.Join(o.folder, "log"), ended: make(chan struct{})}
	environment := []string{"BIND=127.0.0.1:0", "SIGNING_KEY=" + signingKey}
	if o.secure {
		certFile, keyFile := filepath.Join(o.folder, "cert.pem"), filepath.Join(o.folder, "key.pem")
		var err error
		if s.client, err = writeCertificate(certFile, keyFile); err != nil {
			return nil, err
		}
		environment = append(environment, "TLS_CERT_FILE="+certFile, "TLS_KEY_FILE="+keyFile)
	}
	if o.gate {
		free, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		s.gate = free.Addr().String()
		free.Close()
		environment = append(environment, "GATE_BIND="+s.gate)
	}
	var err error
	if s.cgroup, err = newCgroup(); err != nil {
		environment = append(environment, "GOMEMLIMIT="+goMemoryLimit)
	}
	if err := s.run(o.command(s.cgroup), environment); err != nil {
		return nil, errors.Join(err, s.cleanUp())
	}
	return s, nil
}

// command returns a command that limits itself and then becomes the service.
func (o setup) command(g *cgroup) *exec.Cmd {
	script := `exec "$1"`
	if o.descriptors > 0 {
		script = fmt.Sprintf("ulimit -n %d; %s", o.descriptors, script)
	}
	if g == nil {
		return exec.Command("sh", "-ec", script, "sh", o.binary)
	}
	return exec.Command("sh", "-ec", `echo $$ >"$2"; `+script, "sh", o.binary, g.procs())
}

var listening = regexp.MustCompile(`msg=listening address=(\S+)`)

func (s *service) run(command *exec.Cmd, environment []string) error {
	file, err := os.Create(s.log)
	if err != nil {
		return err
	}
	defer file.Close()
	command.Env = environment
	command.Stderr = file
	if err := command.Start(); err != nil {
		return err
	}
	s.process = command
	go func() {
		s.result, s.endedAt = command.Wait(), time.Now()
		close(s.ended)
	}()
	for deadline := time.Now().Add(10 * time.Second); s.alive() == nil && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		text, err := os.ReadFile(s.log)
		if err != nil {
			return err
		}
		if match := listening.FindSubmatch(text); match != nil {
			s.address = string(match[1])
			return nil
		}
	}
	text, err := os.ReadFile(s.log)
	return errors.Join(fmt.Errorf("the service does not listen: %s", text), err)
}

// alive returns an error if the process has ended.
func (s *service) alive() error {
	select {
	case <-s.ended:
		return fmt.Errorf("the service ended: %v", s.result)
	default:
		return nil
	}
}

// stop ends the service as an orchestrator does. It is an error if the service does
// not end by itself, with status 0.
func (s *service) stop() error {
	if err := s.alive(); err != nil {
		return err
	}
	if err := s.process.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-s.ended:
		if s.result != nil {
			return fmt.Errorf("the stop: %w", s.result)
		}
		return nil
	case <-time.After(10 * time.Second):
		return errors.New("the service does not stop")
	}
}

// cleanUp ends the service if it still runs, and removes its cgroup.
func (s *service) cleanUp() error {
	if s.process != nil {
		s.process.Process.Kill() // which fails if it has ended
		<-s.ended
	}
	if s.cgroup == nil {
		return nil
	}
	return s.cgroup.remove()
}

// usage describes the most memory that the service has used. It is an error if that
// was too much.
func (s *service) usage() (string, error) {
	if s.cgroup == nil {
		peak, err := s.residentPeak()
		if err == nil && peak >= memoryLimit {
			err = errors.New("the service used too much memory")
		}
		return fmt.Sprintf("peak %d MiB resident", peak>>20), err
	}
	peak, err := s.cgroup.peak()
	text := fmt.Sprintf("peak %d MiB", peak>>20)
	if resident, err := s.residentPeak(); err == nil { // not if the service has ended
		text += fmt.Sprintf(", %d MiB resident", resident>>20)
	}
	return text, errors.Join(err, s.cgroup.checkOOM())
}

var residentPeak = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// residentPeak returns the largest resident size of the process so far, in bytes.
func (s *service) residentPeak() (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.process.Process.Pid))
	if err != nil {
		return 0, err
	}
	match := residentPeak.FindSubmatch(status)
	if match == nil {
		return 0, errors.New("no peak in /proc")
	}
	kilobytes, err := strconv.ParseInt(string(match[1]), 10, 64)
	return kilobytes << 10, err
}

// logLines returns the number of lines in the log.
func (s *service) logLines() (int, error) {
	text, err := os.ReadFile(s.log)
	return bytes.Count(text, []byte("\n")), err
}
