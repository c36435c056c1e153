package handlers

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"tokenmint/jwtcore"
	"tokenmint/jwtcore/ijson"
)

// maxMintBody is the size in bytes of the largest body of a request to mint.
const maxMintBody = 256 << 10

// frameSize is an upper bound on the bytes in an answer of POST /token besides the
// contents that the caller sent, in base64url.
const frameSize = 512

// mint answers POST /token: it signs the user data of callers who may mint.
func (s *Service) mint(c echo.Context) error {
	if err := s.authorizeMint(c); err != nil {
		return err
	}
	return s.answerJSON(c, jsonType, maxMintBody, func(a *answer, body []byte) error {
		id, err := s.mintToken(a, body, s.now(), rand.Reader)
		if err == nil {
			recordOf(c).setMinted(id)
		}
		return err
	})
}

// mintToken makes the response with a new token that is issued at now. It reads the
// token's id from random, and returns it.
func (s *Service) mintToken(a *answer, body []byte, now time.Time, random io.Reader) (id uuid.UUID, err error) {
	request, err := parseMintRequest(body, s.maxExpiresIn)
	if err != nil {
		return id, err
	}
	a.text = append(a.text, `{"JWT Token":"`...)
	if id, err = s.appendToken(a, request, now, random); err != nil {
		return id, err
	}
	a.text = append(a.text, `"}`...)
	return id, nil
}

// appendToken appends a new token to a.text, and returns its id.
func (s *Service) appendToken(a *answer, request mintRequest, now time.Time, random io.Reader) (id uuid.UUID, err error) {
	a.data = slices.Grow(a.data[:0], len(request.userData)+len(request.claims))
	claims, err := request.appendContent(a)
	if err != nil {
		return id, err
	}
	id, err = uuid.NewRandomFromReader(random)
	if err != nil {
		return id, fmt.Errorf("no random bytes for a jti: %w", err)
	}
	a.text = slices.Grow(a.text, base64.RawURLEncoding.EncodedLen(len(a.data))+frameSize)
	claims.IssuedAt, claims.ExpiresIn, claims.ID = now, request.expiresIn, id
	a.text = s.keys()[0].Mint(a.text, claims)
	s.metrics.minted.Inc()
	return id, nil
}

type mintRequest struct {
	userData, claims jsontext.Value // claims is nil if absent or null
	expiresIn        int64          // seconds; 0 for a token that does not expire
}

// appendContent appends the contents of a token to a.data, without insignificant white
// space, and returns claims that refer to them.
func (r *mintRequest) appendContent(a *answer) (claims jwtcore.Claims, err error) {
	if !isNull(r.userData) {
		if a.data, err = jwtcore.AppendData(a.data, r.userData); err != nil {
			return claims, err
		}
		claims.Data = a.data
	}
	if r.claims != nil {
		size := len(a.data)
		if a.data, err = jwtcore.AppendClaims(a.data, r.claims); err != nil {
			return claims, err
		}
		claims.Additional = a.data[size:]
	}
	return claims, nil
}

func parseMintRequest(body []byte, bound int64) (request mintRequest, err error) {
	var expiresIn jsontext.Value
	var m members
	nearMiss := false
	err = ijson.ReadObject(body, func(name []byte, value jsontext.Value) {
		switch string(name) {
		case "user_data":
			request.userData = value
		case "claims":
			request.claims = m.object(name, value)
		case "expires_in":
			expiresIn = value
		default:
			nearMiss = nearMiss || meansExpiresIn(name)
		}
	})
	switch {
	case err != nil:
		return request, err
	case nearMiss:
		return request, errNearMiss
	case m.typeErr != nil:
		return request, m.typeErr
	case isNull(request.userData) && request.claims == nil:
		return request, errUserDataAbsent
	}
	request.expiresIn, err = parseExpiresIn(expiresIn, bound)
	return request, err
}
