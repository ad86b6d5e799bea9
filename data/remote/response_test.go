package remote

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

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

// TestStatWithoutHEAD: a signed address may allow GET alone.
func TestStatWithoutHEAD(t *testing.T) {
	for _, code := range []int{http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusNotImplemented} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodHead {
				w.WriteHeader(code)
				return
			}
			typed("ETag", "1")(w, r)
		}))
		o := newOpener(quick())
		if object, err := o.Stat(t.Context(), server.URL); object.Size != int64(len(content)) || object.Version != "1" || err != nil {
			t.Errorf("%d: %+v, %v", code, object, err)
		}
		o.Close()
		server.Close()
	}
}
