package handlers

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"tokenmint/jwtcore/keyfile"
)

// operations are the methods that OpenAPI 3.1 can describe.
var operations = []string{"GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"}

// describedStatuses returns the statuses of every operation in openapi.yaml, by
// method and path, such as "GET /token". It understands only the layout of that
// file; the browser tests read it as YAML.
func describedStatuses(t *testing.T) map[string][]int {
	t.Helper()
	_, paths, found := strings.Cut(string(openAPI), "\npaths:\n")
	paths, _, ended := strings.Cut(paths, "\ncomponents:\n")
	if !found || !ended {
		t.Fatal("openapi.yaml has no paths, or no components after them")
	}
	line := regexp.MustCompile(`^(?:  (/\S*)|    ([a-z]+)|        "([0-9]{3})"):$`)
	described := map[string][]int{}
	var path, operation string
	for text := range strings.Lines(paths) {
		match := line.FindStringSubmatch(strings.TrimRight(text, "\n"))
		switch {
		case match == nil:
		case match[1] != "":
			path = match[1]
		case match[2] != "":
			operation = strings.ToUpper(match[2]) + " " + path
		default:
			status, _ := strconv.Atoi(match[3])
			described[operation] = append(described[operation], status)
		}
	}
	return described
}

// describedMethods returns the methods of a route, which may be all operations.
func describedMethods(route *echo.Route) []string {
	if route.Method == echo.RouteNotFound {
		return operations
	}
	return []string{route.Method}
}

// describedPath replaces :name with {name}.
func describedPath(path string) string {
	return regexp.MustCompile(`:([a-z]+)`).ReplaceAllString(path, "{$1}")
}

// TestEveryRouteIsDescribed compares openapi.yaml with the routes, both ways.
func TestEveryRouteIsDescribed(t *testing.T) {
	service, _ := newServer(t)
	described := describedStatuses(t)
	routed := map[string]bool{}
	for _, route := range service.router.Routes() {
		path := describedPath(route.Path)
		for _, method := range describedMethods(route) {
			operation := method + " " + path
			routed[operation] = true
			switch { // what the format cannot describe is in the text
			case described[operation] != nil:
			case !slices.Contains(operations, method) && strings.Contains(string(openAPI), "`"+operation+"`"):
			case strings.HasSuffix(path, "/*") && strings.Contains(string(openAPI), "`"+path+"`"):
			default:
				t.Errorf("openapi.yaml does not describe %s", operation)
			}
		}
	}
	for operation := range described {
		if !routed[operation] {
			t.Errorf("openapi.yaml describes %s, which has no route", operation)
		}
	}
}

