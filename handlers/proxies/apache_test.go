package proxies

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// testApache checks what apache.conf promises. The order matters: the last tests
// rotate the key, and put another service in the place of this one.
func testApache(t *testing.T) {
	certFile, keyFile := writeCertificate(t)
	service := startServiceWithTLS(t, certFile, keyFile)
	application := startApplication(t)
	address := startApache(t, service.gate, certFile, application.address)
	g := &guard{application: application, url: "http://" + address, challenge: apacheChallenge}
	expiring := service.mint(t, `{"claims":{"sub":"alice"},"expires_in":1}`)
	expired := time.Now().Add(2 * time.Second) // because exp is in whole seconds

	t.Run("passes", func(t *testing.T) { testUsers(t, g, service) })
	t.Run("passes the largest token", func(t *testing.T) { testLargestUser(t, g, service) })
	t.Run("stops too many header lines", func(t *testing.T) { testManyHeaderLines(t, g, service) })
	t.Run("passes the request as it is", func(t *testing.T) { testRequestArrives(t, g, service) })
	t.Run("no smuggling", func(t *testing.T) { testNoSmuggledUser(t, g, service) })
	t.Run("stops", func(t *testing.T) { testStops(t, g, service) })
	t.Run("stops a token without a user", func(t *testing.T) { testNoUser(t, g, service) })
	t.Run("OPTIONS", func(t *testing.T) { testOptions(t, g, service) })
	t.Run("scope", func(t *testing.T) { testScope(t, g, service) })
	t.Run("mints nothing", func(t *testing.T) { testMintsNothing(t, service) })
	t.Run("stops an expired token", func(t *testing.T) {
		time.Sleep(time.Until(expired))
		g.stops(t, "expired", "/", bearer(expiring), invalidToken)
	})
	t.Run("rotation", func(t *testing.T) { testRotation(t, g, service) })
	t.Run("stops while the service is down", func(t *testing.T) { testNoService(t, g, service) })
}

// apacheChallenge returns the challenge that mod_auth_openidc sends in place of the
// gate's, or its beginning.
func apacheChallenge(gate string) string {
	if gate == noToken {
		return `Bearer error="invalid_request", error_description="No bearer token found in the request"`
	}
	return invalidToken
}

func testUsers(t *testing.T, g *guard, service *tokenmint) {
	mint := func(members string) string { return service.mint(t, "{"+members+"}") }
	tests := []struct{ name, token, user, scope string }{
		{"scope and lifetime", mint(`"claims":{"sub":"alice","scope":"read admin"},"expires_in":60`), "alice", "read admin"},
		{"neither scope nor lifetime", mint(`"claims":{"sub":"alice"}`), "alice", ""},
		{"data and other claims", mint(`"user_data":{"x":[1,null]},"claims":{"sub":"alice","aud":["x","y"],"User":"eve","sub_":"eve"}`), "alice", ""},
		{"line breaks", mint(`"claims":{"sub":"a\rOIDC-User: b\r\nOIDC-User: c\n","scope":"\r\nx","y\r\nOIDC-User":"\r\nOIDC-User: d"}`), "a\rOIDC-User: b\r\nOIDC-User: c\n", "\r\nx"},
		{"Apache's own syntax", mint(`"claims":{"sub":"%{HTTP:Host}%25 \"'\\1$0","scope":"%{REMOTE_ADDR}"}`), "%{HTTP:Host}%25 \"'\\1$0", "%{REMOTE_ADDR}"},
		{"a claim named active", mint(`"claims":{"sub":"alice","active":false}`), "alice", ""},
		{"beyond ASCII", mint(`"claims":{"sub":"é"}`), "é", ""},
	}
	for _, test := range tests {
		g.checkUser(t, test.name, g.send(t, "GET", "/", bearer(test.token), nil), test.user, test.scope)
	}
}

// testLargestUser sends a token that almost fills the 16 KiB of headers that
// apache.conf allows, and one that is much larger.
func testLargestUser(t *testing.T, g *guard, service *tokenmint) {
	token := func(size int) string {
		return service.mint(t, `{"user_data":"`+strings.Repeat("x", size*3/4)+`","claims":{"sub":"alice"}}`)
	}
	g.checkUser(t, "the largest token", g.send(t, "GET", "/", bearer(token(15<<10)), nil), "alice", "")
	g.refuses(t, "24 KiB", g.send(t, "GET", "/", bearer(token(24<<10)), nil), 400, 599)
}

// testManyHeaderLines sends a header with more lines than Apache accepts.
func testManyHeaderLines(t *testing.T, g *guard, service *tokenmint) {
	header := bearer(service.mint(t, mintAlice))
	for i := range 100 {
		header.Set(fmt.Sprintf("X-%d", i), "1")
	}
	g.refuses(t, "many header lines", g.send(t, "GET", "/", header, nil), 400, 599)
}

