package handlers

import (
	"encoding/base64"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/labstack/echo/v4"

	"tokenmint/jwtcore"
	"tokenmint/jwtcore/ijson"
)

// sign answers POST /token/sign: it signs a header and claims with the key in the
// request. It is the inverse of an inspection.
func (s *Service) sign(c echo.Context) error {
	return s.answerJSON(c, jsonType, maxMintBody, signToken)
}

// signToken makes the response with the token.
func signToken(a *answer, body []byte) error {
	request, err := parseSignRequest(body)
	if err != nil {
		return err
	}
	defer clear(request.signingKey) // which is a copy if it had escapes
	secret, err := jwtcore.DecodeSecret(request.signingKey, string(request.keyEncoding))
	if err != nil {
		return err
	}
	defer clear(secret)
	a.text = slices.Grow(a.text, base64.RawURLEncoding.EncodedLen(len(request.header)+len(request.claims))+frameSize)
	a.text = append(a.text, `{"JWT Token":"`...)
	a.text, err = jwtcore.Sign(a.text, request.header, request.claims, secret)
	if err != nil {
		return err
	}
	a.text = append(a.text, `"}`...)
	return nil
}

type signRequest struct {
	header, claims          jsontext.Value
	signingKey, keyEncoding []byte
}

func parseSignRequest(body []byte) (request signRequest, err error) {
	var m members
	err = ijson.ReadObject(body, func(name []byte, value jsontext.Value) {
		switch string(name) {
		case "Header":
			request.header = m.object(name, value)
		case "Claims":
			request.claims = m.object(name, value)
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
	case len(request.signingKey) == 0:
		return request, errSecretAbsent
	case request.claims == nil:
		return request, errClaimsAbsent
	case request.header == nil:
		request.header = jwtcore.HS512.DefaultHeader()
	}
	return request, nil
}
