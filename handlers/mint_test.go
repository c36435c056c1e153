package handlers

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// mintOver mints a token over a socket, and returns it with its claims.
func mintOver(t *testing.T, server *httptest.Server, body string) (token, claims string) {
	t.Helper()
	got := send(t, "POST", server.URL+"/token", body, jsonHeader())
	if got.status != 200 {
		t.Fatalf("%.100s: %d %s", body, got.status, got.body)
	}
	match := regexp.MustCompile(`^\{"JWT Token":"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)"\}$`).FindStringSubmatch(got.body)
	if match == nil {
		t.Fatalf("%.100s: %s", body, got.body)
	}
	decoded, err := base64.RawURLEncoding.DecodeString(match[2])
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(match[1:], "."), string(decoded)
}

func TestMint(t *testing.T) {
	_, server := newServer(t)
	tests := []struct{ body, data, exp string }{
		{`{"user_data":"this is test"}`, `"this is test"`, ""},
		{`{"user_data":""}`, `""`, ""},
		{`{"user_data":0}`, `0`, ""},
		{`{"user_data":false}`, `false`, ""},
		{`{"user_data":-0.0e-0}`, `-0.0e-0`, ""},
		{`{"user_data":123456789012345678901234567890.10}`, `123456789012345678901234567890.10`, ""},
		{`{"user_data":[ ]}`, `[]`, ""},
		{"\t{ \"a\" : null , \"user_data\" : { \"z\" : [ 1 , null ] , \"a\" : \" \\u00e9\\ud83d\\ude00\\/ <&> é\" } }\r\n", `{"z":[1,null],"a":" \u00e9\ud83d\ude00\/ <&> é"}`, ""},
		{`{"\u0075ser_data":1}`, `1`, ""},
		{`{"user_data":1,"User_data":2,"expires_after":3,"claims":null,"Claims":4}`, `1`, ""},
		{`{"user_data":1,"expires_in":null}`, `1`, ""},
		{`{"user_data":1,"expires_in":1}`, `1`, `"exp":1668676908,`},
		{`{"expires_in":3600.0,"user_data":1}`, `1`, `"exp":1668680507,`},
		{`{"expires_in":36e2,"user_data":1}`, `1`, `"exp":1668680507,`},
		{`{"expires_in":3.600E+3,"user_data":1}`, `1`, `"exp":1668680507,`},
		{`{"expires_in":36000.0e-1,"user_data":1}`, `1`, `"exp":1668680507,`},
		{`{"expires_in":0.36e4,"user_data":1}`, `1`, `"exp":1668680507,`},
		{`{"user_data":1,"expires_in":3153600000}`, `1`, `"exp":4822276907,`},
	}
	for _, test := range tests {
		_, claims := mintOver(t, server, test.body)
		want := `{"iat":1668676907,` + test.exp + `"jti":"[0-9a-f]{32}","payload":{"data":` + regexp.QuoteMeta(test.data) + `,"date":"2022-11-17"}}`
		if !regexp.MustCompile("^" + want + "$").MatchString(claims) {
			t.Errorf("%s: %s, want %s", test.body, claims, want)
		}
	}
}

func TestMintClaims(t *testing.T) {
	_, server := newServer(t)
	tests := []struct{ body, rest string }{
		{`{"user_data":1,"claims":{}}`, `,"payload":{"data":1,"date":"2022-11-17"}}`},
		{`{"claims":{},"user_data":1,"expires_in":60}`, `,"payload":{"data":1,"date":"2022-11-17"}}`},
		{`{"claims":{}}`, `}`},
		{`{"claims":{},"user_data":null}`, `}`},
		{`{"claims":{"sub":"a"}}`, `,"sub":"a"}`},
		{"{\"claims\" : { \"sub\" : \"\\u00e9\" ,\n\"aud\" : [ \"a\" , \"b\" ] , \"n\" : 1.50 , \"x\" : { \"exp\" : [ ] } } }", `,"sub":"\u00e9","aud":["a","b"],"n":1.50,"x":{"exp":[]}}`},
		{`{"user_data":{"a":[]},"claims":{"nbf":1,"iss":"i","scope":"read write","role":null}}`, `,"payload":{"data":{"a":[]},"date":"2022-11-17"},"nbf":1,"iss":"i","scope":"read write","role":null}`},
	}
	for _, test := range tests {
		_, claims := mintOver(t, server, test.body)
		exp := ""
		if strings.Contains(test.body, "expires_in") {
			exp = `"exp":1668676967,`
		}
		want := `^\{"iat":1668676907,` + exp + `"jti":"[0-9a-f]{32}"` + regexp.QuoteMeta(test.rest) + `$`
		if !regexp.MustCompile(want).MatchString(claims) {
			t.Errorf("%s: %s, want %s", test.body, claims, want)
		}
	}
}

// TestMintNamesTheMember checks that the errors about new members name them.
func TestMintNamesTheMember(t *testing.T) {
	_, server := newServer(t)
	for body, want := range map[string]string{
		`{"user_data":1,"claims":7}`:                    "a member has the wrong type: claims must be an object",
		`{"user_data":1,"expiresIn":3600}`:              "a member looks like expires_in, but has another name: send the lifetime as expires_in, in whole seconds",
		`{"claims":{"iat":1}}`:                          "unusable claims: iat is set for every token: leave it out",
		`{"claims":{"jti":"a"}}`:                        "unusable claims: jti is set for every token: leave it out",
		`{"claims":{"exp":1}}`:                          "unusable claims: exp is set from expires_in: send that instead",
		`{"claims":{"payload":1}}`:                      "unusable claims: payload is set from user_data: send that instead",
		`{"claims":{"iss":1}}`:                          "unusable claims: iss must be a string",
		`{"claims":{"sub":null}}`:                       "unusable claims: sub must be a string",
		`{"claims":{"aud":[1]}}`:                        "unusable claims: aud must be a string or an array of strings",
		`{"claims":{"nbf":"1"}}`:                        "unusable claims: nbf must be a number, in seconds since 1970",
		`{"claims":{"nbf":"1"},"expires_in":1,"ttl":1}`: "a member looks like expires_in",
	} {
		got := send(t, "POST", server.URL+"/token", body, jsonHeader())
		checkError(t, body, got, 400)
		if description := got.header.Get("Error-Description"); !strings.HasPrefix(description, want) {
			t.Errorf("%s: %q, want %q", body, description, want)
		}
	}
}

func TestMintContentTypes(t *testing.T) {
	_, server := newServer(t)
	for _, contentType := range []string{"application/json", "Application/JSON", "application/json;charset=utf-8", "application/json ; charset=\"x\"; a=b", " application/json", "application/json;"} {
		header := http.Header{"Content-Type": {contentType}, "Content-Encoding": {"Identity"}}
		if got := send(t, "POST", server.URL+"/token", `{"user_data":1}`, header); got.status != 200 {
			t.Errorf("%q: %d %s", contentType, got.status, got.body)
		}
	}
}

// TestMintID checks that ids are version 4 UUIDs (RFC 9562 §5.4), all different.
func TestMintID(t *testing.T) {
	_, server := newServer(t)
	seen := map[string]bool{}
	for range 200 {
		_, claims := mintOver(t, server, `{"user_data":1}`)
		id := regexp.MustCompile(`"jti":"([0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15})"`).FindStringSubmatch(claims)
		if id == nil || seen[id[1]] {
			t.Fatalf("the claims %s have no new id", claims)
		}
		seen[id[1]] = true
	}
}
