package jwtcore

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"tokenmint/jwtcore/ijson"
)

func TestMintGoldenVectors(t *testing.T) {
	if len(golden) != 4 {
		t.Fatalf("%d vectors, but the specification has 4", len(golden))
	}
	key := NewKey(HS512, []byte(publishedKey))
	for _, vector := range golden {
		claims := claimsOf(t, vector.issuedAt, vector.id, vector.data)
		if got := string(key.Mint(nil, claims)); got != vector.token {
			t.Errorf("minted\n%s, want\n%s", got, vector.token)
		}
		token, err := Parse(vector.token)
		if err != nil {
			t.Errorf("%s: %v", vector.token, err)
			continue
		}
		if err := token.Verify([]byte(publishedKey)); err != nil {
			t.Errorf("%s: %v", vector.token, err)
		}
	}
}

func TestMintClaims(t *testing.T) {
	tests := []struct {
		name   string
		claims Claims
		want   string
	}{
		{
			"a lifetime puts exp after iat",
			Claims{IssuedAt: time.Unix(1668664446, 0), ExpiresIn: 3600, Data: jsontext.Value(`1.50`)},
			`{"iat":1668664446,"exp":1668668046,"jti":"00000000000000000000000000000000","payload":{"data":1.50,"date":"2022-11-17"}}`,
		},
		{
			"date is the UTC day in any time zone",
			Claims{IssuedAt: time.Date(2022, 11, 18, 1, 30, 0, 0, time.FixedZone("east", 2*3600)), Data: jsontext.Value(`[]`)},
			`{"iat":1668727800,"jti":"00000000000000000000000000000000","payload":{"data":[],"date":"2022-11-17"}}`,
		},
		{
			"iat is rounded down to a second",
			Claims{IssuedAt: time.Unix(1668664446, 999_999_999), Data: jsontext.Value(`true`)},
			`{"iat":1668664446,"jti":"00000000000000000000000000000000","payload":{"data":true,"date":"2022-11-17"}}`,
		},
		{
			"additional claims follow the payload",
			Claims{IssuedAt: time.Unix(1668664446, 0), ExpiresIn: 60, Data: jsontext.Value(`1`), Additional: jsontext.Value(`{"sub":"a","a":[{}]}`)},
			`{"iat":1668664446,"exp":1668664506,"jti":"00000000000000000000000000000000","payload":{"data":1,"date":"2022-11-17"},"sub":"a","a":[{}]}`,
		},
		{
			"no payload without data",
			Claims{IssuedAt: time.Unix(1668664446, 0), Additional: jsontext.Value(`{"sub":"a"}`)},
			`{"iat":1668664446,"jti":"00000000000000000000000000000000","sub":"a"}`,
		},
		{
			"additional claims may be empty",
			Claims{IssuedAt: time.Unix(1668664446, 0), Additional: jsontext.Value(`{}`)},
			`{"iat":1668664446,"jti":"00000000000000000000000000000000"}`,
		},
	}
	key := NewKey(HS512, []byte(publishedKey))
	for _, test := range tests {
		token, err := Parse(string(key.Mint(nil, test.claims)))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if got := string(token.Header); got != `{"typ":"JWT","alg":"HS512"}` {
			t.Errorf("%s: header %s", test.name, got)
		}
		if got := string(token.Claims); got != test.want {
			t.Errorf("%s:\n%s, want\n%s", test.name, got, test.want)
		}
	}
}

// TestMintAppends checks that Mint uses the space that dst has, and otherwise
// allocates exactly what it needs.
func TestMintAppends(t *testing.T) {
	key, vector := NewKey(HS512, []byte(publishedKey)), golden[0]
	claims, size := claimsOf(t, vector.issuedAt, vector.id, vector.data), len(vector.token)
	tests := []struct{ length, capacity, want int }{
		{0, 0, size},
		{7, 7, 7 + size},
		{7, 7 + size - 1, 7 + size},
		{7, 7 + size, 7 + size},
		{7, 1000, 1000},
		{300, 500, 300 + size},
	}
	for _, test := range tests {
		dst := make([]byte, test.length, test.capacity)
		got := key.Mint(dst, claims)
		if string(got) != string(dst)+vector.token {
			t.Errorf("%d bytes, capacity %d: got %q", test.length, test.capacity, got)
		}
		if cap(got) != test.want {
			t.Errorf("%d bytes, capacity %d: capacity %d, want %d", test.length, test.capacity, cap(got), test.want)
		}
		if test.want == test.capacity && &got[0] != &dst[0] {
			t.Errorf("%d bytes, capacity %d: Mint did not use the space", test.length, test.capacity)
		}
	}
}

