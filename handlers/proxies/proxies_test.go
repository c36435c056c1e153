// Package proxies checks that tokenmint's gate guards an application behind real
// proxies, under the configurations in this folder. The script .ci/proxies/run
// runs the tests: it installs the proxies and names them in the environment.
package proxies

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestNginx(t *testing.T) { testGuard(t, startNginx) }
func TestCaddy(t *testing.T) { testGuard(t, startCaddy) }

// TestCaddyWithUnderscores runs the Caddyfile in a Caddy that lets names with
// underscores pass, as all releases before 2.11.4 do.
func TestCaddyWithUnderscores(t *testing.T) {
	g, service := startGuard(t, func(t *testing.T, gate, application string) string {
		return startCaddyWith(t, "{\n\tservers {\n\t\texpected_underscore_headers token_id token_claims\n\t}\n}\n", gate, application)
	})
	testNoSmuggling(t, g, service)
}

// testGuard checks everything that the gate promises, behind one proxy. The
// order matters: the last tests rotate the key and kill the service.
func testGuard(t *testing.T, start proxyStarter) {
	g, service := startGuard(t, start)
	expiring := service.mint(t, `{"user_data":1,"expires_in":1}`)
	expired := time.Now().Add(2 * time.Second) // because exp is in whole seconds

	t.Run("passes", func(t *testing.T) { testPasses(t, g, service) })
	t.Run("passes the largest token", func(t *testing.T) { testLargestToken(t, g, service) })
	t.Run("stops too many header lines", func(t *testing.T) { testManyHeaderLines(t, g, service) })
	t.Run("passes the request as it is", func(t *testing.T) { testRequestArrives(t, g, service) })
	t.Run("no smuggling", func(t *testing.T) { testNoSmuggling(t, g, service) })
	t.Run("stops", func(t *testing.T) { testStops(t, g, service) })
	t.Run("mints nothing", func(t *testing.T) { testMintsNothing(t, service) })
	t.Run("stops an expired token", func(t *testing.T) {
		time.Sleep(time.Until(expired))
		g.stops(t, "expired", bearer(expiring), invalidToken+"the token has expired")
	})
	t.Run("rotation", func(t *testing.T) { testRotation(t, g, service) })
	t.Run("stops while the gate is down", func(t *testing.T) {
		token := service.mint(t, mintAlice)
		service.kill()
		got := g.send(t, "GET", "/", bearer(token), nil)
		if got.status < 500 || got.arrived != nil {
			t.Errorf("%d, the application got %v", got.status, got.arrived)
		}
	})
}

func testPasses(t *testing.T, g *guard, service *tokenmint) {
	key := service.key(t)
	minted := service.mint(t, `{"user_data":{"user":7}}`)
	var claims struct{ JTI string }
	if err := json.Unmarshal(claimsOf(t, minted), &claims); err != nil || len(claims.JTI) != 32 {
		t.Fatalf("the minted token has jti %q, %v", claims.JTI, err)
	}
	tests := []struct{ name, token, id string }{
		{"minted", minted, claims.JTI},
		{"jti with spaces and line breaks", sign(key, headerHS512, `{"jti":"a b\r\nToken-Claims: c"}`), "a%20b%0D%0AToken-Claims:%20c"},
		{"jti with the proxies' own syntax", sign(key, headerHS512, `{"jti":"$host{http.request.host}${host}"}`), "$host{http.request.host}${host}"},
		{"jti beyond ASCII", sign(key, headerHS512, `{"jti":"é"}`), "%C3%A9"},
		{"no jti", sign(key, headerHS512, `{"sub":"x"}`), ""},
		{"jti that is not a string", sign(key, headerHS512, `{"jti":7}`), ""},
	}
	for _, test := range tests {
		g.checkPassed(t, test.name, g.send(t, "GET", "/", bearer(test.token), nil), test.token, test.id)
	}
}

// testLargestToken sends a token that almost fills the gate's 16 KiB, and one
// that is much larger: net/http tolerates a few KiB more than its limit.
func testLargestToken(t *testing.T, g *guard, service *tokenmint) {
	token := func(size int) string {
		return sign(service.key(t), headerHS512, `{"jti":"large","x":"`+strings.Repeat("x", size*3/4)+`"}`)
	}
	largest := token(15 << 10)
	g.checkPassed(t, "the largest token", g.send(t, "GET", "/", bearer(largest), nil), largest, "large")
	got := g.send(t, "GET", "/", bearer(token(24<<10)), nil)
	if got.status < 400 || got.arrived != nil {
		t.Errorf("24 KiB: %d, the application got %v", got.status, got.arrived)
	}
}

