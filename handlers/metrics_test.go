package handlers

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"tokenmint/jwtcore"
)

// scrape reads /metrics as Prometheus would, and returns the value of each series.
func scrape(t *testing.T, server *httptest.Server) map[string]float64 {
	t.Helper()
	got := send(t, "GET", server.URL+"/metrics", "", nil)
	if got.status != 200 || got.header.Get("Content-Type") != "text/plain; version=0.0.4; charset=utf-8" {
		t.Fatalf("%d, Content-Type: %s", got.status, got.header.Get("Content-Type"))
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	if _, err := parser.TextToMetricFamilies(strings.NewReader(got.body)); err != nil {
		t.Fatal(err)
	}
	series := map[string]float64{}
	for line := range strings.Lines(got.body) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		name, text, _ := strings.Cut(strings.TrimSpace(line), "} ")
		if text == "" {
			name, text, _ = strings.Cut(strings.TrimSpace(line), " ")
		} else {
			name += "}"
		}
		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		series[name] = value
	}
	return series
}

// TestMetrics checks what the requests of each kind add to each series.
func TestMetrics(t *testing.T) {
	service, server := newServer(t)
	good, wrongKey := inspectBody(goldenToken, publishedKey, ""), inspectBody(goldenToken, "another", "")
	for range 3 {
		send(t, "POST", server.URL+"/token", `{"user_data":1}`, jsonHeader())
		send(t, "GET", server.URL+"/token", good, jsonHeader())
	}
	send(t, "QUERY", server.URL+"/token", wrongKey, jsonHeader())
	send(t, "POST", server.URL+"/token/verify", good, jsonHeader())
	send(t, "POST", server.URL+"/token/verify", `{"Token":"`+goldenToken+`"}`, jsonHeader())
	send(t, "POST", server.URL+"/token/sign", `{"Claims":{},"Signing_key":"k"}`, jsonHeader())
	send(t, "GET", server.URL+"/token", "", nil)
	send(t, "GET", server.URL+"/token", `{"Token":"x"}`, jsonHeader())
	send(t, "POST", server.URL+"/token", `{`, jsonHeader())
	send(t, "BREW", server.URL+"/token", "", nil)
	send(t, "LOCK", server.URL+"/token", "", nil)
	send(t, "GET", server.URL+"/nowhere", "", nil)
	send(t, "GET", server.URL+"/token/"+canary, "", nil)
	send(t, canary, server.URL+"/"+canary, "", nil)
	send(t, "OPTIONS", server.URL+"/token", "", nil)
	send(t, "GET", server.URL+"/auth", "", nil)
	send(t, "GET", server.URL+"/ext_authz/"+canary, "", nil)
	now := time.Unix(1700000000, 0)
	service.metrics.addFile(fileSigningKeys, now.Add(-time.Hour))
	service.metrics.addFile(fileTLS, now)
	service.metrics.countReload(fileSigningKeys, nil, now)
	service.metrics.countReload(fileTLS, errors.New(canary), now.Add(time.Hour))

	series := scrape(t, server)
	for name, want := range map[string]float64{
		`tokenmint_http_requests_total{code="200",method="POST",route="/token"}`:               3,
		`tokenmint_http_requests_total{code="200",method="GET",route="/token"}`:                3,
		`tokenmint_http_requests_total{code="200",method="QUERY",route="/token"}`:              1,
		`tokenmint_http_requests_total{code="200",method="POST",route="/token/verify"}`:        2,
		`tokenmint_http_requests_total{code="200",method="POST",route="/token/sign"}`:          1,
		`tokenmint_http_requests_total{code="202",method="GET",route="/token"}`:                1,
		`tokenmint_http_requests_total{code="204",method="GET",route="/token"}`:                1,
		`tokenmint_http_requests_total{code="400",method="POST",route="/token"}`:               1,
		`tokenmint_http_requests_total{code="405",method="other",route="other"}`:               2,
		`tokenmint_http_requests_total{code="404",method="GET",route="other"}`:                 2,
		`tokenmint_http_requests_total{code="404",method="other",route="other"}`:               1,
		`tokenmint_http_requests_total{code="204",method="OPTIONS",route="/token"}`:            1,
		`tokenmint_http_requests_total{code="401",method="GET",route="/auth"}`:                 1,
		`tokenmint_http_requests_total{code="401",method="GET",route="/ext_authz/*"}`:          1,
		`tokenmint_http_request_duration_seconds_count{method="POST",route="/token"}`:          4,
		`tokenmint_http_request_duration_seconds_count{method="GET",route="/token"}`:           5,
		`tokenmint_http_request_duration_seconds_count{method="QUERY",route="/token"}`:         1,
		`tokenmint_http_request_duration_seconds_count{method="other",route="other"}`:          3,
		`tokenmint_http_request_duration_seconds_bucket{method="POST",route="/token",le="10"}`: 4,
		`tokenmint_http_requests_in_flight`:                                                    1,
		`tokenmint_tokens_minted_total`:                                                        3,
		`tokenmint_verdicts_total{verdict="true"}`:                                             5,
		`tokenmint_verdicts_total{verdict="false"}`:                                            1,
		`tokenmint_reloads_total{file="signing_keys",result="success"}`:                        1,
		`tokenmint_reloads_total{file="signing_keys",result="failure"}`:                        0,
		`tokenmint_reloads_total{file="tls",result="failure"}`:                                 1,
		`tokenmint_last_reload_success{file="signing_keys"}`:                                   1,
		`tokenmint_last_reload_success{file="tls"}`:                                            0,
		`tokenmint_last_reload_success_timestamp_seconds{file="signing_keys"}`:                 1700000000,
		`tokenmint_last_reload_success_timestamp_seconds{file="tls"}`:                          1700000000,
	} {
		if got, ok := series[name]; !ok || got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	for _, prefix := range []string{"tokenmint_build_info{", "go_goroutines", "process_open_fds", "process_resident_memory_bytes"} {
		found := false
		for name, value := range series {
			found = found || strings.HasPrefix(name, prefix) && value > 0
		}
		if !found {
			t.Errorf("no series %s", prefix)
		}
	}
	awaitScrapes(t, server, 1)
}

// awaitScrapes waits until that many scrapes are counted: a scrape is counted
// after its response has arrived.
func awaitScrapes(t *testing.T, server *httptest.Server, count float64) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if scrape(t, server)[`tokenmint_http_requests_total{code="200",method="GET",route="/metrics"}`] >= count {
			return
		}
	}
	t.Errorf("%v scrapes are not counted", count)
}

