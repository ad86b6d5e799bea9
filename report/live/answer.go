package live

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"

	"depthwise.dev/internal/webaccess"
	"depthwise.dev/report/page"
)

// policy allows a page its own scripts, by their digest, and requests to this server. Styles may be inline: charts have them,
// and texts are escaped.
var policy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; connect-src 'self'; img-src data:; style-src 'unsafe-inline'; script-src " +
	webaccess.Digest([]byte(page.LiveScript()))

// tagged is a page with the tag by which a browser knows that it has it already.
type tagged struct {
	text []byte
	tag  string
}

func tag(text []byte) tagged {
	sum := sha256.Sum256(text)
	return tagged{text, `"` + hex.EncodeToString(sum[:16]) + `"`}
}

// writePage answers with a page, or with 304 where the browser has it already.
func writePage(w http.ResponseWriter, r *http.Request, p tagged) {
	h := w.Header()
	h.Set("Cache-Control", "private, no-cache")
	h.Set("ETag", p.tag)
	h.Set("Content-Security-Policy", policy)
	if r.Header.Get("If-None-Match") == p.tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	w.Write(p.text) // fails if the client has gone
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		webaccess.Fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(append(text, '\n'))
}
