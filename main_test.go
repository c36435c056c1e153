package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
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

// TestFirstStartAndRestart is a newcomer's first minutes: start in an empty
// folder, mint, inspect, stop, start again.
func TestFirstStartAndRestart(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "signing.key")
	first := start(t, folder, nil)
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("the key file: %v, %v", info, err)
	}
	key := readKey(t, path)
	if !regexp.MustCompile(`^[0-9a-f]{128}$`).MatchString(key) {
		t.Error("the key is not 128 hex digits")
	}
	if log := first.stderr.String(); !strings.Contains(log, "level=WARN") || !strings.Contains(log, "file=signing.key") || strings.Contains(log, key) {
		t.Errorf("the log should warn of a new signing.key, without the key: %s", log)
	}
	token := first.mint(t)
	if !first.verifies(t, token, key) || first.verifies(t, token, "another") {
		t.Error("the token does not verify with the key of the file, or does with another")
	}
	if status := first.stop(t); status != 0 {
		t.Errorf("exit status %d: %s", status, first.stderr.String())
	}

	second := start(t, folder, nil)
	if again := readKey(t, path); again != key {
		t.Error("the key changed with the restart")
	}
	if !second.verifies(t, token, key) || !second.verifies(t, second.mint(t), key) {
		t.Error("tokens do not outlive the restart")
	}
	if strings.Contains(second.stderr.String(), "level=WARN") {
		t.Errorf("the restart warns: %s", second.stderr.String())
	}
	second.stop(t)
	if out := first.stdout.String() + second.stdout.String(); out != "" {
		t.Errorf("on standard output: %q", out)
	}
}

// TestRacingFirstStarts starts several copies at once on one empty folder.
func TestRacingFirstStarts(t *testing.T) {
	for range 3 {
		folder := t.TempDir()
		copies := make([]*process, 6)
		for i := range copies {
			copies[i] = command(folder, []string{"BIND=127.0.0.1:0"})
			if err := copies[i].Start(); err != nil {
				t.Fatal(err)
			}
		}
		created := 0
		for _, p := range copies {
			waitFor(t, "a copy to listen", func() bool { return listening.MatchString(p.stderr.String()) })
			p.address = listening.FindStringSubmatch(p.stderr.String())[1]
			created += strings.Count(p.stderr.String(), "level=WARN")
			if !copies[0].verifies(t, p.mint(t), readKey(t, filepath.Join(folder, "signing.key"))) {
				t.Error("a copy mints with another key")
			}
		}
		if created != 1 {
			t.Errorf("%d copies say that they made the key file, want 1", created)
		}
		if entries, _ := os.ReadDir(folder); len(entries) != 1 {
			t.Errorf("the folder holds %v, want the key file alone", entries)
		}
		for _, p := range copies {
			p.Process.Kill()
			p.Wait()
		}
	}
}

func TestSigningKeyFromEnvironment(t *testing.T) {
	folder := t.TempDir()
	p := start(t, folder, []string{"SIGNING_KEY=" + goodKey + "\r\n", "SIGNING_KEY_FILE="})
	if !p.verifies(t, p.mint(t), goodKey) {
		t.Error("not signed with SIGNING_KEY")
	}
	if entries, _ := os.ReadDir(folder); len(entries) != 0 {
		t.Errorf("a file was made: %v", entries)
	}
}

