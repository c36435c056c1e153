package handlers

import (
	"errors"
	"net/http"
	"strings"

	"tokenmint/handlers/policy"
)

// Reasons why a request does not have exactly one token in a place.
var (
	errSeveralHeaders = errors.New("send one Authorization header, not several")
	errSeveralTokens  = errors.New("send one token after Bearer, and nothing else")
	errRepeatedHeader = errors.New("send the header with the token once")
	errRepeatedCookie = errors.New("send the cookie with the token once")
)

// findToken returns the token of a request, from the first of the policy's sources that
// the request has. If there is none, the error is errNoToken or errNoTokenHere.
func findToken(r *http.Request, p *policy.Policy) (string, error) {
	missing := errNoToken
	for source := range p.Sources() {
		text, err := tokenAt(r, source)
		if text != "" || err != nil && err != errNoToken {
			return text, err
		}
		if source.Kind != policy.Bearer {
			missing = errNoTokenHere
		}
	}
	return "", missing
}

// tokenAt returns the token at a source, or "" if the request has none there.
func tokenAt(r *http.Request, source policy.Source) (string, error) {
	switch source.Kind {
	case policy.Cookie:
		return cookieToken(r.Header["Cookie"], source.Name)
	case policy.Header:
		return headerToken(r.Header.Values(source.Name))
	default:
		return bearerToken(r.Header["Authorization"])
	}
}

// bearerToken returns the token in the Authorization header (RFC 6750 §2.1). The
// scheme may be in any letter case, and one or more spaces follow it (RFC 9110
// §11.1 and §11.4). If the request has no token, the error is errNoToken.
func bearerToken(authorization []string) (string, error) {
	switch len(authorization) {
	case 0:
		return "", errNoToken
	case 1:
	default:
		return "", errSeveralHeaders
	}
	scheme, token, _ := strings.Cut(authorization[0], " ")
	token = strings.Trim(token, " ")
	switch {
	case !strings.EqualFold(scheme, "Bearer"), token == "":
		return "", errNoToken
	case strings.ContainsAny(token, " \t,"):
		return "", errSeveralTokens
	default:
		return token, nil
	}
}

// cookieToken returns the value of a cookie, from the lines of the header Cookie
// (RFC 6265 §4.2.1). A cookie that is there twice, perhaps for two paths, is an error:
// the application might take the other one.
func cookieToken(lines []string, name string) (value string, err error) {
	found := false
	for _, line := range lines {
		for pair := range strings.SplitSeq(line, ";") {
			other, otherValue, _ := strings.Cut(strings.Trim(pair, " \t"), "=")
			if strings.Trim(other, " \t") != name {
				continue
			}
			if found {
				return "", errRepeatedCookie
			}
			found, value = true, strings.Trim(otherValue, " \t")
		}
	}
	return value, nil
}

// headerToken returns the value of a header that is there once.
func headerToken(values []string) (string, error) {
	switch len(values) {
	case 0:
		return "", nil
	case 1:
		return values[0], nil
	default:
		return "", errRepeatedHeader
	}
}
