package handlers

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"
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

// TestMaxExpiresIn checks that a bound makes expires_in required, and that the error
// names it.
func TestMaxExpiresIn(t *testing.T) {
	for _, bound := range []struct {
		time.Duration
		seconds string
	}{{time.Hour, "3600"}, {time.Hour + time.Second - 1, "3600"}, {time.Second, "1"}, {876_000 * time.Hour, "3153600000"}} {
		_, server := newServer(t, func(c *Config) { c.MaxExpiresIn = bound.Duration })
		for _, expiresIn := range []string{bound.seconds, bound.seconds + ".0", "1"} {
			_, claims := mintOver(t, server, `{"user_data":1,"expires_in":`+expiresIn+`}`)
			if !strings.Contains(claims, `"exp":`) {
				t.Errorf("at most %v: %s: %s", bound.Duration, expiresIn, claims)
			}
		}
		for _, members := range []string{"", `,"expires_in":null`, `,"expires_in":0`, `,"expires_in":0.5`, `,"expires_in":3153600001`, `,"expires_in":1e400`, `,"expires_in":` + bound.seconds + `.5`, `,"expires_in":` + bound.seconds + `1`} {
			got := send(t, "POST", server.URL+"/token", `{"user_data":1`+members+`}`, jsonHeader())
			checkError(t, members, got, 400)
			if want := "send expires_in as whole seconds from 1 to " + bound.seconds + ":"; !strings.HasPrefix(got.header.Get("Error-Description"), want) {
				t.Errorf("at most %v: %s: %s", bound.Duration, members, got.body)
			}
		}
		got := send(t, "POST", server.URL+"/token", `{"expires_in":9e99}`, jsonHeader())
		if checkError(t, "no user_data", got, 400); !strings.Contains(got.body, "user_data") {
			t.Errorf("expires_in before user_data: %s", got.body)
		}
	}
}
