package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

const statusOK = `{"status":"ok"}`

// health answers GET /healthz: the process is alive.
func (s *Service) health(c echo.Context) error {
	return s.respondJSON(c, http.StatusOK, []byte(statusOK))
}

// ready answers GET /readyz: the service accepts requests, until it begins to
// stop.
func (s *Service) ready(c echo.Context) error {
	if s.draining.Load() {
		return errDraining
	}
	return s.respondJSON(c, http.StatusOK, []byte(statusOK))
}
