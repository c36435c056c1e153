package handlers

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tokenmint/jwtcore/keyfile"
)

// newLoggingServer serves with the access log on, in the named format.
func newLoggingServer(t *testing.T, format string) (log *bytes.Buffer, server *httptest.Server) {
	t.Helper()
	log = new(bytes.Buffer)
	service := newService(t, log)
	service.accessLog = AccessLogOn
	if format == "json" {
		service.logger = slog.New(slog.NewJSONHandler(log, nil))
	}
	server = httptest.NewServer(service)
	t.Cleanup(server.Close)
	return log, server
}

// TestAccessLogPaths checks what the log shows of a path, and that it leaves out secrets.
func TestAccessLogPaths(t *testing.T) {
	log, server := newLoggingServer(t, "json")
	long := strings.Repeat("x", minSecret-1)
	tests := []struct{ path, logged string }{
		{"/token?Token=" + canary, "/token"},
		{"/nowhere/a%0Ab%1b%5B31m%C2%9B%e2%80%AE", "/nowhere/a%0Ab%1b%5B31m%C2%9B%e2%80%AE"},
		{"/nowhere/\u009b\u202e", "/nowhere/%C2%9B%E2%80%AE"},
		{"/token/" + goldenToken, "/token/..."},
		{"/" + publishedKey + "/x", "/.../x"},
		{"/" + long + "/" + long + "x", "/" + long + "/..."},
		{"//" + canary[:3] + "/", "//" + canary[:3] + "/"},
		{"/" + strings.Repeat("/", maxLoggedPath-1), strings.Repeat("/", maxLoggedPath)},
		{"/" + strings.Repeat("/", maxLoggedPath), strings.Repeat("/", maxLoggedPath-3) + "..."},
		{strings.Repeat("/"+long, 100), strings.Repeat("/"+long, 15) + "/" + long[3:] + "..."},
		{strings.Repeat("/"+long+"x", 500), strings.Repeat("/...", maxLoggedPath/4)[:maxLoggedPath-3] + "..."},
	}
	for _, test := range tests {
		log.Reset()
		send(t, "GET", server.URL+test.path, "", nil)
		text := log.String()
		var line struct{ Path string }
		if err := json.Unmarshal([]byte(text), &line); err != nil || line.Path != test.logged {
			t.Errorf("%s: logged: %s, %v", test.path, text, err)
		}
		findTraces(t, "the line of "+test.path, text, canary, publishedKey, goldenToken, goldenToken[40:80])
	}
}

// TestAccessLogUserAgents checks that the log shows the user agents of usual clients, and
// no secrets.
func TestAccessLogUserAgents(t *testing.T) {
	log, server := newLoggingServer(t, "json")
	const browser = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.2592.87"
	tests := []struct{ sent, logged string }{
		{browser, browser},
		{"curl/8.5.0", "curl/8.5.0"},
		{`a "b" \c` + "\td\u00e9", "a ?b? ?c?d?"},
		{"Bearer " + goldenToken + " x", "Bearer ... x"},
		{publishedKey, "..."},
		{strings.Repeat("abc ", 1000), strings.Repeat("abc ", maxLoggedUserAgent/4-1) + "a..."},
	}
	for _, test := range tests {
		log.Reset()
		send(t, "GET", server.URL+"/nowhere", "", http.Header{"User-Agent": {test.sent}})
		var line struct {
			Agent string `json:"user_agent"`
		}
		if err := json.Unmarshal(log.Bytes(), &line); err != nil || line.Agent != test.logged {
			t.Errorf("%.100s: logged: %s, %v", test.sent, log, err)
		}
	}
}

// fields are those of a line, apart from those that differ each time.
type fields map[string]any

// readFields returns the fields of the only line in log, after it has checked those that
// all lines have.
func readFields(t *testing.T, name string, log *bytes.Buffer) fields {
	t.Helper()
	var line fields
	if err := json.Unmarshal(log.Bytes(), &line); err != nil {
		t.Fatalf("%s: logged: %q: %v", name, log, err)
	}
	remote, _ := line["remote"].(string)
	if host, _, err := net.SplitHostPort(remote); err != nil || host != "127.0.0.1" {
		t.Errorf("%s: remote: %q", name, remote)
	}
	if took, _ := line["duration_ms"].(float64); took <= 0 || took > 10_000 {
		t.Errorf("%s: duration: %v", name, took)
	}
	if line["level"] != "INFO" || line["msg"] != "request" {
		t.Errorf("%s: logged: %s", name, log)
	}
	for _, field := range []string{"time", "level", "msg", "remote", "duration_ms"} {
		delete(line, field)
	}
	return line
}

