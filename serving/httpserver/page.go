package httpserver

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
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
	sum := sha256.Sum256(content)
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
