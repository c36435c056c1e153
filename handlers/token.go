package handlers

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"tokenmint/jwtcore"
)

// The largest bodies that are read. What comes out of the first goes back in
// through the second: a token is a third larger than its claims, and the key
// comes with it.
const (
	maxMintBody    = 256 << 10
	maxInspectBody = 512 << 10
)

// An id is no secret, so random bytes are drawn for sixteen at a time: one
// allocation and a twentieth of the time less to mint.
func init() { uuid.EnableRandPool() }

// maxExpiresIn is the longest lifetime of a token in seconds: a hundred years.
const maxExpiresIn = 3_153_600_000

// mint answers POST /token: the user data comes back in a signed token.
func (s *Service) mint(c echo.Context) error {
	e := newExchange()
	defer e.release()
	body, err := e.readJSON(c.Request(), maxMintBody)
	if err != nil {
		return err
	}
	request, err := parseMintRequest(body)
	if err != nil {
		return err
	}
	data, err := jwtcore.CompactData(request.userData)
	if err != nil {
		return err
	}
	id, err := uuid.NewRandom()
	if err != nil {
		return fmt.Errorf("no random bytes for a jti: %w", err)
	}
	e.answer = append(e.answer, `{"JWT Token":"`...)
	e.answer = s.keys()[0].Mint(e.answer, jwtcore.Claims{
		IssuedAt:  s.now(),
		ExpiresIn: request.expiresIn,
		ID:        id,
		Data:      data,
	})
	e.answer = append(e.answer, `"}`...)
	s.metrics.minted.Inc()
	return s.respond(c, http.StatusOK, e.answer)
}

type mintRequest struct {
	userData  jsontext.Value
	expiresIn int64 // seconds, 0 where none are asked for
}

func parseMintRequest(body []byte) (request mintRequest, err error) {
	var expiresIn jsontext.Value
	err = jwtcore.ReadObject(body, func(member jwtcore.Member) error {
		switch string(member.Name) {
		case "user_data":
			request.userData = member.Value
		case "expires_in":
			expiresIn = member.Value
		}
		return nil
	})
	if err != nil {
		return request, err
	}
	if isNull(request.userData) {
		return request, errUserDataAbsent
	}
	request.expiresIn, err = parseExpiresIn(expiresIn)
	return request, err
}

// isNull reports whether a member is absent or null, which mean the same.
func isNull(value jsontext.Value) bool {
	return value == nil || value.Kind() == 'n'
}

// parseExpiresIn returns a number of seconds, 0 where there is none. A whole
// number may be spelled in any way that JSON has, 3600.0 and 36e2 among them,
// as some clients know no other.
func parseExpiresIn(value jsontext.Value) (int64, error) {
	if isNull(value) {
		return 0, nil
	}
	if value.Kind() != '0' {
		return 0, fmt.Errorf("%w: expires_in has to be a number", errMemberType)
	}
	seconds, err := strconv.ParseFloat(string(value), 64)
	if err != nil || seconds < 1 || seconds > maxExpiresIn || !isWhole(value) {
		return 0, errExpiresIn
	}
	return int64(seconds), nil
}

// isWhole reports whether a number of at most maxExpiresIn has no fraction. It
// looks at the digits: a float would round what is next to a whole number.
func isWhole(number jsontext.Value) bool {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(string(number)), "e")
	_, fraction, _ := strings.Cut(mantissa, ".")
	shift, _ := strconv.Atoi(exponent) // none is 0; out of range cannot be, for a number within bounds
	if shift >= 0 {
		return len(strings.TrimRight(fraction, "0")) <= shift
	}
	digits := strings.ReplaceAll(mantissa, ".", "")
	return len(digits)-len(strings.TrimRight(digits, "0")) >= len(fraction)-shift
}

// inspect answers GET, HEAD and QUERY /token and POST /token/verify: what is in
// a token, and whether the given key signed it.
func (s *Service) inspect(c echo.Context) error {
	e := newExchange()
	defer e.release()
	body, err := e.readJSON(c.Request(), maxInspectBody)
	if err != nil {
		return err
	}
	request, err := parseInspectRequest(body)
	if err != nil {
		return err
	}
	secret, err := jwtcore.DecodeSecret(request.signingKey, string(request.keyEncoding))
	if err != nil {
		return err
	}
	token, err := jwtcore.Parse(request.token)
	if err != nil {
		return err
	}
	verdict := token.Verify(secret)
	s.metrics.countVerdict(verdict)
	e.answer = appendInspection(e.answer, &token, verdict, s.now())
	return s.respond(c, http.StatusOK, e.answer)
}

type inspectRequest struct {
	token, signingKey, keyEncoding []byte
}

func parseInspectRequest(body []byte) (request inspectRequest, err error) {
	if len(body) == 0 {
		return request, errTokenAbsent
	}
	err = jwtcore.ReadObject(body, func(member jwtcore.Member) (err error) {
		switch string(member.Name) {
		case "Token":
			request.token, err = optionalString(member)
		case "Signing_key":
			request.signingKey, err = optionalString(member)
		case "Key_encoding":
			request.keyEncoding, err = optionalString(member)
		}
		return err
	})
	switch {
	case err != nil:
		return request, err
	case len(request.token) == 0:
		return request, errTokenAbsent
	case len(request.signingKey) == 0:
		return request, errSigningKeyAbsent
	default:
		return request, nil
	}
}

// optionalString returns the text of a string member, and none for null.
func optionalString(member jwtcore.Member) ([]byte, error) {
	text, ok := jwtcore.StringValue(member.Value)
	if !ok && !isNull(member.Value) {
		return nil, fmt.Errorf("%w: %s has to be a string", errMemberType, member.Name)
	}
	return text, nil
}

// appendInspection appends the answer to an inspection. Header and claims go
// out as they stand in the token: decoding and encoding them again would
// change numbers and the order of members.
func appendInspection(dst []byte, token *jwtcore.Token, verdict error, now time.Time) []byte {
	dst = append(dst, `{"Header":`...)
	dst = append(dst, token.Header...)
	dst = append(dst, `,"Claims":`...)
	dst = append(dst, token.Claims...)
	dst = append(dst, `,"Signature Verification":`...)
	dst = strconv.AppendBool(dst, verdict == nil)
	if verdict != nil {
		dst = append(dst, `,"Reason":`...)
		dst = appendString(dst, verdict.Error())
	}
	if validity, ok := token.Validity(now); ok {
		dst = append(dst, `,"Validity":{"state":`...)
		dst = appendString(dst, string(validity.State))
		dst = appendTime(dst, `,"expires":`, validity.Expires)
		dst = appendTime(dst, `,"not_before":`, validity.NotBefore)
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

// appendTime appends a time as a member (RFC 3339, to the millisecond), and
// nothing for the zero time.
func appendTime(dst []byte, name string, t time.Time) []byte {
	if t.IsZero() {
		return dst
	}
	dst = append(dst, name...)
	return t.AppendFormat(dst, `"2006-01-02T15:04:05.999Z07:00"`)
}

// appendString appends valid UTF-8 text as a JSON string.
func appendString(dst []byte, text string) []byte {
	dst, _ = jsontext.AppendQuote(dst, text) // an error is for invalid UTF-8 alone
	return dst
}
