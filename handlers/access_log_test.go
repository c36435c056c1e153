package handlers

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
)

// newLoggingServer serves with the access log on, in the named format.
func newLoggingServer(t *testing.T, format string) (log *bytes.Buffer, server *httptest.Server) {
	t.Helper()
	log = new(bytes.Buffer)
	service := newService(t, log)
	service.accessLog = true
	if format == "json" {
		service.logger = slog.New(slog.NewJSONHandler(log, nil))
	}
	server = httptest.NewServer(service)
	t.Cleanup(server.Close)
	return log, server
}

func TestAccessLog(t *testing.T) {
	log, server := newLoggingServer(t, "json")
	header := jsonHeader()
	header.Set("X-Forwarded-For", "203.0.113.7")
	header.Set("User-Agent", canary)
	tests := []struct {
		method, path, body string
		loggedMethod       string
		loggedPath         string
		status             int
	}{
		{"POST", "/token", `{"user_data":"` + canary + `"}`, "POST", "/token", 200},
		{"GET", "/token?Token=" + canary, inspectBody(goldenToken, publishedKey, ""), "GET", "/token", 200},
		{"HEAD", "/token", inspectBody(goldenToken, publishedKey, ""), "HEAD", "/token", 200},
		{"GET", "/token", `{"Token":"` + canary + `"}`, "GET", "/token", 204},
		{"GET", "/nowhere/a%0Ab%1b%5B31m%C2%9B%e2%80%AE", "", "GET", "/nowhere/a%0Ab%1b%5B31m%C2%9B%e2%80%AE", 404},
		{"GET", "/nowhere/\u009b\u202e", "", "GET", "/nowhere/%C2%9B%E2%80%AE", 404},
		{"GET", "/token/" + goldenToken, "", "GET", "/token/...", 404},
		{"GET", "/" + publishedKey + "/x", "", "GET", "/.../x", 404},
		{"GET", "/" + strings.Repeat("x", 31) + "/" + strings.Repeat("x", 32), "", "GET", "/" + strings.Repeat("x", 31) + "/...", 404},
		{canary, "/", "", "other", "/", 405},
		{"OPTIONS", "/token", "", "OPTIONS", "/token", 204},
	}
	for _, test := range tests {
		log.Reset()
		got := send(t, test.method, server.URL+test.path, test.body, header)
		text := log.String()
		var line struct {
			Level, Msg, Method, Path, Remote string
			Status, Bytes                    int
			Duration                         float64 `json:"duration_ms"`
		}
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if line.Level != "INFO" || line.Msg != "request" || line.Method != test.loggedMethod || line.Path != test.loggedPath || line.Status != test.status || line.Bytes != len(got.body) {
			t.Errorf("%s %s: logged: %s", test.method, test.path, text)
		}
		if host, _, err := net.SplitHostPort(line.Remote); err != nil || host != "127.0.0.1" {
			t.Errorf("remote: %q", line.Remote)
		}
		if line.Duration <= 0 || line.Duration > 1000 {
			t.Errorf("duration: %v", line.Duration)
		}
		for _, secret := range []string{canary, publishedKey, goldenToken, goldenToken[40:80]} {
			if strings.Contains(text, secret) {
				t.Errorf("%s %s: logged: %s", test.method, test.path, text)
			}
		}
	}
}

// TestAccessLogLines checks that no path adds a line to the log, or a control
// character that would reach a terminal.
func TestAccessLogLines(t *testing.T) {
	paths := []string{"/a%0Alevel=ERROR", "/a%0d%0ab", "/%1b%5b2J", "/%22%7d%0a", "/%00", "/%C2%9B", "/%ff", "*", "/\u009b"}
	for _, format := range []string{"text", "json"} {
		log, server := newLoggingServer(t, format)
		for _, path := range paths {
			log.Reset()
			exchangeRaw(t, server.Listener.Addr().String(), "PUT "+path+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
			text := log.String()
			if strings.Count(text, "\n") != 1 || !strings.HasSuffix(text, "\n") {
				t.Errorf("%s: %q: logged: %q", format, path, text)
			}
			if strings.ContainsFunc(strings.TrimSuffix(text, "\n"), func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("%s: %q: logged: %q", format, path, text)
			}
		}
	}
}

// TestAccessLogIsOff checks that requests are not logged by default.
func TestAccessLogIsOff(t *testing.T) {
	_, server := newServer(t) // fails the test if anything is logged
	send(t, "GET", server.URL+"/healthz", "", nil)
}