func TestSigningKeyFile(t *testing.T) {
	folder := t.TempDir()
	other := strings.Repeat("x", 64)
	if err := os.WriteFile(filepath.Join(folder, "keys"), []byte("\n"+goodKey+"\r\n\n"+other+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, folder, []string{"SIGNING_KEY_FILE=missing"}, "-signing-key-file", "keys") // the flag wins
	if !p.verifies(t, p.mint(t), goodKey) {
		t.Error("not signed with the first key of the file")
	}
}

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

// TestRotation puts a new key above the old one, and then files that are wrong.
func TestRotation(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "signing.key")
	writeFile(t, path, goodKey+"\n")
	p := start(t, folder, nil)
	newKey := strings.Repeat("n", 64)
	writeFile(t, path, newKey+"\n"+goodKey+"\n")
	if !p.verifies(t, p.mint(t), goodKey) {
		t.Error("the file was read without a SIGHUP")
	}
	if line := p.hangUp(t, 1); !strings.Contains(line, "level=INFO") {
		t.Errorf("logged: %s", line)
	}
	if !p.verifies(t, p.mint(t), newKey) {
		t.Error("SIGHUP did not rotate the key")
	}
	secret := "short-and-secret"
	for name, text := range map[string]string{"short": secret, "a short second key": goodKey + "\n" + secret, "empty": "", "not text": strings.Repeat("\xff", 64)} {
		writeFile(t, path, text)
		line := p.hangUp(t, 1)
		if !strings.Contains(line, "level=ERROR") || strings.Count(line, "\n") != 1 || strings.Contains(line, secret) {
			t.Errorf("%s: logged: %s", name, line)
		}
		if !p.verifies(t, p.mint(t), newKey) {
			t.Errorf("%s: a bad file changed the keys", name)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if line := p.hangUp(t, 1); !strings.Contains(line, "level=ERROR") || !p.verifies(t, p.mint(t), newKey) {
		t.Errorf("no file: logged: %s", line)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("SIGHUP made a key file")
	}
}

func TestNoRotationOfTheVariable(t *testing.T) {
	p := start(t, t.TempDir(), []string{"SIGNING_KEY=" + goodKey})
	if line := p.hangUp(t, 1); !strings.Contains(line, "SIGNING_KEY is read at start alone") || strings.Contains(line, goodKey) {
		t.Errorf("logged: %s", line)
	}
	if !p.verifies(t, p.mint(t), goodKey) {
		t.Error("SIGHUP changed the key")
	}
}

// TestWrongConfiguration starts with everything that can be set wrong. It gets
// one clear line, the right exit status, and no listener.
func TestWrongConfiguration(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	folder := t.TempDir()
	secret := "short-and-secret"
	for name, text := range map[string]string{"empty": "", "blank": "\n \n", "short": secret, "second-short": goodKey + "\n" + secret, "bytes": strings.Repeat("\xff", 64)} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	writeCertificate(t, filepath.Join(folder, "one.pem"), filepath.Join(folder, "one-key.pem"), "one")
	writeCertificate(t, filepath.Join(folder, "two.pem"), filepath.Join(folder, "two-key.pem"), "two")
	tests := []struct {
		name   string
		env    []string
		args   []string
		status int
		says   string
	}{
		{"a log format that is none", nil, []string{"-log-format", "xml"}, 2, "neither text nor json"},
		{"a log format variable that is none", []string{"LOG_FORMAT=JSON"}, nil, 2, "neither text nor json"},
		{"an access log variable that is none", []string{"ACCESS_LOG=maybe"}, nil, 2, "ACCESS_LOG"},
		{"an access log flag that is none", nil, []string{"-access-log=maybe"}, 2, "neither on nor off"},
		{"a certificate without key", []string{"TLS_CERT_FILE=cert.pem"}, nil, 2, "both"},
		{"a key without certificate", nil, []string{"-tls-key", "key.pem"}, 2, "both"},
		{"no certificate file", nil, []string{"-tls-cert", "missing", "-tls-key", "empty"}, 1, "open missing: no such file"},
		{"a certificate file without one", nil, []string{"-tls-cert", "short", "-tls-key", "short"}, 1, "certificate in short"},
		{"a certificate with another's key", nil, []string{"-tls-cert", "one.pem", "-tls-key", "two-key.pem"}, 1, "does not match"},
		{"a socket in no folder", nil, []string{"-bind", "unix:missing/socket"}, 1, "no such file"},
		{"a file where the socket goes", nil, []string{"-bind", "unix:short"}, 1, "in use"},
		{"a socket without a path", nil, []string{"-bind", "unix:"}, 2, "unix:/path"},
		{"a socket with too long a path", nil, []string{"-bind", "unix:/" + strings.Repeat("x", 200)}, 1, "invalid argument"},
		{"an unknown flag", nil, []string{"-port", "1"}, 2, "-port"},
		{"a key as a flag", nil, []string{"-signing-key=" + secret}, 2, "not defined: -signing-key"},
		{"an argument", nil, []string{secret}, 2, "healthcheck"},
		{"an argument behind the flags", nil, []string{"-bind", "127.0.0.1:0", "healthcheck"}, 2, "healthcheck"},
		{"a timeout without unit", nil, []string{"-graceful-timeout", "30"}, 2, "graceful-timeout"},
		{"a negative timeout", nil, []string{"-graceful-timeout", "-1s"}, 2, "negative"},
		{"a timeout variable that is none", []string{"GRACEFUL_TIMEOUT=soon"}, nil, 2, "GRACEFUL_TIMEOUT"},
		{"a negative timeout variable", []string{"GRACEFUL_TIMEOUT=-1s"}, nil, 2, "negative"},
		{"a short key", []string{"SIGNING_KEY=" + secret}, nil, 1, "SIGNING_KEY: unusable signing key: line 1: 16 bytes"},
		{"an empty key", []string{"SIGNING_KEY="}, nil, 1, "SIGNING_KEY"},
		{"two keys in the variable", []string{"SIGNING_KEY=" + goodKey + "\n" + goodKey}, nil, 1, "more than one line"},
		{"both key and file", []string{"SIGNING_KEY=" + goodKey, "SIGNING_KEY_FILE=signing.key"}, nil, 1, "both"},
		{"key and file flag", []string{"SIGNING_KEY=" + goodKey}, []string{"-signing-key-file", "signing.key"}, 1, "both"},
		{"an empty file", nil, []string{"-signing-key-file", "empty"}, 1, "empty: unusable signing key: there is none"},
		{"a file of blank lines", nil, []string{"-signing-key-file", "blank"}, 1, "there is none"},
		{"a short key in the file", nil, []string{"-signing-key-file", "short"}, 1, "line 1: 16 bytes"},
		{"a short second key", nil, []string{"-signing-key-file", "second-short"}, 1, "line 2: 16 bytes"},
		{"a key that is not text", nil, []string{"-signing-key-file", "bytes"}, 1, "not UTF-8"},
		{"a folder for a file", nil, []string{"-signing-key-file", "."}, 1, "directory"},
		{"a file in no folder", nil, []string{"-signing-key-file", "missing/signing.key"}, 1, "no such file"},
		{"an address in use", nil, []string{"-bind", taken.Addr().String()}, 1, "in use"},
		{"an address without port", nil, []string{"-bind", "127.0.0.1"}, 1, "missing port"},
		{"an address that is none", nil, []string{"-bind", "127.0.0.1:port"}, 1, "port"},
		{"an address elsewhere", []string{"BIND=192.0.2.1:5000"}, nil, 1, "assign"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := command(folder, append([]string{"BIND=127.0.0.1:0", "SIGNING_KEY_FILE=" + filepath.Join(t.TempDir(), "new.key")}, test.env...), test.args...)
			if strings.Contains(strings.Join(test.env, " "), "SIGNING_KEY=") {
				p.Env = append([]string{"BIND=127.0.0.1:0"}, test.env...)
			}
			timer := time.AfterFunc(10*time.Second, func() { p.Process.Kill() })
			err := p.Run()
			timer.Stop()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != test.status {
				t.Errorf("%v, want exit status %d", err, test.status)
			}
			lines := strings.Split(strings.TrimSuffix(p.stderr.String(), "\n"), "\n")
			if last := lines[len(lines)-1]; !strings.Contains(last, test.says) {
				t.Errorf("%q, want a text with %q", last, test.says)
			}
			if count := len(lines) - strings.Count(p.stderr.String(), "level=WARN"); count != 1 {
				t.Errorf("%d lines, want 1: %s", count, p.stderr.String())
			}
			if strings.Contains(p.stderr.String(), "listening") || strings.Contains(p.stderr.String(), secret) || p.stdout.String() != "" {
				t.Errorf("it listened, told a secret, or wrote to standard output: %s", p.stderr.String())
			}
		})
	}
}

func TestVersionAndHelp(t *testing.T) {
	tests := []struct{ flag, want string }{
		{"-version", `^tokenmint \S+ go1\.\d+\S*\n$`},
		{"-h", `(?s)^usage: tokenmint.*-bind address.*BIND.*127\.0\.0\.1:5000.*SIGNING_KEY_FILE`},
	}
	for _, test := range tests {
		p := command(t.TempDir(), nil, test.flag)
		if err := p.Run(); err != nil {
			t.Errorf("%s: %v", test.flag, err)
		}
		if !regexp.MustCompile(test.want).MatchString(p.stderr.String()) {
			t.Errorf("%s: %s", test.flag, p.stderr.String())
		}
	}
}

func TestHealthcheck(t *testing.T) {
	p := start(t, t.TempDir(), nil)
	_, port, _ := net.SplitHostPort(p.address)
	for _, bind := range []string{p.address, ":" + port, "0.0.0.0:" + port, "[::]:" + port, "localhost:" + port} {
		if err := command(t.TempDir(), []string{"BIND=" + bind}, "healthcheck").Run(); err != nil {
			t.Errorf("%s: %v", bind, err)
		}
	}
	if err := command(t.TempDir(), []string{"BIND=127.0.0.1:1"}, "healthcheck", "-bind", p.address).Run(); err != nil {
		t.Errorf("with the flag: %v", err)
	}
	p.stop(t)
	check := command(t.TempDir(), []string{"BIND=" + p.address}, "healthcheck")
	check.Run()
	if status := check.ProcessState.ExitCode(); status != 1 || strings.Count(check.stderr.String(), "\n") != 1 {
		t.Errorf("after the stop: exit status %d, %s", status, check.stderr.String())
	}
}

// writeCertificate writes a new certificate for localhost, and its key.
func writeCertificate(t *testing.T, certFile, keyFile, organization string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{Organization: []string{organization}},
		DNSNames:     []string{"localhost"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	privateKey, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, certFile, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})))
	writeFile(t, keyFile, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: privateKey})))
}

