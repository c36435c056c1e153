package handlers

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
)

// other is the label of all methods and routes that the service does not know: what
// a client can make up must not become a series.
const other = "other"

// routeMethod is a route with one of the methods that it takes.
type routeMethod struct{ route, method string }

// routeSeries are the series of a route with one of its methods. To find them by their
// labels each time would take more than twice as long: see BenchmarkObserve.
type routeSeries struct {
	requests map[int]prometheus.Counter // by status code
	duration prometheus.Observer
}

// addRoutes creates the series of routes. OPTIONS is answered at all paths.
func (m *metrics) addRoutes(routes []*echo.Route) {
	for _, route := range routes {
		if route.Method == echo.RouteNotFound { // the gate, which takes any method
			for _, method := range methodLabels {
				m.addSeries(route.Path, method, statuses(route.Path, method))
			}
			continue
		}
		m.addSeries(route.Path, route.Method, statuses(route.Path, route.Method))
		m.addSeries(route.Path, http.MethodOptions, []int{http.StatusNoContent})
	}
	for _, method := range methodLabels {
		m.addSeries(other, method, []int{http.StatusNotFound, http.StatusMethodNotAllowed})
	}
	m.addSeries(other, http.MethodOptions, []int{http.StatusNoContent})
}

// statuses returns the status codes of the responses of a route, as openapi.yaml has them.
func statuses(route, method string) []int {
	switch route {
	case "/token":
		switch method {
		case http.MethodPost:
			return []int{200, 202, 400, 401, 403, 413, 415, 500, 503}
		case http.MethodGet, http.MethodHead:
			return []int{200, 202, 203, 204, 400, 413, 415, 500, 503}
		}
		return []int{200, 400, 413, 415, 500, 503}
	case "/token/verify", "/token/sign", introspectPath:
		return []int{200, 400, 413, 415, 500, 503}
	case "/tokens":
		return []int{200, 401, 403, 415, 426, 500, 503}
	case "/tokens/verify":
		return []int{200, 415, 426, 500, 503}
	case "/auth", "/ext_authz/*":
		return []int{200, 401, 500}
	case "/auth/if":
		return []int{200, 400, 401, 403, 500}
	case "/readyz":
		return []int{200, 500, 503}
	case "/assets/:name":
		return []int{200, 404, 500}
	default:
		return []int{200, 500}
	}
}

func (m *metrics) addSeries(route, method string, codes []int) {
	series, ok := m.routes[routeMethod{route, method}]
	if !ok {
		series = routeSeries{map[int]prometheus.Counter{}, m.durations.WithLabelValues(route, method)}
		m.routes[routeMethod{route, method}] = series
	}
	for _, code := range codes {
		series.requests[code] = m.requests.WithLabelValues(route, method, strconv.Itoa(code))
	}
}

// observe counts a request that was answered.
func (m *metrics) observe(route, method string, status int, took time.Duration) {
	series := m.routes[routeMethod{route, method}]
	series.duration.Observe(took.Seconds())
	if count, ok := series.requests[status]; ok {
		count.Inc()
	} else {
		m.requests.WithLabelValues(route, method, strconv.Itoa(status)).Inc()
	}
}

// labels returns the labels of a request. A method that a path does not support has no
// route.
func (m *metrics) labels(c echo.Context) (route, method string) {
	route, method = c.Path(), methodLabel(c.Request().Method)
	if _, ok := m.routes[routeMethod{route, method}]; !ok {
		route = other
	}
	return route, method
}

// methodLabels are the methods that are labels, and the label of all others.
var methodLabels = []string{"GET", "HEAD", "POST", "QUERY", "PUT", "PATCH", "DELETE", "OPTIONS", other}

// methodLabel returns the label of a method.
func methodLabel(method string) string {
	if slices.Contains(methodLabels, method) {
		return method
	}
	return other
}
