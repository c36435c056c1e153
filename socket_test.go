package main

import (
	"context"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// useSocket makes send ask over the socket that p listens on.
func (p *process) useSocket(folder string) {
	path := p.address
	if !filepath.IsAbs(path) {
		path = filepath.Join(folder, path)
	}
	p.address = "socket"
	p.client = &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		},
	}}
}

// TestUnixSocket checks its mode, that it goes with its process, that one left
// by a dead process is replaced, and one of a living process is not.
func TestUnixSocket(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "socket")
	env := []string{"BIND=unix:socket"}
	for range 2 { // the second finds what the killed first has left
		p := start(t, folder, env)
		p.useSocket(folder)
		p.mint(t)
		if info, err := os.Stat(path); err != nil || info.Mode() != fs.ModeSocket|0o660 {
			t.Errorf("the socket: %v, %v", info, err)
		}
		p.Process.Kill()
		p.Wait()
		if _, err := os.Lstat(path); err != nil {
			t.Fatalf("no socket is left by the killed process, and so nothing is tested: %v", err)
		}
	}
	living := start(t, folder, env)
	living.useSocket(folder)
	second := command(folder, env)
	second.Run()
	if status := second.ProcessState.ExitCode(); status != 1 || !strings.Contains(second.stderr.String(), "in use") || strings.Count(second.stderr.String(), "\n") != 1 {
		t.Errorf("a second process on the socket: exit status %d, %s", status, second.stderr.String())
	}
	living.mint(t)
	if err := command(folder, env, "healthcheck").Run(); err != nil {
		t.Errorf("healthcheck: %v", err)
	}
	if status := living.stop(t); status != 0 {
		t.Errorf("exit status %d: %s", status, living.stderr.String())
	}
	if _, err := os.Lstat(path); err == nil {
		t.Error("the socket is still there after the stop")
	}
	if command(folder, env, "healthcheck").Run() == nil {
		t.Error("healthcheck passes after the stop")
	}
}

// TestRacingForASocket starts several copies at once on a dead socket: one of
// them gets it, and keeps it.
func TestRacingForASocket(t *testing.T) {
	folder := t.TempDir()
	env := []string{"BIND=unix:socket", "SIGNING_KEY=" + goodKey}
	for range 5 {
		dead := start(t, folder, env)
		dead.Process.Kill()
		dead.Wait()
		copies := make([]*process, 6)
		for i := range copies {
			copies[i] = command(folder, env)
			if err := copies[i].Start(); err != nil {
				t.Fatal(err)
			}
		}
		var ended, running []*process
		waitFor(t, "every copy to listen or end", func() bool {
			ended, running = nil, nil
			for _, p := range copies {
				if strings.Contains(p.stderr.String(), "in use") {
					ended = append(ended, p)
				} else if listening.MatchString(p.stderr.String()) {
					running = append(running, p)
				}
			}
			return len(ended)+len(running) == len(copies)
		})
		if len(running) != 1 {
			t.Errorf("%d copies listen on one socket", len(running))
		}
		if err := command(folder, env, "healthcheck").Run(); err != nil {
			t.Errorf("nobody answers on the socket: %v", err)
		}
		for _, p := range copies {
			p.Process.Kill()
			p.Wait()
		}
	}
}