// useTLS makes send speak TLS, and trust what is in certFile, for localhost.
func (p *process) useTLS(t *testing.T, certFile string) {
	t.Helper()
	text, err := os.ReadFile(certFile)
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	if !trusted.AppendCertsFromPEM(text) {
		t.Fatalf("no certificate in %s", certFile)
	}
	p.scheme = "https"
	p.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted, ServerName: "localhost"}}}
}

// TestTLS serves with a certificate, and takes another with SIGHUP.
func TestTLS(t *testing.T) {
	folder := t.TempDir()
	certFile, keyFile := filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	writeCertificate(t, certFile, keyFile, "first")
	p := start(t, folder, []string{"TLS_CERT_FILE=cert.pem", "TLS_KEY_FILE=key.pem"})
	p.useTLS(t, certFile)
	token := p.mint(t)

	for version, want := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		connection, err := tls.Dial("tcp", p.address, &tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version, NextProtos: []string{"h2", "http/1.1"}})
		if (err == nil) != want {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
		if err == nil {
			if protocol := connection.ConnectionState().NegotiatedProtocol; protocol != "http/1.1" {
				t.Errorf("%s: %q", tls.VersionName(version), protocol)
			}
			connection.Close()
		}
	}
	if got := exchange(t, p.address, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.0 400 ") {
		t.Errorf("plain HTTP to the TLS port: %q", got)
	}

	for _, bad := range []func(){
		func() { writeFile(t, keyFile, "no key") },
		func() { writeCertificate(t, certFile, filepath.Join(folder, "another"), "mismatched") },
		func() { os.Remove(certFile) },
	} {
		bad()
		if line := p.hangUp(t, 2); strings.Count(line, "level=ERROR") != 1 || !strings.Contains(line, "the tls keys stay as they were") {
			t.Errorf("logged: %s", line)
		}
		if !p.verifies(t, token, readKey(t, filepath.Join(folder, "signing.key"))) {
			t.Error("not verified")
		}
	}
	writeCertificate(t, certFile, keyFile, "second")
	if line := p.hangUp(t, 2); strings.Contains(line, "level=ERROR") {
		t.Errorf("logged: %s", line)
	}
	if _, _, err := p.send("GET", "/healthz", ""); err == nil {
		t.Error("the first certificate is still shown")
	}
	p.useTLS(t, certFile)
	p.mint(t)
	if status := p.stop(t); status != 0 {
		t.Errorf("exit status %d: %s", status, p.stderr.String())
	}
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

