package handlers

import (
	"bytes"
	"errors"
	"io"
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
	service.CountReload("signing", nil)
	service.CountReload("tls", errors.New(canary))

	series := scrape(t, server)
	for name, want := range map[string]float64{
		`tokenmint_http_requests_total{code="200",method="POST",route="/token"}`:        3,
		`tokenmint_http_requests_total{code="200",method="GET",route="/token"}`:         3,
		`tokenmint_http_requests_total{code="200",method="QUERY",route="/token"}`:       1,
		`tokenmint_http_requests_total{code="200",method="POST",route="/token/verify"}`: 2,
		`tokenmint_http_requests_total{code="200",method="POST",route="/token/sign"}`:   1,
		`tokenmint_http_requests_total{code="202",method="GET",route="/token"}`:         1,
		`tokenmint_http_requests_total{code="204",method="GET",route="/token"}`:         1,
		`tokenmint_http_requests_total{code="400",method="POST",route="/token"}`:        1,
		`tokenmint_http_requests_total{code="405",method="other",route="/token"}`:       2,
		`tokenmint_http_requests_total{code="404",method="GET",route="other"}`:          2,
		`tokenmint_http_requests_total{code="404",method="other",route="other"}`:        1,
		`tokenmint_http_requests_total{code="204",method="OPTIONS",route="/token"}`:     1,
		`tokenmint_http_requests_total{code="401",method="GET",route="/auth"}`:          1,
		`tokenmint_http_requests_total{code="401",method="GET",route="/ext_authz/*"}`:   1,
		`tokenmint_http_request_duration_seconds_count{route="/token"}`:                 13,
		`tokenmint_http_request_duration_seconds_count{route="other"}`:                  3,
		`tokenmint_http_request_duration_seconds_bucket{route="/token",le="10"}`:        13,
		`tokenmint_tokens_minted_total`:                                                 3,
		`tokenmint_verdicts_total{verdict="true"}`:                                      5,
		`tokenmint_verdicts_total{verdict="false"}`:                                     1,
		`tokenmint_key_reloads_total{keys="signing",result="success"}`:                  1,
		`tokenmint_key_reloads_total{keys="tls",result="failure"}`:                      1,
	} {
		if got, ok := series[name]; !ok || got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	for _, prefix := range []string{"go_build_info{", "go_goroutines", "process_open_fds", "process_resident_memory_bytes"} {
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
	if got := scrape(t, server)[`tokenmint_http_requests_total{code="500",method="POST",route="/token"}`]; got != 1 {
		t.Errorf("%v, want 1", got)
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
	server.Close() // the log is complete then
	if err.Error() == "EOF" || strings.Contains(log.String(), canary) || !strings.Contains(log.String(), "panic in a handler") {
		t.Errorf("%v, logged: %s", err, log.String())
	}
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
		service.metrics.observe(c, 100*time.Microsecond)
	}
}
