package handlers

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/labstack/echo/v4"

	"tokenmint/jwtcore"
	"tokenmint/jwtcore/ijson"
)

// maxInspectBody is the size in bytes of the largest body of a request to inspect.
// Every token that a body of maxMintBody can mint fits into it: the token is a
// third larger than its claims, and comes with its key.
const maxInspectBody = 512 << 10

// inspect answers GET, HEAD and QUERY /token and POST /token/verify: what is in a
// token, and whether the given key signed it.
func (s *Service) inspect(c echo.Context) error {
	return s.answerJSON(c, maxInspectBody, s.inspectToken)
}

// verdictSize is an upper bound on the bytes in the answer of an inspection besides the
// token's header and claims.
const verdictSize = 512

// inspectToken makes the response with what is in the token, and the verdict.
func (s *Service) inspectToken(a *answer, body []byte) error {
	request, err := parseInspectRequest(body)
	if err != nil {
		return err
	}
	defer clear(request.signingKey) // which is a copy if it had escapes
	secret, err := jwtcore.DecodeSecret(request.signingKey, string(request.keyEncoding))
	if err != nil {
		return err
	}
	defer clear(secret)
	token, err := jwtcore.Parse(string(request.token))
	if err != nil {
		return err
	}
	verdict := token.Verify(secret)
	s.metrics.countVerdict(verdict)
	a.text = slices.Grow(a.text, len(token.Header)+len(token.Claims)+verdictSize)
	a.text = appendInspection(a.text, &token, verdict, s.now())
	return nil
}

type inspectRequest struct {
	token, signingKey, keyEncoding []byte
}

func parseInspectRequest(body []byte) (request inspectRequest, err error) {
	if len(body) == 0 {
		return request, errTokenAbsent
	}
	var typeErr error
	text := func(name []byte, value jsontext.Value) []byte {
		text, ok := ijson.Text(value)
		if !ok && !isNull(value) {
			typeErr = fmt.Errorf("%w: %s must be a string", errMemberType, name)
		}
		return text
	}
	err = ijson.ReadObject(body, func(name []byte, value jsontext.Value) {
		switch string(name) {
		case "Token":
			request.token = text(name, value)
		case "Signing_key":
			request.signingKey = text(name, value)
		case "Key_encoding":
			request.keyEncoding = text(name, value)
		}
	})
	switch {
	case err != nil:
		return request, err
	case typeErr != nil:
		return request, typeErr
	case len(request.token) == 0:
		return request, errTokenAbsent
	case len(request.signingKey) == 0:
		return request, errSigningKeyAbsent
	default:
		return request, nil
	}
}

// appendInspection appends the response to an inspection to dst. Header and claims
// stay as they are spelled in the token: decoding and encoding them would change
// numbers and the order of members.
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

// appendTime appends a member with a time as its value (RFC 3339, to the
// millisecond) to dst. It appends nothing for the zero time.
func appendTime(dst []byte, name string, t time.Time) []byte {
	if t.IsZero() {
		return dst
	}
	dst = append(dst, name...)
	return t.AppendFormat(dst, `"2006-01-02T15:04:05.999Z07:00"`)
}

// appendString appends text, which is valid UTF-8, to dst as a JSON string.
func appendString(dst []byte, text string) []byte {
	dst, _ = jsontext.AppendQuote(dst, text) // it fails only for invalid UTF-8
	return dst
}