func TestHealthcheckOverTLS(t *testing.T) {
	folder := t.TempDir()
	writeCertificate(t, filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem"), "any")
	files := []string{"TLS_CERT_FILE=cert.pem", "TLS_KEY_FILE=key.pem"}
	for _, bind := range []string{"127.0.0.1:0", "unix:socket"} {
		p := start(t, folder, append(files, "BIND="+bind))
		address := p.address
		if bind == "unix:socket" {
			address = bind
		}
		if err := command(folder, append(files, "BIND="+address), "healthcheck").Run(); err != nil {
			t.Errorf("%s: %v", bind, err)
		}
		if command(folder, []string{"BIND=" + address}, "healthcheck").Run() == nil {
			t.Errorf("%s: passes without TLS", bind)
		}
		p.stop(t)
	}
}

// slowRequest sends all of a request but its last byte, and returns what
// sends that and reads the response.
func slowRequest(t *testing.T, address string) (finish func() (status int, closes bool, err error)) {
	t.Helper()
	connection, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	body := `{"user_data":1}`
	fmt.Fprintf(connection, "POST /token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body[:len(body)-1])
	return func() (int, bool, error) {
		io.WriteString(connection, body[len(body)-1:])
		answer, err := io.ReadAll(connection)
		if err != nil {
			return 0, false, err
		}
		text := string(answer)
		var status int
		fmt.Sscanf(text, "HTTP/1.1 %d", &status)
		return status, strings.Contains(text, "\r\nConnection: close\r\n"), nil
	}
}

// TestGracefulStop checks what clients see between the signal and the end.
func TestGracefulStop(t *testing.T) {
	p := start(t, t.TempDir(), nil)
	finish := slowRequest(t, p.address)
	p.send("GET", "/healthz", "") // the slow request was accepted before this one
	began := time.Now()
	p.Process.Signal(syscall.SIGTERM)
	waitFor(t, "readyz to turn 503", func() bool {
		status, _, err := p.send("GET", "/readyz", "")
		if err != nil {
			t.Fatal(err)
		}
		return status == 503
	})
	for time.Since(began) < time.Second { // none is refused in the first second
		if status, answer, err := p.send("POST", "/token", `{"user_data":1}`); status != 200 {
			t.Fatalf("after %v: %d %s, %v", time.Since(began), status, answer, err)
		}
	}
	waitFor(t, "the listener to close", func() bool {
		_, _, err := p.send("GET", "/healthz", "")
		return err != nil
	})
	if status, closes, err := finish(); status != 200 || !closes || err != nil {
		t.Errorf("the request in flight: %d, Connection: close %t, %v", status, closes, err)
	}
	p.Wait()
	if status := p.ProcessState.ExitCode(); status != 0 {
		t.Errorf("exit status %d: %s", status, p.stderr.String())
	}
}

// TestGracefulTimeout leaves a request unfinished for longer than is allowed.
func TestGracefulTimeout(t *testing.T) {
	p := start(t, t.TempDir(), []string{"GRACEFUL_TIMEOUT=100ms"})
	slowRequest(t, p.address)
	p.send("GET", "/healthz", "")
	began := time.Now()
	if status := p.stop(t); status != 1 || !strings.Contains(p.stderr.String(), "cut off after the graceful timeout of 100ms") {
		t.Errorf("exit status %d: %s", status, p.stderr.String())
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the stop took %v", took)
	}
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	p := start(t, t.TempDir(), nil)
	slowRequest(t, p.address)
	p.send("GET", "/healthz", "")
	p.Process.Signal(syscall.SIGINT)
	waitFor(t, "the first signal to arrive", func() bool { return strings.Contains(p.stderr.String(), "stopping") })
	began := time.Now()
	p.stop(t)
	if took := time.Since(began); took > time.Second {
		t.Errorf("the second signal took %v", took)
	}
}

// TestHeaderLimit sends headers up to the limit of 16 KiB, and over it.
func TestHeaderLimit(t *testing.T) {
	p := start(t, t.TempDir(), nil)
	for size, want := range map[int]int{8 << 10: 200, 16<<10 - 1: 200, 16<<10 + 1: 431, 64 << 10: 431} {
		connection, err := net.Dial("tcp", p.address)
		if err != nil {
			t.Fatal(err)
		}
		request := "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: "
		request += strings.Repeat("x", size-len(request)-4) + "\r\n\r\n"
		io.WriteString(connection, request)
		answer := make([]byte, 12)
		io.ReadFull(connection, answer)
		if got := string(answer); got != fmt.Sprintf("HTTP/1.1 %d", want) {
			t.Errorf("a header of %d bytes: %q, want %d", size, got, want)
		}
		connection.Close()
	}
}

// TestREADMEFlags holds the README's table of flags against the flags.
func TestREADMEFlags(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string][2]string{} // by flag: variable and default
	for _, row := range regexp.MustCompile("(?m)^\\| `-([a-z-]+)` \\| `([A-Z_]+)` \\| ([^|]+) \\|").FindAllStringSubmatch(string(readme), -1) {
		documented[row[1]] = [2]string{row[2], strings.TrimPrefix(strings.Trim(row[3], "`"), "none")}
	}
	newFlagSet(new(options)).VisitAll(func(f *flag.Flag) {
		variable, ok := environment[f.Name]
		if !ok {
			return // -version and the like stand in the text
		}
		if want := [2]string{variable, f.DefValue}; documented[f.Name] != want {
			t.Errorf("-%s: the README has %q, want %q", f.Name, documented[f.Name], want)
		}
		delete(documented, f.Name)
	})
	if len(documented) > 0 {
		t.Errorf("the README has flags that there are not: %v", documented)
	}
}

// slowConnections opens count connections, sends begin on each, and then a byte
// every half a second, until the service hangs up. For each it tells how long
// that took, and what came back.
func slowConnections(t *testing.T, address string, count int, begin string) <-chan slowEnd {
	t.Helper()
	ends := make(chan slowEnd, count)
	for range count {
		connection, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { connection.Close() })
		began := time.Now()
		if _, err := io.WriteString(connection, begin); err != nil {
			t.Fatal(err)
		}
		go func() {
			for { // until the connection is closed
				time.Sleep(500 * time.Millisecond)
				if _, err := io.WriteString(connection, "x"); err != nil {
					return
				}
			}
		}()
		go func() {
			answer := make([]byte, 4096)
			n, _ := io.ReadFull(connection, answer)
			ends <- slowEnd{time.Since(began), string(answer[:n])}
		}()
	}
	return ends
}