// TestEveryStatusIsDescribed sends all good and bad requests over a socket. Every
// status in a response is described, and every described status occurs.
func TestEveryStatusIsDescribed(t *testing.T) {
	service, server := newServer(t, quiet)
	seen := map[string]map[int]bool{}
	see := func(method, target, body string, header http.Header) {
		path, _, _ := strings.Cut(target, "?")
		operation := method + " " + path
		if strings.HasPrefix(path, "/assets/") {
			operation = method + " /assets/{name}"
		}
		if seen[operation] == nil {
			seen[operation] = map[int]bool{http.StatusInternalServerError: true} // every route can fail
		}
		seen[operation][send(t, method, server.URL+target, body, header).status] = true
	}
	good := `{"user_data":1,"Claims":{},"Token":"` + goldenToken + `","Signing_key":"` + publishedKey + `"}`
	cases := append(errorCases(), errorCase{name: "good", body: good})
	for _, test := range cases {
		header := test.header
		if header == nil {
			header = jsonHeader()
		}
		see("POST", "/token", test.body, header)
		see("GET", "/token", test.body, header)
		see("HEAD", "/token", test.body, header)
		see("POST", "/token/verify", test.body, header)
		see("POST", "/token/sign", test.body, header)
		see("POST", "/introspect", test.body, header)
	}
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	for _, body := range []string{"token=" + goldenToken, "token=x", "", "token=" + strings.Repeat("x", maxInspectBody)} {
		see("POST", "/introspect", body, form)
	}
	lines := http.Header{"Content-Type": {"application/x-ndjson"}}
	for _, route := range []string{"/tokens", "/tokens/verify"} {
		see("POST", route, good, jsonHeader())
		see("POST", route, good, lines)
		old := readResponse(t, exchangeRaw(t, server.Listener.Addr().String(), "POST "+route+" HTTP/1.0\r\n\r\n"), "POST")
		seen["POST "+route][old.status] = true
	}
	withOrigin := jsonHeader()
	withOrigin.Set("Origin", "http://evil.example")
	see("POST", "/token", good, withOrigin)
	see("POST", "/tokens", good, withOrigin)
	if err := service.SetMintCredentials([]keyfile.Credential{keyfile.NewCredential(credentialA)}); err != nil {
		t.Fatal(err)
	}
	see("POST", "/token", good, jsonHeader())
	see("POST", "/tokens", good, lines)
	free := service.bodyMemory.free.Swap(0)
	for _, route := range [][2]string{{"POST", "/token"}, {"GET", "/token"}, {"HEAD", "/token"}, {"POST", "/token/verify"}, {"POST", "/token/sign"}} {
		see(route[0], route[1], strings.Repeat(" ", largeBody+1), jsonHeaderFor("Bearer "+credentialA))
	}
	see("POST", "/introspect", strings.Repeat(" ", largeBody+1), form)
	see("POST", "/tokens/verify", good, lines)
	lines.Set("Authorization", "Bearer "+credentialA)
	see("POST", "/tokens", good, lines)
	service.bodyMemory.free.Store(free)
	for _, method := range operations {
		see(method, "/auth", "", nil)
		see(method, "/auth", "", bearer(goldenToken))
		see(method, "/auth/if", "", bearer(goldenToken))
		see(method, "/auth/if?/iat", "", nil)
		see(method, "/auth/if?/iat", "", bearer(goldenToken))
		see(method, "/auth/if?/exp", "", bearer(goldenToken))
	}
	for _, draining := range []bool{false, true} {
		if draining {
			service.Drain()
		}
		for _, method := range []string{"GET", "HEAD"} {
			for _, path := range []string{"/healthz", "/readyz", "/metrics", "/", "/openapi.yaml", "/assets/none"} {
				see(method, path, "", nil)
			}
			for name := range service.page.assets {
				see(method, "/assets/"+name, "", nil)
			}
		}
	}
	for operation, statuses := range describedStatuses(t) {
		for _, status := range statuses {
			if !seen[operation][status] {
				t.Errorf("%s is described with %d, which does not occur", operation, status)
			}
		}
		for status := range seen[operation] {
			if !slices.Contains(statuses, status) {
				t.Errorf("%s was answered with %d, which is not described", operation, status)
			}
		}
	}
}

// TestEveryErrorHasAStatusDescribed checks that openapi.yaml has every status in the
// table of errors.
func TestEveryErrorHasAStatusDescribed(t *testing.T) {
	described := map[int]bool{http.StatusMethodNotAllowed: strings.Contains(string(openAPI), "405 for a method")}
	for _, statuses := range describedStatuses(t) {
		for _, status := range statuses {
			described[status] = true
		}
	}
	for _, row := range errorTable {
		if !described[row.http] || !described[row.published] {
			t.Errorf("%v: %d or %d is not described", row.err, row.http, row.published)
		}
	}
}

// TestDescriptionHasTheGoldenVectors verifies the tokens in openapi.yaml.
func TestDescriptionHasTheGoldenVectors(t *testing.T) {
	tokens := regexp.MustCompile(`"JWT Token": "([^"]+)"`).FindAllSubmatch(openAPI, -1)
	if len(tokens) < 4 || string(tokens[0][1]) != goldenToken {
		t.Fatalf("%d tokens", len(tokens))
	}
	_, server := newServer(t)
	for _, token := range tokens {
		got := send(t, "QUERY", server.URL+"/token", inspectBody(string(token[1]), publishedKey, ""), jsonHeader())
		if !strings.Contains(got.body, `"Signature Verification":true`) {
			t.Errorf("%s: %s", token[1], got.body)
		}
	}
}
