package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/oauth2"
)

// quick are limits of which a hostile server reaches those of numbers at once. Tests of silent servers
// shorten the times.
func quick() limits {
	l := standard
	l.pages, l.keys = 20, 50
	return l
}

const content = "0123456789"

// part answers with a part of content, described by a Content-Range.
func part(contentRange, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if contentRange != "" {
			w.Header().Set("Content-Range", contentRange)
		}
		w.WriteHeader(http.StatusPartialContent)
		io.WriteString(w, body)
	}
}

func typed(header, value string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(header, value)
		io.WriteString(w, content)
	}
}

func status(code int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
	}
}

// drip sends bytes with pauses until the client leaves.
func drip(every time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000000000")
		for r.Context().Err() == nil {
			w.Write([]byte{'x'})
			w.(http.Flusher).Flush()
			select {
			case <-r.Context().Done():
			case <-time.After(every):
			}
		}
	}
}

func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// readAt reads an object from offset 4 on.
func readAt(ctx context.Context, o *Opener, address string) (string, error) {
	body, object, err := o.Open(ctx, address, 4)
	if err != nil {
		return "", err
	}
	defer body.Close()
	text, err := io.ReadAll(io.LimitReader(body, object.Size-4))
	return string(text), err
}

// TestAnswersFromAnOffset: a part that is not the requested one is never read as if it were.
func TestAnswersFromAnOffset(t *testing.T) {
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		want    string // content, or in the error
		fails   bool
	}{
		{"as requested", part("bytes 4-9/10", "456789"), "456789", false},
		{"a shorter part", part("bytes 4-6/10", "456"), "456", false},
		{"everything", part("", content), "without saying which", true},
		{"everything, as 200", typed("ETag", `"1"`), "456789", false},
		{"from the beginning", part("bytes 0-9/10", content), "from byte 0 instead of 4", true},
		{"from a later byte", part("bytes 5-9/10", "56789"), "from byte 5 instead of 4", true},
		{"an end after the object", part("bytes 4-10/10", "4567890"), "impossible part", true},
		{"an end before the start", part("bytes 4-3/10", ""), "impossible part", true},
		{"numbers beyond 64 bits", part("bytes 4-9/99999999999999999999", "456789"), "impossible part", true},
		{"negative numbers", part("bytes -4-9/10", "456789"), "without saying which", true},
		{"an unknown total", part("bytes 4-9/*", "456789"), "without saying which", true},
		{"another unit", part("lines 4-9/10", "456789"), "without saying which", true},
		{"fewer bytes than the part", part("bytes 4-9/10", "4567"), `4 bytes as the part "bytes 4-9/10"`, true},
		{"more bytes than the part", part("bytes 4-6/10", "456789"), `6 bytes as the part "bytes 4-6/10"`, true},
		{"several parts", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "multipart/byteranges; boundary=x")
			part("", "--x--")(w, r)
		}, "several ranges", true},
		{"a web page", typed("Content-Type", "text/html; charset=utf-8"), "a web page instead of the file", true},
		{"compressed on the way", typed("Content-Encoding", "gzip"), `Content-Encoding "gzip"`, true},
		{"416", status(http.StatusRequestedRangeNotSatisfiable), "shorter than it was", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(c.handler)
			defer server.Close()
			o := newOpener(quick())
			defer o.Close()
			text, err := readAt(t.Context(), o, server.URL+"/x.tar")
			switch {
			case !c.fails && (text != c.want || err != nil):
				t.Errorf("%q, %v", text, err)
			case c.fails && (!errors.Is(err, fs.ErrPermission) && !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%q, error %v, want one that no retry fixes, with %q", text, err, c.want)
			}
		})
	}
}

// TestPartsOfBuckets: the answers of buckets are checked as those of web servers are.
func TestPartsOfBuckets(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "s")
	for _, c := range []struct {
		name, contentRange, body, want string
	}{
		{"as requested", "bytes 4-9/10", "456789", "456789"},
		{"from the beginning", "bytes 0-9/10", content, "from byte 0 instead of 4"},
		{"from a later byte", "bytes 5-9/10", "56789", "from byte 5 instead of 4"},
		{"fewer bytes than the part", "bytes 4-9/10", "4567", "4 bytes as the part"},
		{"another length", "bytes 4-3/10", "", "impossible part"},
		{"no range", "", content, "without saying which"},
	} {
		for _, address := range []string{"s3://bucket/x.tar?region=x-1&use_path_style=true&endpoint=", "gs://bucket/x.tar?anonymous=true&endpoint="} {
			t.Run(address[:2]+" "+c.name, func(t *testing.T) {
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Last-Modified", "Mon, 02 Nov 2026 10:00:00 GMT")
					w.Header().Set("ETag", `"1"`)
					part(c.contentRange, c.body)(w, r)
				}))
				defer server.Close()
				o := newOpener(quick())
				defer o.Close()
				text, err := readAt(t.Context(), o, address+server.URL)
				switch {
				case c.want == "456789" && (text != c.want || err != nil):
					t.Errorf("%q, %v", text, err)
				case c.want != "456789" && (!errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), c.want)):
					t.Errorf("%q, error %v, want %q", text, err, c.want)
				}
			})
		}
	}
}

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

