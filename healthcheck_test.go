package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestHealthcheck(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir(), withGoodKey)
	_, port, err := net.SplitHostPort(p.address)
	if err != nil {
		t.Fatal(err)
	}
	for _, bind := range []string{p.address, ":" + port, "0.0.0.0:" + port, "[::]:" + port, "localhost:" + port} {
		if check, status := exit(t, t.TempDir(), []string{"BIND=" + bind}, "healthcheck"); status != 0 {
			t.Errorf("BIND=%s: exit status %d, want 0: %s", bind, status, check.stderr.String())
		}
	}
	if check, status := exit(t, t.TempDir(), []string{"BIND=127.0.0.1:1"}, "healthcheck", "-bind", p.address); status != 0 {
		t.Errorf("-bind: exit status %d, want 0: %s", status, check.stderr.String())
	}
	p.kill()
	check, status := exit(t, t.TempDir(), []string{"BIND=" + p.address}, "healthcheck")
	says := "the service at " + p.address + " is not healthy: dial tcp " + p.address + ": connect: connection refused: start the service, or set BIND to its address"
	if log := check.stderr.String(); status != 1 || strings.Count(log, "\n") != 1 || !strings.Contains(log, says) {
		t.Errorf("without the service: exit status %d, want 1 and %q: %s", status, says, log)
	}
}

// TestHealthcheckArguments checks which flags a health check has if process 1 has this
// command line.
func TestHealthcheckArguments(t *testing.T) {
	t.Parallel()
	program := filepath.Base(os.Args[0])
	tests := []struct{ args, commandLine, want string }{
		{"", "/" + program, ""},
		{"", "/" + program + " -bind :8080", "-bind :8080"},
		{"", program + " --bind=:8080 -access-log", "--bind=:8080 -access-log"},
		{"", "/sbin/docker-init -- /" + program + " -bind :8080", "-bind :8080"},
		{"-access-log", "/" + program + " -bind :8080", "-access-log"},
		{"", "", ""},
		{"", "/sbin/init splash", ""},
		{"", "/another" + program + " -bind :8080", ""},
		{"", "/" + program + " healthcheck -bind :8080", ""},
		{"", "/" + program + " mint -n 5 1", ""},
		{"", "/" + program + " -port 8080", ""},
		{"", "/" + program + " -bind", ""},
		{"", "/" + program + " -tls-cert cert.pem", ""},
		{"", "/" + program + " -bind :8080 -version", ""},
		{"", "/" + program + " -bind :8080 -h", ""},
	}
	unset := func(string) (string, bool) { return "", false }
	for _, test := range tests {
		commandLine := strings.ReplaceAll(test.commandLine, " ", "\x00") + "\x00"
		if got := strings.Join(healthcheckArguments(strings.Fields(test.args), commandLine, unset), " "); got != test.want {
			t.Errorf("%q with process 1 %q: %q, want %q", test.args, test.commandLine, got, test.want)
		}
	}
	if got := healthcheckArguments(nil, "/"+program+"\x00-bind\x00\x00", unset); got != nil {
		t.Errorf("-bind with an empty value: %q, want none", got)
	}
}

func TestHealthcheckOverTLS(t *testing.T) {
	t.Parallel()
	for name, bind := range map[string]string{"TCP": "127.0.0.1:0", "socket": "unix:socket"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			writeCertificate(t, filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem"), "any")
			p := start(t, folder, []string{"BIND=" + bind, "TLS_CERT_FILE=cert.pem", "TLS_KEY_FILE=key.pem"})
			address := "BIND=" + bind
			if name == "TCP" {
				address = "BIND=" + p.address
			}
			if check, status := exit(t, folder, []string{address, "TLS_CERT_FILE=cert.pem", "TLS_KEY_FILE=key.pem"}, "healthcheck"); status != 0 {
				t.Errorf("exit status %d, want 0: %s", status, check.stderr.String())
			}
			says := "speaks TLS: set TLS_CERT_FILE and TLS_KEY_FILE for its health check, too"
			if check, status := exit(t, folder, []string{address}, "healthcheck"); status != 1 || !strings.Contains(check.stderr.String(), says) {
				t.Errorf("without TLS: exit status %d, want 1 and %q: %s", status, says, check.stderr.String())
			}
		})
	}
}