// TestMetricsOfAPanic checks that a panic is counted as the 500 that it becomes.
func TestMetricsOfAPanic(t *testing.T) {
	var log bytes.Buffer
	service := newService(t, &log)
	service.now = func() time.Time { panic(canary) }
	server := httptest.NewServer(service)
	defer server.Close()
	send(t, "POST", server.URL+"/token", `{"user_data":1}`, jsonHeader())
	series := scrape(t, server)
	if got := series[`tokenmint_http_requests_total{code="500",method="POST",route="/token"}`]; got != 1 {
		t.Errorf("%v, want 1", got)
	}
	if got := series[`tokenmint_http_requests_in_flight`]; got != 1 {
		t.Errorf("%v requests in flight, want only the scrape", got)
	}
}

// TestPanicWithinAResponse checks that a client cannot take half a response for a
// whole one.
func TestPanicWithinAResponse(t *testing.T) {
	var log bytes.Buffer
	service := newService(t, &log)
	service.router.GET("/half", func(c echo.Context) error {
		c.Response().Header().Set("Content-Length", "100")
		c.Response().Write([]byte("half"))
		panic(canary)
	})
	server := httptest.NewServer(service)
	defer server.Close()
	answer, err := http.Get(server.URL + "/half")
	if err == nil {
		defer answer.Body.Close()
		_, err = answer.Body.Read(make([]byte, 100))
		for err == nil {
			_, err = answer.Body.Read(make([]byte, 100))
		}
	}
	if got := scrape(t, server)[`tokenmint_http_requests_in_flight`]; got != 1 {
		t.Errorf("%v requests in flight, want only the scrape", got)
	}
	server.Close() // the log is complete then
	if err.Error() == "EOF" || strings.Contains(log.String(), canary) || !strings.Contains(log.String(), "panic in a handler") {
		t.Errorf("%v, logged: %s", err, log.String())
	}
}

