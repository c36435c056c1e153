package handlers

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/expfmt"
)

// other is the label of every method, route and code that is not listed: what
// clients make up must not become a series of its own.
const other = "other"

// The methods and codes that have labels of their own; other comes last.
var (
	countedMethods = [...]string{"GET", "HEAD", "POST", "QUERY", "PUT", "PATCH", "DELETE", "OPTIONS", other}
	countedCodes   = [...]int{200, 202, 203, 204, 206, 304, 400, 401, 404, 405, 413, 415, 416, 500, 503, 0}
)

// durationBuckets reach from an inspection's own time to the limit for a whole
// request, in seconds.
var durationBuckets = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .1, .5, 1, 5, 10}

var requestsDescription = prometheus.NewDesc("tokenmint_http_requests_total", "Requests answered, by route, method and status code.", []string{"route", "method", "code"}, nil)

// metrics counts what the service does. All that a request touches is made at
// start, so that counting one costs a few atomic additions.
type metrics struct {
	registry          *prometheus.Registry
	routes            map[string]*routeMetrics // by the path of the route
	durations         *prometheus.HistogramVec
	minted            prometheus.Counter
	verified, refuted prometheus.Counter
	reloads           *prometheus.CounterVec
}

// routeMetrics are those of one route.
type routeMetrics struct {
	requests [len(countedMethods)][len(countedCodes)]atomic.Uint64
	duration prometheus.Observer
}

func newMetrics() *metrics {
	verdicts := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tokenmint_verdicts_total", Help: "Tokens inspected, by what Signature Verification said."}, []string{"verdict"})
	m := &metrics{
		registry:  prometheus.NewRegistry(),
		routes:    map[string]*routeMetrics{},
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "tokenmint_http_request_duration_seconds", Help: "Time from a request's header to its answer, by route.", Buckets: durationBuckets}, []string{"route"}),
		minted:    prometheus.NewCounter(prometheus.CounterOpts{Name: "tokenmint_tokens_minted_total", Help: "Tokens minted."}),
		verified:  verdicts.WithLabelValues("true"),
		refuted:   verdicts.WithLabelValues("false"),
		reloads:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tokenmint_key_reloads_total", Help: "Key files read again after SIGHUP, by what is in them and by result."}, []string{"keys", "result"}),
	}
	m.addRoute(other)
	m.registry.MustRegister(m, m.durations, m.minted, verdicts, m.reloads,
		collectors.NewBuildInfoCollector(), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// addRoutes makes what requests to these routes are counted with.
func (m *metrics) addRoutes(routes []*echo.Route) {
	for _, route := range routes {
		m.addRoute(route.Path)
	}
}

func (m *metrics) addRoute(path string) {
	m.routes[path] = &routeMetrics{duration: m.durations.WithLabelValues(path)}
}

// observe counts a request that was answered.
func (m *metrics) observe(path, method string, status int, took time.Duration) {
	route, ok := m.routes[path]
	if !ok {
		route = m.routes[other]
	}
	route.requests[methodIndex(method)][codeIndex(status)].Add(1)
	route.duration.Observe(took.Seconds())
}

func methodIndex(method string) int {
	for i, counted := range countedMethods {
		if method == counted {
			return i
		}
	}
	return len(countedMethods) - 1
}

func codeIndex(status int) int {
	for i, counted := range countedCodes {
		if status == counted {
			return i
		}
	}
	return len(countedCodes) - 1
}

// Describe and Collect make metrics the prometheus.Collector of the requests.
func (m *metrics) Describe(descriptions chan<- *prometheus.Desc) { descriptions <- requestsDescription }

// Collect tells the combinations that have occurred.
func (m *metrics) Collect(collected chan<- prometheus.Metric) {
	for path, route := range m.routes {
		for i, method := range countedMethods {
			for j, status := range countedCodes {
				count := route.requests[i][j].Load()
				if count == 0 {
					continue
				}
				code := other
				if status != 0 {
					code = strconv.Itoa(status)
				}
				collected <- prometheus.MustNewConstMetric(requestsDescription, prometheus.CounterValue, float64(count), path, method, code)
			}
		}
	}
}

// textFormat is Prometheus's own, which every scraper reads. Package promhttp
// would negotiate others, for half a megabyte more in the binary.
var textFormat = expfmt.NewFormat(expfmt.TypeTextPlain)

// showMetrics answers GET /metrics.
func (s *Service) showMetrics(c echo.Context) error {
	families, err := s.metrics.registry.Gather()
	if err != nil {
		return fmt.Errorf("gather the metrics: %w", err)
	}
	var text bytes.Buffer
	for _, family := range families {
		if _, err := expfmt.MetricFamilyToText(&text, family); err != nil {
			return fmt.Errorf("write the metrics: %w", err)
		}
	}
	response := c.Response()
	s.closeWhenDraining(response.Header())
	response.Header().Set("Content-Length", strconv.Itoa(text.Len()))
	return c.Blob(http.StatusOK, string(textFormat), text.Bytes())
}

// countVerdict counts an inspection, by the error of its verification.
func (m *metrics) countVerdict(verdict error) {
	if verdict == nil {
		m.verified.Inc()
	} else {
		m.refuted.Inc()
	}
}

// CountReload counts a reading of key files after a SIGHUP: of "signing" or
// "tls" keys, with the error that it ended with, or nil.
func (s *Service) CountReload(keys string, err error) {
	result := "success"
	if err != nil {
		result = "failure"
	}
	s.metrics.reloads.WithLabelValues(keys, result).Inc()
}
