package webaccess

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const secret = "0123456789abcdef"

var (
	loopback = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8008}
	everyone = &net.TCPAddr{IP: net.IPv4zero, Port: 8008}
)

// TestGuard: who may read and change something.
func TestGuard(t *testing.T) {
	reading := &http.Cookie{Name: "depthwise_8008", Value: readingText(secret)}
	for _, c := range []struct {
		name    string
		address net.Addr
		method  string
		url     string
		bearer  string
		cookie  *http.Cookie
		want    int
	}{
		{"read on loopback", loopback, "GET", "http://127.0.0.1:8008/", "", nil, 200},
		{"by localhost", loopback, "GET", "http://localhost:8008/", "", nil, 200},
		{"by IPv6", loopback, "GET", "http://[::1]:8008/", "", nil, 200},
		{"through a tunnel", loopback, "GET", "http://localhost:9999/", "", nil, 200},
		{"by the name of --addr", loopback, "GET", "http://trainer.lan/", "", nil, 200},
		{"in capitals with a dot", loopback, "GET", "http://Trainer.Lan.:8008/", "", nil, 200},
		{"by the name of another site", loopback, "GET", "http://evil.example:8008/", "", nil, 421},
		{"by that name with the token", loopback, "POST", "http://evil.example:8008/", secret, nil, 421},
		{"by a name that begins likewise", loopback, "GET", "http://localhost.evil.example/", "", nil, 421},
		{"change without token", loopback, "POST", "http://localhost:8008/", "", nil, 401},
		{"change with the token", loopback, "POST", "http://localhost:8008/", secret, nil, 200},
		{"change with a wrong token", loopback, "POST", "http://localhost:8008/", secret + "0", nil, 401},
		{"change with a part of it", loopback, "POST", "http://localhost:8008/", secret[:8], nil, 401},
		{"change with the cookie alone", loopback, "POST", "http://localhost:8008/", "", reading, 401},
		{"change with the cookie's value", loopback, "POST", "http://localhost:8008/", reading.Value, nil, 401},
		{"change with the token in the address", loopback, "POST", "http://localhost:8008/?token=" + secret, "", nil, 401},
		{"change without token from elsewhere", everyone, "POST", "http://10.0.0.1:8008/", "", nil, 401},
		{"change with the token from elsewhere", everyone, "POST", "http://10.0.0.1:8008/", secret, nil, 200},
		{"change with the cookie from elsewhere", everyone, "POST", "http://10.0.0.1:8008/", "", reading, 401},
		{"preflight of another site", loopback, "OPTIONS", "http://localhost:8008/", "", nil, 401},
		{"delete likewise", loopback, "DELETE", "http://localhost:8008/", "", nil, 401},
		{"read from elsewhere", everyone, "GET", "http://10.0.0.1:8008/", "", nil, 401},
		{"head from elsewhere", everyone, "HEAD", "http://10.0.0.1:8008/", "", nil, 401},
		{"with the cookie", everyone, "GET", "http://10.0.0.1:8008/", "", reading, 200},
		{"with another port's cookie", everyone, "GET", "http://10.0.0.1:8008/", "", &http.Cookie{Name: "depthwise_1", Value: reading.Value}, 401},
		{"with the token in the header", everyone, "GET", "http://10.0.0.1:8008/", secret, nil, 200},
		{"with the token in the address", everyone, "GET", "http://10.0.0.1:8008/?token=" + secret, "", nil, 303},
		{"with a wrong token in the address", everyone, "GET", "http://10.0.0.1:8008/?token=x", "", nil, 401},
		{"probe from elsewhere", everyone, "GET", "http://10.0.0.1:8008/healthz", "", nil, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := NewGuard("trainer.lan:8008", c.address, secret)
			r := httptest.NewRequest(c.method, c.url, nil)
			if c.bearer != "" {
				r.Header.Set("Authorization", "Bearer "+c.bearer)
			}
			if c.cookie != nil {
				r.AddCookie(c.cookie)
			}
			w := httptest.NewRecorder()
			g.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), "/healthz").ServeHTTP(w, r)
			if w.Code != c.want {
				t.Errorf("status %d, want %d: %s", w.Code, c.want, w.Body)
			}
		})
	}
}

// TestOrigin: with the token too, pages of other sites and of other ports cannot change anything; the answer says why.
func TestOrigin(t *testing.T) {
	for _, c := range []struct {
		name, origin, site string
		want               int
	}{
		{"own page", "http://localhost:8008", "same-origin", 200},
		{"own page in an old browser", "http://localhost:8008", "", 200},
		{"a program", "", "", 200},
		{"typed", "", "none", 200},
		{"another site", "https://evil.example", "cross-site", 403},
		{"another site in an old browser", "https://evil.example", "", 403},
		{"another port", "http://localhost:3000", "same-site", 403},
		{"another port in an old browser", "http://localhost:3000", "", 403},
		{"another name of this machine", "http://127.0.0.1:8008", "", 403},
		{"a file or a sandbox", "null", "", 403},
		{"no origin, another site", "", "cross-site", 403},
		{"no address", "http://[", "", 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "http://localhost:8008/", nil)
			r.Header.Set("Authorization", "Bearer "+secret)
			for name, value := range map[string]string{"Origin": c.origin, "Sec-Fetch-Site": c.site} {
				if value != "" {
					r.Header.Set(name, value)
				}
			}
			w := httptest.NewRecorder()
			NewGuard("", loopback, secret).Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w, r)
			if w.Code != c.want || w.Code == 403 && !strings.Contains(w.Body.String(), "another site") {
				t.Errorf("status %d, want %d: %s", w.Code, c.want, w.Body)
			}
		})
	}
}

