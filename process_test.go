package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for something that is sure to happen. It
// only bounds a test that fails: a loaded machine must not make one fail.
const patience = 30 * time.Second

// parallelTests is the number of tests that run at the same time, unless the
// command line sets it. Most of them wait, for a process or a time limit, so
// it may be far higher than the number of processors.
const parallelTests = "12"

// The keys of the tests. The service must refuse shortKey, and not log it.
var (
	goodKey  = strings.Repeat("0123456789abcdef", 4)
	otherKey = strings.Repeat("another key that signs.", 3)
	shortKey = "short-and-secret"
)

// withGoodKey is the environment of a service that needs no key file.
var withGoodKey = []string{"SIGNING_KEY=" + goodKey}

// binary is the path of the program under test, which TestMain builds.
var binary string

func TestMain(m *testing.M) {
	flag.Parse()
	parallelSet := false
	flag.Visit(func(f *flag.Flag) { parallelSet = parallelSet || f.Name == "test.parallel" })
	if !parallelSet {
		if err := flag.Set("test.parallel", parallelTests); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	folder, err := os.MkdirTemp("", "tokenmint-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(folder, "tokenmint")
	status := 1
	if output, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v\n%s", err, output)
	} else {
		status = m.Run()
	}
	os.RemoveAll(folder)
	os.Exit(status)
}

// synchronizedBuffer is a buffer that a test reads while a process writes to it.
type synchronizedBuffer struct {
	mutex  sync.Mutex
	buffer bytes.Buffer
}

func (b *synchronizedBuffer) Write(p []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.buffer.Write(p)
}

func (b *synchronizedBuffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.buffer.String()
}

// process is one execution of the binary.
type process struct {
	*exec.Cmd
	stdout, stderr synchronizedBuffer
	address        string // of its listener, from its log
	scheme         string // of the URLs that send requests
	client         *http.Client
}

// newProcess prepares an execution in folder. Its environment is env and nothing
// else.
func newProcess(folder string, env []string, args ...string) *process {
	p := &process{Cmd: exec.Command(binary, args...), scheme: "http"}
	p.useTransport(new(http.Transport))
	p.Dir = folder
	p.Env = append([]string{}, env...) // if it were nil, the process would inherit ours
	p.Stdout, p.Stderr = &p.stdout, &p.stderr
	return p
}

func (p *process) useTransport(transport *http.Transport) {
	p.client = &http.Client{Transport: transport, Timeout: patience}
}

// exit executes the binary in folder until it exits, and returns the process
// with its exit status.
func exit(t *testing.T, folder string, env []string, args ...string) (*process, int) {
	t.Helper()
	p := newProcess(folder, env, args...)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	return p, p.wait(t)
}

// launch starts the service on a free port. Another BIND in env takes
// precedence.
func launch(t *testing.T, folder string, env []string, args ...string) *process {
	t.Helper()
	p := newProcess(folder, append([]string{"BIND=127.0.0.1:0"}, env...), args...)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	p.killAtEnd(t)
	return p
}

// killAtEnd kills p at the end of the test, and shows its log if the test has failed.
func (p *process) killAtEnd(t *testing.T) {
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("log of tokenmint %q in %s:\n%s", p.Args[1:], p.Dir, p.stderr.String())
		}
	})
}

// start launches the service and waits until it listens.
func start(t *testing.T, folder string, env []string, args ...string) *process {
	t.Helper()
	p := launch(t, folder, env, args...)
	waitFor(t, "the service to listen", p.listens)
	return p
}

// listening matches the log line that has the address, in text or JSON.
var listening = regexp.MustCompile(`listening"?,? ?"?address"?[=:]"?([^\s"]+)`)

// listens reports whether the log has the address of the listener, and sets
// p.address to it.
func (p *process) listens() bool {
	match := listening.FindStringSubmatch(p.stderr.String())
	if match == nil {
		return false
	}
	p.address = match[1]
	return true
}

// kill ends the process with SIGKILL, unless it has ended already.
func (p *process) kill() {
	if p.ProcessState == nil {
		p.Process.Kill()
		p.Wait()
	}
}

func (p *process) signal(t *testing.T, signal syscall.Signal) {
	t.Helper()
	if err := p.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
}

// wait waits until the process exits, and returns its exit status: -1 if a
// signal ended it. If the process takes too long, wait kills it.
func (p *process) wait(t *testing.T) int {
	t.Helper()
	timer := time.AfterFunc(patience, func() {
		t.Errorf("tokenmint %q did not exit within %v", p.Args[1:], patience)
		p.Process.Kill()
	})
	defer timer.Stop()
	p.Wait()
	return p.ProcessState.ExitCode()
}

// stop sends SIGTERM and returns the exit status.
func (p *process) stop(t *testing.T) int {
	t.Helper()
	p.signal(t, syscall.SIGTERM)
	return p.wait(t)
}

// waitFor polls done until it returns true.
func waitFor(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for %s", patience, what)
		}
	}
}

// send sends a request on a connection of its own.
func (p *process) send(method, path, body string) (status int, answer string, err error) {
	request, err := http.NewRequest(method, p.scheme+"://"+p.address+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	request.Close = true
	request.Header.Set("Content-Type", "application/json")
	response, err := p.client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}

// exchange sends text on a connection of its own, and returns all that the
// service sends until it closes the connection.
func exchange(t *testing.T, address, text string) string {
	t.Helper()
	connection, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	connection.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(connection, text); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(connection)
	if err != nil {
		t.Errorf("after %q: %v", answer, err)
	}
	return string(answer)
}

// mintBody is the body of a request to mint.
const mintBody = `{"user_data":"data"}`

// tokenRequest returns a request for /token as the service receives it.
func tokenRequest(method, body string) string {
	return fmt.Sprintf("%s /token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", method, len(body), body)
}

// mint returns a new token.
func (p *process) mint(t *testing.T) string {
	t.Helper()
	status, answer, err := p.send("POST", "/token", mintBody)
	var minted map[string]string
	if err != nil || status != 200 || json.Unmarshal([]byte(answer), &minted) != nil {
		t.Fatalf("POST /token: %d %s, %v", status, answer, err)
	}
	return minted["JWT Token"]
}

// inspection returns the body of a request to inspect a token.
func inspection(token, key string) string {
	return `{"Token":"` + token + `","Signing_key":"` + key + `"}`
}

// verifies reports whether the service verifies token with key.
func (p *process) verifies(t *testing.T, token, key string) bool {
	t.Helper()
	status, answer, err := p.send("GET", "/token", inspection(token, key))
	if err != nil || status != 200 {
		t.Fatalf("GET /token: %d %s, %v", status, answer, err)
	}
	return strings.Contains(answer, `"Signature Verification":true`)
}

// mintsWith reports whether the service mints tokens that verify with key.
func (p *process) mintsWith(t *testing.T, key string) bool {
	t.Helper()
	return p.verifies(t, p.mint(t), key)
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// readKey returns the only key in the key file at path.
func readKey(t *testing.T, path string) string {
	t.Helper()
	return strings.TrimSpace(readFile(t, path))
}
