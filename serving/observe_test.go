package serving

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// TestErrImage: files that are no images are told from other errors, and the text says why.
func TestErrImage(t *testing.T) {
	c := openClassifier(t, Config{Decoders: 1, MaxPixels: 3000})
	for _, f := range []struct {
		name    string
		content []byte
		want    bool
	}{{"an image", pngFile(t, 50, 40), false}, {"a text", []byte("hello"), true}, {"nothing", nil, true}, {"a large image", pngFile(t, 60, 60), false}} {
		path := filepath.Join(t.TempDir(), "image")
		if err := os.WriteFile(path, f.content, 0o644); err != nil {
			t.Fatal(err)
		}
		_, byContent := c.PredictBytes(t.Context(), f.content, 1)
		_, byPath := c.PredictFile(t.Context(), path, 1)
		_, embedded := c.EmbedBytes(t.Context(), f.content)
		for _, err := range []error{byContent, byPath, embedded} {
			if errors.Is(err, ErrImage) != f.want || f.want && strings.Contains(err.Error(), ErrImage.Error()) {
				t.Errorf("%s: error %v", f.name, err)
			}
		}
	}
}

// TestOnBatch: each batch is reported with its images.
func TestOnBatch(t *testing.T) {
	var batches, images atomic.Int64
	c := openClassifier(t, Config{OnBatch: func(n int) { batches.Add(1); images.Add(int64(n)) }})
	for range 3 {
		if _, err := c.PredictBytes(t.Context(), pngFile(t, 50, 40), 1); err != nil {
			t.Fatal(err)
		}
	}
	if s := c.Stats(); batches.Load() != 3 || images.Load() != 3 || s.Images != 3 {
		t.Errorf("%d batches of %d images; stats %+v", batches.Load(), images.Load(), s)
	}
}