type slowEnd struct {
	after  time.Duration
	answer string
}

// TestSlowClients holds hundreds of connections that send slowly: they are cut
// at their limits, and whoever else asks is served at once.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir(), nil)
	const count = 200
	const head = "POST /token HTTP/1.1\r\nHost: x\r\n"
	headers := slowConnections(t, p.address, count, head+"X-Slow: ")
	bodies := slowConnections(t, p.address, count, head+"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{")
	silent := slowConnections(t, p.address, count, "")
	check := func(what string, ends <-chan slowEnd, limit time.Duration, answer string) {
		for range count {
			end := <-ends
			if end.after < limit-time.Second || end.after > limit+3*time.Second || !strings.HasPrefix(end.answer, answer) {
				t.Errorf("%s: cut after %v with %q, want %v", what, end.after, end.answer, limit)
			}
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		check("a slow header", headers, 5*time.Second, "")
		check("a slow first line", silent, 5*time.Second, "")
		check("a slow body", bodies, 10*time.Second, "HTTP/1.1 400 ")
	}()
	fresh := 0
	for {
		select {
		case <-done:
			if fresh < 20 {
				t.Errorf("only %d fresh requests", fresh)
			}
			return
		case <-time.After(50 * time.Millisecond):
		}
		began := time.Now()
		p.mint(t)
		if took := time.Since(began); took > time.Second {
			t.Errorf("a fresh request took %v", took)
		}
		fresh++
	}
}

