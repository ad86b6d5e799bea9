//go:build interop

package interop

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"depthwise.dev/backend"
	"depthwise.dev/classify"
	"depthwise.dev/formats"
	"depthwise.dev/internal/testset"
)

// carded are networks with another tool of PyTorch's in each card, and an input that the card's own file normalizes.
var carded = []struct {
	network string
	output  string
	options formats.WriteOptions
	yaml    string // that huggingface_hub reads
}{
	{"v1-timm", "model.safetensors", formats.WriteOptions{}, "'library_name': 'depthwise'"},
	{"v2-timm-0.35", "own.onnx", uint8Input, "'library_name': 'onnx'"},
	{"v2-torchvision", "own.tflite", uint8Input, "'library_name': 'tflite'"},
	{"v1-hf", "own.keras", uint8Input, "'library_name': 'keras'"},
	{"v1-paper", "own.torchscript", formats.WriteOptions{}, "'library_name': 'pytorch'"},
}

// TestModelCards runs the code of model cards on an image. It must print the class that "train predict" does.
func TestModelCards(t *testing.T) {
	python, dataDir := environment(t), dataSet(t)
	for _, c := range carded {
		t.Run(c.network, func(t *testing.T) {
			dir := t.TempDir()
			path := named(t, c.network).trained(t, dataDir)
			err := formats.Export(formats.ExportOptions{Weights: path, Output: filepath.Join(dir, c.output), ModelCard: true, WriteOptions: c.options})
			if err != nil {
				t.Fatal(err)
			}
			card := string(testset.Contents(t, filepath.Join(dir, "README.md")))
			want := photo(t, path, dataDir, dir)
			for _, command := range regexp.MustCompile(`train export --weights FILE --output (\S+)(?: --format (\S+))?\n`).FindAllStringSubmatch(card, -1) {
				if err := formats.Export(formats.ExportOptions{Weights: path, Output: filepath.Join(dir, command[1]), Format: command[2]}); err != nil {
					t.Fatal(err)
				}
			}
			blocks := regexp.MustCompile("(?s)```python\n(.*?)```").FindAllStringSubmatch(card, -1)
			if len(blocks) != 5 {
				t.Fatalf("%d blocks of Python in\n%s", len(blocks), card)
			}
			for _, block := range blocks[1:] {
				if got := runPython(t, python, dir, blocks[0][1]+"\n"+block[1]); got != want {
					t.Errorf("printed %q, want %q:\n%s", got, want, block[1])
				}
			}
			load := "import huggingface_hub\ncard = huggingface_hub.ModelCard.load('README.md')\n" +
				"print(card.data.to_dict(), len(card.data.eval_results))"
			got := runPython(t, python, dir, load)
			for _, part := range []string{"'license': 'unknown'", "'pipeline_tag': 'image-classification'", c.yaml, " 2"} {
				if !strings.Contains(got, part) {
					t.Errorf("huggingface_hub reads %s, want %s", got, part)
				}
			}
		})
	}
}

func named(t *testing.T, name string) network {
	for _, n := range networks {
		if n.name == name {
			return n
		}
	}
	t.Fatalf("no network %s", name)
	return network{}
}

// photo copies an image to photo.jpg and returns the class that the weights give it.
func photo(t *testing.T, path, dataDir, dir string) string {
	images, err := filepath.Glob(filepath.Join(dataDir, "val", "*", "09.jpg"))
	if err != nil || len(images) == 0 {
		t.Fatalf("%d images, %v", len(images), err)
	}
	to := filepath.Join(dir, "photo.jpg")
	if err := os.WriteFile(to, testset.Contents(t, images[0]), 0o644); err != nil {
		t.Fatal(err)
	}
	o := classify.PredictConfig{Weights: path, Top: 1, Options: backend.Options{Device: "cpu", Precision: "fp32"}}
	predictions, err := classify.Predict(t.Context(), o, []string{to})
	if err != nil || len(predictions[0].Top) != 1 {
		t.Fatalf("%+v, %v", predictions, err)
	}
	return predictions[0].Top[0].Class
}

// runPython runs code in a folder and returns the last line that it prints.
func runPython(t *testing.T, python, dir, code string) string {
	ctx, cancel := context.WithTimeout(t.Context(), clientLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, python, "-c", code)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), quiet...)
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		if e, ok := err.(*exec.ExitError); ok {
			err = &failure{e, string(e.Stderr)}
		}
		t.Errorf("%v in\n%s", err, code)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
}

// failure is a failed process with what it wrote to standard error.
type failure struct {
	*exec.ExitError
	text string
}

func (f *failure) Error() string { return f.ExitError.Error() + ": " + f.text }
