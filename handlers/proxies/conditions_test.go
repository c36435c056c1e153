package proxies

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

const insufficientScope = `Bearer error="insufficient_scope", error_description="`

// mintAdmin and mintApp are requests for tokens that open /admin and /app.
const (
	mintAdmin = `{"user_data":{"role":"admin"},"claims":{"sub":"alice"}}`
	mintApp   = `{"claims":{"sub":"bob","aud":"app"}}`
)

// testConditions asks for the routes that have conditions, with tokens for either and
// for none.
func testConditions(t *testing.T, g *guard, service *tokenmint) {
	tests := []struct {
		name, token string
		admin, app  bool
	}{
		{"an admin", service.mint(t, mintAdmin), true, false},
		{"the app", service.mint(t, mintApp), false, true},
		{"both", service.mint(t, `{"user_data":{"role":["user","admin"]},"claims":{"aud":["x","app"]}}`), true, true},
		{"neither", service.mint(t, mintAlice), false, false},
		{"other values", service.mint(t, `{"user_data":{"role":"administrator"},"claims":{"aud":"App"}}`), false, false},
		{"other types", sign(service.key(t), headerHS512, `{"payload":{"data":{"role":{"admin":true}}},"aud":null}`), false, false},
		{"other places", service.mint(t, `{"user_data":"admin","claims":{"role":"admin","sub":"app"}}`), false, false},
	}
	for _, test := range tests {
		g.checkCondition(t, test.name, "/admin", bearer(test.token), test.admin)
		g.checkCondition(t, test.name, "/app", cookie(test.token), test.app)
	}
	forged := sign("a-key-of-the-client", headerHS512, `{"payload":{"data":{"role":"admin"}},"aud":"app"}`)
	for path, header := range everywhere(forged) {
		g.stops(t, "forged", path, header, invalidToken)
		g.stops(t, "no token", path, http.Header{}, noToken)
	}
	admin := service.mint(t, mintAdmin)
	g.checkPassed(t, "an admin", g.send(t, "GET", "/admin", bearer(admin), nil), admin, idOf(t, admin), "alice")
	odd := sign(service.key(t), headerHS512, `{"payload":{"data":{"role":"admin"}},"sub":"é\r\nRemote-User: root"}`)
	g.checkPassed(t, "line breaks", g.send(t, "GET", "/admin", bearer(odd), nil), odd, "", "%C3%A9%0D%0ARemote-User:%20root")
}

// checkCondition checks that a request passes, or that it is stopped because its token
// does not meet the condition of the route.
func (g *guard) checkCondition(t *testing.T, name, path string, header http.Header, passes bool) {
	t.Helper()
	for _, method := range []string{"GET", "POST", "OPTIONS"} {
		name := fmt.Sprintf("%s: %s %s", name, method, path)
		got := g.send(t, method, path, header, nil)
		if passes {
			if got.status != http.StatusOK || got.arrived == nil {
				t.Errorf("%s: %d", name, got.status)
			}
			continue
		}
		g.refuses(t, name, got, 403, 403)
		checkChallenge(t, name, got, insufficientScope)
	}
}

// testNoWayAround asks for /admin in spellings that some applications take for it, with
// the tokens of the other routes, and for the gate itself.
func testNoWayAround(t *testing.T, g *guard, service *tokenmint) {
	admin, others := bearer(service.mint(t, mintAdmin)), bearer(service.mint(t, mintAlice))
	others.Set("Cookie", "session="+service.mint(t, mintApp))
	for _, path := range []string{"/admin", "/admin/", "/admin/x?y"} {
		if got := g.send(t, "GET", path, admin, nil); got.status != http.StatusOK || got.arrived == nil {
			t.Errorf("%s: %d", path, got.status)
		}
	}
	for _, path := range []string{
		"/admin/", "/admin?x", "/admin/x?y", "/admin;x", "/ADMIN", "/%61dmin", "/admin%2Fx", "/admin%00",
		"//admin", "/./admin", "/x/../admin", "/x//../admin", "/x/%2e%2e/admin", "/%2Fadmin", "/x%2F..%2Fadmin", "/app/../admin", "/app%2F..%2Fadmin",
	} {
		g.refuses(t, path, g.send(t, "GET", path, others, nil), 400, 404)
	}
	for _, path := range []string{"/auth", "/auth/if?/exp", "/gate/any", "/gate/admin"} {
		g.refuses(t, path, g.send(t, "GET", path, nil, nil), 401, 404)
	}
}