// keepAlive is a client that keeps its connection for as long as the service
// does, and that never repeats a request.
type keepAlive struct {
	address    string
	connection net.Conn
	reader     *bufio.Reader
}

// connect opens a connection where there is none, or where the service has
// closed it, as a pool of connections would notice.
func (k *keepAlive) connect() error {
	if k.connection != nil {
		k.connection.SetReadDeadline(time.Now().Add(50 * time.Microsecond))
		_, err := k.reader.Peek(1)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return k.connection.SetReadDeadline(time.Now().Add(20 * time.Second))
		}
		k.close()
	}
	connection, err := net.Dial("tcp", k.address)
	if err != nil {
		return err
	}
	k.connection, k.reader = connection, bufio.NewReader(connection)
	return connection.SetReadDeadline(time.Now().Add(20 * time.Second))
}

func (k *keepAlive) close() {
	k.connection.Close()
	k.connection = nil
}

// ask sends a request and reads the whole of its answer.
func (k *keepAlive) ask(method, body string) error {
	if _, err := fmt.Fprintf(k.connection, "%s /token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", method, len(body), body); err != nil {
		return err
	}
	return k.readAnswer()
}

func (k *keepAlive) readAnswer() error {
	answer, err := http.ReadResponse(k.reader, nil)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode != 200 || !json.Valid(text) {
		return fmt.Errorf("%s: %s", answer.Status, text)
	}
	if answer.Close {
		k.close()
	}
	return nil
}

// TestStopLosesNothing stops the service under load, several times. Of 64
// clients half ask without a pause, and half now and then: every request that
// they send on a connection gets its answer, and they get a connection until
// readyz has said for a second that they should go elsewhere.
func TestStopLosesNothing(t *testing.T) {
	t.Parallel()
	for range 3 {
		p := start(t, t.TempDir(), []string{"SIGNING_KEY=" + goodKey})
		inspection := `{"Token":"` + p.mint(t) + `","Signing_key":"` + goodKey + `"}`
		var answered, unready atomic.Int64 // unready is when readyz first said 503
		var clients sync.WaitGroup
		for i := range 64 {
			clients.Go(func() {
				k := &keepAlive{address: p.address}
				for turn := i; ; turn++ {
					if err := k.connect(); err != nil {
						if since := unready.Load(); since == 0 || time.Since(time.Unix(0, since)) < time.Second {
							t.Errorf("refused too early: %v", err)
						}
						return
					}
					method, body := "POST", `{"user_data":"data"}`
					if turn%2 == 0 {
						method, body = "GET", inspection
					}
					if err := k.ask(method, body); err != nil {
						t.Errorf("client %d: a request was lost: %v", i, err)
						return
					}
					answered.Add(1)
					if i%2 == 0 {
						time.Sleep(mathrand.N(time.Second)) // idle for less time than clients get to learn of the stop
					}
				}
			})
		}
		time.Sleep(500 * time.Millisecond)
		p.Process.Signal(syscall.SIGTERM)
		waitFor(t, "readyz to turn 503", func() bool {
			status, _, err := p.send("GET", "/readyz", "")
			if err != nil {
				t.Fatal(err)
			}
			return status == 503
		})
		unready.Store(time.Now().UnixNano())
		clients.Wait()
		p.Wait()
		if status := p.ProcessState.ExitCode(); status != 0 || answered.Load() < 1000 {
			t.Errorf("exit status %d after %d requests: %s", status, answered.Load(), p.stderr.String())
		}
	}
}

