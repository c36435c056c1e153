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

// reading are the methods of routes whose content clients read.
var reading = []string{http.MethodGet, http.MethodHead}

// addRoutes adds all routes.
func (s *Service) addRoutes(router *echo.Echo) {
	router.POST("/token", s.mint)
	router.Match(reading, "/token", s.inspect)
	router.Add("QUERY", "/token", s.verify) // RFC 10008
	router.POST("/token/verify", s.verify)
	router.POST("/token/sign", s.sign)
	router.POST("/tokens", s.mintLines)
	router.POST("/tokens/verify", s.verifyLines)
	s.addGateRoutes(router)
	router.Match(reading, "/metrics", s.showMetrics)
	router.Match(reading, "/", s.showPage)
	router.Match(reading, "/assets/:name", s.asset)
	router.Match(reading, "/openapi.yaml", s.describe)
}

// addGateRoutes adds the routes that Gate serves too.
func (s *Service) addGateRoutes(router *echo.Echo) {
	// The gate answers any method. Only RouteNotFound matches every method. Envoy
	// appends the path that the client asked for.
	router.RouteNotFound("/auth", s.auth)
	router.RouteNotFound("/auth/if", s.authIf)
	router.RouteNotFound("/ext_authz/*", s.auth)
	router.POST(introspectPath, s.introspect)
	router.Match(reading, "/healthz", s.health)
	router.Match(reading, "/readyz", s.ready)
}

// ServeHTTP answers one request.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.router.ServeHTTP(w, r) }

// Gate returns a handler that serves the gate, /introspect, /healthz and /readyz, and nothing
// else. It is for an address where proxies can ask and nobody can mint. It shares the keys, the
// metrics and the log of s, and drains with it.
func (s *Service) Gate() http.Handler { return s.gate }