// TestAccessLogFields checks all fields of the lines of good and bad requests.
func TestAccessLogFields(t *testing.T) {
	const (
		goldenID = "f10fb5f47461de4dd8c76113cad7803b"
		mint     = `{"user_data":"` + canary + `"}`
	)
	ours := func(claims string) string { return sign(publishedKey, headerHS512, claims) }
	var log bytes.Buffer
	service := newService(t, &log, withCredentials, func(c *Config) {
		c.AccessLog = AccessLogOn
		c.Logger = slog.New(slog.NewJSONHandler(&log, nil))
		c.Revoked = revokedBy(t, "revoked-id\n")
	})
	service.policies.find("") // which is only logged the first time
	server, gate := httptest.NewServer(service), httptest.NewServer(service.Gate())
	defer server.Close()
	defer gate.Close()
	invalid := errInvalidToken.Error() + ": "
	fingerprint := keyfile.NewCredential(credentialA).Fingerprint()
	form := func(token string) string { return "token=" + token }
	with := func(header http.Header, name, value string) http.Header {
		header.Set(name, value)
		return header
	}
	tests := []struct {
		name, method, path string
		body               string
		header             http.Header
		want               fields // apart from path, if it is the route, request_id if it is new, bytes and jti of a new token
	}{
		{"mint", "POST", "/token", mint, jsonHeaderFor("Bearer " + credentialA), fields{"route": "/token", "status": 200, "credential": fingerprint}},
		{"wrong body", "POST", "/token", "{}", jsonHeaderFor("Bearer " + credentialA), fields{"route": "/token", "status": 400, "credential": fingerprint, "error": errUserDataAbsent.Error()}},
		{"wrong credential", "POST", "/token", mint, jsonHeaderFor("Bearer x"), fields{"route": "/token", "status": 401, "error": errUnknownCredential.Error()}},
		{"wrong type", "POST", "/token", mint, http.Header{"Authorization": {"Bearer " + credentialA}}, fields{"route": "/token", "status": 202, "credential": fingerprint, "error": errContentType.Error()}},
		{"no token", "GET", "/token", "", jsonHeader(), fields{"route": "/token", "status": 203, "error": errTokenAbsent.Error()}},
		{"no key", "GET", "/token", `{"Token":"` + canary + `"}`, jsonHeader(), fields{"route": "/token", "status": 204, "error": errSigningKeyAbsent.Error()}},
		{"inspect", "GET", "/token", inspectBody(goldenToken, publishedKey, ""), jsonHeader(), fields{"route": "/token", "status": 200}},
		{"HEAD", "HEAD", "/token", inspectBody(goldenToken, publishedKey, ""), jsonHeader(), fields{"route": "/token", "status": 200}},
		{"verify", "QUERY", "/token", `{"Token":"` + goldenToken + `"}`, jsonHeader(), fields{"route": "/token", "status": 200}},
		{"sign", "POST", "/token/sign", `{"Claims":{"jti":"x"},"Signing_key":"` + canary + `"}`, jsonHeader(), fields{"route": "/token/sign", "status": 200}},
		{"asset", "GET", "/assets/none", "", nil, fields{"route": "/assets/:name", "path": "/assets/none", "status": 404, "error": errNotFound.Error()}},
		{"no route", "GET", "/nowhere", "", nil, fields{"route": "other", "path": "/nowhere", "status": 404, "error": errNotFound.Error()}},
		{"no such method", "PUT", "/token", "", nil, fields{"route": "other", "path": "/token", "status": 405, "error": errMethod.Error()}},
		{"OPTIONS", "OPTIONS", "/token", "", nil, fields{"route": "/token", "status": 204}},
		{"a method of its own", canary, "/", "", nil, fields{"method": "other", "route": "other", "path": "/", "status": 405, "error": errMethod.Error()}},
		{"X-Forwarded-For", "OPTIONS", "/token", "", http.Header{"X-Forwarded-For": {"203.0.113.7"}}, fields{"route": "/token", "status": 204}},

		{"pass", "GET", "/auth", "", bearer(goldenToken), fields{"route": "/auth", "status": 200, "jti": goldenID}},
		{"pass at a path", "PURGE", "/ext_authz/x", "", bearer(goldenToken), fields{"method": "other", "route": "/ext_authz/*", "path": "/ext_authz/x", "status": 200, "jti": goldenID}},
		{"no jti", "GET", "/auth", "", bearer(ours(`{}`)), fields{"route": "/auth", "status": 200}},
		{"jti to escape", "GET", "/auth", "", bearer(ours(`{"jti":"a\"\\\n\u00e9"}`)), fields{"route": "/auth", "status": 200, "jti": "a????"}},
		{"no token at the gate", "GET", "/auth", "", nil, fields{"route": "/auth", "status": 401, "reason": "no token", "error": errNoToken.Error()}},
		{"malformed", "GET", "/auth", "", bearer(canary), fields{"route": "/auth", "status": 401, "reason": "malformed", "error": invalid + "malformed token: a JWT has three segments with a dot between them, but this has 1"}},
		{"forged", "GET", "/auth", "", bearer(sign(canary, headerHS512, `{"jti":"forged"}`)), fields{"route": "/auth", "status": 401, "reason": "signature", "error": invalid + "the signature does not match"}},
		{"HS256", "GET", "/auth", "", bearer(sign(publishedKey, `{"alg":"HS256"}`, `{"jti":"forged"}`)), fields{"route": "/auth", "status": 401, "reason": "algorithm", "error": invalid + "the header's alg is not accepted: it must be HS512"}},
		{"crit", "GET", "/auth", "", bearer(sign(publishedKey, `{"alg":"HS512","crit":["exp"]}`, `{"jti":"forged"}`)), fields{"route": "/auth", "status": 401, "reason": "algorithm", "error": invalid + "the header has crit, and no extension that it could name is supported"}},
		{"expired", "GET", "/auth", "", bearer(ours(`{"jti":"old","exp":1}`)), fields{"route": "/auth", "status": 401, "reason": "expired", "error": invalid + "the token has expired", "jti": "old"}},
		{"early", "GET", "/auth", "", bearer(ours(`{"jti":"new","nbf":9999999999}`)), fields{"route": "/auth", "status": 401, "reason": "early", "error": invalid + "the token is not valid yet", "jti": "new"}},
		{"invalid times", "GET", "/auth", "", bearer(ours(`{"jti":"odd","exp":"1"}`)), fields{"route": "/auth", "status": 401, "reason": "invalid times", "error": invalid + "exp and nbf must be numbers", "jti": "odd"}},
		{"revoked", "GET", "/auth", "", bearer(ours(`{"jti":"revoked-id"}`)), fields{"route": "/auth", "status": 401, "reason": "revoked", "error": invalid + "the token was revoked", "jti": "revoked-id"}},
		{"no claim", "GET", "/auth/if?/sub", "", bearer(goldenToken), fields{"route": "/auth/if", "status": 403, "reason": "claim", "error": "the token does not pass here: the token does not have the claim that is needed here: /sub", "jti": goldenID}},
		{"no policy", "GET", "/auth/if", "", bearer(goldenToken), fields{"route": "/auth/if", "status": 400, "reason": "query", "error": "the query of the gate's URL is wrong: it is empty"}},

		{"active", "POST", "/introspect", form(goldenToken), formHeader(), fields{"route": "/introspect", "status": 200, "jti": goldenID}},
		{"inactive", "POST", "/introspect", form(ours(`{"jti":"old","exp":1}`)), formHeader(), fields{"route": "/introspect", "status": 200, "reason": "expired", "jti": "old"}},
		{"introspect a forged token", "POST", "/introspect", form(sign(canary, headerHS512, `{"jti":"forged"}`)), formHeader(), fields{"route": "/introspect", "status": 200, "reason": "signature"}},
		{"introspect nothing", "POST", "/introspect", "", formHeader(), fields{"route": "/introspect", "status": 400, "error": errTokenParameter.Error()}},

		{"an id", "OPTIONS", "/token", "", http.Header{"X-Request-Id": {`a"b`}}, fields{"route": "/token", "status": 204, "request_id": `a"b`}},
		{"a trace", "GET", "/auth", "", with(bearer(goldenToken), "Traceparent", traceparent), fields{"route": "/auth", "status": 200, "request_id": traceID1, "trace_id": traceID1, "jti": goldenID}},
		{"an id and a trace", "OPTIONS", "/token", "", http.Header{"X-Request-Id": {"id"}, "Traceparent": {traceparent}}, fields{"route": "/token", "status": 204, "request_id": "id", "trace_id": traceID1}},
	}
	for _, test := range tests {
		for _, target := range []*httptest.Server{server, gate} {
			route := test.want["route"].(string)
			if target == gate && !strings.HasPrefix(route, "/auth") && !strings.HasPrefix(route, "/ext_authz") && route != introspectPath {
				continue
			}
			want := maps.Clone(test.want)
			want["status"] = float64(test.want["status"].(int))
			want["path"] = cmp.Or[any](want["path"], want["route"])
			want["method"] = cmp.Or[any](want["method"], test.method)
			want["user_agent"] = "Go-http-client/1.1"
			log.Reset()
			got := send(t, test.method, target.URL+test.path, test.body, test.header)
			want["request_id"] = cmp.Or[any](want["request_id"], got.header.Get("X-Request-Id"))
			want["bytes_out"] = float64(len(got.body))
			line := readFields(t, test.name, &log)
			if read := line["bytes_in"]; read != 0. && read != float64(len(test.body)) || got.status == 200 && read != float64(len(test.body)) {
				t.Errorf("%s: bytes_in: %v", test.name, read)
			}
			delete(line, "bytes_in")
			if test.name == "mint" {
				claims, _ := base64.RawURLEncoding.DecodeString(strings.Split(got.body, ".")[1])
				id, _ := line["jti"].(string)
				if !newID.MatchString(id) || !strings.Contains(string(claims), `"jti":"`+id+`"`) {
					t.Errorf("%s: jti: %q, but the claims are %s", test.name, id, claims)
				}
				delete(line, "jti")
			}
			if !maps.Equal(line, want) {
				t.Errorf("%s: logged: %v, want %v", test.name, line, want)
			}
			if got.header.Get("X-Request-Id") != line["request_id"] {
				t.Errorf("%s: X-Request-Id: %q, but logged: %v", test.name, got.header["X-Request-Id"], line["request_id"])
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

// TestAccessLogLeavesBodies checks that the service waits for a body that no one reads as
// little as without the log: with Expect, the client sends it only after a 100 (RFC 9110
// §10.1.1).
func TestAccessLogLeavesBodies(t *testing.T) {
	_, server := newLoggingServer(t, "json")
	connection, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	connection.SetDeadline(time.Now().Add(10 * time.Second))
	io.WriteString(connection, "GET /openapi.yaml HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
	answer, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != 200 || !answer.Close {
		t.Errorf("%s, %v", answer.Status, answer.Header)
	}
}

// TestAccessLogSettings checks which requests each setting logs. The gate shares it.
func TestAccessLogSettings(t *testing.T) {
	for setting, want := range map[AccessLog]string{
		AccessLogOff: "",
		AccessLogOn:  "/ /token /auth other other",
		AccessLogAll: "/healthz /readyz /metrics / /token /auth other /healthz other",
	} {
		var log bytes.Buffer
		service := newCanaryService(t, &log, "json", setting)
		log.Reset()
		for _, path := range []string{"/healthz", "/readyz", "/metrics", "/", "/token", "/auth", "/healthz/x"} {
			service.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", path, nil))
		}
		for _, path := range []string{"/healthz", "/metrics"} { // the second is no route of the gate
			service.Gate().ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", path, nil))
		}
		var routes []string
		for decoder := json.NewDecoder(&log); decoder.More(); {
			var line struct{ Route string }
			if err := decoder.Decode(&line); err != nil {
				t.Fatal(err)
			}
			routes = append(routes, line.Route)
		}
		if got := strings.Join(routes, " "); got != want {
			t.Errorf("%d: logged: %s, want %s", setting, got, want)
		}
	}
}

func TestParseAccessLog(t *testing.T) {
	for text, want := range map[string]AccessLog{
		"off": AccessLogOff, "Off": AccessLogOff, "false": AccessLogOff, "FALSE": AccessLogOff, "f": AccessLogOff, "0": AccessLogOff,
		"on": AccessLogOn, "ON": AccessLogOn, "true": AccessLogOn, "True": AccessLogOn, "T": AccessLogOn, "1": AccessLogOn,
		"all": AccessLogAll, "aLL": AccessLogAll,
	} {
		if got, err := ParseAccessLog(text); got != want || err != nil {
			t.Errorf("%s: %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", " ", "on ", "yes", "no", "2", "-1", "all,on", "\u212aon"} {
		if got, err := ParseAccessLog(text); got != AccessLogOff || err == nil {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
}
