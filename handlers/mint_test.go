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
		{`{"user_data":1,"User_data":2,"expires":3}`, `1`, ""},
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