// testManyHeaderLines sends a header with more lines than the gate accepts.
func testManyHeaderLines(t *testing.T, g *guard, service *tokenmint) {
	header := bearer(service.mint(t, mintAlice))
	for i := range 100 {
		header.Set(fmt.Sprintf("X-%d", i), "1")
	}
	got := g.send(t, "GET", "/", header, nil)
	if got.status < 400 || got.arrived != nil {
		t.Errorf("%d, the application got %v", got.status, got.arrived)
	}
}

func testRequestArrives(t *testing.T, g *guard, service *tokenmint) {
	token := service.mint(t, mintAlice)
	body := bytes.Repeat([]byte("0123456789"), 30_000)
	for _, method := range []string{"POST", "PUT", "DELETE"} {
		got := g.send(t, method, "/some/path?and=query", bearer(token), body)
		switch {
		case got.status != http.StatusOK || got.arrived == nil:
			t.Errorf("%s: %d", method, got.status)
		case got.arrived.request != method+" /some/path?and=query":
			t.Errorf("%s arrived as %s", method, got.arrived.request)
		case !bytes.Equal(got.arrived.body, body):
			t.Errorf("%s: %d bytes of the body arrived, want %d", method, len(got.arrived.body), len(body))
		}
	}
}

// testNoSmuggling sends, along with tokens that pass, the headers that only the
// gate may set, and a Connection header that asks for their removal.
func testNoSmuggling(t *testing.T, g *guard, service *tokenmint) {
	tokens := map[string]string{ // by their ids
		"":      sign(service.key(t), headerHS512, `{"sub":"x"}`),
		"an-id": sign(service.key(t), headerHS512, `{"jti":"an-id"}`),
	}
	for id, token := range tokens {
		for _, name := range []string{
			"Token-Id", "token-id", "TOKEN-ID", "token_id", "Token_Id", "TOKEN_ID", "Token.Id",
			"Token-Claims", "token-claims", "TOKEN-CLAIMS", "token_claims", "Token_Claims", "TOKEN_CLAIMS", "Token.Claims",
		} {
			for _, values := range [][]string{{"smuggled"}, {"smuggled", "again"}} {
				header := bearer(token)
				header[name] = values
				g.checkPassed(t, name, g.send(t, "POST", "/", header, []byte("body")), token, id)
			}
		}
		for _, names := range []string{"Token-Id, Token-Claims", "token-id,TOKEN-CLAIMS", "keep-alive, Token-Claims"} {
			header := bearer(token)
			header["Connection"] = []string{names}
			g.checkPassed(t, "Connection: "+names, g.send(t, "GET", "/", header, nil), token, id)
		}
	}
}

const (
	noToken      = `Bearer`
	invalidToken = `Bearer error="invalid_token", error_description="`
)

func testStops(t *testing.T, g *guard, service *tokenmint) {
	const claims = `{"sub":"alice"}`
	key := service.key(t)
	minted := service.mint(t, mintAlice)
	segments := strings.Split(minted, ".")
	tests := []struct {
		name      string
		header    http.Header
		challenge string // or, for invalidToken, its beginning
	}{
		{"no token", http.Header{}, noToken},
		{"Basic", http.Header{"Authorization": {"Basic dXNlcjpwYXNzd29yZA=="}}, noToken},
		{"forged", bearer(sign(strings.Repeat("f", 64), headerHS512, claims)), invalidToken},
		{"claims changed", bearer(segments[0] + "." + encode([]byte(`{"sub":"admin"}`)) + "." + segments[2]), invalidToken},
		{"HS256 with the service's key", bearer(signWith(sha256.New, key, `{"typ":"JWT","alg":"HS256"}`, claims)), invalidToken},
		{"none, without a signature", bearer(encode([]byte(`{"alg":"none"}`)) + "." + segments[1] + "."), invalidToken},
		{"none, with a signature that matches", bearer(sign(key, `{"alg":"none"}`, claims)), invalidToken},
		{"crit", bearer(sign(key, `{"alg":"HS512","crit":["exp"]}`, claims)), invalidToken},
		{"nbf tomorrow", bearer(sign(key, headerHS512, fmt.Sprintf(`{"sub":"alice","nbf":%d}`, time.Now().Unix()+86400))), invalidToken},
		{"expired, and claims to be active", bearer(sign(key, headerHS512, `{"sub":"alice","exp":1,"active":true}`)), invalidToken},
		{"not a JWT", bearer("token"), invalidToken},
		{"a mint credential", bearer(mintCredential), invalidToken},
	}
	for _, test := range tests {
		g.stops(t, test.name, test.header, test.challenge)
	}
	// The gate and the application might read different ones of two headers. A
	// proxy may also refuse two by itself, with 400.
	two := http.Header{"Authorization": {"Bearer " + minted, "Bearer " + sign(strings.Repeat("f", 64), headerHS512, claims)}}
	if got := g.send(t, "GET", "/", two, nil); got.status != 401 && got.status != 400 || got.arrived != nil {
		t.Errorf("two tokens: %d, the application got %v", got.status, got.arrived)
	}
}

