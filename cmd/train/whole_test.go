package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"depthwise.dev/checkpoints"
	"depthwise.dev/classify"
	"depthwise.dev/data"
	"depthwise.dev/formats"
	"depthwise.dev/models/mobilenet"
)

// pictures makes a data set of three classes that differ in color, six
// images of each to train and two to validate.
func pictures(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for class, base := range map[string]color.RGBA{"blue": {B: 200}, "green": {G: 200}, "red": {R: 200}} {
		for i := range 8 {
			split := "train"
			if i >= 6 {
				split = "val"
			}
			m := image.NewRGBA(image.Rect(0, 0, 32, 40))
			for p := 0; p < len(m.Pix); p += 4 {
				shade := uint8((p/4 + 7*i) % 50)
				copy(m.Pix[p:], []uint8{base.R + shade, base.G + shade, base.B + shade, 255})
			}
			writePicture(t, filepath.Join(dir, split, class), i, m)
		}
	}
	return dir
}

func writePicture(t *testing.T, dir string, i int, m image.Image) {
	t.Helper()
	var b bytes.Buffer
	name, err := "", error(nil)
	if i%2 == 0 {
		name, err = fmt.Sprintf("%d.png", i), png.Encode(&b, m)
	} else {
		name, err = fmt.Sprintf("%d.jpg", i), jpeg.Encode(&b, m, nil)
	}
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// done runs a command that must succeed and returns its standard output.
func done(t *testing.T, args ...string) string {
	t.Helper()
	code, stdout, stderr := execute(t, args...)
	if code != exitDone {
		t.Fatalf("train %s: exit code %d\n%s", strings.Join(args, " "), code, stderr)
	}
	return stdout
}

// decode reads a command's JSON, which must be all that it printed.
func decode(t *testing.T, stdout string, into any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(stdout))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		t.Fatalf("%v in %q", err, stdout)
	}
	if d.More() {
		t.Fatalf("more than one JSON value in %q", stdout)
	}
}

// trained is a run of two epochs on pictures, made with the built commands.
func trained(t *testing.T, dir string) (run string) {
	t.Helper()
	run = filepath.Join(t.TempDir(), "run")
	done(t, "--data", dir, "--out", run, "--width", "0.25", "--resolution", "32", "--epochs", "2", "--batch-size", "6",
		"--workers", "2", "--precision", "fp32", "--device", "cpu", "--lr", "0.02", "--progress", "plain")
	return run
}

func TestTheWholeWay(t *testing.T) {
	dir := pictures(t)
	run := trained(t, dir)
	best := filepath.Join(run, "best.safetensors")
	for _, name := range []string{"config.yaml", "events.jsonl", "metrics.csv", "best.safetensors", "checkpoints/step-00000006.safetensors"} {
		if _, err := os.Stat(filepath.Join(run, name)); err != nil {
			t.Error(err)
		}
	}
	t.Run("train again from its configuration", func(t *testing.T) { checkRepeat(t, run) })
	t.Run("train once more into the same folder", func(t *testing.T) { checkFinished(t, run) })
	t.Run("eval", func(t *testing.T) { checkEval(t, dir, run) })
	t.Run("predict", func(t *testing.T) { checkPredict(t, dir, best) })
	t.Run("export", func(t *testing.T) { checkExport(t, dir, best) })
}

// checkRepeat: the run's own config.yaml gives the same weights elsewhere.
func checkRepeat(t *testing.T, run string) {
	again := filepath.Join(t.TempDir(), "again")
	done(t, "--config", filepath.Join(run, "config.yaml"), "--out", again, "--workers", "0", "--progress", "none")
	sameFile(t, filepath.Join(run, "best.safetensors"), filepath.Join(again, "best.safetensors"))
}

func sameFile(t *testing.T, a, b string) {
	t.Helper()
	first, err := os.ReadFile(a)
	if err != nil {
		t.Fatal(err)
	}
	second, err := os.ReadFile(b)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, second) {
		t.Errorf("%s and %s differ", a, b)
	}
}

