package handlers

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"tokenmint/jwtcore"
)

func TestSign(t *testing.T) {
	_, server := newServer(t)
	// RFC 7515 A.1 without its insignificant white space, in any spelling of the key.
	const key, header, claims = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow", `{"typ":"JWT","alg":"HS256"}`, `{"iss":"joe","exp":1300819380,"http://example.com/is_root":true}`
	secret, err := jwtcore.DecodeSecret([]byte(key), "base64url")
	if err != nil {
		t.Fatal(err)
	}
	want, err := jwtcore.Sign(nil, []byte(header), []byte(claims), secret)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, body, want string }{
		{"a golden vector", `{"Claims":{"iat":1668676907,"jti":"f10fb5f47461de4dd8c76113cad7803b","payload":{"data":"this is test","date":"2022-11-17"}},"Signing_key":"` + publishedKey + `"}`, goldenToken},
		{"its header", `{"Header":{"typ":"JWT","alg":"HS512"},"Claims":{"iat":1668676907,"jti":"f10fb5f47461de4dd8c76113cad7803b","payload":{"data":"this is test","date":"2022-11-17"}},"Signing_key":"` + publishedKey + `","Key_encoding":"utf8"}`, goldenToken},
		{"Header null", `{"Header":null,"Claims":{},"Signing_key":"k"}`, sign("k", headerHS512, `{}`)},
		{"HS256, base64url", `{"Header":` + header + `,"Claims":` + claims + `,"Signing_key":"` + key + `","Key_encoding":"base64url"}`, string(want)},
		{"HS256, hex", `{"Header":` + header + `,"Claims":` + claims + `,"Signing_key":"` + fmt.Sprintf("%X", secret) + `","Key_encoding":"hex"}`, string(want)},
		{"white space", "{ \"Header\" : {\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"} , \"Claims\" : {\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true} , \"Signing_key\":\"" + key + "\",\"Key_encoding\":\"base64url\" }", string(want)},
		{"numbers and escapes", `{"Claims":{"a":1.50,"b":1e400,"c":"\u0061\/\ud83d\ude00","exp":"never"},"Signing_key":"k"}`, sign("k", headerHS512, `{"a":1.50,"b":1e400,"c":"\u0061\/\ud83d\ude00","exp":"never"}`)},
		{"the answer of an inspection", `{"Header":` + headerHS512 + `,"Claims":{},"Signature Verification":false,"Reason":"x","Validity":{},"Signing_key":"k"}`, sign("k", headerHS512, `{}`)},
		{"escapes in the key", `{"Claims":{},"Signing_key":"\u006b"}`, sign("k", headerHS512, `{}`)},
	}
	for _, test := range tests {
		got := send(t, "POST", server.URL+"/token/sign", test.body, jsonHeader())
		if got.status != 200 || got.body != `{"JWT Token":"`+test.want+`"}` || got.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s, want %s", test.name, got.status, got.body, test.want)
		}
	}
}

func TestSignErrors(t *testing.T) {
	_, server := newServer(t)
	good := `{"Claims":{},"Signing_key":"` + canary + `"}`
	large := `{"Claims":{"a":"` + strings.Repeat("x", maxMintBody) + `"},"Signing_key":"k"}`
	withHeader := func(header string) string { return `{"Header":` + header + `,` + good[1:] }
	tests := []struct {
		name        string
		header      http.Header // nil for application/json
		body        string
		status      int
		description string
	}{
		{"no Content-Type", http.Header{}, good, 415, "application/json"},
		{"a form", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, large, 415, "application/json"},
		{"gzip", http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"gzip"}}, large, 415, "Content-Encoding"},
		{"over 256 KiB", nil, large, 413, "256 KiB"},
		{"empty", nil, "", 400, "not one JSON object"},
		{"cut short", nil, good[:len(good)-1], 400, "not one JSON object"},
		{"a duplicate in the claims", nil, `{"Claims":{"` + canary + `":1,"` + canary + `":2},"Signing_key":"k"}`, 400, "a member name occurs twice"},
		{"Header a string", nil, withHeader(`"HS256"`), 400, "Header must be an object"},
		{"Header an array", nil, withHeader(`[]`), 400, "Header must be an object"},
		{"Claims a string", nil, `{"Claims":"` + canary + `","Signing_key":"k"}`, 400, "Claims must be an object"},
		{"Signing_key a number", nil, `{"Claims":{},"Signing_key":7}`, 400, "Signing_key must be a string"},
		{"Key_encoding a number", nil, `{"Claims":{},"Signing_key":"k","Key_encoding":16}`, 400, "Key_encoding must be a string"},
		{"no Signing_key", nil, `{"Claims":{}}`, 400, "in the member Signing_key"},
		{"Signing_key null", nil, `{"Claims":{},"Signing_key":null}`, 400, "in the member Signing_key"},
		{"Signing_key empty", nil, `{"Claims":{},"Signing_key":""}`, 400, "in the member Signing_key"},
		{"neither", nil, `{}`, 400, "in the member Signing_key"},
		{"no Claims", nil, `{"Signing_key":"k"}`, 400, "in the member Claims"},
		{"Claims null", nil, `{"Claims":null,"Signing_key":"k"}`, 400, "in the member Claims"},
		{"claims in another case", nil, `{"claims":{},"Signing_key":"k"}`, 400, "in the member Claims"},
		{"not hex", nil, `{"Claims":{},"Signing_key":"` + canary + `","Key_encoding":"hex"}`, 400, "undecodable key: the key is not hex"},
		{"Key_encoding unknown", nil, `{"Claims":{},"Signing_key":"k","Key_encoding":"` + canary + `"}`, 400, "undecodable key"},
		{"no alg", nil, withHeader(`{}`), 400, "alg is not accepted: it must be HS256, HS384 or HS512"},
		{"none", nil, withHeader(`{"alg":"none"}`), 400, "alg is not accepted"},
		{"RS256", nil, withHeader(`{"alg":"RS256"}`), 400, "alg is not accepted"},
		{"alg a canary", nil, withHeader(`{"alg":"` + canary + `"}`), 400, "alg is not accepted"},
		{"crit", nil, withHeader(`{"alg":"HS256","crit":["exp"]}`), 400, "the header has crit"},
	}
	for _, test := range tests {
		header := test.header
		if header == nil {
			header = jsonHeader()
		}
		got := send(t, "POST", server.URL+"/token/sign", test.body, header)
		checkError(t, test.name, got, test.status)
		if description := got.header.Get("Error-Description"); !strings.Contains(description, test.description) {
			t.Errorf("%s: %q, want a text with %q", test.name, description, test.description)
		}
	}
}