// TestStopWaitsForSlowRequests has requests in flight when the listener closes,
// in each of the states that a connection can be in.
func TestStopWaitsForSlowRequests(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	p := start(t, folder, nil)
	var finish []func() (int, bool, error)
	for range 20 {
		finish = append(finish, slowRequest(t, p.address))
	}
	// Sent so far, on a new connection and behind an answer: a whole request less that.
	const request = "POST /token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{\"user_data\":1}"
	parts := []int{0, 1, 30, len(request) - 20, len(request) - 1}
	clients := map[string]*keepAlive{}
	rest := map[string]string{}
	for _, part := range parts {
		for _, used := range []bool{false, true} {
			if used && part == 0 {
				continue // it is idle, and nothing is in flight
			}
			k := &keepAlive{address: p.address}
			if err := k.connect(); err != nil {
				t.Fatal(err)
			}
			if used {
				if err := k.ask("POST", `{"user_data":1}`); err != nil {
					t.Fatal(err)
				}
			}
			io.WriteString(k.connection, request[:part])
			name := fmt.Sprintf("%d bytes sent, used before: %t", part, used)
			clients[name], rest[name] = k, request[part:]
		}
	}
	idle := &keepAlive{address: p.address}
	if err := idle.connect(); err != nil {
		t.Fatal(err)
	}
	if err := idle.ask("POST", `{"user_data":1}`); err != nil {
		t.Fatal(err)
	}
	p.Process.Signal(syscall.SIGTERM)
	waitFor(t, "the listener to close", func() bool {
		_, _, err := p.send("GET", "/healthz", "")
		return err != nil
	})
	time.Sleep(200 * time.Millisecond)
	if _, err := idle.reader.Peek(1); err != io.EOF {
		t.Errorf("the idle connection: %v", err)
	}
	for name, k := range clients {
		io.WriteString(k.connection, rest[name])
		if err := k.readAnswer(); err != nil {
			t.Errorf("%s: %v", name, err)
		} else if k.connection != nil {
			t.Errorf("%s: answered without Connection: close", name)
		}
	}
	for _, f := range finish {
		if status, closes, err := f(); status != 200 || !closes || err != nil {
			t.Errorf("a slow body: %d, Connection: close %t, %v", status, closes, err)
		}
	}
	p.Wait()
	if status := p.ProcessState.ExitCode(); status != 0 {
		t.Errorf("exit status %d: %s", status, p.stderr.String())
	}
}

// commandLine is what the process list shows of p.
func (p *process) commandLine() ([]byte, error) {
	if runtime.GOOS == "linux" { // where there may be no ps
		return os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.Process.Pid))
	}
	return exec.Command("ps", "-ww", "-o", "command=", "-p", strconv.Itoa(p.Process.Pid)).Output()
}

// TestCanary gives the process secrets in each way that it takes them, right
// and wrong, at every log setting: they show neither in its log, its metrics,
// its error texts and its standard output, nor in the process list.
func TestCanary(t *testing.T) {
	t.Parallel()
	secret := "canary-" + strings.Repeat("k3y", 20)
	const data = "canary-data"
	for _, setting := range [][]string{{"LOG_FORMAT=text"}, {"LOG_FORMAT=text", "ACCESS_LOG=on"}, {"LOG_FORMAT=json"}, {"LOG_FORMAT=json", "ACCESS_LOG=on"}} {
		for _, source := range []string{"SIGNING_KEY=" + secret, "SIGNING_KEY_FILE=keys"} {
			folder := t.TempDir()
			writeFile(t, filepath.Join(folder, "keys"), secret+"\n")
			p := start(t, folder, append(setting, source))
			status, answer, err := p.send("POST", "/token", `{"user_data":"`+data+`"}`)
			if status != 200 || err != nil {
				t.Fatalf("%d %s, %v", status, answer, err)
			}
			token := strings.Split(answer, `"`)[3]
			segments := strings.Split(token, ".")
			if len(segments) != 3 {
				t.Fatalf("no token: %s", answer)
			}
			texts := map[string]string{}
			for _, path := range []string{"/token", "/token/verify", "/nowhere", "/" + token, "/" + secret, "/token?" + secret} {
				for _, body := range []string{data, `{"user_data":"` + data + `"`, `{"Token":"` + token + `"}`, `{"Token":"` + token + `!","Signing_key":"` + secret + `"}`, `{"Token":"` + token + `","Signing_key":"` + secret + `","Key_encoding":"hex"}`} {
					for _, method := range []string{"GET", "POST", "QUERY", "DELETE"} {
						status, answer, err := p.send(method, path, body)
						if err != nil {
							t.Fatal(err)
						}
						if status != 200 {
							texts[fmt.Sprint(method, path, body)] = answer
						}
					}
				}
			}
			for _, raw := range []string{"GET /" + secret + " HTTP/9.9\r\n\r\n", secret + "\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\n" + secret + "\r\n\r\n", "GET /%zz" + token + " HTTP/1.1\r\nHost: x\r\n\r\n", "POST /token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: " + secret + "\r\n\r\n"} {
				texts[raw] = exchange(t, p.address, raw)
			}
			writeFile(t, filepath.Join(folder, "keys"), secret+"\n"+secret[:30]+"\n")
			p.hangUp(t, 1)
			cmdline, err := p.commandLine()
			if err != nil || !strings.HasPrefix(string(cmdline), binary) {
				t.Fatalf("the process list: %q, %v", cmdline, err)
			}
			texts["the process list"] = string(cmdline)
			_, texts["the metrics"], err = p.send("GET", "/metrics", "")
			if err != nil || !strings.Contains(texts["the metrics"], "tokenmint_http_requests_total") {
				t.Fatalf("no metrics: %v", err)
			}
			p.Process.Kill()
			p.Wait()
			texts["the log"], texts["standard output"] = p.stderr.String(), p.stdout.String()
			for where, text := range texts {
				for _, trace := range []string{secret[:30], data, segments[1], segments[2], hex.EncodeToString([]byte(secret))} {
					if strings.Contains(text, trace) {
						t.Errorf("%s has a trace of a secret: %s", where, text)
					}
				}
			}
			if lines := strings.Count(texts["the log"], "\n"); len(setting) == 2 && lines < 100 || texts["standard output"] != "" {
				t.Errorf("%d lines in the log, %q on standard output", lines, texts["standard output"])
			}
		}
	}
}

