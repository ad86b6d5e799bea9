package datasource

import (
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"depthwise.dev/data/shards"
)

type opener struct{}

func (opener) Stat(context.Context, string) (shards.Object, error) { return shards.Object{}, nil }
func (opener) Open(context.Context, string, int64) (io.ReadCloser, shards.Object, error) {
	return nil, shards.Object{}, nil
}
func (opener) List(context.Context, string) ([]string, error) { return nil, nil }

// TestWithoutCacheFolder: only what is kept in the cache folder needs one.
func TestWithoutCacheFolder(t *testing.T) {
	for _, cache := range []string{"", "relative"} {
		t.Setenv("HOME", "")
		t.Setenv("XDG_CACHE_HOME", cache)
		for _, c := range []struct{ name, data, want string }{
			{"a folder", "photos", ""},
			{"local shards", "photos/train-{0..3}.tar", ""},
			{"remote shards", "s3://bucket/train-0.tar", "s3://bucket/train-0.tar: remote shards need a cache folder"},
			{"MNIST", MNIST, "mnist is downloaded to the cache folder"},
		} {
			s, err := New(t.Context(), c.data, opener{})
			if c.want == "" && (err != nil || s.Path != c.data || s.Cache != "") {
				t.Errorf("%s: %+v, %v", c.name, s, err)
			}
			if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "set XDG_CACHE_HOME to the absolute path of a folder")) {
				t.Errorf("%s: error %v, want %q", c.name, err, c.want)
			}
		}
	}
}

// TestUnusableCacheFolder: the error comes before training, and without the password.
func TestUnusableCacheFolder(t *testing.T) {
	for _, cache := range []string{"/dev/null", ""} {
		t.Setenv("HOME", "")
		t.Setenv("XDG_CACHE_HOME", cache)
		_, err := New(t.Context(), "https://user:secret@host/train-0.tar", opener{})
		if err == nil || !strings.Contains(err.Error(), "set XDG_CACHE_HOME") || strings.Contains(err.Error(), "secret") {
			t.Errorf("XDG_CACHE_HOME=%s: error %v", cache, err)
		}
	}
}

func TestNew(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	for _, c := range []struct {
		name, data string
		remote     shards.Remote
		wantErr    []string
	}{
		{"a folder", "photos", nil, nil},
		{"an address", "s3://bucket/train-{0..3}.tar", opener{}, nil},
		{"an address with one slash", "https:/user:secret@host/train-0.tar", opener{}, []string{"an address begins with https://"}},
		{"an address without slashes", "s3:bucket/train-0.tar", opener{}, []string{"an address begins with s3://"}},
		{"an address that nothing opens", "s3://bucket/train-0.tar", nil, []string{"s3://bucket/train-0.tar", "set Remote", "depthwise.dev/data/remote"}},
	} {
		s, err := New(t.Context(), c.data, c.remote)
		if c.wantErr == nil && (err != nil || s.Path != c.data || s.Remote != c.remote || filepath.Base(s.Cache) != "depthwise") {
			t.Errorf("%s: %+v, %v", c.name, s, err)
		}
		for _, want := range c.wantErr {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v, want %q", c.name, err, want)
			}
		}
	}
}
