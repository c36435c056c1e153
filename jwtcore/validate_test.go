package jwtcore

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestValidate(t *testing.T) {
	keys := []*Key{NewKey(HS512, []byte("new")), NewKey(HS512, []byte("old"))}
	now := time.Unix(1000, 0)
	tests := []struct {
		name, token string
		want        error
	}{
		{"signed with the first key", signed(HS512, "new", hs512, `{}`), nil},
		{"signed with the second key", signed(HS512, "old", hs512, `{}`), nil},
		{"signed with another key", signed(HS512, "other", hs512, `{}`), ErrSignature},
		{"another header with HS512", signed(HS512, "new", `{"alg":"HS512","kid":"1"}`, `{}`), nil},
		{"HS256", signed(HS256, "new", `{"alg":"HS256"}`, `{}`), ErrAlgorithm},
		{"HS384", signed(HS384, "new", `{"alg":"HS384"}`, `{}`), ErrAlgorithm},
		{"signed with HS512 under the name HS256", signed(HS512, "new", `{"alg":"HS256"}`, `{}`), ErrAlgorithm},
		{"none", join(`{"alg":"none"}`, `{}`, ""), ErrAlgorithm},
		{"none, signed", signed(HS512, "new", `{"alg":"none"}`, `{}`), ErrAlgorithm},
		{"no alg", signed(HS512, "new", `{}`, `{}`), ErrAlgorithm},
		{"crit", signed(HS512, "new", `{"alg":"HS512","crit":["b64"]}`, `{}`), ErrCritical},
		{"no signature", join(hs512, `{}`, ""), ErrSignature},
		{"a signature with two more bytes", signed(HS512, "new", hs512, `{}`) + "AA", ErrSignature},
		{"half a signature", signed(HS512, "new", hs512, `{}`)[:len(signed(HS512, "new", hs512, `{}`))-42], ErrSignature},

		{"exp in a second", signed(HS512, "new", hs512, `{"exp":1001}`), nil},
		{"exp now", signed(HS512, "new", hs512, `{"exp":1000}`), ErrExpired},
		{"exp a second ago", signed(HS512, "new", hs512, `{"exp":999}`), ErrExpired},
		{"exp in half a second", signed(HS512, "new", hs512, `{"exp":1000.5}`), nil},
		{"exp after the calendar", signed(HS512, "new", hs512, `{"exp":1e400}`), nil},
		{"exp before the calendar", signed(HS512, "new", hs512, `{"exp":-1e400}`), ErrExpired},
		{"nbf a second ago", signed(HS512, "new", hs512, `{"nbf":999}`), nil},
		{"nbf now", signed(HS512, "new", hs512, `{"nbf":1000}`), nil},
		{"nbf in a second", signed(HS512, "new", hs512, `{"nbf":1001}`), ErrNotYetValid},
		{"nbf after the calendar", signed(HS512, "new", hs512, `{"nbf":1e400}`), ErrNotYetValid},
		{"between nbf and exp", signed(HS512, "new", hs512, `{"nbf":1000,"exp":1001}`), nil},
		{"exp a string", signed(HS512, "new", hs512, `{"exp":"1001"}`), ErrTimeClaim},
		{"exp null", signed(HS512, "new", hs512, `{"exp":null}`), ErrTimeClaim},
		{"exp an array", signed(HS512, "new", hs512, `{"exp":[1001]}`), ErrTimeClaim},
		{"nbf a string", signed(HS512, "new", hs512, `{"nbf":"0"}`), ErrTimeClaim},
		{"exp in another spelling", signed(HS512, "new", hs512, `{"\u0065xp":1}`), ErrExpired},
		{"exp in the payload", signed(HS512, "new", hs512, `{"payload":{"exp":1}}`), nil},
		{"expired, and signed with another key", signed(HS512, "other", hs512, `{"exp":1}`), ErrSignature},
	}
	for _, test := range tests {
		token, err := Parse(test.token)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		key, err := token.Validate(keys, now, 0)
		if !errors.Is(err, test.want) || err == nil != (test.want == nil) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		} else if errors.Is(err, ErrAlgorithm) && !strings.HasSuffix(err.Error(), "it must be HS512") {
			t.Errorf("%s: %q, want a text that ends in HS512", test.name, err)
		}
		unsigned := errors.Is(err, ErrAlgorithm) || errors.Is(err, ErrCritical) || errors.Is(err, ErrSignature)
		if (key == nil) != unsigned || key != nil && !key.matches(token.signature, token.signingInput) {
			t.Errorf("%s: the key is %v", test.name, key)
		}
	}
	token, err := Parse(signed(HS512, "new", hs512, `{}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := token.Validate(nil, now, 0); !errors.Is(err, ErrSignature) {
		t.Errorf("without keys: %v, want %v", err, ErrSignature)
	}
}

// TestValidateLeeway checks the moments from which on the leeway makes a difference.
func TestValidateLeeway(t *testing.T) {
	keys := []*Key{NewKey(HS512, []byte("new"))}
	const leeway = 30 * time.Second
	tests := []struct {
		claims string
		now    time.Time
		leeway time.Duration
		want   error
	}{
		{`{"exp":1000}`, time.Unix(1030, -1), leeway, nil},
		{`{"exp":1000}`, time.Unix(1030, 0), leeway, ErrExpired},
		{`{"exp":1000}`, time.Unix(1000, -1), 0, nil},
		{`{"exp":1000}`, time.Unix(1000, 0), 0, ErrExpired},
		{`{"exp":1000}`, time.Unix(1000, 0), time.Nanosecond, nil},
		{`{"exp":1000.5}`, time.Unix(1030, 499_999_999), leeway, nil},
		{`{"exp":1000.5}`, time.Unix(1030, 500_000_000), leeway, ErrExpired},
		{`{"nbf":1000}`, time.Unix(970, 0), leeway, nil},
		{`{"nbf":1000}`, time.Unix(970, -1), leeway, ErrNotYetValid},
		{`{"nbf":1000}`, time.Unix(1000, 0), 0, nil},
		{`{"nbf":1000}`, time.Unix(1000, -1), 0, ErrNotYetValid},
		{`{"nbf":1030,"exp":971}`, time.Unix(1000, -1), leeway, ErrNotYetValid},
		{`{"nbf":1030,"exp":971}`, time.Unix(1000, 0), leeway, nil},
		{`{"nbf":1030,"exp":971}`, time.Unix(1001, 0), leeway, ErrExpired},
		{`{"exp":1e400}`, time.Unix(1000, 0), leeway, nil},
		{`{"exp":-1e400}`, time.Unix(1000, 0), leeway, ErrExpired},
		{`{"nbf":1e400}`, time.Unix(1000, 0), leeway, ErrNotYetValid},
		{`{"exp":"1000"}`, time.Unix(1000, 0), leeway, ErrTimeClaim},
		{`{"iat":5000}`, time.Unix(1000, 0), 0, nil},
	}
	for _, test := range tests {
		token, err := Parse(signed(HS512, "new", hs512, test.claims))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := token.Validate(keys, test.now, test.leeway); err != test.want {
			t.Errorf("%s at %v with a leeway of %v: %v, want %v", test.claims, test.now.UTC(), test.leeway, err, test.want)
		}
	}
}

func TestSigner(t *testing.T) {
	keys := []*Key{NewKey(HS512, []byte("new")), NewKey(HS512, []byte("old")), NewKey(HS256, []byte("HS256"))}
	tests := []struct {
		name, token string
		signer      *Key
		want        error
		reason      string
	}{
		{"the first key", signed(HS512, "new", hs512, `{}`), keys[0], nil, ""},
		{"the second key, expired", signed(HS512, "old", hs512, `{"exp":1}`), keys[1], nil, ""},
		{"another key", signed(HS512, "other", hs512, `{}`), nil, ErrSignature, "the signature does not match"},
		{"no signature", join(hs512, `{}`, ""), nil, ErrSignature, "it is empty"},
		{"half a signature", signed(HS512, "new", hs512, `{}`)[:len(signed(HS512, "new", hs512, `{}`))-42], nil, ErrSignature, "it has 33 bytes"},
		{"a key for HS256", signed(HS256, "HS256", hs512, `{}`), nil, ErrSignature, "it has 32 bytes"},
		{"HS256", signed(HS256, "new", `{"alg":"HS256"}`, `{}`), nil, ErrAlgorithm, "so the signature was not checked: the keys are for HS512"},
		{"RS256", signed(HS512, "new", `{"alg":"RS256"}`, `{}`), nil, ErrAlgorithm, "so the signature was not checked: RS256 is not HMAC"},
		{"none", join(`{"alg":"none"}`, `{}`, ""), nil, ErrAlgorithm, "not signed at all"},
		{"crit", signed(HS512, "new", `{"alg":"HS512","crit":["b64"]}`, `{}`), nil, ErrCritical, "crit"},
	}
	for _, test := range tests {
		token, err := Parse(test.token)
		if err != nil {
			t.Fatal(err)
		}
		signer, err := token.Signer(keys)
		if signer != test.signer || !errors.Is(err, test.want) || err != nil && !strings.Contains(err.Error(), test.reason) {
			t.Errorf("%s: %v, %v, want %v with %q", test.name, signer, err, test.want, test.reason)
		}
	}
}

func TestID(t *testing.T) {
	tests := []struct {
		claims, id string
		ok         bool
	}{
		{`{"jti":"a"}`, "a", true},
		{` { "x" : { "jti" : "b" } , "jti" : "a\u0000\n" } `, "a\x00\n", true},
		{`{"\u006ati":""}`, "", true},
		{`{"jti":7}`, "", false},
		{`{"jti":null}`, "", false},
		{`{"payload":{"jti":"a"}}`, "", false},
		{`{}`, "", false},
	}
	for _, test := range tests {
		token, err := Parse(join(hs512, test.claims, ""))
		if err != nil {
			t.Fatal(err)
		}
		if id, ok := token.ID(); id != test.id || ok != test.ok {
			t.Errorf("%s: %q, %t, want %q, %t", test.claims, id, ok, test.id, test.ok)
		}
	}
}