// testNoSmuggledUser sends, along with tokens that pass, headers that only Apache
// may set, and a Connection header that asks for their removal.
func testNoSmuggledUser(t *testing.T, g *guard, service *tokenmint) {
	for _, scope := range []string{"", "read"} {
		token := service.mint(t, `{"claims":{"sub":"alice"}}`)
		if scope != "" {
			token = service.mint(t, `{"claims":{"sub":"alice","scope":"`+scope+`"}}`)
		}
		for _, name := range smuggledUserNames {
			for _, values := range [][]string{{"smuggled"}, {"smuggled", "again"}} {
				header := bearer(token)
				header[name] = values
				g.checkUser(t, name, g.send(t, "POST", "/", header, []byte("body")), "alice", scope)
			}
		}
		for _, names := range []string{"OIDC-User, OIDC-Scope", "oidc-user,OIDC-SCOPE", "keep-alive, OIDC-Scope, OIDC-User"} {
			header := bearer(token)
			header["Connection"] = []string{names}
			g.checkUser(t, "Connection: "+names, g.send(t, "GET", "/", header, nil), "alice", scope)
		}
	}
}

var smuggledUserNames = []string{
	"OIDC-User", "oidc-user", "OIDC-USER", "oidc_user", "OIDC_User", "OIDC_USER", "OIDC.User", "OIDC-User_", "Oidc~User",
	"OIDC-Scope", "oidc-scope", "OIDC-SCOPE", "oidc_scope", "OIDC_Scope", "OIDC_SCOPE", "OIDC.Scope",
	"OIDC-Claim-sub", "OIDC_CLAIM_sub", "oidc_claim_scope", "OIDC_access_token",
}

func testNoUser(t *testing.T, g *guard, service *tokenmint) {
	key := service.key(t)
	for name, token := range map[string]string{
		"no claims": service.mint(t, `{"user_data":{"sub":"alice"}}`),
		"no sub":    service.mint(t, `{"claims":{"scope":"admin"}}`),
		"empty sub": service.mint(t, `{"claims":{"sub":""}}`),
		"a number":  sign(key, headerHS512, `{"sub":7}`),
		"null":      sign(key, headerHS512, `{"sub":null}`),
		"an array":  sign(key, headerHS512, `{"sub":["alice"]}`),
	} {
		g.stops(t, name, "/", bearer(token), invalidToken)
	}
}

// testOptions sends OPTIONS, which the module lets pass without a token.
func testOptions(t *testing.T, g *guard, service *tokenmint) {
	alice := bearer(service.mint(t, mintAlice))
	g.checkUser(t, "OPTIONS", g.send(t, "OPTIONS", "/", alice, nil), "alice", "")
	for _, path := range []string{"/", "/admin"} {
		for _, authorization := range [][]string{nil, {""}, {"Basic eDp5"}, {"Bearer"}, {"Bearer\tx"}, {"x Bearer y"}, {"Bearer x"}, {"bearer x"}} {
			header := http.Header{"Authorization": authorization, "OIDC-User": {"smuggled"}}
			name := fmt.Sprintf("OPTIONS %s with %q", path, authorization)
			g.refuses(t, name, g.send(t, "OPTIONS", path, header, nil), 401, 403)
		}
	}
}

// testScope asks for the location that requires the scope admin.
func testScope(t *testing.T, g *guard, service *tokenmint) {
	paths := []string{"/admin", "/admin/", "/admin/x?y", "//admin", "/%61dmin", "/x/../admin"}
	for _, scope := range []string{"admin", "read admin", "admin read", "read admin write"} {
		token := service.mint(t, `{"claims":{"sub":"alice","scope":"`+scope+`"}}`)
		for _, path := range paths {
			g.checkUser(t, path, g.send(t, "GET", path, bearer(token), nil), "alice", scope)
		}
	}
	const challenge = `Bearer error="insufficient_scope", error_description="Different scope(s) or other claims required"`
	for _, claims := range []string{`"x":"admin"`, `"scope":""`, `"scope":"read"`, `"scope":"administrator"`, `"scope":"not-admin"`, `"scope":"Admin"`} {
		token := service.mint(t, `{"claims":{"sub":"admin",`+claims+`}}`)
		for _, path := range paths {
			for _, method := range []string{"GET", "POST", "OPTIONS"} {
				got := g.send(t, method, path, bearer(token), nil)
				if got.status != http.StatusForbidden || got.arrived != nil {
					t.Errorf("%s: %s %s: %d, the application got %v", claims, method, path, got.status, got.arrived)
				}
				if challenges := got.header["Www-Authenticate"]; !slices.Equal(challenges, []string{challenge}) {
					t.Errorf("%s: %s %s: WWW-Authenticate: %q", claims, method, path, challenges)
				}
			}
		}
	}
}

