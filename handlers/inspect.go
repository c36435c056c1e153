package handlers

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
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

// inspect answers GET and HEAD /token: what is in a token, and whether the key in the
// request signed it.
func (s *Service) inspect(c echo.Context) error {
	return s.answerJSON(c, jsonType, maxInspectBody, func(a *answer, body []byte) error {
		request, err := parseInspectRequest(body)
		if err != nil {
			return err
		}
		i, err := inspectWithKey(request)
		if err != nil {
			return err
		}
		s.show(a, i, s.now())
		return nil
	})
}

// verify answers QUERY /token and POST /token/verify, like inspect. If the request has no
// key, it tries the service's own.
func (s *Service) verify(c echo.Context) error {
	return s.answerJSON(c, jsonType, maxInspectBody, func(a *answer, body []byte) error {
		return s.verifyToken(a, body, s.now())
	})
}

// verifyToken makes the response with what is in the token at now, and whether the key in
// the request or, if it has none, one of the service's own keys signed it.
func (s *Service) verifyToken(a *answer, body []byte, now time.Time) error {
	request, err := parseInspectRequest(body)
	if err != nil {
		return err
	}
	var i inspection
	if request.signingKey == nil {
		i, err = s.inspectWithOwnKeys(request)
	} else {
		i, err = inspectWithKey(request)
	}
	if err != nil {
		return err
	}
	s.show(a, i, now)
	return nil
}

// inspectWithKey returns what is in the token, and whether the key in the request signed
// it.
func inspectWithKey(request inspectRequest) (i inspection, err error) {
	if len(request.signingKey) == 0 {
		return i, errSigningKeyAbsent
	}
	defer clear(request.signingKey) // which is a copy if it had escapes
	encoding := string(request.keyEncoding)
	secret, err := jwtcore.DecodeSecret(request.signingKey, encoding)
	if err != nil {
		return i, err
	}
	defer clear(secret)
	token, err := jwtcore.Parse(string(request.token))
	if err != nil {
		return i, err
	}
	verdict := token.Verify(secret)
	if verdict != nil {
		if form, ok := token.FindKeyForm(request.signingKey, encoding); ok {
			verdict = misreadKey(form, cmp.Or(encoding, "utf8"))
		}
	}
	return inspection{token: &token, verdict: verdict}, nil
}

// inspectWithOwnKeys returns what is in the token, and which of the service's own keys
// signed it.
func (s *Service) inspectWithOwnKeys(request inspectRequest) (i inspection, err error) {
	if _, err := jwtcore.DecodeSecret(nil, string(request.keyEncoding)); err != nil {
		return i, err // there is no such encoding
	}
	token, err := jwtcore.Parse(string(request.token))
	if err != nil {
		return i, err
	}
	signer, verdict := token.Signer(s.keys())
	if verdict == jwtcore.ErrSignature {
		verdict = errNotOurs
	}
	revoked := signer != nil && s.isRevoked(&token)
	return inspection{token: &token, verdict: verdict, signer: signer, revoked: revoked}, nil
}

// errNotOurs is the verdict on a token that none of the service's own keys verifies.
var errNotOurs = fmt.Errorf("%w: none of this service's own keys signed the token; to check it with another key, send that in Signing_key", jwtcore.ErrSignature)

// misreadKey returns the verdict on a token that the key in the request verifies in
// another form. It says what to send.
func misreadKey(form jwtcore.KeyForm, sentEncoding string) error {
	var matches, send []string
	if form.Without != "" {
		matches = append(matches, "without "+form.Without)
		send = append(send, "the bare key")
	}
	if form.With != "" {
		matches = append(matches, "with "+form.With)
		send = append(send, "the key with it")
	}
	if form.Encoding != sentEncoding {
		matches = slices.Insert(matches, 0, "as "+form.Encoding)
		send = append(send, "Key_encoding "+form.Encoding)
	}
	return fmt.Errorf("%w the key as sent, but it matches %s: send %s",
		jwtcore.ErrSignature, strings.Join(matches, " "), strings.Join(send, ", and "))
}

type inspectRequest struct {
	token, signingKey, keyEncoding []byte // nil if absent or null
}

func parseInspectRequest(body []byte) (request inspectRequest, err error) {
	if len(body) == 0 {
		return request, errTokenAbsent
	}
	var m members
	err = ijson.ReadObject(body, func(name []byte, value jsontext.Value) {
		switch string(name) {
		case "Token":
			request.token = m.text(name, value)
		case "Signing_key":
			request.signingKey = m.text(name, value)
		case "Key_encoding":
			request.keyEncoding = m.text(name, value)
		}
	})
	switch {
	case err != nil:
		return request, err
	case m.typeErr != nil:
		return request, m.typeErr
	case len(request.token) == 0:
		return request, errTokenAbsent
	default:
		return request, nil
	}
}

// inspection is what the response to an inspection shows.
type inspection struct {
	token   *jwtcore.Token
	verdict error        // nil if a key signed the token
	signer  *jwtcore.Key // the service's own key that did, or nil
	revoked bool
}

// verdictSize is an upper bound on the bytes in the answer of an inspection besides the
// token's header and claims.
const verdictSize = 768

// show makes the response that shows i at now, and counts the verdict.
func (s *Service) show(a *answer, i inspection, now time.Time) {
	s.metrics.countVerdict(i.verdict)
	a.text = slices.Grow(a.text, len(i.token.Header)+len(i.token.Claims)+verdictSize)
	a.text = i.appendTo(a.text, now)
}

// appendTo appends the response to an inspection to dst. Header and claims stay as they
// are spelled in the token: decoding and encoding them would change numbers and the order
// of members.
func (i inspection) appendTo(dst []byte, now time.Time) []byte {
	dst = append(dst, `{"Header":`...)
	dst = append(dst, i.token.Header...)
	dst = append(dst, `,"Claims":`...)
	dst = append(dst, i.token.Claims...)
	dst = append(dst, `,"Signature Verification":`...)
	dst = strconv.AppendBool(dst, i.verdict == nil)
	if i.signer != nil {
		dst = append(dst, `,"Signed_by":`...)
		dst = appendString(dst, i.signer.Fingerprint())
	}
	if i.verdict != nil {
		dst = append(dst, `,"Reason":`...)
		dst = appendString(dst, i.verdict.Error())
	}
	if validity, ok := i.validity(now); ok {
		dst = appendValidity(dst, validity)
	}
	return append(dst, '}')
}

// validity returns the validity of the token at now. Ok is false if the token has neither
// "exp" nor "nbf", and is not revoked.
func (i inspection) validity(now time.Time) (validity jwtcore.Validity, ok bool) {
	validity, ok = i.token.Validity(now)
	if i.revoked && validity.State != jwtcore.StateInvalid {
		validity.State = stateRevoked
	}
	return validity, ok || i.revoked
}

func appendValidity(dst []byte, validity jwtcore.Validity) []byte {
	dst = append(dst, `,"Validity":{"state":`...)
	dst = appendString(dst, string(validity.State))
	dst = appendTime(dst, `,"expires":`, validity.Expires)
	dst = appendTime(dst, `,"not_before":`, validity.NotBefore)
	if validity.Note != "" {
		dst = append(dst, `,"note":`...)
		dst = appendString(dst, validity.Note)
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
