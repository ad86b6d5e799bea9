package httpserver

import (
	"bytes"
	_ "embed"

	"depthwise.dev/internal/webaccess"
)

//go:embed page.html
var pageFile []byte

// pagePolicy allows the page its own script and style, by their digests, and requests to this server.
var pagePolicy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; connect-src 'self'; img-src blob: data:; script-src " +
	digest("script") + "; style-src " + digest("style")

// digest is that of the content of an element of the page, as a source of its policy.
func digest(element string) string {
	_, rest, _ := bytes.Cut(pageFile, []byte("<"+element+">"))
	content, _, _ := bytes.Cut(rest, []byte("</"+element+">"))
	return webaccess.Digest(content)
}
