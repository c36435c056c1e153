package handlers

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"tokenmint/jwtcore"
)

func inspectBody(token, key, encoding string) string {
	body, _ := json.Marshal(map[string]string{"Token": token, "Signing_key": key, "Key_encoding": encoding})
	return strings.Replace(string(body), `"Key_encoding":"",`, "", 1)
}

var inspectRoutes = []struct{ method, path string }{
	{"GET", "/token"}, {"QUERY", "/token"}, {"POST", "/token/verify"},
}

func TestInspect(t *testing.T) {
	_, server := newServer(t)
	const (
		header = `"Header":{"typ":"JWT","alg":"HS512"}`
		claims = `"Claims":{"iat":1668676907,"jti":"f10fb5f47461de4dd8c76113cad7803b","payload":{"data":"this is test","date":"2022-11-17"}}`
		// RFC 7515 A.1, with its line breaks.
		rfcToken  = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
		rfcKey    = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
		rfcAnswer = "{\"Header\":{\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"},\"Claims\":{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true},\"Signature Verification\":"
		expired   = `,"Validity":{"state":"expired","expires":"2011-03-22T18:43:00Z"}}`
	)
	rfcKeyBytes, err := base64.RawURLEncoding.DecodeString(rfcKey)
	if err != nil {
		t.Fatal(err)
	}
	mismatch := `"Reason":"the signature does not match: another key made it, or the header or the claims were changed since"`
	misread := func(advice string) string {
		return `"Reason":"the signature does not match the key as sent, but it matches ` + advice + `"`
	}
	tests := []struct{ name, body, want string }{
		{"golden", inspectBody(goldenToken, publishedKey, ""), `{` + header + `,` + claims + `,"Signature Verification":true}`},
		{"utf8", inspectBody(goldenToken, publishedKey, "utf8"), `{` + header + `,` + claims + `,"Signature Verification":true}`},
		{"another key", inspectBody(goldenToken, "x", ""), `{` + header + `,` + claims + `,"Signature Verification":false,` + mismatch + `}`},
		{"a key of hex digits, decoded", inspectBody(goldenToken, publishedKey, "hex"), `{` + header + `,` + claims + `,"Signature Verification":false,` + misread("as utf8: send Key_encoding utf8") + `}`},
		{"a key with quotes, as hex", inspectBody(sign("key", headerHS512, `{}`), "'6b6579'", ""), `{` + header + `,"Claims":{},"Signature Verification":false,` + misread("as hex without the quotes around it: send the bare key, and Key_encoding hex") + `}`},
		{"a key with its line break", inspectBody(goldenToken, publishedKey+"\n", ""), `{` + header + `,` + claims + `,"Signature Verification":false,` + misread("without the line break at its end: send the bare key") + `}`},
		{"a key without its line break", inspectBody(sign("key\n", headerHS512, `{}`), "key", ""), `{` + header + `,"Claims":{},"Signature Verification":false,` + misread("with a line break (LF) at its end: send the key with it") + `}`},
		{"a key without its line break, decoded", inspectBody(sign("beef\r\n", headerHS512, `{}`), "beef", "hex"), `{` + header + `,"Claims":{},"Signature Verification":false,` + misread("as utf8 with a line break (CR LF) at its end: send the key with it, and Key_encoding utf8") + `}`},
		{"escapes in the request", strings.Replace(inspectBody(goldenToken, publishedKey, ""), `"eyJ`, `"\u0065yJ`, 1), `{` + header + `,` + claims + `,"Signature Verification":true}`},
		{"RFC 7515 A.1, base64url", inspectBody(rfcToken, rfcKey, "base64url"), rfcAnswer + "true" + expired},
		{"RFC 7515 A.1, base64", inspectBody(rfcToken, base64.StdEncoding.EncodeToString(rfcKeyBytes), "base64"), rfcAnswer + "true" + expired},
		{"RFC 7515 A.1, hex", inspectBody(rfcToken, fmt.Sprintf("%X", rfcKeyBytes), "hex"), rfcAnswer + "true" + expired},
		{"RFC 7515 A.1, as text", inspectBody(rfcToken, rfcKey, ""), rfcAnswer + "false," + misread("as base64url: send Key_encoding base64url") + expired},
		{"not signed, odd times", inspectBody(base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`))+"."+base64.RawURLEncoding.EncodeToString([]byte(`{"exp":1e400,"nbf":1668676907.25}`))+".", "x", ""),
			`{"Header":{"alg":"none"},"Claims":{"exp":1e400,"nbf":1668676907.25},"Signature Verification":false,"Reason":"the header's alg is not accepted, so the signature was not checked: a token with none is not signed at all, so anyone can have made it","Validity":{"state":"not yet valid","not_before":"2022-11-17T09:21:47.25Z","note":"exp is probably in milliseconds, but RFC 7519 counts in seconds"}}`},
		{"exp a string", inspectBody(sign(publishedKey, headerHS512, `{"exp":"1764150000"}`), publishedKey, ""),
			`{"Header":{"typ":"JWT","alg":"HS512"},"Claims":{"exp":"1764150000"},"Signature Verification":true,"Validity":{"state":"invalid","note":"exp is not a number, so other implementations refuse the token"}}`},
	}
	for _, test := range tests {
		for _, route := range inspectRoutes {
			got := send(t, route.method, server.URL+route.path, test.body, jsonHeader())
			if got.status != 200 || got.body != test.want || got.header.Get("Content-Type") != "application/json" {
				t.Errorf("%s: %s %s: %d\n%s, want\n%s", test.name, route.method, route.path, got.status, got.body, test.want)
			}
		}
		head := send(t, "HEAD", server.URL+"/token", test.body, jsonHeader())
		if head.status != 200 || head.body != "" || head.header.Get("Content-Length") != fmt.Sprint(len(test.want)) {
			t.Errorf("%s: HEAD: %d, %q, %v", test.name, head.status, head.body, head.header)
		}
	}
}

// TestInspectWithOwnKeys sends tokens without a key.
func TestInspectWithOwnKeys(t *testing.T) {
	service, server := newServer(t)
	old := newKeys("an old key")[0]
	if err := service.SetSigningKeys(append(newKeys(publishedKey), old)); err != nil {
		t.Fatal(err)
	}
	const notOurs = `,"Signature Verification":false,"Reason":"the signature does not match: none of this service's own keys signed the token; to check it with another key, send that in Signing_key"}`
	const notChecked = `,"Signature Verification":false,"Reason":"the header's alg is not accepted, so the signature was not checked: `
	signedBy := func(key *jwtcore.Key) string {
		return `,"Signature Verification":true,"Signed_by":"` + key.Fingerprint() + `"}`
	}
	tests := []struct{ name, token, want string }{
		{"minted", goldenToken, signedBy(service.keys()[0])},
		{"an old key", sign("an old key", headerHS512, `{}`), signedBy(old)},
		{"another key", sign("another", headerHS512, `{}`), notOurs},
		{"an empty signature", goldenToken[:strings.LastIndex(goldenToken, ".")+1], `,"Signature Verification":false,"Reason":"the signature does not match: it is empty"}`},
		{"a signature cut short", goldenToken[:len(goldenToken)-2], `,"Signature Verification":false,"Reason":"the signature does not match: it has 63 bytes, but HS512 makes 64"}`},
		{"under the name HS256", sign(publishedKey, `{"alg":"HS256"}`, `{}`), notChecked + `the keys are for HS512"}`},
		{"none", sign(publishedKey, `{"alg":"none"}`, `{}`), notChecked + `a token with none is not signed at all, so anyone can have made it"}`},
		{"crit", sign(publishedKey, `{"alg":"HS512","crit":["exp"]}`, `{}`), `,"Signature Verification":false,"Reason":"the header has crit, and no extension that it could name is supported"}`},
		{"expired", sign(publishedKey, headerHS512, `{"exp":1}`), strings.TrimSuffix(signedBy(service.keys()[0]), "}") + `,"Validity":{"state":"expired","expires":"1970-01-01T00:00:01Z"}}`},
	}
	for _, test := range tests {
		for _, members := range []string{"", `,"Signing_key":null`, `,"Key_encoding":"hex"`} {
			body := `{"Token":"` + test.token + `"` + members + `}`
			for _, route := range inspectRoutes[1:] {
				got := send(t, route.method, server.URL+route.path, body, jsonHeader())
				if got.status != 200 || !strings.HasSuffix(got.body, test.want) {
					t.Errorf("%s%s: %s %s: %d %s, want %s", test.name, members, route.method, route.path, got.status, got.body, test.want)
				}
			}
			if got := send(t, "GET", server.URL+"/token", body, jsonHeader()); got.status != 204 {
				t.Errorf("%s%s: GET: %d", test.name, members, got.status)
			}
		}
	}
}

// FuzzInspect sends arbitrary bodies. The response is never a 5xx, and always strict
// JSON.
func FuzzInspect(f *testing.F) {
	f.Add([]byte(inspectBody(goldenToken, publishedKey, "")))
	f.Add([]byte(inspectBody(goldenToken, "not hex", "hex")))
	for _, test := range errorCases() {
		if len(test.body) < 5000 {
			f.Add([]byte(test.body))
		}
	}
	var log bytes.Buffer
	service := newService(f, &log)
	log.Reset() // of the line about its keys
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, method := range []string{"GET", "QUERY"} {
			status, answer := request(service, method, "/token", body)
			if status >= 500 || log.Len() > 0 {
				t.Fatalf("%d %s, logged: %s", status, answer, log.Bytes())
			}
			if status != 204 && !jsontext.Value(answer).IsValid() {
				t.Fatalf("%d %q is not strict JSON", status, answer)
			}
		}
	})
}

// TestInspectAgreesWithEncodingJSON reads a response as most clients would.
func TestInspectAgreesWithEncodingJSON(t *testing.T) {
	_, server := newServer(t)
	token, _ := mintOver(t, server, `{"user_data":{"a":[1,2.5,"x"],"b":{"c":null}},"expires_in":60}`)
	got := send(t, "GET", server.URL+"/token", inspectBody(token, publishedKey, ""), jsonHeader())
	var answer map[string]any
	if err := json.NewDecoder(io.LimitReader(strings.NewReader(got.body), 1<<20)).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	data := answer["Claims"].(map[string]any)["payload"].(map[string]any)["data"]
	want := map[string]any{"a": []any{1.0, 2.5, "x"}, "b": map[string]any{"c": nil}}
	if !reflect.DeepEqual(data, want) {
		t.Errorf("data came back as %v, want %v", data, want)
	}
	expires := goldenTime.Add(time.Minute).UTC().Format(time.RFC3339)
	if want := map[string]any{"state": "valid", "expires": expires}; !reflect.DeepEqual(answer["Validity"], want) {
		t.Errorf("Validity %v, want %v", answer["Validity"], want)
	}
}
