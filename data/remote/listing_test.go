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
		{"a huge page", "s3", s3Page(func(int64) string { return strings.Repeat(s3Key("f/a"), 200_000) }), "larger than 8 MB"},
		{"a huge page", "gs", gsPage(func(int64) string { return strings.Repeat(`{"name": "f/a"},`, 600_000) + `{"name": "f/b"}` }), "larger than 8 MB"},
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
