package main

import (
	"fmt"
	"strings"
	"testing"
)

// TestAccessLogPath puts what may be a secret into the path. Segments of 32
// bytes or more, the size of a 256-bit key, must not appear in the log.
func TestAccessLogPath(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ path, logged string }{
		"31 bytes":        {"/" + strings.Repeat("s", 31), "/" + strings.Repeat("s", 31)},
		"32 bytes":        {"/" + strings.Repeat("s", 32), "/..."},
		"33 bytes":        {"/" + strings.Repeat("s", 33), "/..."},
		"32 bytes inside": {"/token/" + strings.Repeat("s", 32) + "/verify", "/token/.../verify"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, t.TempDir(), withGoodKey, "-access-log")
			if status, answer, err := p.send("GET", test.path, ""); status != 404 || err != nil {
				t.Fatalf("GET %s: %d %s, %v, want 404", test.path, status, answer, err)
			}
			waitFor(t, "the log line of the request", func() bool { return strings.Contains(p.stderr.String(), "duration_ms=") })
			if log := p.stderr.String(); !strings.Contains(log, " path="+test.logged+" ") {
				t.Errorf("the log should have path=%s: %s", test.logged, log)
			}
		})
	}
}

// TestAccessLogSettings checks which requests each setting logs.
func TestAccessLogSettings(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]string{
		"":                 "",
		"ACCESS_LOG=Off":   "",
		"-access-log=0":    "",
		"-access-log":      "/token",
		"ACCESS_LOG=ON":    "/token",
		"-access-log=On":   "/token",
		"ACCESS_LOG=ALL":   "/healthz /token",
		"-access-log=all":  "/healthz /token",
		"-access-log=true": "/token",
	} {
		t.Run(setting, func(t *testing.T) {
			t.Parallel()
			env, args := withGoodKey, []string{}
			if strings.HasPrefix(setting, "-") {
				args = append(args, setting)
			} else {
				env = append([]string{setting}, env...)
			}
			p := start(t, t.TempDir(), env, args...)
			for _, path := range []string{"/healthz", "/token"} {
				if _, _, err := p.send("OPTIONS", path, ""); err != nil {
					t.Fatal(err)
				}
			}
			if status := p.stop(t); status != 0 {
				t.Errorf("exit status %d", status)
			}
			var got []string
			for line := range strings.Lines(p.stderr.String()) {
				if _, rest, ok := strings.Cut(line, " path="); ok {
					got = append(got, strings.Fields(rest)[0])
				}
			}
			if strings.Join(got, " ") != want {
				t.Errorf("logged: %s, want %s", got, want)
			}
		})
	}
}

// signed returns a token with these claims, which the service signs with its own key.
func (p *process) signed(t *testing.T, claims string) string {
	t.Helper()
	status, answer, err := p.send("POST", "/token/sign", `{"Claims":`+claims+`,"Signing_key":"`+goodKey+`"}`)
	if err != nil || status != 200 {
		t.Fatalf("POST /token/sign: %d %s, %v", status, answer, err)
	}
	return strings.Split(answer, `"`)[3]
}

// TestAccessLogIsBounded sends what would make long lines: no line may have more than
// 2 KiB, whatever a client sends.
func TestAccessLogIsBounded(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			p := start(t, t.TempDir(), withGoodKey, "-access-log", "-log-format="+format)
			// Most of these need escapes. The words have 31 bytes, so that they are not left out.
			words := strings.Repeat(strings.Repeat(`"`, 31)+" ", 400)
			segments := strings.Repeat("/"+strings.Repeat("=", 31), 470)
			pointer := "/" + strings.Repeat("x", 1000)
			long := p.signed(t, `{"exp":1,"jti":"`+strings.Repeat(`\"\\`, 2500)+`"}`)
			expired := p.signed(t, `{"exp":1,"jti":"`+strings.Repeat(`\"\\`, 100)+`"}`)
			valid := p.signed(t, `{"jti":"`+strings.Repeat(`\"\\`, 100)+`"}`)
			id := "X-Request-Id: " + strings.Repeat(`"`, 128) + "\r\n"
			trace := "Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n"
			agent := "User-Agent: " + words[:1600] + "\r\n"
			tests := []struct {
				name, path, header string
				status             int
				logged             string // a part of the line
			}{
				{"path", segments, "", 404, strings.Repeat("=", 28) + "..."},
				{"user agent", "/nowhere", "User-Agent: " + words[:12000] + "\r\n", 404, "??? ???"},
				{"user agent of one word", "/nowhere", "User-Agent: " + strings.Repeat(`"`, 12000) + "\r\n", 404, "..."},
				{"jti", "/auth", "Authorization: Bearer " + long + "\r\n", 401, "????..."},
				{"request id", "/nowhere", id, 404, strings.Repeat(`\"`, 128)},
				{"request id of backslashes", "/nowhere", strings.ReplaceAll(id, `"`, `\`), 404, strings.Repeat(`\`, 128)},
				{"pointer", "/auth/if?" + pointer, "Authorization: Bearer " + valid + "\r\n", 403, "xxx..."},
				{"all at the gate", "/auth/if?" + pointer, id + trace + agent + "Authorization: Bearer " + valid + "\r\n", 403, "xxx..."},
				{"all, and a path", "/ext_authz" + segments[:2000], id + trace + agent + "Authorization: Bearer " + expired + "\r\n", 401, "????..."},
			}
			waitFor(t, "the lines of the three tokens", func() bool { return strings.Count(p.stderr.String(), "duration_ms") == 3 })
			before := strings.Count(p.stderr.String(), "\n")
			for i, test := range tests {
				answer := exchange(t, p.address, "GET "+test.path+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"+test.header+"\r\n")
				if !strings.HasPrefix(answer, fmt.Sprintf("HTTP/1.1 %d ", test.status)) {
					t.Fatalf("%s: %.100s, want %d", test.name, answer, test.status)
				}
				waitFor(t, "the line of the request", func() bool { return strings.Count(p.stderr.String(), "\n") > before+i })
				lines := strings.Split(strings.TrimSuffix(p.stderr.String(), "\n"), "\n")[before:]
				if len(lines) != i+1 {
					t.Fatalf("%s: more than one line: %q", test.name, lines)
				}
				line := lines[i] + "\n"
				if len(line) > 2048 || !strings.Contains(line, test.logged) {
					t.Errorf("%s: %d bytes logged, want at most 2048 with %s: %s", test.name, len(line), test.logged, line)
				}
			}
		})
	}
}
