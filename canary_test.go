package main

import (
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// commandLine returns what the process list shows of p.
func (p *process) commandLine(t *testing.T) string {
	t.Helper()
	var text []byte
	var err error
	if runtime.GOOS == "linux" { // which may lack ps
		text, err = os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.Process.Pid))
	} else {
		text, err = exec.Command("ps", "-ww", "-o", "command=", "-p", strconv.Itoa(p.Process.Pid)).Output()
	}
	if err != nil || !strings.HasPrefix(string(text), binary) {
		t.Fatalf("process list: %q, %v", text, err)
	}
	return string(text)
}

// The secrets that TestCanary passes to the service.
var (
	canaryKey = "canary-" + strings.Repeat("k3y", 20)
	userData  = "canary-data"
)

// TestCanary passes secrets to the service in each way that it accepts them,
// right and wrong, with each setting of the log. None of them may appear in the
// log, the metrics, an error, standard output or the process list.
func TestCanary(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"text", "json"} {
		for _, accessLog := range []string{"off", "on"} {
			for name, source := range map[string]string{"variable": "SIGNING_KEY=" + canaryKey, "file": "SIGNING_KEY_FILE=keys"} {
				t.Run(format+" access log "+accessLog+" "+name, func(t *testing.T) {
					t.Parallel()
					testCanary(t, accessLog, []string{"LOG_FORMAT=" + format, "ACCESS_LOG=" + accessLog, source})
				})
			}
		}
	}
}

func testCanary(t *testing.T, accessLog string, env []string) {
	folder := t.TempDir()
	keys := filepath.Join(folder, "keys")
	writeFile(t, keys, canaryKey+"\n")
	p := start(t, folder, env)
	status, answer, err := p.send("POST", "/token", `{"user_data":"`+userData+`"}`)
	if status != 200 || err != nil {
		t.Fatalf("POST /token: %d %s, %v", status, answer, err)
	}
	token := strings.Split(answer, `"`)[3]
	segments := strings.Split(token, ".")
	if len(segments) != 3 {
		t.Fatalf("no token in %s", answer)
	}

	texts := p.provokeErrors(t, token)
	writeFile(t, keys, canaryKey+"\n"+canaryKey[:30]+"\n") // a bad second key
	p.hangUp(t, 1)
	texts["process list"] = p.commandLine(t)
	_, texts["metrics"], err = p.send("GET", "/metrics", "")
	if err != nil || !strings.Contains(texts["metrics"], "tokenmint_http_requests_total") {
		t.Fatalf("no metrics: %v", err)
	}
	p.kill()
	texts["log"], texts["standard output"] = p.stderr.String(), p.stdout.String()

	for where, text := range texts {
		for what, trace := range map[string]string{
			"key":                canaryKey[:30],
			"key in hexadecimal": hex.EncodeToString([]byte(canaryKey)),
			"user_data":          userData,
			"claims":             segments[1],
			"signature":          segments[2],
		} {
			if strings.Contains(text, trace) {
				t.Errorf("%s has the %s: %s", where, what, text)
			}
		}
	}
	if lines := strings.Count(texts["log"], "\n"); accessLog == "on" && lines < 100 {
		t.Errorf("the log has %d lines, want one for each request", lines)
	}
	if texts["standard output"] != "" {
		t.Errorf("standard output: %q, want none", texts["standard output"])
	}
}

// provokeErrors sends requests with secrets in the wrong places, and returns
// the errors that the service answers, by request.
func (p *process) provokeErrors(t *testing.T, token string) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, path := range []string{"/token", "/token/verify", "/token/sign", "/introspect", "/nowhere", "/" + token, "/" + canaryKey, "/token?" + canaryKey} {
		for _, body := range []string{
			userData,
			`{"user_data":"` + userData + `"`,
			`{"Token":"` + token + `"}`,
			inspection(token+"!", canaryKey),
			strings.TrimSuffix(inspection(token, canaryKey), "}") + `,"Key_encoding":"hex"}`,
		} {
			for _, method := range []string{"GET", "POST", "QUERY", "DELETE"} {
				status, answer, err := p.send(method, path, body)
				if err != nil {
					t.Fatal(err)
				}
				if status != 200 {
					texts["answer to "+method+" "+path+" "+body] = answer
				}
			}
		}
	}
	for _, request := range []string{
		"GET /" + canaryKey + " HTTP/9.9\r\n\r\n",
		canaryKey + "\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\n" + canaryKey + "\r\n\r\n",
		"GET /%zz" + token + " HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST /token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: " + canaryKey + "\r\n\r\n",
		"GET /auth HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Request-Id: " + token + "\r\nTraceparent: 00-" + token + "\r\nUser-Agent: " + token + "\r\n\r\n",
		"GET /auth HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTraceparent: " + canaryKey + "\r\nUser-Agent: client/1.0 " + canaryKey + "\r\n\r\n",
	} {
		texts["answer to "+request] = exchange(t, p.address, request)
	}
	return texts
}
