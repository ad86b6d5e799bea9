package remote_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"depthwise.dev/data"
	"depthwise.dev/data/datasets"
	"depthwise.dev/data/remote"
	"depthwise.dev/data/shards"
)

// writeShards writes a small data set as shards of 6 images, about 20 KB each.
func writeShards(t *testing.T) string {
	t.Helper()
	folder, dir := t.TempDir(), t.TempDir()
	rng := rand.New(rand.NewPCG(1, 2))
	for split, n := range map[string]int{"train": 20, "val": 5} {
		for i := range n {
			im := image.NewGray(image.Rect(0, 0, 64, 48))
			for p := range im.Pix {
				im.Pix[p] = uint8(rng.Uint32())
			}
			var b bytes.Buffer
			class := filepath.Join(folder, split, []string{"cat", "dog"}[i%2])
			err := errors.Join(jpeg.Encode(&b, im, nil), os.MkdirAll(class, 0o755), os.WriteFile(filepath.Join(class, fmt.Sprint(i, ".jpg")), b.Bytes(), 0o644))
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	train, val, err := datasets.Open(folder, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := shards.Write(t.Context(), dir, train, val, shards.Options{PerShard: 6}); err != nil {
		t.Fatal(err)
	}
	return dir
}

// breaking truncates every response after a number of bytes, and is sometimes busy.
type breaking struct {
	handler http.Handler
	after   int   // bytes
	busy    int64 // every so many requests; 0: never
	asked   atomic.Int64
}

func (b *breaking) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if n := b.asked.Add(1); b.busy > 0 && n%b.busy == 0 && r.Method == http.MethodGet {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if r.Method == http.MethodGet {
		w = &cut{w, b.after}
	}
	b.handler.ServeHTTP(w, r)
}

type cut struct {
	http.ResponseWriter
	left int
}

func (c *cut) Write(p []byte) (int, error) {
	if len(p) >= c.left {
		c.ResponseWriter.Write(p[:c.left])
		c.ResponseWriter.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	c.left -= len(p)
	return c.ResponseWriter.Write(p)
}

// s3 starts a server with dir's files in bucket "images", in folder "photos".
func s3(t *testing.T, dir string) *breaking {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	backend := s3mem.New()
	if err := backend.CreateBucket("images"); err != nil {
		t.Fatal(err)
	}
	modified := map[string]string{"Last-Modified": "Mon, 02 Nov 2026 10:00:00 GMT"} // as every server sends it
	for _, name := range names(t, dir) {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil {
			_, err = backend.PutObject("images", "photos/"+name, modified, bytes.NewReader(content), int64(len(content)), nil)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return &breaking{handler: gofakes3.New(backend).Server(), after: 12_000}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// epoch describes the batches of an epoch, pixels as a hash.
func epoch(t *testing.T, set *data.Dataset, train bool, workers, first int) []string {
	t.Helper()
	loader, err := data.NewLoader(set, data.LoaderOptions{BatchSize: 4, Workers: workers, Seed: 3, Train: train, ShuffleBuffer: 8, Preprocess: data.Preprocess{Resolution: 24}})
	if err != nil {
		t.Fatal(err)
	}
	it := loader.Epoch(t.Context(), 1, first)
	defer it.Close()
	var all []string
	for {
		b, err := it.Next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%v %v %v %x", b.Samples, b.Labels, b.Skipped, sha256.Sum256(b.Pixels)))
	}
}

// TestRemoteShardsGiveTheSameBatches: through breaking connections, from a pattern and from a folder, with
// and without the index beside the shards.
func TestRemoteShardsGiveTheSameBatches(t *testing.T) {
	dir := writeShards(t)
	near, nearVal, err := datasets.Open(dir, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	want, wantVal := epoch(t, near, true, 0, 0), epoch(t, nearVal, false, 0, 0)
	bare := t.TempDir() // without the indices
	for _, name := range names(t, dir) {
		if !strings.HasSuffix(name, ".gz") {
			if err := os.Link(filepath.Join(dir, name), filepath.Join(bare, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		name, scheme, dir, path string
	}{
		{"s3 folder", "s3", dir, ""},
		{"s3 folder without an index", "s3", bare, ""},
		{"s3 pattern", "s3", dir, "/{train-{000000..000003},val-000000}.tar"},
		{"gs folder", "gs", dir, ""},
		{"gs folder without an index", "gs", bare, ""},
		{"gs pattern", "gs", dir, "/{train-{000000..000003},val-000000}.tar"},
		{"http folder", "http", dir, ""},
		{"http pattern without an index", "http", bare, "/{train-{000000..000003},val-000000}.tar"},
	} {
		t.Run(c.name, func(t *testing.T) {
			handler := &breaking{handler: http.FileServer(http.Dir(c.dir)), after: 12_000, busy: 5}
			switch c.scheme {
			case "s3":
				handler = s3(t, c.dir)
			case "gs":
				handler.handler = gcs(t, c.dir)
			}
			server := httptest.NewServer(handler)
			defer server.Close()
			path := map[string]string{
				"http": server.URL + c.path,
				"s3":   "s3://images/photos" + c.path + "?region=us-east-1&use_path_style=true&endpoint=" + server.URL,
				"gs":   "gs://images/photos" + c.path + "?anonymous=true&endpoint=" + server.URL,
			}[c.scheme]
			opener := remote.New()
			defer opener.Close()
			source := datasets.Source{Path: path, Cache: t.TempDir(), Remote: opener}
			far, farVal, err := source.Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(far.Classes, near.Classes) || far.Len() != near.Len() {
				t.Fatalf("classes %q, %d images", far.Classes, far.Len())
			}
			if got := epoch(t, far, true, 3, 0); !slices.Equal(got, want) {
				t.Errorf("other batches:\n%q\nwant\n%q", got, want)
			}
			if got := epoch(t, far, true, 0, 2); !slices.Equal(got, want[2:]) {
				t.Error("other batches from the middle of the epoch")
			}
			if got := epoch(t, farVal, false, 2, 0); !slices.Equal(got, wantVal) {
				t.Error("other batches of val")
			}
			for _, set := range []*data.Dataset{far, farVal} { // downloads may still be at the unused end of a shard
				for _, sample := range set.Samples {
					if err := sample.Part.In.(data.RemoteContainer).Fetch(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
			}
			asked := handler.asked.Load()
			if got := epoch(t, far, true, 2, 0); !slices.Equal(got, want) || handler.asked.Load() != asked {
				t.Errorf("the second epoch sent %d requests", handler.asked.Load()-asked)
			}
		})
	}
}

func TestMissingObjectsAreNamed(t *testing.T) {
	dir := writeShards(t)
	server := httptest.NewServer(s3(t, dir).handler)
	defer server.Close()
	web := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer web.Close()
	query := "?region=us-east-1&use_path_style=true&endpoint=" + server.URL
	for _, path := range []string{web.URL + "/train-{000000..000009}.tar", "s3://images/photos/train-{000000..000009}.tar" + query,
		"s3://images/nothing" + query, web.URL + "/nothing", "s3://nobucket/photos" + query, "ftp://images/photos"} {
		opener := remote.New()
		_, _, err := datasets.Source{Path: path, ValSplit: 0.5, Cache: t.TempDir(), Remote: opener}.Open(t.Context())
		if err == nil || !strings.Contains(err.Error(), strings.Split(path, "{")[0]) {
			t.Errorf("%s: error %v", path, err)
		}
		opener.Close()
	}
}

func TestOpenWithoutRanges(t *testing.T) {
	content := []byte("0123456789")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/whole":
			w.Header().Set("Content-Length", "10")
			w.Write(content)
		case "/forbidden":
			w.WriteHeader(http.StatusForbidden)
		case "/busy":
			w.WriteHeader(http.StatusTooManyRequests)
		}
	}))
	defer server.Close()
	opener := remote.New()
	defer opener.Close()
	body, object, err := opener.Open(t.Context(), server.URL+"/whole", 4)
	if err != nil || object.Size != 10 {
		t.Fatalf("%+v, %v", object, err)
	}
	defer body.Close()
	if got, err := io.ReadAll(body); string(got) != "456789" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := opener.Stat(t.Context(), server.URL+"/forbidden"); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("forbidden: %v", err)
	}
	if _, err := opener.Stat(t.Context(), server.URL+"/busy"); err == nil || errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("busy: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := opener.Stat(ctx, server.URL+"/whole"); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}
