package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"depthwise.dev/diagnose"
)

// TestCheckPlot: a page with a bar for each layer in each chart, or the same as JSON; and what
// cannot be.
func TestCheckPlot(t *testing.T) {
	file := filepath.Join(t.TempDir(), "layers.html")
	args := []string{"check", "--plot", file, "--width", "0.25", "--resolution", "32", "--classes", "3", "--batch-size", "2", "--threads", "1"}
	if text := done(t, args...); !strings.Contains(text, "29 layers and 83 arrays") {
		t.Errorf("output %q", text)
	}
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for bar, want := range map[string]int{">conv_stem</text>": 5, ">classifier.weight</text>": 3, "<svg": 8, "<h1>One training step": 1, "initial weights; 2 images of noise": 1} {
		if n := strings.Count(string(page), bar); n != want {
			t.Errorf("%d times %s, want %d", n, bar, want)
		}
	}
	var r diagnose.Inspection
	decode(t, done(t, append(args, "--json")...), &r)
	if len(r.Layers) != 29 || r.Layers[0].Name != "conv_stem" || r.Layers[27].Name != "global_pool" || r.Images != 2 {
		t.Errorf("%+v", r)
	}
	if code, _, stderr := execute(t, "check", "--weights", file); code != exitUsage || !strings.Contains(stderr, "--weights needs --plot") {
		t.Errorf("code %d: %s", code, stderr)
	}
	if code, _, stderr := execute(t, "check", "--plot", file, "--weights", file); code != exitFailed || !strings.Contains(lastLine(stderr), file) {
		t.Errorf("code %d: %s", code, stderr)
	}
}
