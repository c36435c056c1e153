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
