package handlers

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// sign returns a token over claims, signed with HS512 by crypto/hmac.
func sign(secret, header, claims string) string {
	input := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
	mac := hmac.New(sha512.New, []byte(secret))
	mac.Write([]byte(input))
	return input + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

const headerHS512 = `{"typ":"JWT","alg":"HS512"}`

func bearer(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }

func TestAuthPasses(t *testing.T) {
	_, server := newServer(t)
	tests := []struct {
		name          string
		authorization string
		id            string // empty if the token has none that is a string, but always sent
		claims        string
	}{
		{"golden", "Bearer " + goldenToken, "f10fb5f47461de4dd8c76113cad7803b", `{"iat":1668676907,"jti":"f10fb5f47461de4dd8c76113cad7803b","payload":{"data":"this is test","date":"2022-11-17"}}`},
		{"bearer", "bearer " + goldenToken, "f10fb5f47461de4dd8c76113cad7803b", ""},
		{"BEARER, and more spaces", "BEARER   " + goldenToken, "f10fb5f47461de4dd8c76113cad7803b", ""},
		{"no jti", "Bearer " + sign(publishedKey, headerHS512, `{}`), "", `{}`},
		{"jti a number", "Bearer " + sign(publishedKey, headerHS512, `{"jti":7}`), "", ""},
		{"jti with line breaks", "Bearer " + sign(publishedKey, headerHS512, `{"jti":"a\r\nSet-Cookie: b"}`), "a%0D%0ASet-Cookie:%20b", ""},
		{"jti with NUL", "Bearer " + sign(publishedKey, headerHS512, `{"jti":"\u0000\u007f"}`), "%00%7F", ""},
		{"jti beyond ASCII", "Bearer " + sign(publishedKey, headerHS512, `{"jti":"é😀"}`), "%C3%A9%F0%9F%98%80", ""},
		{"jti with white space and %", "Bearer " + sign(publishedKey, headerHS512, `{"jti":" 100% "}`), "%20100%25%20", ""},
		{"jti of ASCII", "Bearer " + sign(publishedKey, headerHS512, `{"jti":"!\"#&,;=\\~"}`), `!"#&,;=\~`, ""},
		{"exp in a second", "Bearer " + sign(publishedKey, headerHS512, `{"exp":1668676908,"nbf":1668676907}`), "", ""},
	}
	for _, test := range tests {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "QUERY", "PURGE"} {
			for _, path := range []string{"/auth", "/auth?/sub=x", "/ext_authz/", "/ext_authz/some/path?/sub=x"} {
				name := test.name + ": " + method + " " + path
				got := send(t, method, server.URL+path, "", http.Header{"Authorization": {test.authorization}})
				if got.status != 200 || got.body != "" || method != "HEAD" && got.header.Get("Content-Length") != "0" {
					t.Errorf("%s: %d %q %v", name, got.status, got.body, got.header)
					continue
				}
				if ids := got.header["Token-Id"]; len(ids) != 1 || ids[0] != test.id {
					t.Errorf("%s: Token-Id %q, want %q", name, ids, test.id)
				}
				claims, err := base64.RawURLEncoding.DecodeString(got.header.Get("Token-Claims"))
				if err != nil || test.claims != "" && string(claims) != test.claims {
					t.Errorf("%s: Token-Claims %s, %v", name, claims, err)
				}
			}
		}
	}
	decoded, err := url.PathUnescape("%20100%25%20")
	if err != nil || decoded != " 100% " {
		t.Errorf("the encoding is not that of URLs: %q, %v", decoded, err)
	}
}