// testMintsNothing asks for tokens and metrics at the gate's address, as a proxy
// could be made to, with the credential of someone who may mint.
func testMintsNothing(t *testing.T, service *tokenmint) {
	for _, path := range []string{"/token", "/token/verify", "//token", "/metrics", "/", "/openapi.yaml"} {
		for _, method := range []string{"GET", "POST", "QUERY"} {
			request := mintRequest(t, service.scheme+"://"+service.gate+path, `{"user_data":1}`)
			request.Method = method
			response, err := client.Transport.RoundTrip(request) // follows no redirect
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if response.StatusCode != http.StatusNotFound {
				t.Errorf("%s %s: %d, want 404", method, path, response.StatusCode)
			}
		}
	}
}

// testRotation puts a new key above the old one, and then removes the old one.
func testRotation(t *testing.T, g *guard, service *tokenmint) {
	oldToken := service.mint(t, mintAlice)
	newKey := strings.Repeat("0123456789abcdef", 8)
	service.setKeys(t, newKey, service.key(t))
	newToken := service.mint(t, mintAlice)
	if !signedBy(newKey, newToken) || signedBy(newKey, oldToken) {
		t.Fatal("SIGHUP did not rotate the key")
	}
	for name, token := range map[string]string{"old": oldToken, "new": newToken} {
		if got := g.send(t, "GET", "/", bearer(token), nil); got.status != http.StatusOK || got.arrived == nil {
			t.Errorf("the %s key, with both in the file: %d", name, got.status)
		}
	}

	service.setKeys(t, newKey)
	g.stops(t, "the old key, removed", bearer(oldToken), invalidToken+"the signature does not match")
	if got := g.send(t, "GET", "/", bearer(newToken), nil); got.status != http.StatusOK || got.arrived == nil {
		t.Errorf("the new key, alone: %d", got.status)
	}
}

// guard is a proxy that asks the gate and passes requests on to an application.
type guard struct {
	application *recorder
	url         string
	challenge   func(gate string) string // what the client gets in place of the gate's challenge; nil if the same
}

// proxyStarter starts a proxy for the gate and the application at these addresses,
// and returns the proxy's own.
type proxyStarter func(t *testing.T, gate, application string) string

func startGuard(t *testing.T, start proxyStarter) (*guard, *tokenmint) {
	t.Helper()
	service := startService(t)
	application := startApplication(t)
	address := start(t, service.gate, application.address)
	return &guard{application: application, url: "http://" + address}, service
}

// answer is the response to a client, and the request that arrived at the
// application, or nil if none did.
type answer struct {
	status  int
	header  http.Header
	arrived *arrival
}

// send sends a request to the proxy, with the header names spelled as given.
func (g *guard) send(t *testing.T, method, path string, header http.Header, body []byte) answer {
	t.Helper()
	request, err := http.NewRequest(method, g.url+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header = header.Clone()
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		t.Fatal(err)
	}
	got := answer{status: response.StatusCode, header: response.Header}
	select {
	case got.arrived = <-g.application.arrivals:
	default:
	}
	return got
}

// stops checks that a request with this header does not reach the application,
// and that the client gets the challenge.
func (g *guard) stops(t *testing.T, name string, header http.Header, challenge string) {
	t.Helper()
	if g.challenge != nil {
		challenge = g.challenge(challenge)
	}
	for _, method := range []string{"GET", "POST"} {
		got := g.send(t, method, "/", header, nil)
		if got.status != http.StatusUnauthorized || got.arrived != nil {
			t.Errorf("%s: %s: %d, the application got %v", name, method, got.status, got.arrived)
		}
		challenges := got.header["Www-Authenticate"]
		if len(challenges) != 1 || challenges[0] != challenge && (challenge == noToken || !strings.HasPrefix(challenges[0], challenge)) {
			t.Errorf("%s: %s: WWW-Authenticate: %q, want %s", name, method, challenges, challenge)
		}
	}
}

