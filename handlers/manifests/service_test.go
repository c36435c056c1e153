package manifests

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	signingKey = "a signing key of the tests, which has at least sixty-four bytes, as it must"
	credential = "a-credential-of-the-tests-with-thirty-two-characters"
)

// checkProtected runs the service with the environment of a deployment. It checks
// that minting takes a credential, and that nobody can mint at the address of the
// gate.
func checkProtected(t *testing.T, environment map[string]string) {
	t.Helper()
	s := start(t, environment, map[string]string{"SIGNING_KEY_FILE": signingKey, "MINT_CREDENTIALS_FILE": credential})
	if !s.listens(t) {
		t.Fatalf("the service does not start: %s", s.log.String())
	}
	token := ""
	for _, test := range []struct {
		address, method, path, bearer string
		want                          int
	}{
		{s.address, "POST", "/token", "", 401},
		{s.address, "POST", "/token", credential + "x", 401},
		{s.address, "POST", "/token", credential, 200}, // and from here on token is what it minted
		{s.gate, "POST", "/token", credential, 404},
		{s.gate, "GET", "/metrics", "", 404},
		{s.gate, "GET", "/auth", "", 401},
		{s.gate, "GET", "/auth", credential, 401},
		{s.gate, "GET", "/auth", "the token", 200},
	} {
		if test.bearer == "the token" {
			test.bearer = token
		}
		status, minted := ask(t, test.method, "http://"+test.address+test.path, test.bearer)
		if status != test.want {
			t.Errorf("%s %s: %d, want %d", test.method, test.path, status, test.want)
		}
		token += minted
	}
}

// checkRefused checks that the service does not start if the variable names a file
// with this text.
func checkRefused(t *testing.T, environment map[string]string, variable, text string) {
	t.Helper()
	secrets := map[string]string{"SIGNING_KEY_FILE": signingKey, "MINT_CREDENTIALS_FILE": credential}
	secrets[variable] = text
	s := start(t, environment, secrets)
	if s.listens(t) {
		t.Errorf("%s: the service starts with %q", variable, text)
	}
	if name := filepath.Base(environment[variable]); !strings.Contains(s.log.String(), name) {
		t.Errorf("%s: the log does not name %s: %s", variable, name, s.log.String())
	}
}

// service is a running service.
type service struct {
	address, gate string
	log           *bytes.Buffer // complete once ended is closed
	ended         chan struct{}
}

// start runs the service with the environment of a deployment, but on addresses of
// its own, and with the files that it names in a folder of its own. The files have
// these secrets, by the variables that name them.
func start(t *testing.T, environment, secrets map[string]string) *service {
	t.Helper()
	s := &service{address: freeAddress(t), gate: freeAddress(t), log: new(bytes.Buffer), ended: make(chan struct{})}
	variables := maps.Clone(environment)
	if variables["GATE_BIND"] != "0.0.0.0:5001" {
		t.Errorf("GATE_BIND is %q", variables["GATE_BIND"])
	}
	variables["BIND"], variables["GATE_BIND"] = s.address, s.gate
	folder := t.TempDir()
	for variable, text := range secrets {
		if variables[variable] != "" {
			variables[variable] = filepath.Join(folder, variable, filepath.Base(variables[variable]))
			writeSecret(t, variables[variable], text)
		}
	}
	command := exec.Command(setting(t, "TOKENMINT"))
	command.Stderr, command.Env = s.log, []string{}
	for name, value := range variables {
		command.Env = append(command.Env, name+"="+value)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		command.Wait()
		close(s.ended)
	}()
	t.Cleanup(func() {
		command.Process.Kill()
		<-s.ended
	})
	return s
}

// listens waits until the service listens on both of its addresses, or has ended.
func (s *service) listens(t *testing.T) bool {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		if isOpen(s.address) && isOpen(s.gate) {
			return true
		}
		select {
		case <-s.ended:
			return false
		case <-time.After(10 * time.Millisecond):
		}
	}
	t.Fatal("the service neither listens nor ends")
	return false
}

func isOpen(address string) bool {
	connection, err := net.Dial("tcp", address)
	if err != nil {
		return false
	}
	connection.Close()
	return true
}

// writeSecret writes a file as Kubernetes does: path is a symbolic link, so that all
// files of a Secret change at once.
func writeSecret(t *testing.T, path, text string) {
	t.Helper()
	data := filepath.Join(filepath.Dir(path), "..data")
	if err := os.MkdirAll(data, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(data, filepath.Base(path)), []byte(text), 0o440); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join("..data", filepath.Base(path)), path); err != nil {
		t.Fatal(err)
	}
}

// client ignores the proxies that the environment names.
var client = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{}}

// ask sends a request with data to mint, and returns the status and the token, if
// there is one in the answer.
func ask(t *testing.T, method, url, bearer string) (status int, token string) {
	t.Helper()
	return askWith(t, method, url, bearer, `{"user_data":1}`)
}

// askWith is ask with another body.
func askWith(t *testing.T, method, url, bearer, body string) (status int, token string) {
	t.Helper()
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if bearer != "" {
		request.Header.Set("Authorization", "Bearer "+bearer)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Token string `json:"JWT Token"`
	}
	json.Unmarshal(text, &answer) // what is not an answer with a token has none
	return response.StatusCode, answer.Token
}

// setting returns a variable that .ci/manifests/run sets.
func setting(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		t.Fatalf("%s is not set: run .ci/manifests/run", name)
	}
	return value
}

// freeAddress returns a loopback address that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
