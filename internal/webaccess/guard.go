package webaccess

import (
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
)

// Guard answers requests that another handler must not see. A cookie and a link let a browser read; only the header
// Authorization lets it change something, so that no page of another site can (CSRF), also on a loopback address.
type Guard struct {
	// ReadOnly says why nothing can be changed through the server. "": a change needs the token.
	ReadOnly string
	// TokenHint says where a user finds the token.
	TokenHint string

	token   Token
	reading Token // what the cookie holds: it does not give the token away
	cookie  string
	private bool     // reading needs the token, too
	hosts   []string // names beside addresses and localhost
}

// NewGuard returns the guard of a server that listens on an address that a user wrote as HOST:PORT. On an address that other
// machines can reach, reading needs the token.
func NewGuard(written string, address net.Addr, token string) *Guard {
	g := &Guard{token: NewToken(token), reading: NewToken(readingText(token)), cookie: "depthwise", private: !Loopback(address),
		TokenHint: "it is in the address that the program printed when it started, after ?token="}
	if host, _, err := net.SplitHostPort(written); err == nil && host != "" {
		g.hosts = append(g.hosts, strings.ToLower(host))
	}
	if name, err := os.Hostname(); err == nil {
		g.hosts = append(g.hosts, strings.ToLower(name))
	}
	if _, port, err := net.SplitHostPort(address.String()); err == nil {
		g.cookie += "_" + port // browsers send cookies to all ports of a host
	}
	return g
}

// readingText is derived from the token, which does not follow from it.
func readingText(token string) string {
	if token == "" {
		return ""
	}
	return strings.Trim(strings.NewReplacer("+", "-", "/", "_", "=", "").Replace(Digest([]byte("read "+token))), "'")
}

// Loopback reports whether only this machine can reach an address.
func Loopback(address net.Addr) bool {
	tcp, ok := address.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// URL is the address for a browser. Its token is taken by the server and does not stay in the browser's history.
func (g *Guard) URL(address net.Addr, token string) string {
	link := url.URL{Scheme: "http", Host: address.String(), Path: "/"}
	if tcp, ok := address.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		name, err := os.Hostname()
		if err != nil {
			name = "localhost"
		}
		_, port, _ := net.SplitHostPort(address.String())
		link.Host = net.JoinHostPort(name, port)
	}
	if token != "" {
		link.RawQuery = url.Values{"token": {token}}.Encode()
	}
	return link.String()
}

// known reports whether a server may be called by the name of a request. The name of a site that points to this machine (DNS
// rebinding) is another one.
func (g *Guard) known(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.ToLower(strings.TrimSuffix(strings.Trim(name, "[]"), "."))
	return net.ParseIP(name) != nil || name == "localhost" || slices.Contains(g.hosts, name)
}

// Wrap protects a handler. open are paths that need no token, such as probes.
func (g *Guard) Wrap(next http.Handler, open ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		switch {
		case !g.known(r.Host):
			Fail(w, http.StatusMisdirectedRequest, "this server is not "+r.Host+": call it by its address, such as http://127.0.0.1:PORT/")
		case slices.Contains(open, r.URL.Path):
			next.ServeHTTP(w, r)
		case r.Method == http.MethodGet && g.token.Is(r.URL.Query().Get("token")):
			g.enter(w, r)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			if g.mayChange(w, r) {
				next.ServeHTTP(w, r)
			}
		case g.private && !g.mayRead(r):
			Fail(w, http.StatusUnauthorized, `reading needs the token of this server: open its address with ?token=TOKEN, or send "Authorization: Bearer TOKEN"; `+g.TokenHint)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// mayChange reports whether a request may change something; if not, it writes the refusal.
func (g *Guard) mayChange(w http.ResponseWriter, r *http.Request) bool {
	switch bearer := Bearer(r); {
	case g.ReadOnly != "":
		w.Header().Set("Allow", "GET, HEAD")
		Fail(w, http.StatusMethodNotAllowed, g.ReadOnly)
	case !sameOrigin(r):
		Fail(w, http.StatusForbidden, "a page of another site cannot change anything here: its origin is "+r.Header.Get("Origin"))
	case bearer == "":
		w.Header().Set("WWW-Authenticate", "Bearer")
		Fail(w, http.StatusUnauthorized, `a change needs the token of this server: send "Authorization: Bearer TOKEN"; `+g.TokenHint)
	case !g.token.Is(bearer):
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		Fail(w, http.StatusUnauthorized, "the token is not that of this server; "+g.TokenHint)
	default:
		return true
	}
	return false
}

// sameOrigin reports whether a request comes from a page of this server, or from a program that is not a browser. Browsers name the
// origin of the page in every request that may change something.
func sameOrigin(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "cross-site", "same-site": // another port is the same site
		return false
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}

func (g *Guard) mayRead(r *http.Request) bool {
	if g.token.Is(Bearer(r)) {
		return true
	}
	c, err := r.Cookie(g.cookie)
	return err == nil && g.reading.Is(c.Value)
}

// enter turns the token of a link into a cookie for reading, and hands it to the page after the #, which browsers do not send.
func (g *Guard) enter(w http.ResponseWriter, r *http.Request) {
	token := r.URL.Query().Get("token")
	http.SetCookie(w, &http.Cookie{Name: g.cookie, Value: readingText(token), Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	query := r.URL.Query()
	query.Del("token")
	to := url.URL{Path: "/" + strings.TrimLeft(r.URL.Path, `/\`), RawQuery: query.Encode(), Fragment: "token=" + token}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", to.String())
	w.WriteHeader(http.StatusSeeOther)
}

// Fail answers with a status and a message in JSON.
func Fail(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": message}) // fails if the client has gone
}
