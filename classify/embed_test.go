package classify

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/data"
	"depthwise.dev/data/shards"
	"depthwise.dev/formats"
	"depthwise.dev/internal/host"
	"depthwise.dev/internal/testset"
	"depthwise.dev/internal/validate"
	"depthwise.dev/weights/weightstest"
)

// TestEmbed: the head of the network makes of the embeddings the probabilities of Predict; images that cannot be read
// and files that are not used are reported.
func TestEmbed(t *testing.T) {
	path, dir := written(t), testset.Images(t, 2, 1)
	bad := filepath.Join(dir, "val", "green", "02.png")
	if err := errors.Join(os.WriteFile(bad, []byte("\x89PNG\r\n\x1a\n"), 0o644), os.MkdirAll(filepath.Join(dir, ".trash"), 0o755),
		os.Link(filepath.Join(dir, "train/red/00.png"), filepath.Join(dir, ".trash/x.png"))); err != nil {
		t.Fatal(err)
	}
	c := EmbedConfig{Weights: path, BatchSize: 4, Options: onCPU}
	e, err := Embed(t.Context(), c, []string{filepath.Join(dir, "val", "red", "02.png"), dir})
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Paths) != 9 || e.Dim != 256 || len(e.Values) != 9*256 || len(e.Skipped) != 1 || e.Skipped[0].Path != bad || len(e.LeftOut) != 1 {
		t.Fatalf("%d images of %d values, skipped %v, left out %v", len(e.Paths), e.Dim, e.Skipped, e.LeftOut)
	}
	if last := len(e.Paths) - 1; e.Paths[0] != e.Paths[last] || !slices.Equal(e.Row(0), e.Row(last)) {
		t.Error("one image in two batches has two embeddings")
	}
	predictions, err := Predict(t.Context(), PredictConfig{Weights: path, Top: 1, Options: onCPU}, e.Paths)
	if err != nil {
		t.Fatal(err)
	}
	w, err := formats.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	err = autograd.Run(t.Context(), func(s *autograd.Scope) error {
		n, err := backend.Load(s, w, autograd.CPU)
		if err != nil {
			return err
		}
		return s.NoGrad(func(s *autograd.Scope) error {
			logits := autograd.ToSlice[float32](s, n.Head(s, autograd.FromSlice(s, e.Values, 9, 256), autograd.Evaluation))
			for i, p := range predictions {
				got := TopClasses(logits[3*i:3*i+3], w.Classes, 1)[0]
				// float32; measured 1e-7
				if d := got.Probability - p.Top[0].Probability; got.Class != p.Top[0].Class || d > 1e-5 || d < -1e-5 {
					t.Errorf("%s: %v of the embedding, %v predicted", p.Image, got, p.Top[0])
				}
			}
			return s.Err()
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	c.Normalize, c.Workers = true, 2
	normal, err := Embed(t.Context(), c, []string{dir})
	if err != nil || len(normal.Paths) != 8 {
		t.Fatalf("%d normalized, %v", len(normal.Paths), err)
	}
	for i := range normal.Paths {
		if n := norm(normal.Row(i)); n < 1-1e-6 || n > 1+1e-6 || CosineSimilarity(normal.Row(i), e.Row(i+1)) < 1-1e-6 {
			t.Errorf("%s: norm %v after normalization", normal.Paths[i], n)
		}
	}
}

// TestImages: which images the paths of an embedding mean.
func TestImages(t *testing.T) {
	dir := testset.Images(t, 2, 1)
	sharded, empty := filepath.Join(t.TempDir(), "shards"), t.TempDir()
	train, val, err := openSet(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := shards.Write(t.Context(), sharded, train, val, shards.Options{}); err != nil {
		t.Fatal(err)
	}
	mixed := testset.Images(t, 1, 0) // an archive beside the images
	if err := os.WriteFile(filepath.Join(mixed, "old.tar"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		paths []string
		want  int
		err   string
	}{
		{"a folder with parts", []string{dir}, 9, ""},
		{"a class", []string{filepath.Join(dir, "train", "red")}, 2, ""},
		{"a class and a file in it", []string{filepath.Join(dir, "train", "red"), filepath.Join(dir, "train", "red", "00.png")}, 3, ""},
		{"shards", []string{sharded}, 9, ""},
		{"images beside an archive", []string{mixed}, 3, ""},
		{"a missing file", []string{filepath.Join(dir, "x.png")}, 1, ""},
		{"a missing file without extension", []string{filepath.Join(dir, "x")}, 1, ""},
		{"a missing shard", []string{filepath.Join(dir, "x.tar")}, 0, "missing"},
		{"a folder without images", []string{dir, empty}, 0, empty + ": the folder and those below it hold no image"},
		{"an address", []string{"https://user:secret@host/x.tar"}, 0, "set Remote"},
		{"nothing", nil, 0, ""},
	} {
		set, err := Images(t.Context(), c.paths, nil)
		switch {
		case (err != nil) != (c.err != "") || err != nil && (!strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "secret")):
			t.Errorf("%s: %v, want %q", c.name, err, c.err)
		case err == nil && set.Len() != c.want:
			t.Errorf("%s: %d images, want %d", c.name, set.Len(), c.want)
		}
	}
	a, err := Embed(t.Context(), EmbedConfig{Weights: written(t), Options: onCPU}, []string{sharded, filepath.Join(dir, "val", "red", "02.png")})
	if err != nil || len(a.Paths) != 10 {
		t.Errorf("shards and a file: %d embeddings, %v", len(a.Paths), err)
	}
}

func openSet(dir string) (train, val *data.Dataset, err error) {
	train, err = data.OpenFolder(filepath.Join(dir, "train"))
	if err != nil {
		return nil, nil, err
	}
	val, err = data.OpenFolder(filepath.Join(dir, "val"))
	return train, val, err
}

func TestEmbeddingMemory(t *testing.T) {
	for images, want := range map[int]string{1000: "", 1001: "embeddings of 1001 images take 4.1 MB"} {
		err := fits(images, 1024, host.Bound{N: 4096_000, By: "the test"})
		if (err != nil) != (want != "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%d images: %v, want %q", images, err, want)
		}
	}
}

func TestEmbedErrors(t *testing.T) {
	path := written(t)
	_, err := Embed(t.Context(), EmbedConfig{BatchSize: -1, Workers: -2, Options: backend.Options{Precision: "fp8"}}, nil)
	if e, ok := errors.AsType[*validate.Error](err); !ok || len(e.Fields) != 3 {
		t.Errorf("%v; want three wrong fields", err)
	}
	e, err := Embed(t.Context(), EmbedConfig{Weights: path, Options: onCPU}, []string{"missing.png"})
	if err != nil || len(e.Paths) != 0 || len(e.Skipped) != 1 || e.Dim != 256 {
		t.Errorf("no readable image: %+v, %v", e, err)
	}
	if _, err := Embed(t.Context(), EmbedConfig{Weights: "nowhere", Options: onCPU}, nil); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("no weights: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Embed(ended, EmbedConfig{Weights: path, Options: onCPU}, []string{testset.Images(t, 1, 0)}); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	w := weightstest.New(t)
	for _, a := range w.Arrays {
		if a.Name == "blocks.4.1.bn2.bias" { // of the last layer before the pooling
			a.Data.Data().([]float32)[7] = float32(math.Inf(1))
		}
	}
	damaged := filepath.Join(t.TempDir(), "w.safetensors")
	if err := w.Write(damaged); err != nil {
		t.Fatal(err)
	}
	if _, err := Embed(t.Context(), EmbedConfig{Weights: damaged, Options: onCPU}, []string{testset.Images(t, 1, 0)}); err == nil || !strings.Contains(err.Error(), "not finite") {
		t.Errorf("an infinite value: %v", err)
	}
}
