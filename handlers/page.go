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

// assetFiles are the files that index.html refers to. Each of them may refer to
// those before it.
var assetFiles = []string{
	"icon.svg", "style.css", "mint.css", "inspect.css", "volume.css",
	"clock.js", "command.js", "fault.js", "find.js", "history.js", "json.js", "time.js", "remint.js",
	"token.js", "label.js", "lines.js", "lists.js", "meanings.js", "paste.js", "signature.js", "templates.js",
	"validity.js",
	"dom.js", "claims.js", "copy.js", "service.js", "credential.js", "encrypted.js", "summary.js", "tooltip.js",
	"decoded.js", "undo.js", "key.js", "latest.js", "verdict.js", "inspect.js", "minted.js", "editor.js",
	"guide.js", "lifetime.js", "mint.js", "volume.js", "page.js",
}

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

// unresolved matches a reference between modules that has no hash in it.
var unresolved = regexp.MustCompile(`"\./\w+\.js"`)

// newPage gives every asset a name that changes with its content, so that it can
// be cached forever, and replaces all references to the asset with that name.
func newPage() page {
	p := page{assets: map[string][]byte{}}
	var names []string // pairs for a strings.Replacer
	for _, file := range assetFiles {
		content := readPageFile(file, names)
		if unresolved.Match(content) {
			panic(file + " refers to a file that is not before it in assetFiles")
		}
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
		panic(err) // assetFiles names a file that does not exist
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
