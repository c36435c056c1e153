package handlers

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func formHeader() http.Header {
	return http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
}

func TestIntrospect(t *testing.T) {
	service, server := newServer(t)
	gate := httptest.NewServer(service.Gate())
	defer gate.Close()
	if err := service.SetSigningKeys(newKeys(publishedKey, "an old key")); err != nil {
		t.Fatal(err)
	}
	const inactive = `{"active":false}`
	ours := func(claims string) string { return sign(publishedKey, headerHS512, claims) }
	tests := []struct{ name, token, want string }{
		{"minted", goldenToken, `{"active":true,"iat":1668676907,"jti":"f10fb5f47461de4dd8c76113cad7803b","payload":{"data":"this is test","date":"2022-11-17"}}`},
		{"an old key", sign("an old key", headerHS512, `{}`), `{"active":true}`},
		{"any claims", ours("{ \"scope\" : \"read write\",\r\n\"n\":[ 1.50 ],\"\\u0061\":\"\\/\\ud83d\\ude00\" }"), `{"active":true,"scope":"read write","n":[ 1.50 ],"a":"\/\ud83d\ude00"}`},
		{"a name with quotes", ours(`{"\"\\":1}`), `{"active":true,"\"\\":1}`},
		{"claims called active", ours(`{"sub":"a","active":false,"Active":true}`), `{"active":true,"sub":"a","Active":true}`},
		{"active in another spelling", ours(`{"\u0061ctive":"x"}`), `{"active":true}`},
		{"between nbf and exp", ours(`{"nbf":1668676907,"exp":1668676908}`), `{"active":true,"nbf":1668676907,"exp":1668676908}`},
		{"exp now", ours(`{"exp":1668676907}`), inactive},
		{"nbf in a second", ours(`{"nbf":1668676908}`), inactive},
		{"exp a string", ours(`{"exp":"9999999999"}`), inactive},
		{"forged", sign("another", headerHS512, `{}`), inactive},
		{"HS256", sign(publishedKey, `{"alg":"HS256"}`, `{}`), inactive},
		{"none", sign(publishedKey, `{"alg":"none"}`, `{}`), inactive},
		{"crit", sign(publishedKey, `{"alg":"HS512","crit":["exp"]}`, `{}`), inactive},
		{"no JWT", canary, inactive},
		{"quotes around it", `"` + goldenToken + `"`, inactive},
		{"a padded token", goldenToken + "==", inactive},
		{"a duplicate claim", ours(`{"active":false,"active":true}`), inactive},
	}
	for _, test := range tests {
		for _, form := range []string{
			"token=" + url.QueryEscape(test.token),
			"token_type_hint=access_token&token=" + url.QueryEscape(test.token) + "&client_id=x&client_id=y&",
		} {
			for _, at := range []string{server.URL, gate.URL} {
				got := send(t, "POST", at+"/introspect", form, formHeader())
				if got.status != 200 || got.body != test.want || got.header.Get("Content-Type") != "application/json" {
					t.Errorf("%s: %d %s, want %s", test.name, got.status, got.body, test.want)
				}
				if !json.Valid([]byte(got.body)) {
					t.Errorf("%s: %s is not JSON", test.name, got.body)
				}
			}
		}
	}
}

func TestIntrospectErrors(t *testing.T) {
	_, server := newServer(t)
	good := "token=" + goldenToken
	tests := []struct {
		name   string
		header http.Header // nil for a form
		body   string
		status int
	}{
		{"no body", nil, "", 400},
		{"no token", nil, "token_type_hint=access_token", 400},
		{"token empty", nil, "token=", 400},
		{"token without a value", nil, "token", 400},
		{"token in another case", nil, "Token=" + goldenToken, 400},
		{"two tokens", nil, good + "&" + good, 400},
		{"a token and an empty one", nil, good + "&token=", 400},
		{"ill-formed percent encoding", nil, good + "&x=%zz" + canary, 400},
		{"a semicolon", nil, good + ";x=" + canary, 400},
		{"no Content-Type", http.Header{}, good, 415},
		{"JSON", jsonHeader(), `{"token":"` + canary + `"}`, 415},
		{"multipart", http.Header{"Content-Type": {"multipart/form-data; boundary=x"}}, good, 415},
		{"gzip", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Content-Encoding": {"gzip"}}, good, 415},
		{"over 512 KiB", nil, good + "&x=" + strings.Repeat("x", maxInspectBody), 413},
	}
	for _, test := range tests {
		header := test.header
		if header == nil {
			header = formHeader()
		}
		got := send(t, "POST", server.URL+"/introspect?token="+goldenToken, test.body, header)
		if test.status == 400 {
			checkOAuthError(t, test.name, got)
			continue
		}
		checkError(t, test.name, got, test.status)
		if accept := got.header.Get("Accept"); test.status == 415 && test.name != "gzip" && accept != "application/x-www-form-urlencoded" {
			t.Errorf("%s: Accept: %q", test.name, accept)
		}
	}
	reader := exchangeRaw(t, server.Listener.Addr().String(), "POST /introspect HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 10000\r\n\r\n"+good)
	checkOAuthError(t, "a body cut short", readResponse(t, reader, "POST"))
}

// checkOAuthError checks that a response is a 400 in the form of RFC 6749 §5.2.
func checkOAuthError(t *testing.T, name string, got response) {
	t.Helper()
	var body struct {
		Error       string
		Description string `json:"error_description"`
	}
	decoder := json.NewDecoder(strings.NewReader(got.body))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&body)
	if got.status != 400 || err != nil || body.Error != "invalid_request" || body.Description == "" || body.Description != got.header.Get("Error-Description") {
		t.Errorf("%s: %d %s, %v", name, got.status, got.body, err)
	}
	if strings.Contains(got.body, canary) || got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s: %s %v", name, got.body, got.header)
	}
}

// FuzzIntrospect checks that the response about any claims is JSON of which "active" is
// what the service says.
func FuzzIntrospect(f *testing.F) {
	for _, claims := range []string{`{}`, `{"active":false}`, `{"\u0061ctive":0,"a\"":[1.50]}`, "{\"a\" : {\n} }", `{"exp":1}`, `{"a":1,"a":2}`, `[]`} {
		f.Add([]byte(claims))
	}
	var log strings.Builder
	service := newService(f, &log)
	f.Fuzz(func(t *testing.T, claims []byte) {
		r := httptest.NewRequest("POST", "/introspect", strings.NewReader("token="+sign(publishedKey, headerHS512, string(claims))))
		r.Header = formHeader()
		w := httptest.NewRecorder()
		service.ServeHTTP(w, r)
		var got, want map[string]json.RawMessage
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 {
			t.Fatalf("%q: %d %s, %v", claims, w.Code, w.Body, err)
		}
		if string(got["active"]) == "false" {
			if len(got) > 1 {
				t.Fatalf("%q: inactive, with claims: %s", claims, w.Body)
			}
			return
		}
		if err := json.Unmarshal(claims, &want); err != nil || string(got["active"]) != "true" {
			t.Fatalf("%q is active: %s", claims, w.Body)
		}
		delete(got, "active")
		delete(want, "active")
		if len(got) != len(want) {
			t.Fatalf("%q became %s", claims, w.Body)
		}
		for name, value := range want {
			if string(got[name]) != string(value) {
				t.Fatalf("%q: %q became %s", claims, name, got[name])
			}
		}
	})
}
