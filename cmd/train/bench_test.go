package main

import (
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestBench: each benchmark prints one JSON object with its speed.
func TestBench(t *testing.T) {
	dir := pictures(t)
	small := []string{"--width", "0.25", "--resolution", "32", "--batch-size", "6", "--steps", "2", "--json"}
	for _, c := range []struct {
		name, key string
		args      []string
	}{
		{"step", "train_img_s", []string{"bench", "step", "--warmup-steps", "1"}},
		{"step of data", "train_img_s", []string{"bench", "step", "--data", dir, "--warmup-steps", "0"}},
		{"infer", "infer_img_s", []string{"bench", "infer", "--precision", "fp32"}},
		{"infer on data", "infer_img_s", []string{"bench", "infer", "--data", dir}},
		{"loader", "loader_img_s", []string{"bench", "loader", "--data", dir, "--workers", "1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r map[string]any
			decode(t, done(t, append(c.args, small...)...), &r)
			for _, key := range []string{c.key, "peak_rss_mb"} {
				if v, ok := r[key].(float64); !ok || !(v > 0) {
					t.Errorf("%s is %v in %v", key, r[key], r)
				}
			}
			if r["batch"] != 6.0 {
				t.Errorf("batch is %v", r["batch"])
			}
		})
	}
}

// TestBenchLayers: the tables of a training step and of inference, whose rows have the layers'
// names, and their pictures.
func TestBenchLayers(t *testing.T) {
	for _, c := range []struct {
		what  string
		wants []string
	}{
		{"step", []string{"backward", "blocks.4.1.conv_pw", "\npack weights ", "\nupdate "}},
		{"infer", []string{"blocks.4.1.conv_pw", "\nthreads waiting ", "\nclassifier ", "sum over threads divided by their number"}},
	} {
		picture := filepath.Join(t.TempDir(), "layers.png")
		text := done(t, "bench", c.what, "--layers", "--plot", picture, "--width", "0.25", "--resolution", "32", "--batch-size", "3",
			"--steps", "2", "--precision", "fp32", "--backend", "fused")
		for _, want := range append(c.wants, "measured peaks: ", "floors: ", "backend fused ") {
			if !strings.Contains(text, want) {
				t.Errorf("%s: the table lacks %q:\n%s", c.what, want, text)
			}
		}
		file, err := os.Open(picture)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if _, err := png.Decode(file); err != nil {
			t.Errorf("%s: the picture: %v", c.what, err)
		}
	}
}
