package main

import (
	"bytes"
	"encoding/json"
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

// binary is the program, built once, as these tests run it.
var binary string

func TestMain(m *testing.M) {
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

// synchronizedBuffer is read while a process still writes to it.
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

// process is a run of the binary.
type process struct {
	*exec.Cmd
	stdout, stderr synchronizedBuffer
	address        string
	scheme         string // of the URLs that send asks
	client         *http.Client
}

// command prepares a run in folder, with nothing in its environment but env.
func command(folder string, env []string, args ...string) *process {
	p := &process{Cmd: exec.Command(binary, args...), scheme: "http", client: http.DefaultClient}
	p.Dir, p.Env = folder, env
	p.Stdout, p.Stderr = &p.stdout, &p.stderr
	return p
}

var listening = regexp.MustCompile(`listening"?,? ?"?address"?[=:]"?([^\s"]+)`) // in text or JSON

// start runs the service on a free port and waits until it listens.
func start(t *testing.T, folder string, env []string, args ...string) *process {
	t.Helper()
	p := command(folder, append([]string{"BIND=127.0.0.1:0"}, env...), args...)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if p.ProcessState == nil {
			p.Process.Kill()
			p.Wait()
		}
	})
	waitFor(t, "the service to listen", func() bool {
		match := listening.FindStringSubmatch(p.stderr.String())
		if match != nil {
			p.address = match[1]
		}
		return match != nil
	})
	return p
}

func waitFor(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited too long for %s", what)
		}
	}
}

// stop sends SIGTERM and returns the exit status.
func (p *process) stop(t *testing.T) int {
	t.Helper()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.Wait()
	return p.ProcessState.ExitCode()
}

// send asks over a connection of its own.
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

func (p *process) mint(t *testing.T) string {
	t.Helper()
	status, answer, err := p.send("POST", "/token", `{"user_data":"data"}`)
	var minted map[string]string
	if err != nil || status != 200 || json.Unmarshal([]byte(answer), &minted) != nil {
		t.Fatalf("mint: %d %s, %v", status, answer, err)
	}
	return minted["JWT Token"]
}

func (p *process) verifies(t *testing.T, token, key string) bool {
	t.Helper()
	status, answer, err := p.send("GET", "/token", `{"Token":"`+token+`","Signing_key":"`+key+`"}`)
	if err != nil || status != 200 {
		t.Fatalf("inspect: %d %s, %v", status, answer, err)
	}
	return strings.Contains(answer, `"Signature Verification":true`)
}

func readKey(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

var goodKey = strings.Repeat("0123456789abcdef", 4)

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// hangUp sends SIGHUP and returns the lines that are logged for it.
func (p *process) hangUp(t *testing.T, lines int) string {
	t.Helper()
	before := len(p.stderr.String())
	if err := p.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "what is logged for SIGHUP", func() bool { return strings.Count(p.stderr.String()[before:], "\n") >= lines })
	return p.stderr.String()[before:]
}

// exchange sends text over a connection of its own, and returns what comes back
// until the service closes it.
func exchange(t *testing.T, address, text string) string {
	t.Helper()
	connection, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	connection.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(connection, text); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(connection)
	if err != nil {
		t.Errorf("after %q: %v", answer, err)
	}
	return string(answer)
}