// TestRefusalsSayWhy: what a user reads where the token is missing or wrong, and of a server that changes nothing.
func TestRefusalsSayWhy(t *testing.T) {
	for _, c := range []struct {
		name, bearer, readOnly string
		code                   int
		want                   string
	}{
		{"no token", "", "", 401, "a change needs the token"},
		{"wrong token", secret + "x", "", 401, "not that of this server"},
		{"read only", secret, "look elsewhere", 405, "look elsewhere"},
		{"read only without token", "", "look elsewhere", 405, "look elsewhere"},
	} {
		g := NewGuard("", loopback, secret)
		g.ReadOnly, g.TokenHint = c.readOnly, "it is in the log"
		r := httptest.NewRequest("POST", "http://localhost/", nil)
		if c.bearer != "" {
			r.Header.Set("Authorization", "Bearer "+c.bearer)
		}
		w := httptest.NewRecorder()
		g.Wrap(http.NotFoundHandler()).ServeHTTP(w, r)
		if w.Code != c.code || !strings.Contains(w.Body.String(), c.want) || c.code == 401 && !strings.Contains(w.Body.String(), "it is in the log") {
			t.Errorf("%s: status %d, %s", c.name, w.Code, w.Body)
		}
		if strings.Contains(w.Body.String(), secret) {
			t.Errorf("%s: the answer has the token", c.name)
		}
	}
}

// TestLimitChanges: changes are bounded in number and size, reading is not.
func TestLimitChanges(t *testing.T) {
	now := time.Unix(1e9, 0)
	h := limitChanges(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		}
	}), func() time.Time { return now })
	send := func(method string, bytes int) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, "/", strings.NewReader(strings.Repeat("x", bytes))))
		return w
	}
	for i := range 3 * changesPerSecond {
		if w := send("GET", 0); w.Code != 200 {
			t.Errorf("reading: %d", w.Code)
		}
		want := 200
		if i >= changesPerSecond {
			want = 429
		}
		if w := send("POST", 10); w.Code != want || want == 429 && w.Header().Get("Retry-After") == "" {
			t.Errorf("change %d: %d", i+1, w.Code)
		}
	}
	now = now.Add(time.Second)
	if w := send("POST", maxChangeBody); w.Code != 200 {
		t.Errorf("after a second: %d", w.Code)
	}
	if w := send("POST", maxChangeBody+1); w.Code != 413 {
		t.Errorf("a large body: %d", w.Code)
	}
}

// TestGuardWithoutToken: a server without one cannot be changed, and nothing equals the token "".
func TestGuardWithoutToken(t *testing.T) {
	g := NewGuard("127.0.0.1:0", loopback, "")
	for url, want := range map[string]int{"http://localhost/": 200, "http://localhost/?token=": 200} {
		w := httptest.NewRecorder()
		g.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w, httptest.NewRequest("GET", url, nil))
		if w.Code != want {
			t.Errorf("%s: %d", url, w.Code)
		}
	}
	w := httptest.NewRecorder()
	g.Wrap(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest("POST", "http://localhost/", nil))
	if w.Code != 401 || NewToken("").Is("") || NewToken("").Set() {
		t.Errorf("status %d, and no token is a token: %v", w.Code, NewToken("").Is(""))
	}
}

// TestEnter: a link with the token leaves a cookie that scripts cannot read and that is not the token, and stays on this site.
func TestEnter(t *testing.T) {
	for url, to := range map[string]string{
		"http://localhost/?token=" + secret:                   "/#token=" + secret,
		"http://localhost/runs/a%20b?sort=1&token=" + secret:  "/runs/a%20b?sort=1#token=" + secret,
		"http://localhost//evil.example/?token=" + secret:     "/evil.example/#token=" + secret,
		"http://localhost/%5c%5cevil.example?token=" + secret: "/evil.example#token=" + secret,
	} {
		w := httptest.NewRecorder()
		NewGuard("", everyone, secret).Wrap(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest("GET", url, nil))
		if got := w.Header().Get("Location"); got != to {
			t.Errorf("%s leads to %s, want %s", url, got, to)
		}
		cookie := w.Result().Cookies()[0]
		if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Value == "" || strings.Contains(cookie.Value, secret) {
			t.Errorf("cookie %v", cookie)
		}
	}
}

// TestServeEnds: connections that wait do not keep a server that is to end.
func TestServeEnds(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	begun, ended := make(chan bool), make(chan error, 1)
	go func() {
		ended <- Serve(ctx, listener, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			close(begun)
			<-r.Context().Done()
		}))
	}()
	go http.Get("http://" + listener.Addr().String()) //nolint:errcheck // it is closed
	<-begun
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		t.Error("the server does not end")
	}
}

func TestRandomToken(t *testing.T) {
	if a, b := RandomToken(), RandomToken(); len(a) != 32 || a == b {
		t.Errorf("%q and %q", a, b)
	}
}