// checkFinished: a folder that holds a run is refused, except to resume it, and
// a finished run is not changed.
func checkFinished(t *testing.T, run string) {
	config := filepath.Join(run, "config.yaml")
	code, _, stderr := execute(t, "--config", config, "--out", run, "--progress", "none")
	if code != exitFailed || !strings.Contains(lastLine(stderr), "train resume "+run) {
		t.Errorf("exit code %d and %q, want %d and train resume", code, lastLine(stderr), exitFailed)
	}
	before, err := os.ReadFile(filepath.Join(run, "events.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	done(t, "--config", config, "--out", run, "--resume", "auto", "--progress", "none")
	after, err := os.ReadFile(filepath.Join(run, "events.jsonl"))
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("resuming a finished run changed events.jsonl (%v)", err)
	}
}

func checkEval(t *testing.T, dir, run string) {
	type result struct {
		Top1   float64 `json:"top1"`
		Top5   float64 `json:"top5"`
		Loss   float64 `json:"loss"`
		Images int     `json:"images"`
	}
	var whole, folder result
	for path, r := range map[string]*result{dir: &whole, filepath.Join(dir, "val"): &folder} {
		stdout := done(t, "eval", "--weights", run, "--data", path, "--json")
		if err := json.Unmarshal([]byte(stdout), r); err != nil {
			t.Fatalf("%v in %q", err, stdout)
		}
	}
	if whole != folder {
		t.Errorf("the data set gives %+v, its val folder %+v", whole, folder)
	}
	if whole.Images != 6 || whole.Top5 != 1 || !(whole.Top1 >= 0 && whole.Top1 <= 1) || !(whole.Loss > 0) {
		t.Errorf("%+v: want 6 images of 3 classes", whole)
	}
	if text := done(t, "eval", "--weights", run, "--data", dir); !strings.Contains(text, "top-1") || strings.Contains(text, "{") {
		t.Errorf("without --json: %q", text)
	}
}

// checkPredict: images and the same images as an array give the same answer.
func checkPredict(t *testing.T, dir, file string) {
	paths := []string{filepath.Join(dir, "val/blue/6.png"), filepath.Join(dir, "val/red/7.jpg")}
	var got []classify.Prediction
	decode(t, done(t, append([]string{"predict", "--weights", file, "--top", "9", "--json"}, paths...)...), &got)
	if len(got) != len(paths) {
		t.Fatalf("%d predictions of %d images", len(got), len(paths))
	}

	w, err := formats.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	logits := predictArray(t, file, normalized(t, w.Preprocess, paths), len(paths), w.Preprocess.Resolution)
	for i, p := range got {
		if p.Image != paths[i] || len(p.Top) != 3 {
			t.Fatalf("prediction %d is %+v, want 3 classes of %s", i, p, paths[i])
		}
		mine := logits[3*i : 3*i+3]
		sum := math.Exp(float64(mine[0])) + math.Exp(float64(mine[1])) + math.Exp(float64(mine[2]))
		for _, g := range p.Top {
			want := math.Exp(float64(mine[g.Index])) / sum
			// The same float32 network on inputs that differ by rounding alone.
			if g.Class != []string{"blue", "green", "red"}[g.Index] || math.Abs(g.Probability-want) > 1e-5 {
				t.Errorf("%s: %+v, the array says %v", p.Image, g, want)
			}
		}
	}

	code, stdout, stderr := execute(t, "predict", "--weights", file, paths[0], "missing.png", "--json")
	decode(t, stdout, &got)
	if code != exitFailed || !strings.Contains(lastLine(stderr), "missing.png") || len(got) != 2 || len(got[0].Top) == 0 || got[1].Error == "" {
		t.Errorf("with a missing image: exit code %d, %+v, %q", code, got, lastLine(stderr))
	}
}

// normalized is images as the network takes them: (N, 3, H, W).
func normalized(t *testing.T, p data.Preprocess, paths []string) []float32 {
	t.Helper()
	var batch []float32
	for _, path := range paths {
		pixels, err := data.LoadImage(path, p)
		if err != nil {
			t.Fatal(err)
		}
		for c := range 3 {
			for i := c; i < len(pixels); i += 3 {
				batch = append(batch, float32((float64(pixels[i])/255-p.Mean[c])/p.Std[c]))
			}
		}
	}
	return batch
}

func predictArray(t *testing.T, weights string, batch []float32, n, side int) []float32 {
	t.Helper()
	input, output := filepath.Join(t.TempDir(), "in.npy"), filepath.Join(t.TempDir(), "out.npy")
	a, err := checkpoints.NewArray("batch", batch, n, 3, side, side)
	if err == nil {
		err = checkpoints.WriteNPY(input, a.Data)
	}
	if err != nil {
		t.Fatal(err)
	}
	if stdout := done(t, "predict", "--weights", weights, "--input", input, "--output", output, "--batch-size", "1"); stdout != "" {
		t.Errorf("predict to a file printed %q", stdout)
	}
	d, err := checkpoints.ReadNPY(output)
	if err != nil {
		t.Fatal(err)
	}
	if shape := fmt.Sprint(d.Shape()); shape != fmt.Sprintf("(%d, 3)", n) {
		t.Fatalf("logits of shape %s", shape)
	}
	logits, err := checkpoints.Values[float32](checkpoints.Array{Data: d})
	if err != nil {
		t.Fatal(err)
	}
	return logits
}

// checkExport: both formats hold the weights, and safetensors can be used like them.
func checkExport(t *testing.T, dir, file string) {
	want, err := formats.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	npz, tensors := filepath.Join(out, "w.npz"), filepath.Join(out, "w.safetensors")
	done(t, "export", "--weights", file, "--format", "npz", "--output", npz)
	z, err := zip.OpenReader(npz)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for i, a := range want.Arrays {
		if z.File[i].Name != a.Name+".npy" {
			t.Errorf("entry %d of the npz is %s, want %s.npy", i, z.File[i].Name, a.Name)
		}
	}

	done(t, "export", "--weights", filepath.Dir(file), "--output", tensors)
	of := func(path string) string {
		return done(t, "predict", "--json", "--weights", path, filepath.Join(dir, "val/green/6.png"))
	}
	if a, b := of(file), of(tensors); a != b {
		t.Errorf("the weights predict %s, exported ones %s", a, b)
	}
}

// TestWeightsOfOtherTools: what is inferred goes to standard error, --variant overrides it, and what was not inferred
// cannot be overridden.
func TestWeightsOfOtherTools(t *testing.T) {
	dir := t.TempDir()
	c, err := mobilenet.Default("mobilenet_v1", "timm")
	if err != nil {
		t.Fatal(err)
	}
	c.Width, c.Classes = 0.25, 3
	g, err := c.Graph()
	if err != nil {
		t.Fatal(err)
	}
	var arrays []checkpoints.Array
	for _, a := range g.Arrays() {
		shape := make([]int, len(a.Shape))
		for i, d := range a.Shape {
			shape[i] = int(d)
		}
		array, err := checkpoints.NewArray("module."+a.Name, a.Initial(3), shape...)
		if err != nil {
			t.Fatal(err)
		}
		arrays = append(arrays, array)
	}
	path := filepath.Join(dir, "w.npz")
	if err := checkpoints.WriteNPZ(path, arrays); err != nil {
		t.Fatal(err)
	}
	own, misfit := filepath.Join(dir, "own.safetensors"), filepath.Join(t.TempDir(), "misfit.npz")
	arrays[1].Name = "module.x"
	if err := checkpoints.WriteNPZ(misfit, arrays); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		args   string
		code   int
		stdout string
		stderr string
	}{
		{"summary --weights " + path, exitDone, "mobilenet_v1 timm, width 0.25", "names of timm: mobilenet_v1 timm, width 0.25, resolution 224, 3 classes"},
		{"summary --weights " + path + " --variant keras", exitDone, "mobilenet_v1 keras, width 0.25", "names of timm: mobilenet_v1 keras"},
		{"summary --weights " + path + " --variant torchvision", exitUsage, "", "the arrays are of mobilenet_v1"},
		{"summary --weights " + path + " --width 1", exitUsage, "", "--width and --weights do not go together"},
		{"export --weights " + path + " --variant paper --output " + own, exitDone, "", "mobilenet_v1 paper, width 0.25"},
		{"summary --weights " + own, exitDone, "mobilenet_v1 paper", ""},
		{"summary --weights " + own + " --variant hf", exitUsage, "", "the weights say that they are of paper"},
		{"predict --weights " + own + " --variant papr x.png", exitUsage, "", "did you mean paper"},
		{"summary --weights " + misfit, exitFailed, "", "  missing    bn1.weight (8)\n  unexpected module.x (8)\nerror: formats: " + misfit + ": the arrays do not fit the network: names of timm, nearest to mobilenet_v1 timm, width 0.25, resolution 224, 3 classes: 1 missing, 1 unexpected, 0 of another shape\n"},
		{"eval --weights " + dir + " --data " + dir, exitFailed, "", "several files of weights (own.safetensors, w.npz)"},
	} {
		code, stdout, stderr := execute(t, strings.Fields(tc.args)...)
		if code != tc.code || !strings.Contains(stdout, tc.stdout) || !strings.Contains(stderr, tc.stderr) || tc.stderr == "" && stderr != "" {
			t.Errorf("%s: exit code %d, %.200q, %q; want %d, %q, %q", tc.args, code, stdout, stderr, tc.code, tc.stdout, tc.stderr)
		}
	}
}

func TestSummary(t *testing.T) {
	var sum struct {
		Params    int64 `json:"params"`
		Trainable int64 `json:"trainable_params"`
	}
	stdout := done(t, "summary", "--variant", "article", "--json")
	if err := json.Unmarshal([]byte(stdout), &sum); err != nil {
		t.Fatal(err)
	}
	if sum.Params != 4264808 || sum.Trainable != 4242920 { // the article prints these
		t.Errorf("%+v", sum)
	}
	if alias, name := done(t, "summary", "--variant", "slim"), done(t, "summary", "--variant", "hf"); alias != name {
		t.Errorf("--variant slim is %s, want that of hf: %s", alias, name)
	}
	if text := done(t, "summary", "--variant", "article"); !strings.Contains(text, "4,264,808") {
		t.Errorf("the text lacks the article's total:\n%s", text)
	}
}
