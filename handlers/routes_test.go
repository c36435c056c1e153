package handlers

import (
	"net/http/httptest"
	"strings"
	"testing"
)

// TestGate checks that the handler of the gate has its routes and no others.
func TestGate(t *testing.T) {
	service, server := newServer(t)
	gate := httptest.NewServer(service.Gate())
	defer gate.Close()
	gateRoutes := map[string]bool{}
	for _, route := range service.gate.Routes() {
		gateRoutes[route.Path] = true
	}
	if len(gateRoutes) != 6 {
		t.Errorf("the gate has the routes %v", gateRoutes)
	}
	body := inspectBody(goldenToken, publishedKey, "")
	body = `{"user_data":1,` + body[1:]
	for _, route := range service.router.Routes() {
		for _, method := range describedMethods(route) {
			header := bearer(goldenToken)
			header.Set("Content-Type", "application/json")
			target, sent := route.Path, body
			switch route.Path {
			case introspectPath:
				header, sent = formHeader(), "token="+goldenToken
			case "/auth/if":
				target += "?/iat"
			}
			got := send(t, method, gate.URL+target, sent, header)
			switch {
			case gateRoutes[route.Path]:
				if got.status != 200 {
					t.Errorf("%s %s: %d %s", method, route.Path, got.status, got.body)
				}
			case method == "HEAD":
				if got.status != 404 {
					t.Errorf("%s %s: %d", method, route.Path, got.status)
				}
			default:
				checkError(t, method+" "+route.Path, got, 404)
			}
		}
	}
	for _, path := range []string{"/auth?query", "/ext_authz/some/path"} {
		checkError(t, path, send(t, "GET", gate.URL+path, "", nil), 401)
	}
	for _, path := range []string{"/Auth", "/authx", "/auth/", "/auth/x", "/auth/if/x", "/ext_authz", "/ext_authzx", "/auth%2Fx/../token", "/healthz/", "/healthz/x", "/introspect/", "/token/sign", "//token", "/token/../token", "/tok", "/a"} {
		got := send(t, "POST", gate.URL+path, body, jsonHeader())
		checkError(t, path, got, 404)
	}
	checkError(t, "POST /healthz", send(t, "POST", gate.URL+"/healthz", "", nil), 405)
	if got := send(t, "OPTIONS", gate.URL+"/token", "", nil); got.status != 404 {
		t.Errorf("OPTIONS /token: %d", got.status)
	}

	series := scrape(t, server)
	for name, want := range map[string]float64{
		`tokenmint_http_requests_total{code="401",method="GET",route="/auth"}`:        1,
		`tokenmint_http_requests_total{code="401",method="GET",route="/ext_authz/*"}`: 1,
		`tokenmint_http_requests_total{code="200",method="GET",route="/healthz"}`:     1,
		`tokenmint_http_requests_total{code="405",method="POST",route="other"}`:       1,
	} {
		if series[name] != want {
			t.Errorf("%s is %v, want %v", name, series[name], want)
		}
	}
	for name, value := range series {
		if value > 0 && strings.Contains(name, `code="404"`) && !strings.Contains(name, `route="other"`) {
			t.Errorf("%s counts what is no route of the gate", name)
		}
	}

	service.Drain()
	got := send(t, "GET", gate.URL+"/readyz", "", nil)
	checkError(t, "readyz while draining", got, 503)
	if !got.closes {
		t.Error("the gate's connections stay open while the service drains")
	}
}