// checkUser checks that a request reached the application with the user and the
// scope of its token, or without a scope if that is "", and with no other header of
// the module's.
func (g *guard) checkUser(t *testing.T, name string, got answer, user, scope string) {
	t.Helper()
	if got.status != http.StatusOK || got.arrived == nil {
		t.Errorf("%s: %d %v", name, got.status, got.header)
		return
	}
	want := map[string][]string{"Oidc-User": {user}}
	if scope != "" {
		want["Oidc-Scope"] = []string{scope}
	}
	for other, values := range got.arrived.header {
		if !strings.HasPrefix(strings.ToLower(other), "oidc") {
			continue
		}
		for i := range values {
			if decoded, err := url.PathUnescape(values[i]); err == nil {
				values[i] = decoded
			}
		}
		if !slices.Equal(values, want[other]) {
			t.Errorf("%s: the application got %s: %q, want %q", name, other, values, want[other])
		}
		delete(want, other)
	}
	for missing, values := range want {
		t.Errorf("%s: the application did not get %s: %q", name, missing, values)
	}
}

// testNoService kills the service, and puts into its place one that does not answer,
// and one that knows every token, but has a certificate that Apache must not trust.
func testNoService(t *testing.T, g *guard, service *tokenmint) {
	alice := bearer(service.mint(t, mintAlice))
	service.kill()
	g.stops(t, "the service is down", "/", alice, invalidToken)

	silent, err := net.Listen("tcp", service.gate)
	if err != nil {
		t.Fatal(err)
	}
	g.refuses(t, "no answer", g.send(t, "GET", "/", alice, nil), 401, 401)
	silent.Close()

	startImpostor(t, service.gate)
	g.stops(t, "an impostor", "/", alice, invalidToken)
}

func startServiceWithTLS(t *testing.T, certFile, keyFile string) *tokenmint {
	t.Helper()
	if !trusted.AppendCertsFromPEM([]byte(read(t, certFile))) {
		t.Fatalf("no certificate in %s", certFile)
	}
	s := startService(t, "-tls-cert", certFile, "-tls-key", keyFile)
	s.scheme = "https"
	return s
}

// startImpostor starts a service that takes every token for an active one, and whose
// certificate nobody knows.
func startImpostor(t *testing.T, address string) {
	t.Helper()
	certFile, keyFile := writeCertificate(t)
	certificate, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := tls.Listen("tcp", address, &tls.Config{Certificates: []tls.Certificate{certificate}})
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{ErrorLog: log.New(io.Discard, "", 0), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"active":true,"sub":"mallory"}`)
	})}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
}

// startApache starts Apache for the service at the gate's address, whose certificate
// is in certFile.
func startApache(t *testing.T, gate, certFile, application string) string {
	t.Helper()
	address, folder := freeAddress(t), t.TempDir()
	_, port, _ := strings.Cut(gate, ":")
	site := read(t, "apache.conf")
	site = replaceOne(t, site, "*:80>", address+">")
	site = replaceOne(t, site, "localhost:5001/", "localhost:"+port+"/")
	site = replaceOne(t, site, "/etc/tokenmint/tls.crt", certFile)
	site = replaceOne(t, site, "127.0.0.1:8080", application)
	// What Debian puts around it: the modules that it enables by itself, and those that
	// the file asks for.
	var server strings.Builder
	for _, module := range []string{"mpm_event", "authn_core", "authz_core", "authz_user", "auth_openidc", "headers", "proxy", "proxy_http"} {
		fmt.Fprintf(&server, "LoadModule %s_module /usr/lib/apache2/modules/mod_%s.so\n", module, module)
	}
	fmt.Fprintf(&server, "ServerName localhost\nListen %s\nPidFile pid\nDefaultRuntimeDir .\nErrorLog /dev/stderr\nLogLevel error\n", address)
	file := filepath.Join(folder, "apache2.conf")
	write(t, file, server.String()+site)
	start(t, address, nil, setting(t, "APACHE"), "-X", "-d", folder, "-f", file) // -X: one process
	return address
}

// writeCertificate writes a new certificate for localhost, and its key.
func writeCertificate(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: "localhost"},
		DNSNames:     []string{"localhost"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	privateKey, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	certFile, keyFile = filepath.Join(folder, "tls.crt"), filepath.Join(folder, "tls.key")
	write(t, certFile, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})))
	write(t, keyFile, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: privateKey})))
	return certFile, keyFile
}
