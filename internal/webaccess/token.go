// Package webaccess decides which requests an HTTP server of this program answers: by a token, by the name under which the
// server was called, and by limits on connections.
package webaccess

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
)

// Token is a secret that requests show. The zero value is no token: nothing equals it.
type Token struct {
	digest [sha256.Size]byte
	set    bool
}

// NewToken returns the token of a text, and no token for "".
func NewToken(text string) Token { return Token{sha256.Sum256([]byte(text)), text != ""} }

// RandomToken returns a new text of 128 random bits.
func RandomToken() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// Is reports whether a text is the token. It compares digests in constant time, so that the time tells neither the characters
// nor the length.
func (t Token) Is(text string) bool {
	got := sha256.Sum256([]byte(text))
	return subtle.ConstantTimeCompare(got[:], t.digest[:]) == 1 && t.set
}

// Set reports whether there is a token.
func (t Token) Set() bool { return t.set }

// Bearer returns the token of the header "Authorization: Bearer TOKEN", "" without one.
func Bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// Digest is that of an inline script or style, as a source of a Content-Security-Policy.
func Digest(content []byte) string {
	sum := sha256.Sum256(content)
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
