package handlers

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// maxExpiresIn is the longest lifetime of a token in seconds: a hundred years.
const maxExpiresIn = 3_153_600_000

// ParseMaxExpiresIn returns the duration in text, the value of MAX_EXPIRES_IN. It is an
// error if that is not from one second to a hundred years.
func ParseMaxExpiresIn(text string) (time.Duration, error) {
	lifetime, err := time.ParseDuration(text)
	if err != nil {
		return 0, err
	}
	if !isMaxExpiresIn(lifetime) {
		return 0, errors.New("write a duration from 1s to 876000h")
	}
	return lifetime, nil
}

// ParseExpiresIn returns the lifetime of a token in text: a duration such as 1h, or a
// number of seconds. It is an error if that is not in whole seconds, from one second to a
// hundred years.
func ParseExpiresIn(text string) (time.Duration, error) {
	lifetime, err := time.ParseDuration(text)
	if seconds, numberErr := strconv.ParseInt(text, 10, 64); numberErr == nil && 1 <= seconds && seconds <= maxExpiresIn {
		lifetime, err = time.Duration(seconds)*time.Second, nil
	}
	if err != nil || !isMaxExpiresIn(lifetime) || lifetime%time.Second != 0 {
		return 0, errors.New("write whole seconds, or a duration such as 1h, from 1s to 876000h")
	}
	return lifetime, nil
}

// isMaxExpiresIn reports whether lifetime can be the longest one of a service.
func isMaxExpiresIn(lifetime time.Duration) bool {
	return lifetime >= time.Second && lifetime <= maxExpiresIn*time.Second
}

// parseExpiresIn returns the number of seconds in value, or 0 if value is absent
// or null. A whole number may have any JSON spelling, such as 3600.0 or 36e2: some
// clients have no other. If bound is not 0, value is required and at most bound.
func parseExpiresIn(value jsontext.Value, bound int64) (int64, error) {
	switch {
	case isNull(value) && bound == 0:
		return 0, nil
	case isNull(value):
		return 0, expiresInError(bound)
	case value.Kind() != '0':
		return 0, fmt.Errorf("%w: expires_in must be a number", errMemberType)
	}
	seconds, err := strconv.ParseFloat(string(value), 64)
	if err != nil || seconds < 1 || seconds > float64(cmp.Or(bound, maxExpiresIn)) || !isWhole(value) {
		return 0, expiresInError(bound)
	}
	return int64(seconds), nil
}

func expiresInError(bound int64) error {
	if bound == 0 {
		return fmt.Errorf("%w from 1 to %d, or leave it out", errExpiresIn, maxExpiresIn)
	}
	return fmt.Errorf("%w from 1 to %d: this service mints no token that lives longer", errExpiresIn, bound)
}

// isWhole reports whether number, which is at most maxExpiresIn, has no fraction.
// It looks at the digits, because a float would round a number that is next to a
// whole one.
func isWhole(number jsontext.Value) bool {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(string(number)), "e")
	_, fraction, _ := strings.Cut(mantissa, ".")
	shift, _ := strconv.Atoi(exponent) // 0 if there is none; never out of range for such a number
	if shift >= 0 {
		return len(strings.TrimRight(fraction, "0")) <= shift
	}
	digits := strings.ReplaceAll(mantissa, ".", "")
	return len(digits)-len(strings.TrimRight(digits, "0")) >= len(fraction)-shift
}

// separators removes what separates the words of a name.
var separators = strings.NewReplacer("_", "", "-", "")

// meansExpiresIn reports whether name is another way to say expires_in. Other unknown
// members are ignored; ignoring one of these would mint a token that never expires.
func meansExpiresIn(name []byte) bool {
	switch separators.Replace(strings.ToLower(string(name))) {
	case "expiresin", "exp", "expires", "expiry", "expiresat", "ttl", "lifetime":
		return true
	default:
		return false
	}
}