// TestMintNamesAlgorithm mints with keys for each algorithm. The header names the
// algorithm of the key, and the token verifies.
func TestMintNamesAlgorithm(t *testing.T) {
	for _, algorithm := range algorithms {
		key := NewKey(algorithm.Algorithm, []byte("key"))
		for range 2 { // the second token uses the frame of the first
			token, err := Parse(string(key.Mint(nil, Claims{IssuedAt: time.Unix(1, 0), Data: jsontext.Value(`1`)})))
			if err != nil {
				t.Fatal(err)
			}
			if want := `{"typ":"JWT","alg":"` + algorithm.String() + `"}`; string(token.Header) != want {
				t.Errorf("%s: header %s, want %s", algorithm, token.Header, want)
			}
			if err := token.Verify([]byte("key")); err != nil {
				t.Errorf("%s: %v", algorithm, err)
			}
		}
	}
}

// TestMintDropsLargeMemory checks that memory for large claims is not pooled.
func TestMintDropsLargeMemory(t *testing.T) {
	h := HS512.hasher()
	defer HS512.release(h)
	key := NewKey(HS512, []byte("key"))
	for size, want := range map[int]bool{maxPooledClaims: true, maxPooledClaims + 1: false} {
		h.claims = make([]byte, 0, size)
		key.mint(h, nil, Claims{IssuedAt: time.Unix(1, 0), Data: jsontext.Value(`1`)})
		if kept := h.claims != nil; kept != want {
			t.Errorf("%d bytes: kept: %t, want %t", size, kept, want)
		}
	}
}

func TestAppendData(t *testing.T) {
	tests := []struct{ value, want string }{
		{`"two  spaces \u0041 \/ \\"`, `"two  spaces \u0041 \/ \\"`},
		{`0.10`, `0.10`},
		{`-0`, `-0`},
		{`1E+2`, `1E+2`},
		{`123456789012345678901234567890`, `123456789012345678901234567890`},
		{`false`, `false`},
		{"{ \"b\" : 1 ,\t\"a\" :\r\n[ 1.0 , \"  \" , { } ] }", `{"b":1,"a":[1.0,"  ",{}]}`},
		{`[]`, `[]`},
		{`["\" ] }", [ ]]`, `["\" ] }",[]]`},
	}
	for _, test := range tests {
		value := jsontext.Value(test.value)
		got, err := AppendData([]byte("before "), value)
		if err != nil || string(got) != "before "+test.want {
			t.Errorf("%s became %s (%v), want %s", test.value, got, err, test.want)
		}
		if string(value) != test.value {
			t.Errorf("AppendData changed its input %s to %s", test.value, value)
		}
	}
}

func TestAppendDataDepth(t *testing.T) {
	t.Parallel()
	arrays := func(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }
	objects := func(depth int) string {
		return strings.Repeat(`{"[[[":`, depth) + "1" + strings.Repeat("}", depth)
	}
	wide := "[" + strings.Repeat("[],", 20000) + "[]]"
	bracketsInText := `["` + strings.Repeat(`[{\"`, 20000) + `"]`
	tests := []struct {
		name, value string
		want        error
	}{
		{"the deepest arrays", arrays(maxDataDepth), nil},
		{"one array too deep", arrays(maxDataDepth + 1), ErrTooDeep},
		{"the deepest objects", objects(maxDataDepth), nil},
		{"one object too deep", objects(maxDataDepth + 1), ErrTooDeep},
		{"one array or object too deep", strings.Repeat(`[{"a":`, maxDataDepth/2+1) + "1" + strings.Repeat("}]", maxDataDepth/2+1), ErrTooDeep},
		{"wide, not deep", wide, nil},
		{"brackets in a string", bracketsInText, nil},
	}
	for _, test := range tests {
		got, err := AppendData([]byte("before "), jsontext.Value(test.value))
		if !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
		if err != nil && string(got) != "before " {
			t.Errorf("%s: AppendData changed dst to %.80q", test.name, got)
		}
	}
	for depth, want := range map[int]error{maxDataDepth: nil, maxDataDepth + 1: ijson.ErrNotObject} {
		inspection := `{"Claims":{"payload":{"data":` + arrays(depth) + `}}}`
		if err := ijson.ReadObject([]byte(inspection), func([]byte, jsontext.Value) {}); !errors.Is(err, want) {
			t.Errorf("the inspection of data of %d levels: %v, want %v", depth, err, want)
		}
	}
}