// checkPassed checks that a request reached the application with the id and the
// claims of its token, and with no other header that could be taken for these:
// many applications treat - and _ in names alike.
func (g *guard) checkPassed(t *testing.T, name string, got answer, token, id string) {
	t.Helper()
	if got.status != http.StatusOK || got.arrived == nil {
		t.Errorf("%s: %d %v", name, got.status, got.header)
		return
	}
	ids, claims := got.arrived.alike("token-id"), got.arrived.alike("token-claims")
	if strings.Join(ids, "|") != id || (id == "") != (len(ids) == 0) {
		t.Errorf("%s: the application got Token-Id %q, want %q", name, ids, id)
	}
	if len(claims) != 1 {
		t.Errorf("%s: the application got Token-Claims %q", name, claims)
		return
	}
	if decoded, err := base64.RawURLEncoding.DecodeString(claims[0]); err != nil || !bytes.Equal(decoded, claimsOf(t, token)) {
		t.Errorf("%s: the application got the claims %q, %v", name, decoded, err)
	}
}

// recorder is an application that answers every request with 200 and records it.
type recorder struct {
	address  string
	arrivals chan *arrival
}

type arrival struct {
	request string // method and target
	header  http.Header
	body    []byte
}

func startApplication(t *testing.T) *recorder {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a := &recorder{address: listener.Addr().String(), arrivals: make(chan *arrival, 1)}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("the application reads a body: %v", err)
		}
		a.arrivals <- &arrival{request: r.Method + " " + r.RequestURI, header: r.Header, body: body}
	})}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	return a
}

// alike returns the values of all headers whose names differ from name only in
// letter case and punctuation.
func (a *arrival) alike(name string) []string {
	var values []string
	for _, other := range slices.Sorted(maps.Keys(a.header)) {
		if strings.EqualFold(punctuation.ReplaceAllString(other, "-"), name) {
			values = append(values, a.header[other]...)
		}
	}
	return values
}

var punctuation = regexp.MustCompile(`[^0-9A-Za-z]`)

// mintCredential is the credential of those who may mint.
const mintCredential = "a-credential-of-the-tests-with-thirty-two-characters"

// tokenmint is a running service.
type tokenmint struct {
	*process
	scheme, address, gate, keyFile string
}

func startService(t *testing.T, args ...string) *tokenmint {
	t.Helper()
	folder := t.TempDir()
	s := &tokenmint{scheme: "http", keyFile: filepath.Join(folder, "signing.key"), address: freeAddress(t), gate: freeAddress(t)}
	credentials := filepath.Join(folder, "mint.credentials")
	write(t, credentials, mintCredential+"\n")
	args = append(args, "-bind", s.address, "-gate-bind", s.gate, "-signing-key-file", s.keyFile, "-mint-credentials-file", credentials)
	s.process = start(t, s.gate, nil, setting(t, "TOKENMINT"), args...)
	return s
}

// mintAlice is a request for a token of the user alice.
const mintAlice = `{"user_data":1,"claims":{"sub":"alice"},"expires_in":600}`

