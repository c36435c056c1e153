package handlers

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"regexp"
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

// contentTypes maps file name extensions to media types.
var contentTypes = map[string]string{
	".css":  "text/css; charset=utf-8",
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8", // RFC 9239
	".svg":  "image/svg+xml",
	".yaml": "application/yaml", // RFC 9512
}

// contentSecurityPolicy lets the page run its own scripts, use its own style and
// ask its own service. It loads nothing else, and no other site can frame it.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// page is what browsers receive.
type page struct {
	index  []byte
	assets map[string][]byte // by name under /assets/, which contains a hash of the content
}

// newPage gives every asset a name that changes with its content, so that it can
// be cached forever, and replaces all references to the asset with that name. The
// references must not form a cycle: each name would depend on all the others.
func newPage() page {
	p := page{assets: map[string][]byte{}}
	p.index = p.read("index.html", map[string]string{})
	return p
}

// reference matches a reference to an asset: assets/x in HTML, ./x in a module.
var reference = regexp.MustCompile(`"(?:assets|\.)/[\w.]+"`)

// read returns an embedded file, with the names of the assets that it refers to replaced,
// and adds these assets. names has the new names of those added before, and "" for those
// that are being read.
func (p page) read(file string, names map[string]string) []byte {
	content, err := pageFiles.ReadFile("page/" + file)
	if err != nil {
		panic(err) // a file refers to one that does not exist
	}
	return reference.ReplaceAllFunc(content, func(match []byte) []byte {
		folder, asset := path.Split(strings.Trim(string(match), `"`))
		name, begun := names[asset]
		if !begun {
			names[asset] = ""
			content := p.read(asset, names)
			name = hashedName(asset, content)
			names[asset], p.assets[name] = name, content
		}
		if name == "" {
			panic(asset + " refers to itself")
		}
		return []byte(`"` + folder + name + `"`)
	})
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
	c.Response().Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	return s.respondFile(c, path.Ext(name), content)
}

// describe answers GET /openapi.yaml.
func (s *Service) describe(c echo.Context) error {
	return s.respondFile(c, ".yaml", openAPI)
}

// respondFile writes a response with the content of a file.
func (s *Service) respondFile(c echo.Context, extension string, content []byte) error {
	header := c.Response().Header()
	header.Set("Content-Security-Policy", contentSecurityPolicy)
	header.Set("Referrer-Policy", "no-referrer")
	return s.respond(c, http.StatusOK, contentTypes[extension], content)
}