// testConditionsOfClient sends conditions in the client's own query. They must not reach
// the gate, and must reach the application.
func testConditionsOfClient(t *testing.T, g *guard, service *tokenmint) {
	expired := sign(service.key(t), headerHS512, fmt.Sprintf(`{"payload":{"data":{"role":"admin"}},"aud":"app","exp":%d}`, time.Now().Unix()-60))
	header := http.Header{"X-Mine": {"OPTIONS"}, "Origin": {"https://example.com"}, "Access-Control-Request-Method": {"GET"}}
	header.Set("X-Token", service.mint(t, `{"user_data":{"role":"admin"},"claims":{"aud":"app"}}`))
	for path, withToken := range everywhere(expired) {
		g.stops(t, "expired", path+"?leeway=300&preflight=X-Mine", withToken, invalidToken+"the token has expired")
		g.stops(t, "no token", path+"?leeway=300&preflight=X-Mine", header, noToken)
		g.stops(t, "no token", path+"?token=header:X-Token", header, noToken)
	}
	alice := service.mint(t, mintAlice)
	for _, query := range []string{"?/sub=x", "?claims=off", "?set=Remote-User:/sub", "?", "?&", "?/payload/data/role=admin", "??%zz"} {
		got := g.send(t, "GET", "/x"+query, bearer(alice), nil)
		g.checkPassed(t, query, got, alice, idOf(t, alice), "")
		if got.arrived != nil && got.arrived.request != "GET /x"+query {
			t.Errorf("%s arrived as %s", query, got.arrived.request)
		}
	}
	for _, query := range []string{"?/sub=alice", "?/payload/data/role=1", "?", "?#"} {
		g.refuses(t, query, g.send(t, "GET", "/admin"+query, bearer(alice), nil), 403, 403)
	}
}

// testCookie asks for the route that takes the token from a cookie.
func testCookie(t *testing.T, g *guard, service *tokenmint) {
	token := service.mint(t, mintApp)
	for _, value := range []string{"session=" + token, "a=b; session=" + token + "; c=d"} {
		got := g.send(t, "GET", "/app", http.Header{"Cookie": {value}}, nil)
		g.checkPassed(t, value, got, token, idOf(t, token), "bob")
		if got.arrived != nil {
			got.arrived.checkHeader(t, value, "Cookie", value)
		}
	}

	forged := sign("a-key-of-the-client", headerHS512, `{"aud":"app"}`)
	for _, lines := range [][]string{
		{"session=" + token + "; session=" + token},
		{"session=" + token + "; session=" + forged},
		{"session=" + forged + "; session=" + token},
		{"session=" + token + "; session="},
		{"session=" + token, "session=" + token},
		{"session=" + token, "session=" + forged},
		{"session=" + forged, "session=" + token},
		{"Session=" + token},
		{"x; xsession=" + token},
		{"session=" + forged},
		{"session=" + token + forged},
	} {
		header := http.Header{"Cookie": lines}
		g.refuses(t, fmt.Sprint(lines), g.send(t, "GET", "/app", header, nil), 400, 401)
		header.Set("Authorization", "Bearer "+token)
		g.refuses(t, fmt.Sprint(lines, " and a bearer"), g.send(t, "GET", "/app", header, nil), 400, 401)
	}
	g.stops(t, "a bearer", "/app", bearer(token), noToken)
	g.stops(t, "a cookie elsewhere", "/", cookie(token), noToken)
	g.stops(t, "a cookie elsewhere", "/admin", cookie(service.mint(t, mintAdmin)), noToken)
}

// testPreflight sends CORS preflight requests, which have no token, and what could be
// taken for one.
func testPreflight(t *testing.T, g *guard, service *tokenmint) {
	preflight := http.Header{"Origin": {"https://example.com"}, "Access-Control-Request-Method": {"PUT"}}
	header := preflight.Clone()
	for _, name := range smuggledNames {
		header[name] = []string{"smuggled"}
	}
	for _, header := range []http.Header{preflight, header} {
		got := g.send(t, "OPTIONS", "/app", header, nil)
		if got.status != http.StatusOK || got.arrived == nil {
			t.Errorf("a preflight request: %d", got.status)
			continue
		}
		for _, name := range []string{"Token-Id", "Token-Claims", "Remote-User"} {
			got.arrived.checkHeader(t, "a preflight request", name, "")
		}
	}
	for _, path := range []string{"/", "/admin"} {
		g.refuses(t, "OPTIONS "+path, g.send(t, "OPTIONS", path, preflight, nil), 401, 401)
	}
	for name := range preflight {
		incomplete := preflight.Clone()
		incomplete.Del(name)
		g.refuses(t, "OPTIONS without "+name, g.send(t, "OPTIONS", "/app", incomplete, nil), 401, 401)
	}

	// A client must not be able to choose the method that the gate sees.
	for _, name := range []string{"X-Forwarded-Method", "x-forwarded-method", "X_Forwarded_Method", "X.Forwarded.Method", "X-HTTP-Method-Override"} {
		for _, values := range [][]string{{"OPTIONS"}, {"OPTIONS", "OPTIONS"}} {
			for _, connection := range []string{"keep-alive", name} {
				header := preflight.Clone()
				header[name] = values
				header["Connection"] = []string{connection}
				for _, path := range []string{"/", "/admin", "/app"} {
					g.stops(t, fmt.Sprint(name, values, connection), path, header, noToken)
				}
			}
		}
	}
}

// testAnnouncedBody checks that the gate does not wait for a body that nginx announces
// and does not send, as it does if it passes Content-Length on.
func testAnnouncedBody(t *testing.T) {
	g, service := startGuard(t, func(t *testing.T, gate, application string) string {
		const kept = "proxy_set_header Authorization $http_authorization;"
		server := replaceOne(t, read(t, "nginx.conf"), kept, kept+" proxy_set_header Content-Length $http_content_length;")
		return startNginxWith(t, server, gate, application)
	})
	testRequestArrives(t, g, service)
}
