package handlers

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"tokenmint/jwtcore"
)

// mintOver mints a token over a socket.
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

func inspectBody(token, key, encoding string) string {
	body, _ := json.Marshal(map[string]string{"Token": token, "Signing_key": key, "Key_encoding": encoding})
	return strings.Replace(string(body), `"Key_encoding":"",`, "", 1)
}

var inspectRoutes = []struct{ method, path string }{
	{"GET", "/token"}, {"QUERY", "/token"}, {"POST", "/token/verify"},
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

// TestAnswersTellTheirLength mints tokens around the size up to which net/http
// tells the length by itself.
func TestAnswersTellTheirLength(t *testing.T) {
	_, server := newServer(t)
	around := 0
	for size := 1250; size < 1450; size++ {
		got := send(t, "POST", server.URL+"/token", `{"user_data":"`+strings.Repeat("x", size)+`"}`, jsonHeader())
		if told := got.header.Get("Content-Length"); told != fmt.Sprint(len(got.body)) {
			t.Errorf("%d bytes, Content-Length: %q", len(got.body), told)
		}
		if len(got.body) >= netHTTPBuffer-2 && len(got.body) <= netHTTPBuffer+2 {
			around++
		}
	}
	if around < 3 {
		t.Errorf("only %d answers were of about %d bytes", around, netHTTPBuffer)
	}
}

// TestMintID checks that ids are version 4 UUIDs (RFC 9562 §5.4), each another.
func TestMintID(t *testing.T) {
	_, server := newServer(t)
	seen := map[string]bool{}
	for range 200 {
		_, claims := mintOver(t, server, `{"user_data":1}`)
		id := regexp.MustCompile(`"jti":"([0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15})"`).FindStringSubmatch(claims)
		if id == nil || seen[id[1]] {
			t.Fatalf("id in %s", claims)
		}
		seen[id[1]] = true
	}
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
	tests := []struct{ name, body, want string }{
		{"golden", inspectBody(goldenToken, publishedKey, ""), `{` + header + `,` + claims + `,"Signature Verification":true}`},
		{"utf8", inspectBody(goldenToken, publishedKey, "utf8"), `{` + header + `,` + claims + `,"Signature Verification":true}`},
		{"another key", inspectBody(goldenToken, "x", ""), `{` + header + `,` + claims + `,"Signature Verification":false,` + mismatch + `}`},
		{"the key's hex taken for bytes", inspectBody(goldenToken, publishedKey, "hex"), `{` + header + `,` + claims + `,"Signature Verification":false,` + mismatch + `}`},
		{"escapes in the request", strings.Replace(inspectBody(goldenToken, publishedKey, ""), `"eyJ`, `"\u0065yJ`, 1), `{` + header + `,` + claims + `,"Signature Verification":true}`},
		{"RFC 7515 A.1, base64url", inspectBody(rfcToken, rfcKey, "base64url"), rfcAnswer + "true" + expired},
		{"RFC 7515 A.1, base64", inspectBody(rfcToken, base64.StdEncoding.EncodeToString(rfcKeyBytes), "base64"), rfcAnswer + "true" + expired},
		{"RFC 7515 A.1, hex", inspectBody(rfcToken, fmt.Sprintf("%X", rfcKeyBytes), "hex"), rfcAnswer + "true" + expired},
		{"RFC 7515 A.1, as text", inspectBody(rfcToken, rfcKey, ""), rfcAnswer + "false," + mismatch + expired},
		{"not signed, odd times", inspectBody(base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`))+"."+base64.RawURLEncoding.EncodeToString([]byte(`{"exp":1e400,"nbf":1668676907.25}`))+".", "x", ""),
			`{"Header":{"alg":"none"},"Claims":{"exp":1e400,"nbf":1668676907.25},"Signature Verification":false,"Reason":"the header's alg is not accepted: it has to be exactly HS256, HS384 or HS512; a token with none is not signed at all","Validity":{"state":"not yet valid","not_before":"2022-11-17T09:21:47.25Z"}}`},
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

// TestLargestAndDeepestGoRound mints the largest and the most deeply nested
// data that is accepted, and inspects it with the longest key.
func TestLargestAndDeepestGoRound(t *testing.T) {
	longestKey := strings.Repeat("\x01", jwtcore.MaxKeySize) // six bytes a character in JSON
	keys, err := jwtcore.ParseKeys([]byte(longestKey))
	if err != nil {
		t.Fatal(err)
	}
	service, server := newServer(t)
	if err := service.SetSigningKeys(keys); err != nil {
		t.Fatal(err)
	}

	const frame = `{"user_data":}`
	nested := func(open, close string, depth int) string {
		return strings.Repeat(open, depth) + "1" + strings.Repeat(close, depth)
	}
	const deepest = 10_000 - 3
	tests := []struct {
		name, data string
		status     int
	}{
		{"the largest string", `"` + strings.Repeat("x", maxMintBody-len(frame)-2) + `"`, 200},
		{"one byte more", `"` + strings.Repeat("x", maxMintBody-len(frame)-1) + `"`, 413},
		{"the largest number", strings.Repeat("7", maxMintBody-len(frame)), 200},
		{"the deepest arrays", nested("[", "]", deepest), 200},
		{"one array deeper", nested("[", "]", deepest+1), 400},
		{"arrays as deep as the parser goes", nested("[", "]", 9_999), 400},
		{"deeper than the parser goes", nested("[", "]", 100_000), 400},
		{"the deepest objects", nested(`{"a":`, "}", deepest), 200},
		{"one object deeper", nested(`{"a":`, "}", deepest+1), 400},
		{"the deepest and largest", strings.Repeat("[", deepest) + `"` + strings.Repeat("x", maxMintBody-len(frame)-2*deepest-2) + `"` + strings.Repeat("]", deepest), 200},
	}
	for _, test := range tests {
		body := `{"user_data":` + test.data + `}`
		got := send(t, "POST", server.URL+"/token", body, jsonHeader())
		if got.status != test.status {
			t.Errorf("%s: %d %.200s", test.name, got.status, got.body)
			continue
		}
		if got.status != 200 {
			checkError(t, test.name, got, test.status)
			continue
		}
		token := strings.TrimSuffix(strings.TrimPrefix(got.body, `{"JWT Token":"`), `"}`)
		for _, route := range inspectRoutes {
			got := send(t, route.method, server.URL+route.path, inspectBody(token, longestKey, ""), jsonHeader())
			checkRoundTrip(t, got.body, []byte(test.data))
		}
	}
}

// checkRoundTrip checks that an answer to an inspection is JSON that common
// decoders take, holds the data, and says that the signature holds.
func checkRoundTrip(t *testing.T, answer string, data []byte) {
	t.Helper()
	var inspection struct {
		Claims struct {
			Payload struct{ Data json.RawMessage }
		}
		Verified bool `json:"Signature Verification"`
	}
	if err := json.Unmarshal([]byte(answer), &inspection); err != nil {
		t.Fatalf("%.200s: %v", answer, err)
	}
	if !inspection.Verified {
		t.Errorf("%.200s: not verified", answer)
	}
	var want bytes.Buffer
	if err := json.Compact(&want, data); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(inspection.Claims.Payload.Data, want.Bytes()) {
		t.Errorf("%.200s came back as %.200s", want.Bytes(), inspection.Claims.Payload.Data)
	}
}

// request asks the service without a socket between, for fuzzing.
func request(service *Service, method, path string, body []byte) (int, []byte) {
	r := httptest.NewRequest(method, path, bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	service.ServeHTTP(w, r)
	return w.Code, w.Body.Bytes()
}

// FuzzRoundTrip posts arbitrary data. What is refused is refused with a 400 or
// 413, and what is minted inspects to the same value.
func FuzzRoundTrip(f *testing.F) {
	for _, data := range []string{`"text"`, `{"b":1.50,"a":[true, null]}`, ` 1E400 `, `"\ud83d\ude00\u0000"`, `[[[[]]]]`, `{"a":1,"a":2}`, "\"\xff\"", `null`, `"`, `1} {`, `1,"user_data":2`, `1,"expires_in":9`} {
		f.Add([]byte(data))
	}
	var log bytes.Buffer
	service := newService(f, &log)
	f.Fuzz(func(t *testing.T, data []byte) {
		status, answer := request(service, "POST", "/token", append(append([]byte(`{"user_data":`), data...), '}'))
		if status == 400 || status == 413 {
			return
		}
		var minted map[string]string
		if err := json.Unmarshal(answer, &minted); status != 200 || err != nil {
			t.Fatalf("%q: %d %s, logged: %s", data, status, answer, log.Bytes())
		}
		status, answer = request(service, "GET", "/token", []byte(inspectBody(minted["JWT Token"], publishedKey, "")))
		if status != 200 {
			t.Fatalf("%q: minted, and inspected with %d %s", data, status, answer)
		}
		if !json.Valid(data) { // it went on to further members of the body
			return
		}
		checkRoundTrip(t, string(answer), data)
	})
}

// FuzzInspect asks with arbitrary bodies. The answer is never a 5xx, and is
// strict JSON whatever came in.
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

// TestInspectAgreesWithEncodingJSON reads an answer as most clients would.
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
