package jwtcore

import (
	"errors"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"tokenmint/jwtcore/ijson"
)

func TestSign(t *testing.T) {
	for _, algorithm := range algorithms {
		header := "{ \"alg\" : \"" + algorithm.String() + "\" ,\n\"kid\":\"\\u0061\" }"
		claims := "{\t\"z\" : 1.50 , \"a\":[ ] , \"\\u0065xp\" : \"\\/\" }"
		got, err := Sign([]byte("before "), jsontext.Value(header), jsontext.Value(claims), []byte("key"))
		want := "before " + signed(algorithm.Algorithm, "key", `{"alg":"`+algorithm.String()+`","kid":"\u0061"}`, `{"z":1.50,"a":[],"\u0065xp":"\/"}`)
		if err != nil || string(got) != want {
			t.Errorf("%s: %s (%v), want %s", algorithm, got, err, want)
		}
	}
}

func TestSignRefuses(t *testing.T) {
	tests := []struct {
		header, claims string
		want           error
	}{
		{`{}`, `{}`, ErrAlgorithm},
		{`{"alg":"none"}`, `{}`, ErrAlgorithm},
		{`{"alg":"hs256"}`, `{}`, ErrAlgorithm},
		{`{"alg":"RS256"}`, `{}`, ErrAlgorithm},
		{`{"alg":256}`, `{}`, ErrAlgorithm},
		{`{"alg":null}`, `{}`, ErrAlgorithm},
		{`{"alg":["HS256"]}`, `{}`, ErrAlgorithm},
		{`{"alg":"HS256","crit":[]}`, `{}`, ErrCritical},
		{`{"alg":"HS256","crit":null}`, `{}`, ErrCritical},
		{`{"alg":"HS256","\u0063rit":["exp"]}`, `{}`, ErrCritical},
		{`[]`, `{}`, ijson.ErrNotObject},
		{`{"alg":"HS256","alg":"HS256"}`, `{}`, ijson.ErrNotObject},
		{hs512, `[]`, ijson.ErrNotObject},
		{hs512, `{`, ijson.ErrNotObject},
		{hs512, `{"a":1,"a":2}`, ijson.ErrNotObject},
	}
	for _, test := range tests {
		got, err := Sign([]byte("before "), jsontext.Value(test.header), jsontext.Value(test.claims), []byte("key"))
		if !errors.Is(err, test.want) || string(got) != "before " {
			t.Errorf("%s %s: %s, %v, want %v", test.header, test.claims, got, err, test.want)
		}
	}
}

// TestDefaultHeaderIsACopy changes a default header, and checks that the next one is
// as before.
func TestDefaultHeaderIsACopy(t *testing.T) {
	copy(HS512.DefaultHeader(), "changed")
	if got := HS512.DefaultHeader(); string(got) != hs512 {
		t.Errorf("%s, want %s", got, hs512)
	}
}

// FuzzSign signs the header and the claims of a token again. If the token has a
// signature that could be made here and no insignificant white space, it comes back byte
// for byte.
func FuzzSign(f *testing.F) {
	for _, vector := range golden {
		f.Add(vector.token, []byte(publishedKey))
	}
	for _, test := range rfcTokens {
		f.Add(test.signingInput+"."+test.signature, decodeBase64url(f, test.key))
	}
	for _, test := range verdicts {
		f.Add(signed(HS512, "key", test.header, `{"sub":"x"}`), []byte("key"))
	}
	for _, claims := range []string{`{"exp":1e400,"a":-0.0,"b":"\ud83d\ude00\u0000\/"}`, `{"a":{"":[[],{}]}}`, "{\"a\" :\n1}"} {
		for _, algorithm := range algorithms {
			f.Add(signed(algorithm.Algorithm, "", `{"kid":"x","alg":"`+algorithm.String()+`"}`, claims), []byte(""))
		}
	}
	f.Fuzz(func(t *testing.T, text string, secret []byte) {
		token, err := Parse(text)
		if err != nil || token.algorithm == nil {
			return
		}
		again, err := Sign(nil, token.Header, token.Claims, secret)
		if err != nil {
			t.Fatalf("%s %s: %v", token.Header, token.Claims, err)
		}
		if inspect(string(again), secret) != nil {
			t.Fatalf("%s does not verify", again)
		}
		compact := string(ijson.AppendCompact(nil, token.Header))+string(ijson.AppendCompact(nil, token.Claims)) == string(token.Header)+string(token.Claims)
		input := text[:strings.LastIndexByte(text, '.')+1]
		if compact && !strings.HasPrefix(string(again), input) || token.Verify(secret) == nil && compact != (string(again) == text) {
			t.Fatalf("%s became %s", text, again)
		}
	})
}
