package jwtcore

import (
	"math"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// State is what the time claims of a token say about it at a given time.
type State string

// The states of a token. It is invalid if "exp" or "nbf" is not a number (RFC 7519 §2).
// Otherwise it has expired from the time of "exp" on (RFC 7519 §4.1.4), and is not valid
// yet before the time of "nbf" (RFC 7519 §4.1.5).
const (
	StateValid       State = "valid"
	StateInvalid     State = "invalid"
	StateExpired     State = "expired"
	StateNotYetValid State = "not yet valid"
)

// Validity is what the time claims of a token mean at a given time.
type Validity struct {
	State State

	// Expires and NotBefore are "exp" and "nbf", in UTC. They are zero if the claim
	// is absent, not a number, or outside the years 1 to 9999.
	Expires, NotBefore time.Time

	// Note is one line about a claim that is not a number, or is probably in
	// milliseconds. It is empty if there is no such claim.
	Note string
}

// Validity judges the time claims of the token at now. Ok is false if the token has
// neither "exp" nor "nbf".
func (t *Token) Validity(now time.Time) (validity Validity, ok bool) {
	if t.exp == nil && t.nbf == nil {
		return validity, false
	}
	validity.State = t.state(now, 0)
	validity.Expires = calendarDate(t.exp)
	validity.NotBefore = calendarDate(t.nbf)
	validity.Note = joinNotes(timeNote("exp", t.exp), timeNote("nbf", t.nbf))
	return validity, true
}

// state returns the state of the token at now. The clock of the issuer may differ by
// leeway.
func (t *Token) state(now time.Time, leeway time.Duration) State {
	expires, hasExpires := numericDate(t.exp)
	notBefore, hasNotBefore := numericDate(t.nbf)
	switch {
	case t.exp != nil && !hasExpires, t.nbf != nil && !hasNotBefore:
		return StateInvalid
	case hasExpires && !now.Add(-leeway).Before(expires):
		return StateExpired
	case hasNotBefore && now.Add(leeway).Before(notBefore):
		return StateNotYetValid
	default:
		return StateValid
	}
}

// milliseconds is the number above which a time claim is probably in milliseconds: in
// seconds, it is the year 5138.
const milliseconds = 1e11

// timeNote returns what a person would want to know about the value of the time claim
// called name, or nothing.
func timeNote(name string, value jsontext.Value) string {
	if value == nil {
		return ""
	}
	if !isNumber(value) {
		return name + " is not a number, so other implementations refuse the token"
	}
	if number, _ := strconv.ParseFloat(string(value), 64); number > milliseconds {
		return name + " is probably in milliseconds, but RFC 7519 counts in seconds"
	}
	return ""
}

// joinNotes returns two notes as one line. Each may be empty.
func joinNotes(first, second string) string {
	if first == "" || second == "" {
		return first + second
	}
	return first + "; " + second
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

// calendarDate returns the time that a NumericDate means, or the zero time if value is
// not a number or the time is not in the calendar.
func calendarDate(value jsontext.Value) time.Time {
	date, ok := numericDate(value)
	if !ok || !isInCalendar(date) {
		return time.Time{}
	}
	return date
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
