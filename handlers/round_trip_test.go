package handlers

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"tokenmint/jwtcore/keyfile"
)

// TestLargestAndDeepest mints the largest and the most deeply nested user data that
// is accepted, and inspects the tokens with the longest key.
func TestLargestAndDeepest(t *testing.T) {
	longestKey := strings.Repeat("\x01", keyfile.MaxKeySize) // six bytes a character in JSON
	service, server := newServer(t)
	if err := service.SetSigningKeys(newKeys(longestKey)); err != nil {
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

// checkRoundTrip checks that the response to an inspection is JSON that common
// decoders accept, has the data, and says that the signature is verified.
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

// request sends a request without a socket, for fuzzing.
func request(service *Service, method, path string, body []byte) (int, []byte) {
	r := httptest.NewRequest(method, path, bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	service.ServeHTTP(w, r)
	return w.Code, w.Body.Bytes()
}

// FuzzRoundTrip mints with arbitrary data. What the service refuses, it refuses
// with 400 or 413. What it mints, it can inspect, and the data is the same value.
func FuzzRoundTrip(f *testing.F) {
	for _, data := range []string{`"text"`, `{"b":1.50,"a":[true, null]}`, ` 1E400 `, `"\ud83d\ude00\u0000"`, `[[[[]]]]`, `{"a":1,"a":2}`, "\"\xff\"", `null`, `"`, `1} {`, `1,"user_data":2`, `1,"expires_in":9`} {
		f.Add([]byte(data))
	}
	var log bytes.Buffer
	service := newService(f, &log)
	log.Reset() // of the line about its keys
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
			t.Fatalf("%q: minted, but the inspection is %d %s", data, status, answer)
		}
		if !json.Valid(data) { // it added members to the body
			return
		}
		checkRoundTrip(t, string(answer), data)
	})
}
