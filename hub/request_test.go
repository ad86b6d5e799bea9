package hub

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestRedirects: the token stays at the endpoint, also on redirects of the API, and redirects end.
func TestRedirects(t *testing.T) {
	for _, c := range []struct {
		name     string
		location func(s *site, r *http.Request) string
		want     string // part of the error; "": success
	}{
		{"renamed repository", func(s *site, r *http.Request) string { return "/api/models/org/net/revision/main" }, ""},
		{"other host", func(s *site, r *http.Request) string { return s.cdn.URL + "/" }, "does HF_ENDPOINT name a hub?"},
		{"loop", func(s *site, r *http.Request) string { return r.URL.Path }, "redirects 10 times"},
		{"other scheme", func(s *site, r *http.Request) string { return "file:///etc/passwd" }, "no connection"},
		{"no address", func(s *site, r *http.Request) string { return "http://[" }, "no connection"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t)
			s.needs = secret
			t.Setenv("HF_TOKEN", secret)
			s.content = text("{}")
			s.api = func(w http.ResponseWriter, r *http.Request) bool {
				redirect := r.URL.Path == "/api/models/org/old/revision/main"
				if redirect {
					w.Header().Set("Location", c.location(s, r))
					w.WriteHeader(http.StatusTemporaryRedirect)
				}
				return redirect
			}
			name := "org/old"
			_, _, err := resolve(t.Context(), name, Options{}, quick)
			s.check(err)
			if c.want == "" { // the API answers; the files are at the new name
				c.want = "the server answered 404"
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

// TestNoDowngrade: a redirect does not give up encryption.
func TestNoDowngrade(t *testing.T) {
	s := newSite(t)
	target := httptest.NewTLSServer(http.RedirectHandler(s.hub.URL+"/", http.StatusFound))
	t.Cleanup(target.Close)
	t.Setenv("HF_ENDPOINT", target.URL)
	e, err := readEnvironment("")
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(e, quick, Options{})
	c.http.Transport.(*http.Transport).TLSClientConfig = target.Client().Transport.(*http.Transport).TLSClientConfig
	if _, err := c.get(t.Context(), target.URL+"/x", nil); err == nil || !strings.Contains(err.Error(), "from https to an unencrypted address") {
		t.Errorf("error %v", err)
	}
	if len(s.asked) > 0 {
		t.Errorf("asked %q", s.asked)
	}
}

// TestSlowServer: a server that sends a byte from time to time does not hold a download forever.
func TestSlowServer(t *testing.T) {
	s := newSite(t)
	s.content = func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Content-Length", "300000")
		for r.Context().Err() == nil {
			w.Write([]byte{1})
			w.(http.Flusher).Flush()
			select {
			case <-r.Context().Done():
			case <-time.After(5 * time.Millisecond):
			}
		}
		return true
	}
	slow := quick
	slow.idle, slow.rate, slow.window, slow.attempts = time.Minute, 1<<20, 100*time.Millisecond, 1
	if _, _, err := resolve(t.Context(), "org/net", Options{}, slow); err == nil || !strings.Contains(err.Error(), "the server sends nothing: only ") {
		t.Errorf("error %v", err)
	}
}

// TestRedacted: addresses are shown without passwords and signatures.
func TestRedacted(t *testing.T) {
	for address, want := range map[string]string{
		"https://host/a/b": "https://host/a/b",
		"https://me:word@host/a?X-Amz-Signature=abc#f": "https://me:xxxxx@host/a#f",
		"https://host/%zz?sig=abc":                     "the address",
	} {
		if got := redacted(address); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}

// TestPauses: errors that another attempt can repair, and the pause that a server asks for.
func TestPauses(t *testing.T) {
	c := &client{limits: quick}
	for _, k := range []struct {
		name  string
		err   error
		pause time.Duration
		again bool
	}{
		{"busy", &statusError{status: 503}, 2 * time.Millisecond, true},
		{"busy for a known time", &statusError{status: 429, retryAfter: time.Second}, time.Second, true},
		{"busy for too long", &statusError{status: 429, retryAfter: time.Hour}, time.Hour, false},
		{"not found", &statusError{status: 404}, 2 * time.Millisecond, false},
		{"login page", errPage, 2 * time.Millisecond, false},
		{"truncated", ErrUnreachable, 2 * time.Millisecond, true},
	} {
		if pause, again := c.pauseAfter(k.err, 1); again != k.again || again && pause != k.pause {
			t.Errorf("%s: %v, %t; want %v, %t", k.name, pause, again, k.pause, k.again)
		}
	}
}
