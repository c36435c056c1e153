package handlers

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// checkPageHeaders checks the headers of a part of the page.
func checkPageHeaders(t *testing.T, name string, got response, contentType, cacheControl string) {
	t.Helper()
	want := map[string]string{
		"Content-Type":            contentType,
		"Content-Length":          strconv.Itoa(len(got.body)),
		"Cache-Control":           cacheControl,
		"X-Content-Type-Options":  "nosniff",
		"Referrer-Policy":         "no-referrer",
		"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	}
	for header, value := range want {
		if values := got.header.Values(header); len(values) != 1 || values[0] != value {
			t.Errorf("%s: %s is %q, want %q", name, header, values, value)
		}
	}
	if got.status != http.StatusOK {
		t.Errorf("%s: %d", name, got.status)
	}
}

// getAndHead sends both methods, which must have the same header.
func getAndHead(t *testing.T, url string) response {
	t.Helper()
	got := send(t, "GET", url, "", nil)
	head := send(t, "HEAD", url, "", nil)
	for _, header := range []http.Header{got.header, head.header} {
		header.Del("Date")
		if !newID.MatchString(header.Get("X-Request-Id")) {
			t.Errorf("%s: X-Request-Id: %q", url, header["X-Request-Id"])
		}
		header.Del("X-Request-Id")
	}
	if head.status != got.status || head.body != "" || !maps.EqualFunc(head.header, got.header, slices.Equal) {
		t.Errorf("HEAD %s: %d %v, but GET: %d %v", url, head.status, head.header, got.status, got.header)
	}
	return got
}

func TestPage(t *testing.T) {
	_, server := newServer(t)
	got := getAndHead(t, server.URL+"/")
	checkPageHeaders(t, "/", got, "text/html; charset=utf-8", "no-store")
	if !strings.HasPrefix(got.body, "<!doctype html>") {
		t.Errorf("/: %.40q", got.body)
	}
}

func TestDescription(t *testing.T) {
	_, server := newServer(t)
	got := getAndHead(t, server.URL+"/openapi.yaml")
	checkPageHeaders(t, "/openapi.yaml", got, "application/yaml", "no-store")
	if got.body != string(openAPI) {
		t.Errorf("/openapi.yaml: %.40q", got.body)
	}
}

// assetReference matches references to files: assets/x in HTML, ./x in a script.
var assetReference = regexp.MustCompile(`"(?:assets|\.)/([^"]*)"`)

// TestAssets follows all references from the page. Each leads to an asset whose name
// contains the hash of its content, and together they lead to all files.
func TestAssets(t *testing.T) {
	contentTypes := map[string]string{
		".css": "text/css; charset=utf-8",
		".js":  "text/javascript; charset=utf-8",
		".svg": "image/svg+xml",
	}
	service, server := newServer(t)
	reached := map[string]bool{} // by name of the file
	seen := map[string]bool{}    // by name of the asset
	var follow func(body string)
	follow = func(body string) {
		for _, reference := range assetReference.FindAllStringSubmatch(body, -1) {
			name := reference[1]
			if seen[name] {
				continue
			}
			seen[name] = true
			got := getAndHead(t, server.URL+"/assets/"+name)
			checkPageHeaders(t, name, got, contentTypes[path.Ext(name)], "public, max-age=31536000, immutable")
			parts := strings.Split(name, ".")
			sum := sha256.Sum256([]byte(got.body))
			if len(parts) != 3 || parts[1] != hex.EncodeToString(sum[:8]) {
				t.Errorf("%s: the content has the hash %x", name, sum[:8])
				continue
			}
			reached[parts[0]+"."+parts[2]] = true
			follow(got.body)
		}
	}
	follow(send(t, "GET", server.URL+"/", "", nil).body)
	reached["index.html"] = true
	for name := range service.page.assets {
		if !seen[name] {
			t.Errorf("%s is served, but the page does not refer to it", name)
		}
	}
	files, err := fs.ReadDir(pageFiles, "page")
	if err != nil || len(files) < 3 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	for _, file := range files {
		if !reached[file.Name()] {
			t.Errorf("%s is embedded, but the page does not refer to it", file.Name())
		}
	}
}

func TestAssetNotFound(t *testing.T) {
	service, server := newServer(t)
	var known string
	for known = range service.page.assets {
		break
	}
	for _, name := range []string{"", "none", "page.js", "index.html", "../index.html", "..%2Findex.html", known + "/", known + ".map", strings.ToUpper(known)} {
		got := send(t, "GET", server.URL+"/assets/"+name, "", nil)
		checkError(t, "/assets/"+name, got, 404)
		if got.header.Get("Cache-Control") != "no-store" {
			t.Errorf("/assets/%s: Cache-Control: %s", name, got.header.Get("Cache-Control"))
		}
	}
}

// TestPageStaysAtHome looks for code that loads from elsewhere, that the policy
// would have to stop, or that keeps what a user has typed.
func TestPageStaysAtHome(t *testing.T) {
	p := newPage()
	parts := map[string][]byte{"index.html": p.index}
	maps.Copy(parts, p.assets)
	forbidden := regexp.MustCompile(`(?i)["'(:=]//[a-z0-9]|data:|blob:|javascript:|@import|\burl\(["']?[/h]|\bstyle=|\son[a-z]+=|<style|<script(?:[^>]*[^>a-z])?>[^<]|innerHTML|outerHTML|insertAdjacent|document\.write|\beval\(|new Function|localStorage|sessionStorage|indexedDB|\.cookie|history\.(?:push|replace)|HMAC|crypto`)
	namespace := `xmlns="http://www.w3.org/2000/svg"`
	for name, content := range parts {
		text := strings.ReplaceAll(string(content), namespace, "")
		if found := forbidden.FindString(text); found != "" {
			t.Errorf("%s contains %q", name, found)
		}
	}
	for _, example := range []string{`src="https://example.com/x.js"`, `src='//example.com/x.js'`, `<script>x()</script>`, `<p onclick="x()">`, `<p style="color:red">`} {
		if !forbidden.MatchString(example) {
			t.Errorf("%s is not found", example)
		}
	}
}
