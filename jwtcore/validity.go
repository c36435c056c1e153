package jwtcore

import (
	"math"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// State is what the time claims of a token say about it at a given time.
type State string

// The states of a token. It has expired from the time of "exp" on (RFC 7519
// §4.1.4), and is not valid yet before the time of "nbf" (RFC 7519 §4.1.5).
const (
	StateValid       State = "valid"
	StateExpired     State = "expired"
	StateNotYetValid State = "not yet valid"
)

// Validity is what the time claims of a token mean at a given time.
type Validity struct {
	State State

	// Expires and NotBefore are "exp" and "nbf", in UTC. They are zero if the claim
	// is absent, not a number, or outside the years 1 to 9999.
	Expires, NotBefore time.Time
}

// Validity judges the time claims of the token at now. Claims that are not numbers
// do not count. Ok is false if neither "exp" nor "nbf" is a number.
func (t *Token) Validity(now time.Time) (validity Validity, ok bool) {
	expires, hasExpires := numericDate(t.exp)
	notBefore, hasNotBefore := numericDate(t.nbf)
	switch {
	case hasExpires && !now.Before(expires):
		validity.State = StateExpired
	case hasNotBefore && now.Before(notBefore):
		validity.State = StateNotYetValid
	default:
		validity.State = StateValid
	}
	if hasExpires && isInCalendar(expires) {
		validity.Expires = expires
	}
	if hasNotBefore && isInCalendar(notBefore) {
		validity.NotBefore = notBefore
	}
	return validity, hasExpires || hasNotBefore
}

// hasInvalidTime reports whether "exp" or "nbf" is not a number.
func (t *Token) hasInvalidTime() bool {
	return t.exp != nil && !isNumber(t.exp) || t.nbf != nil && !isNumber(t.nbf)
}

func isNumber(value jsontext.Value) bool { return value.Kind() == '0' }

// The calendar of RFC 3339 in Unix time: from the year 1, without its first
// second, which is Go's zero time, to the end of the year 9999.
const (
	calendarStart = -62135596799
	calendarEnd   = 253402300800
)

func isInCalendar(t time.Time) bool {
	return calendarStart <= t.Unix() && t.Unix() < calendarEnd
}

// numericDate reads a NumericDate (RFC 7519 §2): seconds since 1970, with
// fractions. A time outside the calendar becomes the nearest one outside it. Ok is
// false if value is nil or not a number.
func numericDate(value jsontext.Value) (date time.Time, ok bool) {
	if !isNumber(value) {
		return time.Time{}, false
	}
	number, _ := strconv.ParseFloat(string(value), 64) // ±Inf if it is out of range
	number = min(max(number, calendarStart-1), calendarEnd)
	seconds := math.Floor(number)
	nanoseconds := (number - seconds) * float64(time.Second)
	return time.Unix(int64(seconds), int64(nanoseconds)).UTC(), true
}