// FuzzContentRange: an accepted range starts at the offset and lies within the object.
func FuzzContentRange(f *testing.F) {
	f.Add("bytes 4-9/10", int64(6), int64(4))
	f.Add("bytes 0-0/*", int64(-1), int64(0))
	f.Fuzz(func(t *testing.T, text string, length, offset int64) {
		size, err := sizeFromRange(http.Header{"Content-Range": {text}}, length, offset)
		if err == nil && (offset < 0 || size <= offset || length > size-offset) {
			t.Errorf("%q, %d bytes from %d on: size %d", text, length, offset, size)
		}
	})
}

// TestSilentAndSlowServers: every wait has an end, and a retry may succeed.
func TestSilentAndSlowServers(t *testing.T) {
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		short   func(*limits)
		want    string
	}{
		{"no answer", hang, func(l *limits) { l.answer = 100 * time.Millisecond }, "did not answer within 100ms"},
		{"a header without a body", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "10")
			w.(http.Flusher).Flush()
			hang(w, r)
		}, func(l *limits) { l.idle = 100 * time.Millisecond }, "sent nothing for 100ms"},
		{"a byte from time to time", drip(20 * time.Millisecond), func(l *limits) { l.window = 100 * time.Millisecond }, "less than 4096 bytes a second"},
		{"a truncated body", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			io.WriteString(w, "01234567")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, func(*limits) {}, "EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(c.handler)
			defer server.Close()
			l := quick()
			c.short(&l)
			o := newOpener(l)
			defer o.Close()
			_, err := readAt(t.Context(), o, server.URL)
			if err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, fs.ErrPermission) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

// TestWaitingForTheReaderIsNotSlow: only the time in Read counts.
func TestWaitingForTheReaderIsNotSlow(t *testing.T) {
	server := httptest.NewServer(typed("ETag", "1"))
	defer server.Close()
	l := quick()
	l.idle, l.window, l.rate = time.Minute, 100*time.Millisecond, 1<<40
	o := newOpener(l)
	defer o.Close()
	body, _, err := o.Open(t.Context(), server.URL, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	time.Sleep(2 * l.window)
	if text, err := io.ReadAll(body); string(text) != content || err != nil {
		t.Errorf("%q, %v", text, err)
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

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		text string
		want time.Duration
	}{
		{"", 0}, {"7", 7 * time.Second}, {"-7", 0}, {"soon", 0}, {"99999999999999999999", 0},
		{"Mon, 02 Nov 2026 10:00:05 GMT", 5 * time.Second}, {"Mon, 02 Nov 2020 10:00:05 GMT", 0},
	} {
		if got := retryAfter(http.Header{"Retry-After": {c.text}}, now); got != c.want {
			t.Errorf("%q: %v, want %v", c.text, got, c.want)
		}
	}
	server := httptest.NewServer(status(http.StatusServiceUnavailable, "Retry-After", "9"))
	defer server.Close()
	o := newOpener(quick())
	defer o.Close()
	_, err := o.Stat(t.Context(), server.URL)
	var b interface{ RetryAfter() time.Duration }
	if !errors.As(err, &b) || b.RetryAfter() != 9*time.Second {
		t.Errorf("error %v", err)
	}
}

// TestHostileListings: listings end, whatever the server sends.
func TestHostileListings(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "s")
	const begin = `<ListBucketResult><Name>b</Name><Prefix>f/</Prefix><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>`
	s3Page := func(keys func(n int64) string) func(int64) string {
		return func(n int64) string { return begin + keys(n) + `</ListBucketResult>` }
	}
	s3Key := func(key string) string { return "<Contents><Key>" + key + "</Key><Size>1</Size></Contents>" }
	gsPage := func(keys func(n int64) string) func(int64) string {
		return func(n int64) string { return `{"nextPageToken": "t", "items": [` + keys(n) + `]}` }
	}
	for _, c := range []struct {
		name, scheme string
		page         func(n int64) string
		want         string
	}{
		{"the same page", "s3", s3Page(func(int64) string { return s3Key("f/a.tar") }), `repeats "f/a.tar"`},
		{"new keys without end", "s3", s3Page(func(n int64) string { return s3Key(fmt.Sprint("f/", n)) }), "more than"},
		{"many keys", "s3", s3Page(func(n int64) string {
			var b strings.Builder
			for i := range 40 {
				b.WriteString(s3Key(fmt.Sprint("f/", n, "-", i)))
			}
			return b.String()
		}), "more than 50 objects"},
		{"empty pages without end", "s3", s3Page(func(int64) string { return "" }), "more than 20 requests"},
		{"another folder", "s3", s3Page(func(int64) string { return s3Key("g/a.tar") }), `"g/a.tar", which is elsewhere`},
		{"the same page", "gs", gsPage(func(int64) string { return `{"name": "f/a.tar"}` }), `repeats "f/a.tar"`},
		{"empty pages without end", "gs", gsPage(func(int64) string { return "" }), "more than 20 requests"},
		{"new keys without end", "gs", gsPage(func(n int64) string { return fmt.Sprintf(`{"name": "f/%d"}`, n) }), "more than"},
		{"another folder", "gs", gsPage(func(int64) string { return `{"name": "g/a.tar"}` }), "elsewhere"},
	} {
		t.Run(c.scheme+" "+c.name, func(t *testing.T) {
			var asked atomic.Int64
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				io.WriteString(w, c.page(asked.Add(1)))
			}))
			defer server.Close()
			o := newOpener(quick())
			defer o.Close()
			query := map[string]string{"s3": "region=x-1&use_path_style=true&", "gs": "anonymous=true&"}[c.scheme]
			_, err := o.List(t.Context(), c.scheme+"://bucket/f?"+query+"endpoint="+server.URL)
			if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one that no retry fixes, with %q", err, c.want)
			}
			if asked.Load() > 60 {
				t.Errorf("%d requests", asked.Load())
			}
		})
	}
}

