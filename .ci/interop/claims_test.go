package interop

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	issuer   = "https://issuer.example"
	audience = "https://api.example"
	subject  = "zoë"
)

// parseExpecting parses a token with all checks of golang-jwt on, at a time. Later
// options replace earlier ones.
func parseExpecting(token string, at time.Time, options ...jwt.ParserOption) (jwt.MapClaims, error) {
	all := append([]jwt.ParserOption{
		jwt.WithValidMethods([]string{"HS512"}), jwt.WithStrictDecoding(), jwt.WithJSONNumber(),
		jwt.WithTimeFunc(func() time.Time { return at }), jwt.WithIssuedAt(),
		jwt.WithIssuer(issuer), jwt.WithAudience(audience), jwt.WithSubject(subject),
		jwt.WithNotBeforeRequired(), jwt.WithExpirationRequired(),
	}, options...)
	claims := jwt.MapClaims{}
	_, err := jwt.ParseWithClaims(token, claims, withKey(signingKey), all...)
	return claims, err
}

// ourClaims returns claims that meet all expectations, for a request to mint.
func ourClaims() map[string]any {
	return map[string]any{
		"iss": issuer, "aud": audience, "sub": subject, "nbf": now.Unix(),
		"scope": "read write", issuer + "/groups": []any{"admins", map[string]any{"Ωμέγα": nil}},
	}
}

func TestOurClaimsHoldThere(t *testing.T) {
	server := newServer(t)
	audiences := map[string]any{"text": audience, "array": []any{"https://other.example", audience}}
	for form, aud := range audiences {
		for name, data := range map[string]any{"with user_data": "x", "without user_data": nil} {
			t.Run(form+", "+name, func(t *testing.T) {
				want := ourClaims()
				want["aud"] = aud
				body := map[string]any{"claims": want, "user_data": data, "expires_in": 60}
				got, err := parseExpecting(askForToken(t, server, "/token", body), now)
				if err != nil {
					t.Fatal(err)
				}
				if payload, ok := got["payload"].(map[string]any); ok != (data != nil) || ok && payload["data"] != data {
					t.Errorf("the payload is %v", got["payload"])
				}
				if exp, err := got.GetExpirationTime(); err != nil || !exp.Equal(now.Add(time.Minute)) {
					t.Errorf("exp is %v, %v", exp, err)
				}
				for _, name := range []string{"iat", "exp", "jti", "payload"} {
					delete(got, name)
				}
				want["nbf"] = json.Number("1668676907")
				if !reflect.DeepEqual(map[string]any(got), want) {
					t.Errorf("the claims are %v, want %v", got, want)
				}
			})
		}
	}
}

func TestOurClaimsComeBackThere(t *testing.T) {
	server := newServer(t)
	for name, data := range userData {
		t.Run(name, func(t *testing.T) {
			claims := map[string]any{"é": json.RawMessage(data)}
			token := askForToken(t, server, "/token", map[string]any{"claims": claims})
			parsed, err := newParser(now).Parse(token, withKey(signingKey))
			if err != nil {
				t.Fatal(err)
			}
			if got, want := parsed.Claims.(jwt.MapClaims)["é"], decode(t, data); !reflect.DeepEqual(got, want) {
				t.Errorf("%v, want %v", got, want)
			}
		})
	}
}

// TestOtherExpectationsFailThere sees each check fail that TestOurClaimsHoldThere sees
// pass.
func TestOtherExpectationsFailThere(t *testing.T) {
	server := newServer(t)
	several := ourClaims()
	several["aud"] = []any{"https://other.example", audience}
	token := askForToken(t, server, "/token", map[string]any{"claims": ourClaims(), "expires_in": 60})
	forSeveral := askForToken(t, server, "/token", map[string]any{"claims": several, "expires_in": 60})
	anotherAudience := jwt.WithAudience(audience + "/")
	tests := []struct {
		name, token string
		at          time.Time
		option      jwt.ParserOption // nil if the expectations stay
		want        error            // nil if the token passes
	}{
		{"issuer", token, now, jwt.WithIssuer(issuer + "/"), jwt.ErrTokenInvalidIssuer},
		{"subject", token, now, jwt.WithSubject("zoe"), jwt.ErrTokenInvalidSubject},
		{"audience", token, now, anotherAudience, jwt.ErrTokenInvalidAudience},
		{"audiences", forSeveral, now, anotherAudience, jwt.ErrTokenInvalidAudience},
		{"all audiences", forSeveral, now, jwt.WithAllAudiences(audience, "https://other.example"), nil},
		{"one audience more", forSeveral, now, jwt.WithAllAudiences(audience, "https://other.example", "x"), jwt.ErrTokenInvalidAudience},
		{"before nbf", token, now.Add(-time.Second), nil, jwt.ErrTokenNotValidYet},
		{"at nbf", token, now, nil, nil},
		{"before exp", token, now.Add(59 * time.Second), nil, nil},
		{"at exp", token, now.Add(60 * time.Second), nil, jwt.ErrTokenExpired},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var options []jwt.ParserOption
			if test.option != nil {
				options = append(options, test.option)
			}
			if _, err := parseExpecting(test.token, test.at, options...); !errors.Is(err, test.want) {
				t.Errorf("%v, want %v", err, test.want)
			}
		})
	}
}

func TestMissingClaimsFailThere(t *testing.T) {
	server := newServer(t)
	for _, name := range []string{"iss", "aud", "sub", "nbf", "exp"} {
		t.Run(name, func(t *testing.T) {
			claims := ourClaims()
			delete(claims, name)
			body := map[string]any{"claims": claims}
			if name != "exp" {
				body["expires_in"] = 60
			}
			_, err := parseExpecting(askForToken(t, server, "/token", body), now)
			if !errors.Is(err, jwt.ErrTokenRequiredClaimMissing) {
				t.Errorf("%v, want %v", err, jwt.ErrTokenRequiredClaimMissing)
			}
		})
	}
}
