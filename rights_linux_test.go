package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// The capabilities that let root ignore the modes of files, use low ports, and attach a
// filter to a socket.
var capabilities = []uintptr{1, 2, 10, 12} // CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_NET_BIND_SERVICE, CAP_NET_ADMIN

// startWithoutCapabilities starts p without the capabilities, even if root runs the test.
func (p *process) startWithoutCapabilities(t *testing.T) {
	t.Helper()
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the thread has lost capabilities, and ends with the goroutine
		for _, capability := range capabilities {
			const dropFromBoundingSet = 24 // PR_CAPBSET_DROP of prctl(2)
			if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, dropFromBoundingSet, capability, 0); errno != 0 && os.Geteuid() == 0 {
				started <- errno
				return
			}
		}
		started <- p.Start()
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
}

// TestMissingRights starts the service without a right that it needs.
func TestMissingRights(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for name, mode := range map[string]os.FileMode{"read-only": 0o500, "write-only": 0o300} {
		if err := os.Mkdir(filepath.Join(folder, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	writeCertificate(t, filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem"), "any")
	writeFile(t, filepath.Join(folder, "unreadable"), goodKey)
	for _, name := range []string{"key.pem", "unreadable"} {
		if err := os.Chmod(filepath.Join(folder, name), 0); err != nil {
			t.Fatal(err)
		}
	}
	user := fmt.Sprintf("give user %d the right", os.Geteuid())
	type test struct{ name, setting, says string }
	tests := []test{
		{"new key file", "SIGNING_KEY_FILE=read-only/signing.key", "SIGNING_KEY_FILE: unusable signing key: cannot create signing.key in the folder " + filepath.Join(folder, "read-only") + ": permission denied: " + user + " to write to the folder, or name a key file that exists"},
		{"key file", "SIGNING_KEY_FILE=unreadable", "SIGNING_KEY_FILE: unusable signing key: open unreadable: permission denied: " + user + "s to read the file and to enter its folder"},
		{"TLS key", "TLS_KEY_FILE=key.pem", "TLS_CERT_FILE is cert.pem, TLS_KEY_FILE is key.pem: open key.pem: permission denied: " + user + "s to read"},
		{"credentials", "MINT_CREDENTIALS_FILE=unreadable", "open unreadable: permission denied: " + user + "s to read"},
		{"socket", "BIND=unix:read-only/socket", "BIND: listen unix read-only/socket: bind: permission denied: " + user + "s to read the folder read-only and to write to it"},
		{"socket in a folder that cannot be locked", "BIND=unix:write-only/socket", "BIND: open write-only: permission denied: " + user + "s to read the folder write-only and to write to it"},
	}
	// In a container, users may have the right to use all ports.
	unprivileged, err := strconv.Atoi(strings.TrimSpace(readFile(t, "/proc/sys/net/ipv4/ip_unprivileged_port_start")))
	if err != nil {
		t.Fatal(err)
	}
	if unprivileged > 1 {
		tests = append(tests, test{"low port", "BIND=127.0.0.1:1", "BIND: listen tcp 127.0.0.1:1: bind: permission denied: choose a port from 1024 on, or give the process the capability CAP_NET_BIND_SERVICE"})
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := newProcess(folder, []string{"BIND=127.0.0.1:0", "SIGNING_KEY_FILE=" + filepath.Join(t.TempDir(), "signing.key"), test.setting})
			if strings.HasPrefix(test.setting, "TLS") {
				p.Env = append(p.Env, "TLS_CERT_FILE=cert.pem")
			}
			p.startWithoutCapabilities(t)
			status, log := p.wait(t), p.stderr.String()
			if status != 1 || strings.Count(log, "\n") != 1 || !strings.Contains(log, test.says) {
				t.Errorf("exit status %d, want 1 and %q: %s", status, test.says, log)
			}
		})
	}
}

// TestStopLosesNothingWithoutRights is TestStopLosesNothing for a service without
// capabilities, as in a container: newer kernels let it attach no filter.
func TestStopLosesNothingWithoutRights(t *testing.T) {
	t.Parallel()
	for _, bind := range []string{"127.0.0.1:0", "[::]:0"} {
		testStopLosesNothing(t, func(t *testing.T, folder string, env []string, args ...string) *process {
			p := newProcess(folder, append([]string{"BIND=" + bind}, env...), args...)
			p.startWithoutCapabilities(t)
			p.killAtEnd(t)
			waitFor(t, "the service to listen", p.listens)
			return p
		})
	}
}