// TestHugeDescriptions: an answer that describes an object is bounded.
func TestHugeDescriptions(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"size": "`)
		spaces := strings.Repeat("1", 1<<16)
		for range 64 { // 4 MB
			io.WriteString(w, spaces)
		}
		io.WriteString(w, `"}`)
	}))
	defer server.Close()
	o := newOpener(quick())
	defer o.Close()
	_, err := o.Stat(t.Context(), "gs://bucket/x?anonymous=true&endpoint="+server.URL)
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "larger than 1 MB") {
		t.Errorf("error %v", err)
	}
}

// TestBucketsThatHang: each request of the clients of buckets has a limit.
func TestBucketsThatHang(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "s")
	server := httptest.NewServer(http.HandlerFunc(hang))
	defer server.Close()
	l := quick()
	l.answer, l.short, l.list = 50*time.Millisecond, 200*time.Millisecond, 200*time.Millisecond
	for _, address := range []string{"s3://bucket/f?region=x-1&use_path_style=true&endpoint=", "gs://bucket/f?anonymous=true&endpoint="} {
		o := newOpener(l)
		_, statErr := o.Stat(t.Context(), address+server.URL)
		_, listErr := o.List(t.Context(), address+server.URL)
		_, _, openErr := o.Open(t.Context(), address+server.URL, 0)
		for i, err := range []error{statErr, listErr, openErr} {
			if err == nil || !strings.Contains(err.Error(), "within") && !strings.Contains(err.Error(), "took more than") {
				t.Errorf("%s, call %d: error %v", address, i, err)
			}
		}
		o.Close()
	}
}

// blockedTokens is a metadata server that never answers.
type blockedTokens struct{ wait chan struct{} }

func (b blockedTokens) Token() (*oauth2.Token, error) {
	<-b.wait
	return nil, errors.New("late")
}

func TestTokensAreBounded(t *testing.T) {
	blocked := blockedTokens{make(chan struct{})}
	defer close(blocked.wait)
	if _, err := (boundedTokens{blocked, time.Millisecond}).Token(); err == nil || !strings.Contains(err.Error(), "no token within 1ms") {
		t.Errorf("error %v", err)
	}
}

// TestInvalidAddresses: the errors do not quote the part of a password that is wrong.
func TestInvalidAddresses(t *testing.T) {
	for _, c := range []struct{ name, address, want string }{
		{"an escape", "https://user:se%zzcret@host/x", "not a valid address"},
		{"a slash in a password", "https://user:se/cret@host/x", "not a valid address"},
		{"a space in a signature", "https://host/x?sig=se cret", "not a valid address"},
		{"no host", "https://", "not a valid address"},
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
