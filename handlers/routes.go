package handlers

import (
	"io"
	"net/http"

	"github.com/labstack/echo/v4"
)

// newRouter returns a router without routes. It does what all requests have in
// common.
func (s *Service) newRouter() *echo.Echo {
	router := echo.New()
	router.Logger.SetOutput(io.Discard) // it writes to standard output
	router.Pre(s.observe, s.answerErrors, s.setCommonHeaders, answerOptionsAsterisk)
	return router
}

// addRoutes adds all routes.
func (s *Service) addRoutes(router *echo.Echo) {
	router.POST("/token", s.mint)
	router.GET("/token", s.inspect)
	router.HEAD("/token", s.inspect)
	router.Add("QUERY", "/token", s.inspect) // RFC 10008
	router.POST("/token/verify", s.inspect)
	s.addGateRoutes(router)
	router.GET("/metrics", s.showMetrics)
	router.HEAD("/metrics", s.showMetrics)
	router.GET("/", s.showPage)
	router.HEAD("/", s.showPage)
	router.GET("/assets/:name", s.asset)
	router.HEAD("/assets/:name", s.asset)
	router.GET("/openapi.yaml", s.describe)
	router.HEAD("/openapi.yaml", s.describe)
}

// addGateRoutes adds the routes that Gate serves too.
func (s *Service) addGateRoutes(router *echo.Echo) {
	// The gate answers any method, and any path that Envoy appends to its prefix.
	// Only RouteNotFound matches every method.
	router.RouteNotFound("/auth", s.auth)
	router.RouteNotFound("/auth/*", s.auth)
	router.GET("/healthz", s.health)
	router.HEAD("/healthz", s.health)
	router.GET("/readyz", s.ready)
	router.HEAD("/readyz", s.ready)
}

// ServeHTTP answers one request.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.router.ServeHTTP(w, r) }

// Gate returns a handler that serves /auth, /healthz and /readyz, and nothing else. It
// is for an address where proxies can ask and nobody can mint. It shares the keys, the
// metrics and the log of s, and drains with it.
func (s *Service) Gate() http.Handler { return s.gate }
