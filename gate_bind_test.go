package main

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// gateListening matches the log line that has the address of GATE_BIND.
var gateListening = regexp.MustCompile(`listening address=(\S+) url=\S+ tls=\S+ serves="the gate"`)

// startWithGate starts the service with GATE_BIND. It returns the service at BIND and
// what send needs to ask the gate.
func startWithGate(t *testing.T, folder string, env ...string) (p, gate *process) {
	t.Helper()
	p = start(t, folder, append([]string{"SIGNING_KEY=" + goodKey, "GATE_BIND=localhost:0"}, env...))
	waitFor(t, "the gate to listen", func() bool { return gateListening.MatchString(p.stderr.String()) })
	gate = &process{address: gateListening.FindStringSubmatch(p.stderr.String())[1], scheme: "http", client: p.client}
	return p, gate
}

// TestGateBind asks for every route at the gate's address. It must have those of the
// gate and no others.
func TestGateBind(t *testing.T) {
	t.Parallel()
	p, gate := startWithGate(t, t.TempDir())
	if _, port, err := net.SplitHostPort(p.address); err != nil || strings.HasSuffix(gate.address, ":"+port) {
		t.Fatalf("the gate has the address of the service: %s, %v", gate.address, err)
	}
	token := p.mint(t)
	for path, want := range map[string]int{
		"/auth": 401, "/auth/if": 400, "/ext_authz/any": 401, "/auth/any": 404, "/healthz": 200, "/readyz": 200, "/introspect": 415,
		"/token": 404, "/token/verify": 404, "/token/sign": 404, "/tokens": 404, "/tokens/verify": 404, "/metrics": 404, "/": 404, "/openapi.yaml": 404, "/assets/x": 404,
	} {
		for _, method := range []string{"GET", "POST"} {
			status, _, err := gate.send(method, path, mintBody)
			want := want
			if want == 200 && method == "POST" || want == 415 && method == "GET" {
				want = 405
			}
			if status != want || err != nil {
				t.Errorf("%s %s: %d, %v, want %d", method, path, status, err, want)
			}
		}
	}
	request, err := http.NewRequest("GET", "http://"+gate.address+"/auth", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := p.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != 200 || response.Header.Get("Token-Id") == "" {
		t.Errorf("GET /auth with a token: %d, %v", response.StatusCode, response.Header)
	}
	if check, status := exit(t, t.TempDir(), []string{"BIND=" + p.address, "GATE_BIND=" + gate.address}, "healthcheck"); status != 0 {
		t.Errorf("healthcheck: exit status %d: %s", status, check.stderr.String())
	}
	if status := p.stop(t); status != 0 {
		t.Errorf("exit status %d, want 0", status)
	}
}

// TestGateBindDrains stops the service with a request in flight at each address.
func TestGateBindDrains(t *testing.T) {
	t.Parallel()
	p, gate := startWithGate(t, t.TempDir())
	finish := startRequest(t, p)
	connection, err := net.Dial("tcp", gate.address)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	io.WriteString(connection, "GET /auth HTTP/1.1\r\nHo")
	p.awaitAccept(t)
	gate.awaitAccept(t)
	p.signal(t, syscall.SIGTERM)
	waitFor(t, "/readyz of the gate to answer 503", func() bool {
		status, _, _ := gate.send("GET", "/readyz", "")
		return status == 503
	})
	gate.awaitClosedListener(t)
	p.awaitClosedListener(t)
	if err := finish(); err != nil {
		t.Errorf("the request at BIND: %v", err)
	}
	io.WriteString(connection, "st: x\r\n\r\n")
	if answer, err := io.ReadAll(connection); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 401 ") {
		t.Errorf("the request at GATE_BIND: %q, %v", answer, err)
	}
	if status := p.wait(t); status != 0 {
		t.Errorf("exit status %d, want 0", status)
	}
	if log := p.stderr.String(); strings.Count(log, "stopping") != 1 || strings.Count(log, "stopped") != 1 {
		t.Errorf("the log should have one stop: %s", log)
	}
}

// TestGateBindOverTLS asks a gate that listens on a socket, with the certificate of
// the service.
func TestGateBindOverTLS(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	writeCertificate(t, filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem"), "any")
	env := []string{"TLS_CERT_FILE=cert.pem", "TLS_KEY_FILE=key.pem"}
	start(t, folder, append([]string{"SIGNING_KEY=" + goodKey, "GATE_BIND=unix:gate"}, env...))
	if check, status := exit(t, folder, append([]string{"BIND=unix:gate"}, env...), "healthcheck"); status != 0 {
		t.Errorf("healthcheck of the gate: exit status %d: %s", status, check.stderr.String())
	}
}

// TestNoSocketLeftBehind starts the service on a socket with settings that let the
// start fail only after it listens there.
func TestNoSocketLeftBehind(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for _, env := range [][]string{
		{"SIGNING_KEY=" + goodKey, "GATE_BIND=unix:missing/gate"},
		{"SIGNING_KEY_FILE=missing/signing.key"},
	} {
		p, status := exit(t, folder, append([]string{"BIND=unix:socket"}, env...))
		if log := p.stderr.String(); status != 1 || !strings.Contains(log, "no such file") {
			t.Errorf("%v: exit status %d, want 1: %s", env, status, log)
		}
		if _, err := os.Lstat(filepath.Join(folder, "socket")); err == nil {
			t.Errorf("%v: the start left its socket behind", env)
		}
	}
}
