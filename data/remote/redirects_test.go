package remote

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// TestRedirectsOfBuckets: a bucket's server that redirects elsewhere gets neither a second request with the
// credentials nor retries for a minute.
func TestRedirectsOfBuckets(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "s")
	var leaked atomic.Int64
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { leaked.Add(1) }))
	defer target.Close()
	server := httptest.NewServer(http.RedirectHandler(target.URL+"/x", http.StatusTemporaryRedirect))
	defer server.Close()
	for _, address := range []string{"s3://bucket/x.tar?region=x-1&use_path_style=true&endpoint=", "gs://bucket/x.tar?anonymous=true&endpoint="} {
		o := newOpener(quick())
		_, err := o.Stat(t.Context(), address+server.URL)
		if !errors.Is(err, fs.ErrPermission) || leaked.Load() != 0 {
			t.Errorf("%s: %d requests elsewhere, error %v", address, leaked.Load(), err)
		}
		o.Close()
	}
}

// TestRedirects: those that lead nowhere are refused at once, without the requests of retries.
func TestRedirects(t *testing.T) {
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Referer") != "" || r.Header.Get("Authorization") != "" || r.Header.Get("Cookie") != "" {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		io.WriteString(w, content)
	}))
	defer target.Close()
	for _, c := range []struct{ name, location, want string }{
		{"to itself", "/loop?sig=secret", "in a loop"},
		{"endless", "/endless", "more than 10 times"},
		{"to a file", "file:///etc/passwd", `scheme "file"`},
		{"to another scheme", "gopher://host/", `scheme "gopher"`},
		{"to nothing", "http://%zz?sig=secret", "an invalid address"},
		{"to another host", target.URL + "/x", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var asked atomic.Int64
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				n := asked.Add(1)
				to := c.location
				if to == "/endless" {
					to = fmt.Sprint("/", n)
				}
				w.Header().Set("Set-Cookie", "session=secret")
				w.Header().Set("Location", to)
				w.WriteHeader(http.StatusFound)
			}))
			defer server.Close()
			o := newOpener(quick())
			defer o.Close()
			text, err := readAt(t.Context(), o, strings.Replace(server.URL, "://", "://user:secret@", 1)+"/loop?sig=secret")
			if c.want == "" {
				if text != "456789" || err != nil {
					t.Errorf("%q, %v", text, err)
				}
				return
			}
			if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if asked.Load() > maxRedirects+1 {
				t.Errorf("%d requests", asked.Load())
			}
		})
	}
}

func TestRedirectsBetweenHosts(t *testing.T) {
	request := func(address string) *http.Request {
		r, err := http.NewRequest(http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	from := []*http.Request{request("https://a/x")}
	for _, c := range []struct {
		name, to    string
		credentials bool
		want        string
	}{
		{"the same host", "https://a/y", true, ""},
		{"another host", "https://b/y", false, ""},
		{"another host with credentials", "https://b/y", true, "must not get the credentials"},
		{"without encryption", "http://a/y", false, "give up encryption"},
	} {
		err := checkRedirect(c.credentials)(request(c.to), from)
		if c.want == "" && err != nil || c.want != "" && (!errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: error %v", c.name, err)
		}
	}
}

// TestInvalidAddresses: the errors do not quote the part of a password that is wrong.
func TestInvalidAddresses(t *testing.T) {
	for _, c := range []struct{ name, address, want string }{
		{"an escape", "https://user:se%zzcret@host/x", "not a valid address"},
		{"a slash in a password", "https://user:se/cret@host/x", "not a valid address"},
		{"a space in a signature", "https://host/x?sig=se cret", "not a valid address"},
		{"no host", "https://", "not a valid address"},
		{"a port beyond the last", "https://host:99999/x", "not a valid address"},
		{"a password of an endpoint", "s3://bucket/x?endpoint=http://user:secret@host", "has a user or password"},
		{"a password of a bucket", "s3://user:secret@bucket/x", "AWS_ACCESS_KEY_ID"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOpener(quick())
			defer o.Close()
			_, err := o.Stat(t.Context(), c.address)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "cret") || strings.Contains(err.Error(), "zz") {
				t.Errorf("error %v", err)
			}
		})
	}
}