// TestSeriesExist checks that every status in openapi.yaml is counted from 0, and the time
// of every route from the first request.
func TestSeriesExist(t *testing.T) {
	service, server := newServer(t)
	series := scrape(t, server)
	counts := 0
	for operation, codes := range describedStatuses(t) {
		method, path, _ := strings.Cut(operation, " ")
		if method == "TRACE" {
			method = other
		}
		path = strings.ReplaceAll(path, "{name}", ":name")
		for _, code := range codes {
			name := fmt.Sprintf(`tokenmint_http_requests_total{code="%d",method="%s",route="%s"}`, code, method, path)
			if _, ok := series[name]; !ok {
				t.Errorf("%s is missing", name)
			}
			counts++
		}
	}
	if counts < 100 {
		t.Fatalf("only %d statuses are described", counts)
	}
	for name, value := range series {
		if strings.HasPrefix(name, "tokenmint_http_requests_total{") && value != 0 {
			t.Errorf("%s is %v before the first request", name, value)
		}
	}
	for _, route := range service.router.Routes() {
		method := route.Method
		if method == echo.RouteNotFound {
			method = other
		}
		if _, ok := series[fmt.Sprintf(`tokenmint_http_request_duration_seconds_count{method="%s",route="%s"}`, method, route.Path)]; !ok {
			t.Errorf("%s %s is not timed", method, route.Path)
		}
	}
	for _, absent := range []string{"tokenmint_revoked_tokens", "tokenmint_tls_certificate_expiry_timestamp_seconds", `tokenmint_last_reload_success{file="signing_keys"}`} {
		if _, ok := series[absent]; ok {
			t.Errorf("%s is there, although the service does not use the file", absent)
		}
	}
}

// TestNoSeriesIsBorn sends all kinds of requests, and checks that each counts in a series
// that was there before: an alert on the first error would not fire otherwise.
func TestNoSeriesIsBorn(t *testing.T) {
	service, server := newServer(t, quiet)
	before := scrape(t, server)
	for _, test := range append(errorCases(), errorCase{name: "good", body: inspectBody(goldenToken, publishedKey, "")}) {
		header := test.header
		if header == nil {
			header = jsonHeader()
		}
		for _, route := range service.router.Routes() {
			for _, method := range append(describedMethods(route), "BREW", "TRACE", "OPTIONS") {
				send(t, method, server.URL+route.Path, test.body, header)
			}
		}
	}
	send(t, "OPTIONS", server.URL+"/nowhere", "", nil)
	for name := range scrape(t, server) {
		if _, ok := before[name]; !ok && strings.HasPrefix(name, "tokenmint_") {
			t.Errorf("%s was not there at the start", name)
		}
	}
}