// mintRequest returns a request to mint, with the credential for it.
func mintRequest(t *testing.T, url, body string) *http.Request {
	t.Helper()
	request, err := http.NewRequest("POST", url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header = bearer(mintCredential)
	request.Header.Set("Content-Type", "application/json")
	return request
}

func (s *tokenmint) mint(t *testing.T, body string) string {
	t.Helper()
	response, err := client.Do(mintRequest(t, s.scheme+"://"+s.address+"/token", body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var minted map[string]string
	if err := json.NewDecoder(response.Body).Decode(&minted); err != nil || minted["JWT Token"] == "" {
		t.Fatalf("%s: %v", response.Status, err)
	}
	return minted["JWT Token"]
}

// key returns the key that mints, which is the first one in the file.
func (s *tokenmint) key(t *testing.T) string {
	t.Helper()
	first, _, _ := strings.Cut(read(t, s.keyFile), "\n")
	return first
}

// setKeys replaces the key file, sends SIGHUP and waits until the service logs
// that it has read the file.
func (s *tokenmint) setKeys(t *testing.T, keys ...string) {
	t.Helper()
	next := s.keyFile + ".new"
	write(t, next, strings.Join(keys, "\n")+"\n")
	if err := os.Rename(next, s.keyFile); err != nil {
		t.Fatal(err)
	}
	before := len(s.log(t))
	if err := s.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the service to read its keys again", func() bool {
		return strings.Contains(s.log(t)[before:], `msg="signing keys"`)
	})
}

func startNginx(t *testing.T, gate, application string) string {
	t.Helper()
	address, folder := freeAddress(t), t.TempDir()
	server := read(t, "nginx.conf")
	server = replaceOne(t, server, "listen 80;", "listen "+address+";")
	server = replaceOne(t, server, "127.0.0.1:5001;", gate+";")
	server = replaceOne(t, server, "127.0.0.1:8080", application)
	write(t, filepath.Join(folder, "application.conf"), server)
	// What a distribution puts around it, but as one process and in this folder.
	write(t, filepath.Join(folder, "nginx.conf"), `
daemon off;
master_process off;
pid nginx.pid;
events {}
http {
	access_log off;
	client_body_temp_path body;
	proxy_temp_path proxy;
	fastcgi_temp_path fastcgi;
	uwsgi_temp_path uwsgi;
	scgi_temp_path scgi;
	include application.conf;
}
`)
	start(t, address, nil, setting(t, "NGINX"), "-e", "stderr", "-p", folder, "-c", "nginx.conf")
	return address
}

func startCaddy(t *testing.T, gate, application string) string {
	t.Helper()
	return startCaddyWith(t, "", gate, application)
}

// startCaddyWith starts Caddy with a block of options above the Caddyfile.
func startCaddyWith(t *testing.T, options, gate, application string) string {
	t.Helper()
	address, folder := freeAddress(t), t.TempDir()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	site := read(t, "Caddyfile")
	site = replaceOne(t, site, ":80 {\n", ":"+port+" {\n\tbind "+host+"\n")
	site = replaceOne(t, site, "forward_auth 127.0.0.1:5001", "forward_auth "+gate)
	site = replaceOne(t, site, "127.0.0.1:8080", application)
	file := filepath.Join(folder, "Caddyfile")
	write(t, file, options+site)
	environment := []string{"HOME=" + folder, "CADDY_ADMIN=" + freeAddress(t)}
	start(t, address, environment, setting(t, "CADDY"), "run", "--config", file, "--adapter", "caddyfile")
	return address
}

// process is a program that runs at most until the test ends.
type process struct {
	*exec.Cmd
	logFile string
}

// start runs a program and waits until it listens on address.
func start(t *testing.T, address string, environment []string, name string, args ...string) *process {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	p := &process{Cmd: exec.Command(name, args...), logFile: log.Name()}
	p.Env, p.Stderr = append([]string{}, environment...), log // never nil, which would mean this process's environment
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("%s logged:\n%s", name, p.log(t))
		}
	})
	waitFor(t, name+" to listen", func() bool {
		connection, err := net.Dial("tcp", address)
		if err == nil {
			connection.Close()
		}
		return err == nil
	})
	return p
}

func (p *process) kill() {
	if p.ProcessState == nil {
		p.Process.Kill()
		p.Wait()
	}
}

func (p *process) log(t *testing.T) string {
	t.Helper()
	return read(t, p.logFile)
}

const headerHS512 = `{"typ":"JWT","alg":"HS512"}`

// sign returns a token signed with HS512, even if the header names another
// algorithm.
func sign(key, header, claims string) string { return signWith(sha512.New, key, header, claims) }

func signWith(newHash func() hash.Hash, key, header, claims string) string {
	input := encode([]byte(header)) + "." + encode([]byte(claims))
	mac := hmac.New(newHash, []byte(key))
	mac.Write([]byte(input))
	return input + "." + encode(mac.Sum(nil))
}

func signedBy(key, token string) bool {
	mac := hmac.New(sha512.New, []byte(key))
	mac.Write([]byte(token[:strings.LastIndex(token, ".")]))
	return strings.HasSuffix(token, "."+encode(mac.Sum(nil)))
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func claimsOf(t *testing.T, token string) []byte {
	t.Helper()
	claims, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	return claims
}

func bearer(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }

// client ignores the proxies that the environment names. Over TLS it speaks only to
// a localhost whose certificate is in trusted.
var (
	client  = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted, ServerName: "localhost"}}}
	trusted = x509.NewCertPool()
)

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// replaceOne replaces old, which must occur exactly once.
func replaceOne(t *testing.T, text, old, new string) string {
	t.Helper()
	if count := strings.Count(text, old); count != 1 {
		t.Fatalf("%q occurs %d times in the configuration, want once", old, count)
	}
	return strings.Replace(text, old, new, 1)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// setting returns a variable that .ci/proxies/run sets.
func setting(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		t.Fatalf("%s is not set: run .ci/proxies/run", name)
	}
	return value
}

// freeAddress returns a loopback address that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited too long for %s", what)
		}
	}
}
