package main

import (
	"context"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// onSocket is the environment of a service that listens on a socket in its
// folder. The path is relative because a longer one may not fit an address.
var onSocket = []string{"BIND=unix:socket", "SIGNING_KEY=" + goodKey}

// useSocket makes send connect to the socket in folder.
func (p *process) useSocket(folder string) {
	path := filepath.Join(folder, "socket")
	p.address = "socket"
	p.useTransport(&http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		},
	})
}

// startOnSocket starts the service on the socket in folder, and makes send
// connect to it.
func startOnSocket(t *testing.T, folder string) *process {
	t.Helper()
	p := start(t, folder, onSocket)
	if log := p.stderr.String(); p.address != "unix:socket" || strings.Contains(log, "url=") {
		t.Errorf("the log has the address %q, want unix:socket and no URL: %s", p.address, log)
	}
	p.useSocket(folder)
	return p
}

// TestUnixSocket checks the mode of the socket, and that a stop removes it. A
// new process must replace the socket of a dead process, but not that of a
// living one.
func TestUnixSocket(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "socket")
	for range 2 { // the second finds what the first has left
		p := startOnSocket(t, folder)
		p.mint(t)
		if info, err := os.Stat(path); err != nil || info.Mode() != fs.ModeSocket|0o660 {
			t.Errorf("socket: %v, %v, want mode 0660", info, err)
		}
		p.kill()
		if _, err := os.Lstat(path); err != nil {
			t.Fatalf("the killed process left no socket to replace: %v", err)
		}
	}
	living := startOnSocket(t, folder)
	second, status := exit(t, folder, onSocket)
	if log := second.stderr.String(); status != 1 || !strings.Contains(log, "in use") || strings.Count(log, "\n") != 1 {
		t.Errorf("second process on the socket: exit status %d, want 1 and one line that it is in use: %s", status, log)
	}
	living.mint(t)
	if _, status := exit(t, folder, onSocket, "healthcheck"); status != 0 {
		t.Errorf("healthcheck: exit status %d, want 0", status)
	}
	if status := living.stop(t); status != 0 {
		t.Errorf("exit status %d, want 0", status)
	}
	if _, err := os.Lstat(path); err == nil {
		t.Error("the socket still exists after the stop")
	}
	if _, status := exit(t, folder, onSocket, "healthcheck"); status != 1 {
		t.Errorf("healthcheck after the stop: exit status %d, want 1", status)
	}
}

// TestStopKeepsTheSocketOfASuccessor starts a second process in place of the
// first, on a new socket at the same path. Only the second may remove it.
func TestStopKeepsTheSocketOfASuccessor(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "socket")
	first := startOnSocket(t, folder)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	successor := startOnSocket(t, folder)
	if status := first.stop(t); status != 0 {
		t.Errorf("first process: exit status %d, want 0", status)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Fatalf("the stop of the first process removed the socket of its successor: %v", err)
	}
	successor.mint(t)
	if status := successor.stop(t); status != 0 {
		t.Errorf("successor: exit status %d, want 0", status)
	}
	if _, err := os.Lstat(path); err == nil {
		t.Error("the socket still exists after the stop of the successor")
	}
}

// TestRacingForASocket starts several copies at once on a dead socket. One of
// them must get and keep it, and the others must exit.
func TestRacingForASocket(t *testing.T) {
	t.Parallel()
	for round := range 5 {
		t.Run(strconv.Itoa(round), func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			start(t, folder, onSocket).kill()
			copies := make([]*process, 6)
			for i := range copies {
				copies[i] = launch(t, folder, onSocket)
			}
			running := 0
			waitFor(t, "every copy to listen or to exit", func() bool {
				running = 0
				exited := 0
				for _, p := range copies {
					if strings.Contains(p.stderr.String(), "in use") {
						exited++
					} else if p.listens() {
						running++
					}
				}
				return exited+running == len(copies)
			})
			if running != 1 {
				t.Errorf("%d copies listen on the socket, want 1", running)
			}
			if _, status := exit(t, folder, onSocket, "healthcheck"); status != 0 {
				t.Errorf("healthcheck: exit status %d, want 0", status)
			}
		})
	}
}