func TestAuthRefuses(t *testing.T) {
	_, server := newServer(t)
	const noToken = "Bearer"
	invalid := func(description string) string {
		return `Bearer error="invalid_token", error_description="` + description + `"`
	}
	tests := []struct {
		name          string
		authorization []string
		challenge     string // a prefix of WWW-Authenticate
	}{
		{"no header", nil, noToken},
		{"an empty header", []string{""}, noToken},
		{"Basic", []string{"Basic " + canary}, noToken},
		{"the token alone", []string{goldenToken}, noToken},
		{"another scheme that begins alike", []string{"Bearers " + goldenToken}, noToken},
		{"a tab after Bearer", []string{"Bearer\t" + goldenToken}, noToken},
		{"a colon", []string{"Bearer: " + goldenToken}, noToken},
		{"Bearer alone", []string{"Bearer"}, noToken},
		{"Bearer and spaces", []string{"Bearer   "}, noToken},

		{"two headers", []string{"Bearer " + goldenToken, "Bearer " + goldenToken}, invalid("send one Authorization header, not several")},
		{"two headers, one of them Basic", []string{"Basic " + canary, "Bearer " + goldenToken}, invalid("send one Authorization header, not several")},
		{"two tokens", []string{"Bearer " + goldenToken + " " + goldenToken}, invalid("send one token after Bearer, and nothing else")},
		{"two tokens with a comma", []string{"Bearer " + goldenToken + "," + goldenToken}, invalid("send one token after Bearer, and nothing else")},
		{"two schemes", []string{"Bearer " + goldenToken + ", Basic " + canary}, invalid("send one token after Bearer, and nothing else")},
		{"Bearer twice", []string{"Bearer Bearer " + goldenToken}, invalid("send one token after Bearer, and nothing else")},
		{"a quoted token", []string{`Bearer "` + goldenToken + `"`}, invalid("malformed token: it has quotes around it")},
		{"no token", []string{"Bearer " + canary}, invalid("malformed token: a JWT has three segments")},
		{"a padded token", []string{"Bearer " + goldenToken + "=="}, invalid("malformed token: the signature segment is not base64url")},
		{"a JWE", []string{"Bearer e30.e30.e30.e30.e30"}, invalid("malformed token: it has five segments")},

		{"forged", []string{"Bearer " + sign(canary, headerHS512, `{}`)}, invalid("the signature does not match")},
		{"no signature", []string{"Bearer " + goldenToken[:strings.LastIndex(goldenToken, ".")+1]}, invalid("the signature does not match")},
		{"half a signature", []string{"Bearer " + goldenToken[:len(goldenToken)-42]}, invalid("the signature does not match")},
		{"none", []string{"Bearer " + sign(publishedKey, `{"alg":"none"}`, `{}`)}, invalid("the header's alg is not accepted: it must be HS512")},
		{"HS256 by name", []string{"Bearer " + sign(publishedKey, `{"alg":"HS256"}`, `{}`)}, invalid("the header's alg is not accepted: it must be HS512")},
		{"crit", []string{"Bearer " + sign(publishedKey, `{"alg":"HS512","crit":["exp"]}`, `{}`)}, invalid("the header has crit")},
		{"exp now", []string{"Bearer " + sign(publishedKey, headerHS512, `{"exp":1668676907}`)}, invalid("the token has expired")},
		{"nbf in a second", []string{"Bearer " + sign(publishedKey, headerHS512, `{"nbf":1668676908}`)}, invalid("the token is not valid yet")},
		{"exp a string", []string{"Bearer " + sign(publishedKey, headerHS512, `{"exp":"`+canary+`"}`)}, invalid("exp and nbf must be numbers")},
		{"names twice", []string{"Bearer " + sign(publishedKey, headerHS512, `{"exp":1,"exp":9999999999}`)}, invalid("malformed token: the claims are not one JSON object: a member name occurs twice, again at byte 9")},
	}
	// RFC 6750 §3 leaves out the quote and the backslash.
	wellFormed := regexp.MustCompile(`^Bearer( error="invalid_token", error_description="[\x20-\x21\x23-\x5B\x5D-\x7E]+")?$`)
	for _, test := range tests {
		for _, method := range []string{"GET", "POST", "OPTIONS", "PURGE"} {
			name := test.name + ": " + method
			got := send(t, method, server.URL+"/auth", "", http.Header{"Authorization": test.authorization})
			checkError(t, name, got, 401)
			challenges := got.header["Www-Authenticate"]
			if len(challenges) != 1 || !wellFormed.MatchString(challenges[0]) {
				t.Errorf("%s: WWW-Authenticate: %q", name, challenges)
				continue
			}
			if test.challenge == noToken && challenges[0] != noToken || !strings.HasPrefix(challenges[0], strings.TrimSuffix(test.challenge, `"`)) {
				t.Errorf("%s: WWW-Authenticate: %s, want %s", name, challenges[0], test.challenge)
			}
			if got.header["Token-Id"] != nil || got.header["Token-Claims"] != nil || strings.Contains(challenges[0], canary) {
				t.Errorf("%s: the refusal describes the token: %v", name, got.header)
			}
		}
	}
}

// TestAuthKeys checks that tokens of all keys pass, and that the first key mints.
func TestAuthKeys(t *testing.T) {
	service, server := newServer(t)
	newKey := strings.Repeat("n", 64)
	keys := newKeys(newKey, publishedKey)
	service.signingKeys.Store(&keys)
	token, _ := mintOver(t, server, `{"user_data":1}`)
	if got := send(t, "GET", server.URL+"/token", inspectBody(token, newKey, ""), jsonHeader()); !strings.Contains(got.body, "true") {
		t.Errorf("not minted with the first key: %s", got.body)
	}
	for name, token := range map[string]string{"new": token, "old": goldenToken} {
		if got := send(t, "GET", server.URL+"/auth", "", bearer(token)); got.status != 200 {
			t.Errorf("%s key: %d %s", name, got.status, got.body)
		}
	}
	first := keys[:1]
	service.signingKeys.Store(&first)
	checkError(t, "the old key, removed", send(t, "GET", server.URL+"/auth", "", bearer(goldenToken)), 401)
}

