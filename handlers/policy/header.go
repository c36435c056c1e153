package policy

import (
	"slices"
	"strings"
)

// Encode percent-encodes everything in text but visible ASCII, and the percent sign
// (RFC 3986 §2.1). A header cannot carry the rest: a line break would even end it.
func Encode(text string) string { return percentEncode([]byte(text), "%") }

// percentEncode percent-encodes the bytes of text that are not visible ASCII, or that
// special contains.
func percentEncode(text []byte, special string) string {
	const digits = "0123456789ABCDEF"
	var encoded strings.Builder
	encoded.Grow(len(text))
	for _, c := range text {
		if ' ' < c && c <= '~' && strings.IndexByte(special, c) < 0 {
			encoded.WriteByte(c)
		} else {
			encoded.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
	return encoded.String()
}

// isToken reports whether name is a token, as names of headers and cookies are (RFC 9110
// §5.6.2, RFC 6265 §4.1.1).
func isToken(name string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	return name != "" && strings.Trim(name, letters+"!#$%&'*+-.^_`|~") == ""
}

// fold returns the name of a header with lower-case letters, and with a hyphen for
// everything but letters and digits. Names that fold alike may be the same to an
// application: CGI turns X-Name into HTTP_X_NAME (RFC 3875 §4.1.18), and servers that
// follow it turn X_Name into the same, some even X.Name.
func fold(name string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case 'A' <= c && c <= 'Z':
			return c + 'a' - 'A'
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
			return c
		default:
			return '-'
		}
	}, name)
}

// reserved are the headers that HTTP itself, browsers, proxies and the gate use.
var reserved = []string{
	// HTTP (RFC 9110 §18.4, RFC 9111 §5, RFC 9112 §10.1, RFC 9113 §8.2.2, RFC 6265 §4)
	"age", "allow", "authorization", "cache-control", "close", "connection", "cookie", "date", "etag", "expect", "expires",
	"from", "host", "http2-settings", "keep-alive", "last-modified", "location", "max-forwards", "mime-version", "pragma",
	"range", "referer", "retry-after", "server", "set-cookie", "te", "trailer", "transfer-encoding", "upgrade", "user-agent",
	"vary", "via", "warning", "www-authenticate",

	// Browsers
	"alt-svc", "clear-site-data", "link", "origin", "referrer-policy", "refresh", "strict-transport-security",
	"x-content-type-options", "x-frame-options",

	// The gate
	"error-description", "token-claims", "token-id", "x-request-id",
}

// reservedPrefixes are how the names of more such headers begin.
var reservedPrefixes = []string{
	"accept-", "access-control-", "authentication-", "content-", "cross-origin-", "if-", "proxy-", "sec-", "x-accel-",
}

// isReserved reports whether a query must not set the header.
func isReserved(name string) bool {
	name = fold(name)
	return slices.Contains(reserved, name) ||
		slices.ContainsFunc(reservedPrefixes, func(prefix string) bool { return strings.HasPrefix(name+"-", prefix) })
}
