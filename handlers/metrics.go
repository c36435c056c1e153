package handlers

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/expfmt"

	"tokenmint/handlers/policy"
	"tokenmint/jwtcore"
)

// durationBuckets are bounds in seconds, from the time of an inspection to the time
// limit for a whole request.
var durationBuckets = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .1, .5, 1, 5, 10}

// metrics counts what the service does. All series that are possible exist from the
// start: Prometheus sees an increase only if it has seen the value before.
type metrics struct {
	registry  *prometheus.Registry
	routes    map[routeMethod]routeSeries
	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	inFlight  prometheus.Gauge
	minted    prometheus.Counter
	verdicts  *prometheus.CounterVec
	refusals  *prometheus.CounterVec

	signingKeys    prometheus.Gauge
	signingKeyInfo *prometheus.GaugeVec
	passes         *prometheus.CounterVec
	passesOfKeys   atomic.Pointer[map[string]prometheus.Counter] // by the fingerprints of the current keys

	reloads           *prometheus.CounterVec
	lastReloadSuccess *prometheus.GaugeVec
	lastReloadTime    *prometheus.GaugeVec

	// These have no labels, and no series until they are set.
	revoked           *prometheus.GaugeVec
	certificateExpiry *prometheus.GaugeVec
}

func newMetrics(version string) *metrics {
	m := &metrics{registry: prometheus.NewRegistry(), routes: map[routeMethod]routeSeries{}}
	m.requests = m.counters("http_requests_total", "Requests answered, by route, method and status code.", "route", "method", "code")
	m.durations = m.histograms("http_request_duration_seconds", "Time from a request's header to its response, by route and method.", "route", "method")
	m.inFlight = m.gauges("http_requests_in_flight", "Requests that are being answered.").WithLabelValues()
	m.minted = m.counters("tokens_minted_total", "Tokens minted.").WithLabelValues()
	m.verdicts = m.counters("verdicts_total", "Tokens inspected, by their Signature Verification.", "verdict")
	m.passes = m.counters("gate_passes_total", "Tokens that passed at the gate or were active in an introspection, by the fingerprint of the key that signed them.", "fingerprint")
	m.refusals = m.counters("gate_refusals_total", "Tokens and requests refused by the gate or not active in an introspection, by reason.", "reason")
	m.signingKeys = m.gauges("signing_keys", "Signing keys.").WithLabelValues()
	m.signingKeyInfo = m.gauges("signing_key_info", "The signing keys by their fingerprints, and which of them mints. The value is 1.", "fingerprint", "mints")
	m.reloads = m.counters("reloads_total", "Files read again, by file and result.", "file", "result")
	m.lastReloadSuccess = m.gauges("last_reload_success", "Whether a file could be used when it was last read: 1 or 0.", "file")
	m.lastReloadTime = m.gauges("last_reload_success_timestamp_seconds", "When a file was last read and could be used, in Unix time.", "file")
	m.revoked = m.gauges("revoked_tokens", "Ids of revoked tokens.")
	m.certificateExpiry = m.gauges("tls_certificate_expiry_timestamp_seconds", "When the TLS certificate expires, in Unix time.")
	m.gauges("build_info", "The version of the service and of Go. The value is 1.", "version", "goversion").WithLabelValues(version, runtime.Version()).Set(1)
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, verdict := range []string{"true", "false"} {
		m.verdicts.WithLabelValues(verdict)
	}
	m.refusals.WithLabelValues(other)
	for _, row := range refusalReasons {
		m.refusals.WithLabelValues(row.reason)
	}
	return m
}

func (m *metrics) counters(name, help string, labels ...string) *prometheus.CounterVec {
	vector := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tokenmint_" + name, Help: help}, labels)
	m.registry.MustRegister(vector)
	return vector
}

func (m *metrics) gauges(name, help string, labels ...string) *prometheus.GaugeVec {
	vector := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "tokenmint_" + name, Help: help}, labels)
	m.registry.MustRegister(vector)
	return vector
}

func (m *metrics) histograms(name, help string, labels ...string) *prometheus.HistogramVec {
	vector := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "tokenmint_" + name, Help: help, Buckets: durationBuckets}, labels)
	m.registry.MustRegister(vector)
	return vector
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

// refusalReason returns the label of the error for which the gate refuses a request.
func refusalReason(err error) string {
	for _, row := range refusalReasons {
		if errors.Is(err, row.err) {
			return row.reason
		}
	}
	return other
}

// countRefusal counts a request that the gate refuses.
func (m *metrics) countRefusal(err error) { m.refusals.WithLabelValues(refusalReason(err)).Inc() }

// setSigningKeys shows which keys there are. The passes of a key that is gone disappear,
// even if a request that began earlier is about to count another one.
func (m *metrics) setSigningKeys(keys []*jwtcore.Key) {
	m.signingKeys.Set(float64(len(keys)))
	m.signingKeyInfo.Reset()
	passes := map[string]prometheus.Counter{}
	for i, key := range keys {
		m.signingKeyInfo.WithLabelValues(key.Fingerprint(), strconv.FormatBool(i == 0)).Set(1)
		passes[key.Fingerprint()] = m.passes.WithLabelValues(key.Fingerprint())
	}
	old := m.passesOfKeys.Swap(&passes)
	if old == nil {
		return
	}
	for fingerprint := range *old {
		if passes[fingerprint] == nil {
			m.passes.DeleteLabelValues(fingerprint)
		}
	}
}

// countPass counts a token that passes, by the key that signed it.
func (m *metrics) countPass(key *jwtcore.Key) {
	if passes := (*m.passesOfKeys.Load())[key.Fingerprint()]; passes != nil {
		passes.Inc()
	}
}

func (m *metrics) setCertificateExpiry(expiry time.Time) {
	m.certificateExpiry.WithLabelValues().Set(float64(expiry.Unix()))
}

// addFile creates the series of a file that was read at now.
func (m *metrics) addFile(label string, now time.Time) {
	m.reloads.WithLabelValues(label, "success")
	m.reloads.WithLabelValues(label, "failure")
	m.setReloaded(label, now)
}

// countReload counts a file that was read again at now, and the error that this returned.
func (m *metrics) countReload(label string, err error, now time.Time) {
	if err != nil {
		m.reloads.WithLabelValues(label, "failure").Inc()
		m.lastReloadSuccess.WithLabelValues(label).Set(0)
		return
	}
	m.reloads.WithLabelValues(label, "success").Inc()
	m.setReloaded(label, now)
}

func (m *metrics) setReloaded(label string, now time.Time) {
	m.lastReloadSuccess.WithLabelValues(label).Set(1)
	m.lastReloadTime.WithLabelValues(label).Set(float64(now.Unix()))
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
