package jwtcore

import (
	"math"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// State says how a token stands in time.
type State string

// The states of a token that has "exp" or "nbf" (RFC 7519 §4.1.4, §4.1.5). A
// token expires at the very second of "exp", and is valid from that of "nbf".
const (
	StateValid       State = "valid"
	StateExpired     State = "expired"
	StateNotYetValid State = "not yet valid"
)

// Validity is what the time claims of a token mean at a given time.
type Validity struct {
	State State

	// Expires and NotBefore are "exp" and "nbf", in UTC. They are zero where
	// the claim is absent, not a number, or outside the years 1 to 9999, which
	// State takes into account all the same.
	Expires, NotBefore time.Time
}

// Validity judges the token's time claims at now. Ok is false where there is
// no numeric one.
func (t *Token) Validity(now time.Time) (validity Validity, ok bool) {
	expires, hasExpires := numericDate(t.exp)
	notBefore, hasNotBefore := numericDate(t.nbf)
	validity.State = StateValid
	switch {
	case hasExpires && !expires.After(now):
		validity.State = StateExpired
	case hasNotBefore && notBefore.After(now):
		validity.State = StateNotYetValid
	}
	if hasExpires && !beyondCalendar(expires) {
		validity.Expires = expires
	}
	if hasNotBefore && !beyondCalendar(notBefore) {
		validity.NotBefore = notBefore
	}
	return validity, hasExpires || hasNotBefore
}

// The calendar of RFC 3339 in Unix time: from the year 1, without its first
// second, which is Go's zero time, to before the year 10000.
const (
	calendarStart = -62135596799
	calendarEnd   = 253402300800
)

func beyondCalendar(t time.Time) bool {
	return t.Unix() < calendarStart || t.Unix() >= calendarEnd
}

// numericDate reads a NumericDate (RFC 7519 §2): seconds since 1970, fractions
// allowed. Times beyond the calendar come back as the nearest one beyond it.
// Ok is false where value is absent or not a number.
func numericDate(value jsontext.Value) (date time.Time, ok bool) {
	if value.Kind() != '0' {
		return time.Time{}, false
	}
	number, _ := strconv.ParseFloat(string(value), 64) // out of range is ±Inf
	number = min(max(number, calendarStart-1), calendarEnd)
	seconds := math.Floor(number)
	nanoseconds := (number - seconds) * float64(time.Second)
	return time.Unix(int64(seconds), int64(nanoseconds)).UTC(), true
}