// TestKeyMetrics rotates the keys, and checks what the metrics say about each of them.
func TestKeyMetrics(t *testing.T) {
	service, server := newServer(t)
	gate := httptest.NewServer(service.Gate())
	defer gate.Close()
	keys := newKeys(publishedKey, strings.Repeat("second ", 10), strings.Repeat("third ", 11))
	token := func(key *jwtcore.Key) string {
		return string(key.Mint(nil, jwtcore.Claims{IssuedAt: time.Unix(1, 0), Data: []byte(`1`)}))
	}
	check := func(step string, want map[string]float64) {
		t.Helper()
		got := map[string]float64{}
		for name, value := range scrape(t, server) {
			if strings.HasPrefix(name, "tokenmint_signing_key") || strings.HasPrefix(name, "tokenmint_gate_passes_total") {
				got[name] = value
			}
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s: %v, want %v", step, got, want)
		}
	}
	pass := func(key *jwtcore.Key, want int) {
		t.Helper()
		if got := send(t, "GET", gate.URL+"/auth", "", bearer(token(key))); got.status != want {
			t.Errorf("/auth: %d, want %d", got.status, want)
		}
	}
	info := func(i int, mints string) string {
		return fmt.Sprintf(`tokenmint_signing_key_info{fingerprint="%s",mints="%s"}`, keys[i].Fingerprint(), mints)
	}
	passes := func(i int) string {
		return fmt.Sprintf(`tokenmint_gate_passes_total{fingerprint="%s"}`, keys[i].Fingerprint())
	}
	service.SetSigningKeys(keys[:2])
	check("at first", map[string]float64{"tokenmint_signing_keys": 2, info(0, "true"): 1, info(1, "false"): 1, passes(0): 0, passes(1): 0})
	pass(keys[0], 200)
	pass(keys[1], 200)
	send(t, "POST", gate.URL+"/introspect", "token="+token(keys[1]), formHeader())
	send(t, "GET", gate.URL+"/auth/if?token=header:X-Token", "", http.Header{"X-Token": {token(keys[1])}})
	pass(keys[2], 401)
	check("after requests", map[string]float64{"tokenmint_signing_keys": 2, info(0, "true"): 1, info(1, "false"): 1, passes(0): 1, passes(1): 3})
	service.SetSigningKeys(keys[1:])
	service.metrics.countPass(keys[0]) // of a request that began before
	pass(keys[0], 401)
	pass(keys[2], 200)
	check("after a rotation", map[string]float64{"tokenmint_signing_keys": 2, info(1, "true"): 1, info(2, "false"): 1, passes(1): 3, passes(2): 1})
}

// TestSeriesAreBounded sends methods and paths that the service does not know, and
// checks that they add no series.
func TestSeriesAreBounded(t *testing.T) {
	_, server := newServer(t)
	awaitScrapes(t, server, 1)
	before := scrape(t, server)
	send(t, "GET", server.URL+"/nowhere", "", nil)
	send(t, "BREW", server.URL+"/nowhere", "", nil)
	first := len(scrape(t, server))
	for i := range 50 {
		send(t, "GET", server.URL+"/"+strconv.Itoa(i), "", nil)
		send(t, "M"+strconv.Itoa(i), server.URL+"/token/"+strconv.Itoa(i), "", nil)
	}
	if last := len(scrape(t, server)); last != first || first > len(before)+2 {
		t.Errorf("%d series, then %d, then %d", len(before), first, last)
	}
}

// TestAbortedScrape closes connections while /metrics is being written to them. It
// must log nothing (newServer): any client can do this as often as it likes.
func TestAbortedScrape(t *testing.T) {
	_, server := newServer(t)
	for range 20 {
		connection, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(connection, strings.Repeat("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 50))
		io.ReadFull(connection, make([]byte, 100))
		connection.(*net.TCPConn).SetLinger(0) // a reset, so that writes fail
		connection.Close()
	}
	awaitScrapes(t, server, 20)
}

func BenchmarkObserve(b *testing.B) {
	service := newService(b, io.Discard)
	c := service.router.NewContext(httptest.NewRequest("POST", "/token", nil), httptest.NewRecorder())
	c.SetPath("/token")
	for b.Loop() {
		route, method := service.metrics.labels(c)
		service.metrics.observe(route, method, 200, 100*time.Microsecond)
	}
}