// BenchmarkRequests asks a service in this process, over some 64 connections. Its
// profile becomes default.pgo, from which the compiler learns what runs often:
// its clients only write and read, so as to leave little of their own in it.
func BenchmarkRequests(b *testing.B) {
	ctx, stop := context.WithCancel(b.Context())
	variables := map[string]string{"BIND": "127.0.0.1:0", "SIGNING_KEY": goodKey, "GRACEFUL_TIMEOUT": "0s"}
	var stderr synchronizedBuffer
	ended := make(chan error)
	go func() {
		ended <- run(ctx, nil, func(name string) (string, bool) { return variables[name], variables[name] != "" }, &stderr)
	}()
	defer func() {
		stop()
		<-ended
	}()
	waitFor(b, "the service to listen", func() bool { return listening.MatchString(stderr.String()) })
	c := wireClient{address: listening.FindStringSubmatch(stderr.String())[1]}

	const mint = "POST /token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 28\r\n\r\n" + `{"user_data":"this is test"}`
	_, minted, _ := strings.Cut(c.first(b, mint), `{"JWT Token":"`)
	token := strings.TrimSuffix(minted, `"}`)
	inspection := `{"Token":"` + token + `","Signing_key":"` + goodKey + `"}`
	for _, bench := range []struct{ name, request string }{
		{"mint", mint},
		{"inspect", fmt.Sprintf("GET /token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(inspection), inspection)},
		{"gate", "GET /auth HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token + "\r\n\r\n"},
	} {
		size := len(c.first(b, bench.request))
		b.Run(bench.name, func(b *testing.B) {
			b.SetParallelism(max(1, 64/runtime.GOMAXPROCS(0)))
			b.RunParallel(func(pb *testing.PB) { c.repeat(b, pb, []byte(bench.request), size) })
		})
	}
}

// wireClient writes requests as they go over the wire.
type wireClient struct{ address string }

// first returns all of the answer to a request.
func (c wireClient) first(b *testing.B, request string) string {
	connection, err := net.Dial("tcp", c.address)
	if err != nil {
		b.Fatal(err)
	}
	defer connection.Close()
	io.WriteString(connection, strings.Replace(request, "\r\n", "\r\nConnection: close\r\n", 1))
	answer, err := io.ReadAll(connection)
	if err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 200 ")) {
		b.Fatalf("%s, %v", answer, err)
	}
	return strings.Replace(string(answer), "Connection: close\r\n", "", 1)
}

// repeat sends a request again and again, whose answers have size bytes each.
func (c wireClient) repeat(b *testing.B, pb *testing.PB, request []byte, size int) {
	connection, err := net.Dial("tcp", c.address)
	if err != nil {
		b.Error(err)
		return
	}
	defer connection.Close()
	answer := make([]byte, size)
	for pb.Next() {
		connection.Write(request)
		if _, err := io.ReadFull(connection, answer); err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 200 ")) {
			b.Errorf("%s, %v", answer, err)
			return
		}
	}
}