// TestAuthExpires mints a token and lets it expire.
func TestAuthExpires(t *testing.T) {
	service, server := newServer(t)
	token, _ := mintOver(t, server, `{"user_data":1,"expires_in":60}`)
	for age, status := range map[time.Duration]int{0: 200, time.Minute - 1: 200, time.Minute: 401} {
		service.now = func() time.Time { return goldenTime.Add(age) }
		if got := send(t, "GET", server.URL+"/auth", "", bearer(token)); got.status != status {
			t.Errorf("at %v: %d, want %d", age, got.status, status)
		}
	}
}

// TestAuthIgnoresBody asks with a body, as a proxy might that forwards one.
func TestAuthIgnoresBody(t *testing.T) {
	_, server := newServer(t)
	for _, size := range []int{1, 20_000, 1 << 20} {
		header := bearer(goldenToken)
		if got := send(t, "POST", server.URL+"/auth", strings.Repeat("x", size), header); got.status != 200 || !got.closes {
			t.Errorf("%d bytes: %d %s, closes: %t", size, got.status, got.body, got.closes)
		}
	}
	if got := send(t, "POST", server.URL+"/auth", "", bearer(goldenToken)); got.status != 200 || got.closes {
		t.Errorf("no body: %d, closes: %t", got.status, got.closes)
	}
}

// TestAuthDoesNotWait announces a body that it does not send, as nginx does for a
// subrequest. The gate answers, with each of its statuses, and closes the connection.
func TestAuthDoesNotWait(t *testing.T) {
	_, server := newServer(t, quiet)
	for _, test := range []struct {
		target, authorization string
		status                int
	}{
		{"/auth", "Bearer " + goldenToken, 200},
		{"/auth", "", 401},
		{"/auth", "Bearer x", 401},
		{"/ext_authz/x", "Bearer " + goldenToken, 200},
		{"/auth/if?/iat", "Bearer " + goldenToken, 200},
		{"/auth/if?/sub", "Bearer " + goldenToken, 403},
		{"/auth/if", "Bearer " + goldenToken, 400},
		{"/auth/x", "Bearer " + goldenToken, 404},
	} {
		for _, framing := range []string{"Content-Length: 100\r\n\r\n", "Content-Length: 1000000\r\n\r\nx", "Transfer-Encoding: chunked\r\n\r\n"} {
			connection, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			connection.SetDeadline(time.Now().Add(30 * time.Second))
			io.WriteString(connection, "POST "+test.target+" HTTP/1.1\r\nHost: x\r\nAuthorization: "+test.authorization+"\r\n"+framing)
			reader := bufio.NewReader(connection)
			got, err := http.ReadResponse(reader, nil)
			if err != nil {
				t.Fatalf("%s, %q: %v", test.target, framing, err)
			}
			if got.StatusCode != test.status || !got.Close {
				t.Errorf("%s, %q: %d, closes: %t", test.target, framing, got.StatusCode, got.Close)
			}
			connection.SetReadDeadline(time.Now().Add(5 * time.Second)) // net/http alone would wait for the body
			if _, err := io.Copy(io.Discard, reader); err != nil {
				t.Errorf("%s, %q: the connection stays open: %v", test.target, framing, err)
			}
			connection.Close()
		}
	}
}

// FuzzAuth sends arbitrary Authorization headers. Only signed tokens pass, and all
// responses are 200 or 401.
func FuzzAuth(f *testing.F) {
	for _, authorization := range []string{"", "Bearer", "Bearer " + goldenToken, "bearer  " + goldenToken, "Basic eDp5", "Bearer " + sign(publishedKey, headerHS512, `{"jti":"\r\n"}`)} {
		f.Add(authorization)
	}
	var log bytes.Buffer
	service := newService(f, &log)
	log.Reset() // of the line about its keys
	f.Fuzz(func(t *testing.T, authorization string) {
		r, err := http.NewRequest("GET", "/auth", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header["Authorization"] = []string{authorization}
		w := &recorder{header: http.Header{}}
		service.ServeHTTP(w, r)
		if w.status != 200 && w.status != 401 || log.Len() > 0 {
			t.Fatalf("%d, logged: %s", w.status, log.Bytes())
		}
		for name, values := range w.header {
			for _, value := range values {
				if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
					t.Fatalf("%s: %q", name, value)
				}
			}
		}
		if w.status == 200 && !signedByOracle(authorization) {
			t.Fatalf("%q passed", authorization)
		}
	})
}

// recorder records headers exactly as they are set, unlike a client.
type recorder struct {
	header http.Header
	status int
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(p []byte) (int, error) { return len(p), nil }

func signedByOracle(authorization string) bool {
	fields := strings.Fields(authorization)
	if len(fields) != 2 {
		return false
	}
	dot := strings.LastIndexByte(fields[1], '.')
	mac := hmac.New(sha512.New, []byte(publishedKey))
	mac.Write([]byte(fields[1][:max(dot, 0)]))
	return fields[1][dot+1:] == base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