// TestSignLargestAndDeepest inspects the largest and the deepest token that can be signed,
// and signs it again.
func TestSignLargestAndDeepest(t *testing.T) {
	_, server := newServer(t)
	const frame = `{"Claims":{"a":},"Signing_key":"k"}`
	for name, value := range map[string]string{
		"the largest": `"` + strings.Repeat("x", maxMintBody-len(frame)-2) + `"`,
		"the deepest": strings.Repeat("[", 9_998) + strings.Repeat("]", 9_998),
	} {
		claims := `{"a":` + value + `}`
		got := send(t, "POST", server.URL+"/token/sign", `{"Claims":`+claims+`,"Signing_key":"k"}`, jsonHeader())
		token := tokenIn(t, got)
		got = send(t, "POST", server.URL+"/token/verify", inspectBody(token, "k", ""), jsonHeader())
		if want := `{"Header":` + headerHS512 + `,"Claims":` + claims + `,"Signature Verification":true}`; got.body != want {
			t.Errorf("%s: %d %.200s", name, got.status, got.body)
		}
		if !json.Valid([]byte(got.body)) {
			t.Errorf("%s: the answer is not JSON for encoding/json", name)
		}
	}
	got := send(t, "POST", server.URL+"/token/sign", `{"Claims":{"a":`+strings.Repeat("[", 9_999)+strings.Repeat("]", 9_999)+`},"Signing_key":"k"}`, jsonHeader())
	checkError(t, "one array deeper", got, 400)
}

// tokenIn returns the token in a response.
func tokenIn(t *testing.T, got response) string {
	t.Helper()
	token, ok := strings.CutPrefix(got.body, `{"JWT Token":"`)
	if got.status != 200 || !ok {
		t.Fatalf("%d %s", got.status, got.body)
	}
	return strings.TrimSuffix(token, `"}`)
}

// FuzzSignAgain signs an arbitrary header and claims, inspects the token and signs the
// answer as it is: the same token comes back, byte for byte.
func FuzzSignAgain(f *testing.F) {
	headers := []string{`{"alg":"HS256"}`, `{"kid":"\u0061","alg":"HS384"}`, headerHS512, `null`, `{"alg":"none"}`, `{"alg":"HS512","crit":[]}`}
	for i, claims := range []string{`{}`, `{"sub":"a","aud":["b"],"exp":1}`, `{"n":[1.50,-0,1E+2,1e400],"s":"\u0061\/\ud83d\ude00"}`, "{\"a\" :\n{ } }", `{"a":1,"a":2}`, `[]`} {
		for _, encoding := range []string{"", "utf8", "hex", "base64", "base64url"} {
			f.Add(headers[i], claims, "6b6579", encoding)
		}
	}
	var log strings.Builder
	service := newService(f, &log)
	f.Fuzz(func(t *testing.T, header, claims, key, encoding string) {
		keyMembers, err := json.Marshal(map[string]string{"Signing_key": key, "Key_encoding": encoding})
		if err != nil {
			t.Fatal(err)
		}
		members := "," + string(keyMembers[1:])
		status, first := request(service, "POST", "/token/sign", []byte(`{"Header":`+header+`,"Claims":`+claims+members))
		if status == 400 || status == 413 {
			return
		}
		var signed map[string]string
		if err := json.Unmarshal(first, &signed); status != 200 || err != nil {
			t.Fatalf("%s %s: %d %s", header, claims, status, first)
		}
		status, shown := request(service, "POST", "/token/verify", []byte(`{"Token":"`+signed["JWT Token"]+`"`+members))
		if status != 200 || !strings.Contains(string(shown), `,"Signature Verification":true`) {
			t.Fatalf("%s %s: signed, but the inspection is %d %s", header, claims, status, shown)
		}
		status, second := request(service, "POST", "/token/sign", []byte(strings.TrimSuffix(string(shown), "}")+members))
		if status != 200 || string(second) != string(first) {
			t.Fatalf("%s %s: %s became %d %s", header, claims, first, status, second)
		}
	})
}
