package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

var statusOK = []byte(`{"status":"ok"}`)

// health answers GET /healthz: the process is alive.
func (s *Service) health(c echo.Context) error {
	return s.respond(c, http.StatusOK, statusOK)
}

// ready answers GET /readyz: new requests are welcome, until the service stops.
func (s *Service) ready(c echo.Context) error {
	if s.draining.Load() {
		return errDraining
	}
	return s.respond(c, http.StatusOK, statusOK)
}
