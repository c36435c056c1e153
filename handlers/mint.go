package handlers

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"tokenmint/jwtcore"
	"tokenmint/jwtcore/ijson"
)

// maxMintBody is the size in bytes of the largest body of a request to mint.
const maxMintBody = 256 << 10

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

// isMaxExpiresIn reports whether lifetime can be the longest one of a service.
func isMaxExpiresIn(lifetime time.Duration) bool {
	return lifetime >= time.Second && lifetime <= maxExpiresIn*time.Second
}

// frameSize is an upper bound on the bytes in an answer of POST /token besides the user
// data in base64url.
const frameSize = 512

// mint answers POST /token: it signs the user data of callers who may mint.
func (s *Service) mint(c echo.Context) error {
	if err := s.authorizeMint(c); err != nil {
		return err
	}
	return s.answerJSON(c, maxMintBody, s.mintToken)
}

// mintToken makes the response with a new token.
func (s *Service) mintToken(a *answer, body []byte) error {
	request, err := parseMintRequest(body, s.maxExpiresIn)
	if err != nil {
		return err
	}
	a.data, err = jwtcore.AppendData(a.data, request.userData)
	if err != nil {
		return err
	}
	id, err := uuid.NewRandom()
	if err != nil {
		return fmt.Errorf("no random bytes for a jti: %w", err)
	}
	a.text = slices.Grow(a.text, base64.RawURLEncoding.EncodedLen(len(a.data))+frameSize)
	a.text = append(a.text, `{"JWT Token":"`...)
	a.text = s.keys()[0].Mint(a.text, jwtcore.Claims{
		IssuedAt:  s.now(),
		ExpiresIn: request.expiresIn,
		ID:        id,
		Data:      a.data,
	})
	a.text = append(a.text, `"}`...)
	s.metrics.minted.Inc()
	return nil
}

type mintRequest struct {
	userData  jsontext.Value
	expiresIn int64 // seconds; 0 for a token that does not expire
}

func parseMintRequest(body []byte, bound int64) (request mintRequest, err error) {
	var expiresIn jsontext.Value
	err = ijson.ReadObject(body, func(name []byte, value jsontext.Value) {
		switch string(name) {
		case "user_data":
			request.userData = value
		case "expires_in":
			expiresIn = value
		}
	})
	if err != nil {
		return request, err
	}
	if isNull(request.userData) {
		return request, errUserDataAbsent
	}
	request.expiresIn, err = parseExpiresIn(expiresIn, bound)
	return request, err
}

// isNull reports whether value is absent or null; the API treats both alike.
func isNull(value jsontext.Value) bool {
	return value == nil || value.Kind() == 'n'
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
