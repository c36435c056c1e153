package handlers

import (
	"net/url"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/labstack/echo/v4"

	"tokenmint/jwtcore"
	"tokenmint/jwtcore/ijson"
)

const introspectPath = "/introspect"

// introspect answers POST /introspect, OAuth 2.0 token introspection (RFC 7662): whether
// a token would pass at the gate, and its claims if so. Its client does not need the key.
func (s *Service) introspect(c echo.Context) error {
	return s.answerJSON(c, formType, maxInspectBody, func(a *answer, body []byte) error {
		return s.introspectToken(a, body, recordOf(c))
	})
}

// introspectToken makes the response about the token in a form.
func (s *Service) introspectToken(a *answer, body []byte, r *record) error {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return errForm // err quotes the body
	}
	tokens := form["token"]
	if len(tokens) != 1 || tokens[0] == "" { // an empty one counts as absent (RFC 6749 §3.1)
		return errTokenParameter
	}
	token, key, err := s.validate(tokens[0], s.now(), 0)
	r.setToken(&token, key)
	if err != nil {
		r.setReason(err)
		s.metrics.countRefusal(err)
		a.text = append(a.text, `{"active":false}`...) // without the reason (RFC 7662 §2.2)
		return nil
	}
	s.metrics.countPass(key)
	a.text = slices.Grow(a.text, len(activePrefix)+len(token.Claims))
	a.text = appendIntrospection(a.text, &token)
	return nil
}

const activePrefix = `{"active":true`

// appendIntrospection appends the response about an active token to dst: its claims, as
// members beside "active" (RFC 7662 §2.2). A claim of that name is left out, because a
// token must not speak for the service.
func appendIntrospection(dst []byte, token *jwtcore.Token) []byte {
	dst = append(dst, activePrefix...)
	ijson.ReadObject(token.Claims, func(name []byte, value jsontext.Value) { // which Parse has read before
		if string(name) == "active" {
			return
		}
		dst = append(dst, ',')
		dst = appendString(dst, string(name))
		dst = append(dst, ':')
		dst = append(dst, value...)
	})
	return append(dst, '}')
}

// oauthErrorBody returns the body of a 400 in the form of RFC 6749 §5.2, which RFC 7662
// §2.3 refers to.
func oauthErrorBody(description string) []byte {
	body := append([]byte(`{"error":"invalid_request","error_description":`), appendString(nil, description)...)
	return append(body, '}')
}
