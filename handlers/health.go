package handlers

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"

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

// CheckHealth returns an error that says what to do if the service at address does not
// answer GET /healthz. The client must connect to address whatever host a URL names, and
// have a timeout.
func CheckHealth(client *http.Client, address string, useTLS bool) error {
	scheme, otherScheme := "http", "https"
	if useTLS {
		scheme, otherScheme = otherScheme, scheme
	}
	err := checkHealth(client, scheme)
	var timeout net.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("the service at %s does not answer within %v: see its log", address, client.Timeout)
	case checkHealth(client, otherScheme) != nil:
		return fmt.Errorf("the service at %s is not healthy: %w", address, err)
	case useTLS:
		return fmt.Errorf("the service at %s speaks plain HTTP: set TLS_CERT_FILE and TLS_KEY_FILE for both the service and its health check, or for neither", address)
	default:
		return fmt.Errorf("the service at %s speaks TLS: set TLS_CERT_FILE and TLS_KEY_FILE for its health check, too", address)
	}
}

// checkHealth is CheckHealth with one scheme.
func checkHealth(client *http.Client, scheme string) error {
	response, err := client.Get(scheme + "://localhost/healthz")
	if err != nil {
		return adviseClient(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<10))
	switch {
	case err != nil:
		return adviseClient(err)
	case response.StatusCode != http.StatusOK:
		return fmt.Errorf("/healthz answers %d: if another program listens there, correct BIND", response.StatusCode)
	case strings.TrimSpace(string(body)) != statusOK:
		return errors.New("/healthz has the answer of another program: correct BIND")
	default:
		return nil
	}
}

// adviseClient adds to err, of a client, what to do about it. It leaves out the URL, whose
// host is not the one that the client connects to.
func adviseClient(err error) error {
	if urlErr := new(url.Error); errors.As(err, &urlErr) {
		err = urlErr.Err
	}
	var networkErr *net.OpError
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: give user %d the right to write to the socket", err, os.Geteuid())
	case errors.As(err, &networkErr) && networkErr.Op == "dial":
		return fmt.Errorf("%w: start the service, or set BIND to its address", err)
	default:
		return fmt.Errorf("%w: if another program listens there, correct BIND", err)
	}
}
