package jwtcore

import (
	"errors"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

func TestAppendClaims(t *testing.T) {
	deepest := `{"a":` + strings.Repeat("[", maxClaimsDepth-1) + strings.Repeat("]", maxClaimsDepth-1) + `}`
	tests := []struct{ object, want string }{
		{`{}`, `{}`},
		{"{ \"sub\" : \"a\" ,\r\n\t\"n\" : 1.50 }", `{"sub":"a","n":1.50}`},
		{`{"iss":"","sub":"\u0061","aud":"a","nbf":0}`, `{"iss":"","sub":"\u0061","aud":"a","nbf":0}`},
		{`{"aud":[]}`, `{"aud":[]}`},
		{`{"aud":["a","b"]}`, `{"aud":["a","b"]}`},
		{`{"nbf":-1.5e3}`, `{"nbf":-1.5e3}`},
		{`{"IAT":1,"Exp":2,"a":{"iat":3,"exp":"x","sub":4}}`, `{"IAT":1,"Exp":2,"a":{"iat":3,"exp":"x","sub":4}}`},
		{deepest, deepest},
		{`{"a":null,"expires_in":3}`, `{"a":null,"expires_in":3}`},
	}
	for _, test := range tests {
		object := jsontext.Value(test.object)
		got, err := AppendClaims([]byte("before "), object)
		if err != nil || string(got) != "before "+test.want {
			t.Errorf("%s became %s (%v), want %s", test.object, got, err, test.want)
		}
		if string(object) != test.object {
			t.Errorf("AppendClaims changed its input %s to %s", test.object, object)
		}
	}
}

func TestAppendClaimsRefuses(t *testing.T) {
	tests := []struct{ object, reason string }{
		{`{"iat":1}`, "iat is set for every token"},
		{`{"jti":"x"}`, "jti is set for every token"},
		{`{"exp":1}`, "exp is set from expires_in: send that instead"},
		{`{"\u0065xp":1}`, "exp is set from expires_in"},
		{`{"payload":{}}`, "payload is set from user_data"},
		{`{"payload":null}`, "payload is set from user_data"},
		{`{"iss":1}`, "iss must be a string"},
		{`{"iss":null}`, "iss must be a string"},
		{`{"sub":7}`, "sub must be a string"},
		{`{"sub":["a"]}`, "sub must be a string"},
		{`{"aud":1}`, "aud must be a string or an array of strings"},
		{`{"aud":null}`, "aud must be a string or an array of strings"},
		{`{"aud":{"a":"b"}}`, "aud must be a string or an array of strings"},
		{`{"aud":["a",1]}`, "aud must be a string or an array of strings"},
		{`{"aud":[["a"]]}`, "aud must be a string or an array of strings"},
		{`{"aud":[null]}`, "aud must be a string or an array of strings"},
		{`{"nbf":"0"}`, "nbf must be a number"},
		{`{"nbf":null}`, "nbf must be a number"},
		{`{"a":1,"sub":2,"iat":3}`, "sub must be a string"},
		{`[]`, "not one JSON object"},
		{`{"a":` + strings.Repeat("[", maxClaimsDepth) + strings.Repeat("]", maxClaimsDepth) + `}`, "they nest deeper than 9999 levels"},
	}
	for _, test := range tests {
		got, err := AppendClaims([]byte("before "), jsontext.Value(test.object))
		if !errors.Is(err, ErrClaims) || !strings.Contains(err.Error(), test.reason) {
			t.Errorf("%s: %v, want ErrClaims with %q", test.object, err, test.reason)
		}
		if string(got) != "before " {
			t.Errorf("%s: AppendClaims changed dst to %s", test.object, got)
		}
	}
}
