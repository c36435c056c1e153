package handlers

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"
)

// The page and the description of the API are part of the binary.
var (
	//go:embed page
	pageFiles embed.FS

	//go:embed openapi.yaml
	openAPI []byte
)

// assetFiles are the files that the page is made of. Each of them refers only
// to those before it, and index.html to any.
var assetFiles = []string{
	"icon.svg", "style.css",
	"json.js", "token.js", "time.js", "service.js", "command.js", "page.js",
}

// contentTypes are those of the page's files, by the ends of their names.
var contentTypes = map[string][]string{
	".css":  {"text/css; charset=utf-8"},
	".html": {"text/html; charset=utf-8"},
	".js":   {"text/javascript; charset=utf-8"}, // RFC 9239
	".svg":  {"image/svg+xml"},
	".yaml": {"application/yaml"}, // RFC 9512
}

// Headers of the page. It runs its own scripts, wears its own style and asks
// its own service. Nothing else is loaded, and no other site can frame it.
var (
	contentSecurityPolicy = []string{"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"}
	noReferrer            = []string{"no-referrer"}
	immutable             = []string{"public, max-age=31536000, immutable"}
)

// page is what a browser gets, ready to be sent.
type page struct {
	index  []byte
	assets map[string][]byte // by the name under /assets/, which has a hash of the content in it
}

// newPage gives every asset a name that changes with its content, so that it
// can be cached for good, and puts that name wherever the asset is referred to.
func newPage() page {
	p := page{assets: map[string][]byte{}}
	var names []string // pairs for a strings.Replacer
	for _, file := range assetFiles {
		content := readPageFile(file, names)
		name := hashedName(file, content)
		p.assets[name] = content
		names = append(names, "/"+file+`"`, "/"+name+`"`)
	}
	p.index = readPageFile("index.html", names)
	return p
}

// readPageFile returns an embedded file with its references replaced.
func readPageFile(file string, names []string) []byte {
	content, err := pageFiles.ReadFile("page/" + file)
	if err != nil {
		panic(err) // assetFiles names a file that is not there
	}
	return []byte(strings.NewReplacer(names...).Replace(string(content)))
}

func hashedName(file string, content []byte) string {
	sum := sha256.Sum256(content)
	extension := path.Ext(file)
	return strings.TrimSuffix(file, extension) + "." + hex.EncodeToString(sum[:8]) + extension
}

// showPage answers GET /.
func (s *Service) showPage(c echo.Context) error {
	return s.respondFile(c, ".html", s.page.index)
}

// asset answers GET /assets/{name}.
func (s *Service) asset(c echo.Context) error {
	name := c.Param("name")
	content, ok := s.page.assets[name]
	if !ok {
		return errNotFound
	}
	c.Response().Header()["Cache-Control"] = immutable
	return s.respondFile(c, path.Ext(name), content)
}

// describe answers GET /openapi.yaml.
func (s *Service) describe(c echo.Context) error {
	return s.respondFile(c, ".yaml", openAPI)
}

// respondFile writes a file of which the name ends in extension.
func (s *Service) respondFile(c echo.Context, extension string, content []byte) error {
	response := c.Response()
	header := response.Header()
	header["Content-Type"] = contentTypes[extension]
	header["Content-Security-Policy"] = contentSecurityPolicy
	header["Referrer-Policy"] = noReferrer
	header.Set("Content-Length", strconv.Itoa(len(content)))
	s.closeWhenDraining(header)
	response.WriteHeader(http.StatusOK)
	response.Write(content) // an error is the client's leaving
	return nil
}
