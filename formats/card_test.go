package formats

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"depthwise.dev/weights"
	"depthwise.dev/weights/weightstest"
)

// trainedFile writes weights with their average and its accuracy.
func trainedFile(t *testing.T, dir string) string {
	t.Helper()
	w := weightstest.New(t)
	w.Raw = w.Arrays
	w.Meta[weights.MetaBest] = `{"step":3,"epoch":1,"top1":0.75,"top5":1,"loss":0.5}`
	path := filepath.Join(dir, "trained.safetensors")
	if err := w.Write(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestModelCard: the card is beside the file; the same export can be repeated; a card that somebody changed is not replaced.
func TestModelCard(t *testing.T) {
	dir := t.TempDir()
	from, out := trainedFile(t, dir), filepath.Join(dir, "out")
	if err := os.Mkdir(out, 0o755); err != nil {
		t.Fatal(err)
	}
	readme, wrote := filepath.Join(out, "README.md"), ""
	o := ExportOptions{Weights: from, Output: filepath.Join(out, "model.npz"), ModelCard: true, Wrote: func(path string) { wrote = path }}
	for range 2 {
		if err := Export(o); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(readme)
	if err != nil || wrote != readme || !strings.Contains(string(text), "| `model.npz` | npz |") || !strings.Contains(string(text), "| top-1 accuracy | 75.0 % |") {
		t.Errorf("%q, %v:\n%s", wrote, err, text)
	}
	if err := os.WriteFile(readme, append(text, "My notes.\n"...), 0o644); err != nil {
		t.Fatal(err)
	}
	o.Output = filepath.Join(out, "other.npz")
	if err := Export(o); !errors.Is(err, ErrCardExists) || !strings.Contains(err.Error(), readme) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(o.Output); err == nil {
		t.Error("the weights were written without their card")
	}
	o.ModelCard = false
	if err := Export(o); err != nil {
		t.Error(err)
	}
}

// TestModelCardOfRaw: the accuracy of the average is not that of the last weights.
func TestModelCardOfRaw(t *testing.T) {
	dir := t.TempDir()
	o := ExportOptions{Weights: trainedFile(t, dir), Output: filepath.Join(dir, "raw.safetensors"), ModelCard: true, Raw: true}
	if err := Export(o); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil || !strings.Contains(string(text), "No accuracy is recorded") {
		t.Errorf("%v:\n%s", err, text)
	}
	if w, err := Read(o.Output); err != nil || w.Meta[weights.MetaBest] != "" {
		t.Errorf("metadata %v, %v", w.Meta, err)
	}
}

// TestModelCardInFolder: a folder's own README.md stays.
func TestModelCardInFolder(t *testing.T) {
	for _, c := range []struct {
		name, want string
		files      map[string][]byte
	}{
		{"without one", "README.md", map[string][]byte{"a": nil}},
		{"with one", "MODEL_CARD.md", map[string][]byte{"README.md": []byte("of the package")}},
	} {
		path, wrote := filepath.Join(t.TempDir(), "out"), ""
		o := ExportOptions{Output: path, ModelCard: true, Wrote: func(path string) { wrote = path }}
		card, err := newCard(weightstest.New(t), Format{Name: "x", Folder: true}, o)
		if err == nil {
			err = writeFolder(path, c.files)
		}
		if err == nil {
			err = card.write(o)
		}
		text, errRead := os.ReadFile(filepath.Join(path, c.want))
		if err != nil || errRead != nil || wrote != filepath.Join(path, c.want) || !strings.Contains(string(text), "| folder | format |") {
			t.Errorf("%s: wrote %q, %v, %v:\n%s", c.name, wrote, err, errRead, text)
		}
		if own := c.files["README.md"]; own != nil {
			if text, err := os.ReadFile(filepath.Join(path, "README.md")); err != nil || string(text) != string(own) {
				t.Errorf("%s: README.md is %q, %v", c.name, text, err)
			}
		}
	}
}

func TestModelCardRefuses(t *testing.T) {
	dir := t.TempDir()
	from := trainedFile(t, dir)
	for _, c := range []struct{ output, want string }{
		{os.DevNull, "no regular file"},
		{filepath.Join(dir, "README.md"), "choose another output"},
	} {
		err := Export(ExportOptions{Weights: from, Output: c.output, Format: "safetensors", ModelCard: true})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.output) {
			t.Errorf("%s: error %v, want %q", c.output, err, c.want)
		}
	}
}
