package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
)

// preflightMaxAge is the time in seconds for which a browser may remember the answer
// to a preflight request.
const preflightMaxAge = 600

// ParseOrigins returns the origins in text, the value of ORIGINS: separated by
// commas, each http://host or https://host with an optional port. They are
// returned as browsers send them (RFC 6454 §6.2): in lower case, and without the
// scheme's default port. An empty text has no origins. The error quotes the entry
// that is not an origin.
func ParseOrigins(text string) (origins []string, err error) {
	if text == "" {
		return nil, nil
	}
	for entry := range strings.SplitSeq(text, ",") {
		entry = strings.TrimSpace(entry)
		origin, err := parseOrigin(entry)
		if err != nil {
			return nil, fmt.Errorf("%q is not an origin: %w", entry, err)
		}
		origins = append(origins, origin)
	}
	return origins, nil
}

var (
	errOriginForm  = errors.New("write http://host or https://host, with :port if it is not the scheme's default, and nothing after it")
	errOriginWild  = errors.New("write each origin in full, without *")
	errOriginASCII = errors.New("write the host as browsers send it, in ASCII: a name in other letters begins with xn--")
	errOriginPort  = errors.New("write a port from 1 to 65535")
)

// parseOrigin returns an origin as browsers send it.
func parseOrigin(text string) (string, error) {
	switch {
	case strings.ContainsFunc(text, func(r rune) bool { return r > '~' }):
		return "", errOriginASCII
	case strings.Contains(text, "*"):
		return "", errOriginWild
	}
	text = strings.ToLower(text)
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || text != u.Scheme+"://"+u.Host {
		return "", errOriginForm
	}
	host, err := originHost(u)
	if err != nil {
		return "", err
	}
	if strings.HasSuffix(u.Host, ":") || u.Port() != "" {
		port, err := strconv.ParseUint(u.Port(), 10, 16)
		if err != nil || port == 0 {
			return "", errOriginPort
		}
		if defaultPort := map[string]uint64{"http": 80, "https": 443}[u.Scheme]; port != defaultPort {
			host += ":" + strconv.FormatUint(port, 10)
		}
	}
	return u.Scheme + "://" + host, nil
}

// originHost returns the host of u without its port: a name of letters, digits,
// hyphens, underscores and dots, or an IP address.
func originHost(u *url.URL) (string, error) {
	name := u.Hostname()
	if strings.HasPrefix(u.Host, "[") {
		address, err := netip.ParseAddr(name)
		if err != nil || !address.Is6() || address.Zone() != "" {
			return "", errOriginForm
		}
		return "[" + address.String() + "]", nil
	}
	other := func(r rune) bool { return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789-_.", r) }
	if name == "" || strings.ContainsFunc(name, other) {
		return "", errOriginForm
	}
	return name, nil
}

// checkOrigin returns an error if the request comes from a web page that may not
// mint. Any page can make a browser send requests to the service. If the page's own
// name resolves to the service's address (DNS rebinding), it can even read the
// responses, but then the request has that name as its Host. So a page of an origin
// that is not in Origins may mint only if the service itself is that origin, under a
// name that nobody else can own.
func (s *Service) checkOrigin(r *http.Request) error {
	sent := r.Header["Origin"]
	if len(sent) == 0 || len(sent) == 1 && (slices.Contains(s.origins, sent[0]) || isLocalOrigin(sent[0], r.Host)) {
		return nil
	}
	return errOrigin
}

// isLocalOrigin reports whether origin has the authority host, and host is localhost,
// a name below it (RFC 6761 §6.3) or an IP address.
func isLocalOrigin(origin, host string) bool {
	scheme, authority, _ := strings.Cut(origin, "://")
	if scheme != "http" && scheme != "https" || !strings.EqualFold(authority, host) {
		return false
	}
	name := strings.ToLower((&url.URL{Host: host}).Hostname())
	_, err := netip.ParseAddr(name)
	return err == nil || name == "localhost" || strings.HasSuffix(name, ".localhost")
}

// shareWithOrigins lets pages of the service's origins use the token routes and read
// their responses, including errors (CORS, https://fetch.spec.whatwg.org).
func (s *Service) shareWithOrigins() echo.MiddlewareFunc {
	return middleware.CORSWithConfig(middleware.CORSConfig{
		Skipper: func(c echo.Context) bool {
			resource, _, _ := strings.Cut(strings.TrimPrefix(c.Path(), "/"), "/")
			return resource != "token" && resource != "tokens"
		},
		AllowOriginFunc: func(origin string) (bool, error) { return slices.Contains(s.origins, origin), nil },
		AllowHeaders:    []string{"Authorization", "Content-Type", "Traceparent", "X-Request-Id"},
		ExposeHeaders:   []string{"Error-Description", "X-Request-Id"},
		MaxAge:          preflightMaxAge,
	})
}
