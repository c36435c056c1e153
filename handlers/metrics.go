package handlers

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/expfmt"

	"tokenmint/handlers/policy"
	"tokenmint/jwtcore"
)

// other is the label of all methods and routes that the service does not know: what
// a client can make up must not become a series.
const other = "other"

// durationBuckets are bounds in seconds, from the time of an inspection to the time
// limit for a whole request.
var durationBuckets = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .1, .5, 1, 5, 10}

// metrics counts what the service does.
type metrics struct {
	registry  *prometheus.Registry
	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	minted    prometheus.Counter
	verdicts  *prometheus.CounterVec
	refusals  *prometheus.CounterVec
	revoked   *prometheus.GaugeVec // without labels: it has no series until it is set
	reloads   *prometheus.CounterVec
}

func newMetrics() *metrics {
	m := &metrics{
		registry:  prometheus.NewRegistry(),
		requests:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tokenmint_http_requests_total", Help: "Requests answered, by route, method and status code."}, []string{"route", "method", "code"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "tokenmint_http_request_duration_seconds", Help: "Time from a request's header to its response, by route.", Buckets: durationBuckets}, []string{"route"}),
		minted:    prometheus.NewCounter(prometheus.CounterOpts{Name: "tokenmint_tokens_minted_total", Help: "Tokens minted."}),
		verdicts:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tokenmint_verdicts_total", Help: "Tokens inspected, by their Signature Verification."}, []string{"verdict"}),
		refusals:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tokenmint_gate_refusals_total", Help: "Requests refused by the gate, by reason."}, []string{"reason"}),
		revoked:   prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "tokenmint_revoked_tokens", Help: "Ids of revoked tokens."}, nil),
		reloads:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tokenmint_key_reloads_total", Help: "Reloads of key files, by the kind of keys and the result."}, []string{"keys", "result"}),
	}
	for _, verdict := range []string{"true", "false"} {
		m.verdicts.WithLabelValues(verdict)
	}
	m.refusals.WithLabelValues(other)
	for _, row := range refusalReasons {
		m.refusals.WithLabelValues(row.reason)
	}
	m.registry.MustRegister(m.requests, m.durations, m.minted, m.verdicts, m.refusals, m.revoked, m.reloads,
		collectors.NewBuildInfoCollector(), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// addRoutes creates the series of routes, so that they exist before the first
// request.
func (m *metrics) addRoutes(routes []*echo.Route) {
	m.durations.WithLabelValues(other)
	for _, route := range routes {
		m.durations.WithLabelValues(route.Path)
	}
}

// observe counts a request that was answered.
func (m *metrics) observe(c echo.Context, took time.Duration) {
	route := cmp.Or(c.Path(), other)
	m.requests.WithLabelValues(route, methodLabel(c.Request().Method), strconv.Itoa(c.Response().Status)).Inc()
	m.durations.WithLabelValues(route).Observe(took.Seconds())
}

// methodLabel returns the label of a method.
func methodLabel(method string) string {
	switch method {
	case "GET", "HEAD", "POST", "QUERY", "PUT", "PATCH", "DELETE", "OPTIONS":
		return method
	default:
		return other
	}
}

// countVerdict counts an inspection by the error of its verification.
func (m *metrics) countVerdict(verdict error) {
	m.verdicts.WithLabelValues(strconv.FormatBool(verdict == nil)).Inc()
}

// refusalReasons are the labels of the errors for which the gate refuses a request. The
// first one that applies counts.
var refusalReasons = []struct {
	err    error
	reason string
}{
	{policy.ErrQuery, "query"},
	{errNoToken, "no token"},
	{errNoTokenHere, "no token"},
	{errSeveralTokens, "several tokens"},
	{errSeveralHeaders, "several tokens"},
	{errRepeatedHeader, "several tokens"},
	{errRepeatedCookie, "several tokens"},
	{jwtcore.ErrMalformed, "malformed"},
	{jwtcore.ErrCritical, "algorithm"},
	{jwtcore.ErrAlgorithm, "algorithm"},
	{jwtcore.ErrSignature, "signature"},
	{jwtcore.ErrTimeClaim, "invalid times"},
	{jwtcore.ErrExpired, "expired"},
	{jwtcore.ErrNotYetValid, "early"},
	{errRevoked, "revoked"},
	{policy.ErrMaxAge, "max_age"},
	{policy.ErrScope, "scope"},
	{policy.ErrClaim, "claim"},
}

// countRefusal counts a request that the gate refuses.
func (m *metrics) countRefusal(err error) {
	for _, row := range refusalReasons {
		if errors.Is(err, row.err) {
			m.refusals.WithLabelValues(row.reason).Inc()
			return
		}
	}
	m.refusals.WithLabelValues(other).Inc()
}

// CountReload counts a reload of a file: of "signing" or "tls" keys, of "credentials" or
// of "revoked" tokens, with the error that it returned.
func (s *Service) CountReload(keys string, err error) {
	result := "success"
	if err != nil {
		result = "failure"
	}
	s.metrics.reloads.WithLabelValues(keys, result).Inc()
}

// textFormat is Prometheus's own format, which every scraper reads. Package promhttp
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
	return s.respond(c, http.StatusOK, string(textFormat), text.Bytes())
}
