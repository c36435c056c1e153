// Package proxies checks that tokenmint's gate guards an application behind real
// proxies, under the configurations in this folder, and that streams of tokens pass those
// that publish the service itself. The scripts .ci/proxies/run and
// .ci/traefik/run run the tests: they provide the proxies and name them in the
// environment.
package proxies

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// proxies are the tests of all proxies, by the variables that name their programs.
var proxies = []struct {
	name, setting string
	test          func(*testing.T)
}{
	{"nginx", "NGINX", func(t *testing.T) { testGuard(t, startNginx) }},
	{"nginx that announces bodies", "NGINX", testAnnouncedBody},
	{"nginx with streams", "NGINX", testNginxWithStreams},
	{"HAProxy", "HAPROXY", func(t *testing.T) { testGuard(t, startHAProxy) }},
	{"HAProxy with streams", "HAPROXY", testHAProxyWithStreams},
	{"Caddy", "CADDY", func(t *testing.T) { testGuard(t, startCaddy) }},
	{"Caddy that lets underscores pass", "CADDY", testCaddyWithUnderscores},
	{"Caddy with streams", "CADDY", testCaddyWithStreams},
	{"Traefik", "TRAEFIK", func(t *testing.T) { testGuard(t, startTraefik) }},
	{"Traefik that trusts forwarded headers", "TRAEFIK", testTraefikWithForwardedHeaders},
	{"Apache", "APACHE", testApache},
}

// TestProxies tests the proxies that the environment names.
func TestProxies(t *testing.T) {
	tested := 0
	for _, proxy := range proxies {
		if os.Getenv(proxy.setting) != "" {
			t.Run(proxy.name, proxy.test)
			tested++
		}
	}
	if tested == 0 {
		t.Fatal("the environment names no proxy: run .ci/proxies/run or .ci/traefik/run")
	}
}

// testGuard checks everything that the gate promises, behind one proxy. The
// order matters: the last tests rotate the key and kill the service.
func testGuard(t *testing.T, start proxyStarter) {
	g, service := startGuard(t, start)
	expiring := service.mint(t, `{"user_data":{"role":"admin"},"claims":{"aud":"app"},"expires_in":1}`)
	expired := time.Now().Add(2 * time.Second) // because exp is in whole seconds

	t.Run("passes", func(t *testing.T) { testPasses(t, g, service) })
	t.Run("passes the largest token", func(t *testing.T) { testLargestToken(t, g, service) })
	t.Run("passes large headers", func(t *testing.T) { testLargeHeaders(t, g, service) })
	t.Run("passes the request as it is", func(t *testing.T) { testRequestArrives(t, g, service) })
	t.Run("no smuggling", func(t *testing.T) { testNoSmuggling(t, g, service) })
	t.Run("stops", func(t *testing.T) { testStops(t, g, service) })
	t.Run("conditions", func(t *testing.T) { testConditions(t, g, service) })
	t.Run("no way around conditions", func(t *testing.T) { testNoWayAround(t, g, service) })
	t.Run("conditions of the client", func(t *testing.T) { testConditionsOfClient(t, g, service) })
	t.Run("cookie", func(t *testing.T) { testCookie(t, g, service) })
	t.Run("preflight", func(t *testing.T) { testPreflight(t, g, service) })
	t.Run("mints nothing", func(t *testing.T) { testMintsNothing(t, service) })
	t.Run("stops an expired token", func(t *testing.T) {
		time.Sleep(time.Until(expired))
		for path, header := range everywhere(expiring) {
			g.stops(t, "expired", path, header, invalidToken+"the token has expired")
		}
	})
	t.Run("rotation", func(t *testing.T) { testRotation(t, g, service) })
	t.Run("stops while the gate is down", func(t *testing.T) {
		token := service.mint(t, `{"user_data":{"role":"admin"},"claims":{"aud":"app"}}`)
		service.kill()
		for path, header := range everywhere(token) {
			g.refuses(t, path, g.send(t, "GET", path, header, nil), 500, 599)
		}
	})
}

// everywhere returns the routes of the configurations, each with a header that has the
// token where the route looks for it.
func everywhere(token string) map[string]http.Header {
	return map[string]http.Header{"/": bearer(token), "/admin": bearer(token), "/app": cookie(token)}
}

// testCaddyWithUnderscores runs the Caddyfile in a Caddy that lets names with
// underscores and dots pass, as all releases before 2.11.4 do.
func testCaddyWithUnderscores(t *testing.T) {
	g, service := startGuard(t, func(t *testing.T, gate, application string) string {
		const servers = "\tservers {\n"
		site := replaceOne(t, read(t, "Caddyfile"), servers, servers+
			"\t\texpected_underscore_headers token_id token_claims remote_user x_forwarded_method\n"+
			"\t\texpected_dot_headers token.id token.claims remote.user x.forwarded.method\n")
		return startCaddyWith(t, site, gate, application)
	})
	testNoSmuggling(t, g, service)
	testPreflight(t, g, service)
}

// testTraefikWithForwardedHeaders runs Traefik with an entry point that lets the
// client's own X-Forwarded-Method pass.
func testTraefikWithForwardedHeaders(t *testing.T) {
	g, service := startGuard(t, func(t *testing.T, gate, application string) string {
		return startTraefikWith(t, gate, application, "--entryPoints.web.forwardedHeaders.insecure=true")
	})
	testPreflight(t, g, service)
}

func testPasses(t *testing.T, g *guard, service *tokenmint) {
	key := service.key(t)
	minted := service.mint(t, `{"user_data":{"user":7}}`)
	tests := []struct{ name, token, id string }{
		{"minted", minted, idOf(t, minted)},
		{"jti with spaces and line breaks", sign(key, headerHS512, `{"jti":"a b\r\nToken-Claims: c"}`), "a%20b%0D%0AToken-Claims:%20c"},
		{"jti with the proxies' own syntax", sign(key, headerHS512, `{"jti":"$host{http.request.host}${host}"}`), "$host{http.request.host}${host}"},
		{"jti beyond ASCII", sign(key, headerHS512, `{"jti":"é"}`), "%C3%A9"},
		{"no jti", sign(key, headerHS512, `{"sub":"x"}`), ""},
		{"jti that is not a string", sign(key, headerHS512, `{"jti":7}`), ""},
	}
	for _, test := range tests {
		g.checkPassed(t, test.name, g.send(t, "GET", "/", bearer(test.token), nil), test.token, test.id, "")
	}
}

// testLargestToken sends a token that almost fills the gate's 16 KiB, and one
// that is much larger: net/http tolerates a few KiB more than its limit.
func testLargestToken(t *testing.T, g *guard, service *tokenmint) {
	token := func(size int) string {
		return sign(service.key(t), headerHS512, `{"jti":"large","x":"`+strings.Repeat("x", size*3/4)+`"}`)
	}
	largest := token(15 << 10)
	for _, body := range [][]byte{nil, make([]byte, 300_000)} {
		g.checkPassed(t, "the largest token", g.send(t, "POST", "/", bearer(largest), body), largest, "large", "")
	}
	g.refuses(t, "24 KiB", g.send(t, "GET", "/", bearer(token(24<<10)), nil), 400, 599)
}

// testLargeHeaders sends more than the gate's 16 KiB in headers that a route does not
// need.
func testLargeHeaders(t *testing.T, g *guard, service *tokenmint) {
	token := service.mint(t, `{"user_data":{"role":"admin"},"claims":{"aud":"app"}}`)
	large := strings.Repeat("x", 12<<10)
	for path, header := range everywhere(token) {
		header.Set("X-Large", large)
		if header.Get("Cookie") == "" {
			header.Set("Cookie", "large="+large)
		} else {
			header.Set("Authorization", "Basic "+large)
		}
		if got := g.send(t, "GET", path, header, nil); got.status != http.StatusOK || got.arrived == nil {
			t.Errorf("%s: %d", path, got.status)
		}
	}
}

func testRequestArrives(t *testing.T, g *guard, service *tokenmint) {
	token := service.mint(t, mintAlice)
	for _, size := range []int{0, 1_000, 300_000} {
		body := bytes.Repeat([]byte("x"), size)
		for _, method := range []string{"POST", "PUT", "DELETE"} {
			got := g.send(t, method, "/some/path?and=query", bearer(token), body)
			switch {
			case got.status != http.StatusOK || got.arrived == nil:
				t.Errorf("%s, %d bytes: %d", method, size, got.status)
			case got.arrived.request != method+" /some/path?and=query":
				t.Errorf("%s arrived as %s", method, got.arrived.request)
			case !bytes.Equal(got.arrived.body, body):
				t.Errorf("%s: %d bytes of the body arrived, want %d", method, len(got.arrived.body), size)
			}
		}
	}
}

// testNoSmuggling sends, along with tokens that pass, the headers that only the
// gate may set, and a Connection header that asks for their removal.
func testNoSmuggling(t *testing.T, g *guard, service *tokenmint) {
	for _, test := range []struct{ path, claims, id, user string }{
		{"/", `{"sub":"x"}`, "", ""},
		{"/", `{"jti":"an-id","sub":"x"}`, "an-id", ""},
		{"/admin", `{"payload":{"data":{"role":"admin"}}}`, "", ""},
		{"/admin", `{"payload":{"data":{"role":"admin"}},"jti":"an-id","sub":"alice"}`, "an-id", "alice"},
	} {
		token := sign(service.key(t), headerHS512, test.claims)
		for _, name := range smuggledNames {
			for _, values := range [][]string{{"smuggled"}, {"smuggled", "again"}} {
				header := bearer(token)
				header[name] = values
				g.checkPassed(t, name, g.send(t, "POST", test.path, header, []byte("body")), token, test.id, test.user)
			}
		}
		for _, names := range []string{"Token-Id, Token-Claims, Remote-User", "token-id,TOKEN-CLAIMS", "keep-alive, Token-Claims", "close,remote-user"} {
			header := bearer(token)
			header["Connection"] = []string{names}
			g.checkPassed(t, "Connection: "+names, g.send(t, "GET", test.path, header, nil), token, test.id, test.user)
		}
	}
}

var smuggledNames = []string{
	"Token-Id", "token-id", "TOKEN-ID", "token_id", "Token_Id", "TOKEN_ID", "Token.Id", "Token~Id",
	"Token-Claims", "token-claims", "TOKEN-CLAIMS", "token_claims", "Token_Claims", "TOKEN_CLAIMS", "Token.Claims",
	"Remote-User", "remote-user", "REMOTE-USER", "remote_user", "Remote_User", "REMOTE_USER", "Remote.User", "Remote!User",
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
		g.stops(t, test.name, "/", test.header, test.challenge)
	}
	// The gate and the application might read different ones of two headers. A
	// proxy may also refuse two by itself, with 400.
	two := http.Header{"Authorization": {"Bearer " + minted, "Bearer " + sign(strings.Repeat("f", 64), headerHS512, claims)}}
	g.refuses(t, "two tokens", g.send(t, "GET", "/", two, nil), 400, 401)
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
	g.stops(t, "the old key, removed", "/", bearer(oldToken), invalidToken+"the signature does not match")
	if got := g.send(t, "GET", "/", bearer(newToken), nil); got.status != http.StatusOK || got.arrived == nil {
		t.Errorf("the new key, alone: %d", got.status)
	}
}
