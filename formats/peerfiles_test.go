package formats

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/checkpoints"
	"depthwise.dev/formats/peers"
	"depthwise.dev/formats/pickle"
	"depthwise.dev/internal/zipfile"
	"depthwise.dev/weights"
	"depthwise.dev/weights/weightstest"
)

// peerState is a network of backend/testdata/peers with the values of testdata/make.py.
func peerState(t testing.TB, name string) peers.State {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "backend", "testdata", "peers", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var p struct {
		Variant string
		Arrays  []struct {
			Name  string
			Shape []int
		}
	}
	if err := json.Unmarshal(text, &p); err != nil {
		t.Fatal(err)
	}
	s := peers.State{Keras: p.Variant == "keras" || p.Variant == "article"}
	for k, a := range p.Arrays {
		n := 1
		for _, d := range a.Shape {
			n *= d
		}
		values := make([]float32, n)
		for i := range values {
			values[i] = float32(k) + float32(i%4)/4
		}
		s.Arrays = append(s.Arrays, peers.Array{Name: a.Name, Shape: a.Shape, Values: values})
	}
	return s
}

// unpacked copies a file of testdata without its .gz to a folder.
func unpacked(t testing.TB, name string) string {
	t.Helper()
	file, err := os.Open(filepath.Join("testdata", name+".gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return written(t, name, b)
}

func written(t testing.TB, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// arraysOf are the arrays of a state for the writers of containers without layouts of their own.
func arraysOf(t testing.TB, s peers.State) []checkpoints.Array {
	t.Helper()
	var list []checkpoints.Array
	for _, a := range s.Arrays {
		array, err := checkpoints.NewArray(a.Name, a.Values, a.Shape...)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, array)
	}
	return list
}

// TestPeerFiles reads the tools' networks from each container: all give what package peers makes of the arrays.
func TestPeerFiles(t *testing.T) {
	type source func(t *testing.T, network string) string
	file := func(suffix string) source {
		return func(t *testing.T, network string) string { return unpacked(t, network+suffix) }
	}
	safetensorsFile := func(t *testing.T, network string) string {
		path := filepath.Join(t.TempDir(), "w")
		if err := checkpoints.Write(path, checkpoints.File{Arrays: arraysOf(t, peerState(t, network)), Meta: map[string]string{"format": "pt"}}); err != nil {
			t.Fatal(err)
		}
		return path
	}
	npzFile := func(t *testing.T, network string) string {
		path := filepath.Join(t.TempDir(), "w")
		if err := checkpoints.WriteNPZ(path, arraysOf(t, peerState(t, network))); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, c := range []struct {
		network, container, format string
		source                     source
		resolution                 int
	}{
		{"v1_keras_0.3_64", "whole model", "h5", file(".h5"), 64},
		{"v1_keras_0.3_64", "weights", "h5", file(".weights.h5"), 224},
		{"v1_keras_0.3_64", "zip", "keras", file(".keras"), 64},
		{"v1_article_0.3_75", "whole model", "h5", file(".h5"), 75},
		{"v1_article_0.3_75", "weights", "h5", file(".weights.h5"), 224},
		{"v1_article_0.3_75", "zip", "keras", file(".keras"), 75},
		{"v2_keras_0.35_64", "whole model", "h5", file(".h5"), 64},
		{"v2_keras_0.35_64", "weights", "h5", file(".weights.h5"), 224},
		{"v2_keras_0.35_64", "zip", "keras", file(".keras"), 64},
		{"v2_torchvision_0.3_64", "zip", "torch", file(".pth"), 224},
		{"v2_torchvision_0.3_64", "legacy", "torch", file(".legacy.pth"), 224},
		{"v1_timm_0.3_64", "nested float16", "torch", file(".half.pth"), 224},
		{"v1_timm_0.3_64", "average", "torch", file(".ema.pth"), 224},
		{"v1_timm_0.3_64", "plain", "safetensors", safetensorsFile, 224},
		{"v2_timm_0.5_65", "plain", "safetensors", safetensorsFile, 224},
		{"v1_hf_0.3_65", "plain", "safetensors", safetensorsFile, 224},
		{"v2_hf_0.35_64", "plain", "safetensors", safetensorsFile, 224},
		{"v2_torchvision_0.3_64", "plain", "safetensors", safetensorsFile, 224},
		{"v1_timm_0.3_64", "npz", "npz", npzFile, 224},
		{"v2_torchvision_0.3_64", "npz", "npz", npzFile, 224},
		{"v1_keras_0.3_64", "npz", "npz", npzFile, 224},
		{"v2_keras_0.35_64", "npz", "npz", npzFile, 224},
	} {
		t.Run(c.network+" "+c.container+" "+c.format, func(t *testing.T) {
			want, err := peers.Weights(peerState(t, c.network), peers.Options{})
			if err != nil {
				t.Fatal(err)
			}
			path, log := c.source(t, c.network), ""
			if f, err := Detect(path); err != nil || f.Name != c.format {
				t.Errorf("format %s, %v; want %s", f.Name, err, c.format)
			}
			got, err := ReadWith(path, ReadOptions{Log: func(line string) { log = line }})
			if err != nil {
				t.Fatal(err)
			}
			want.Config.Resolution = c.resolution
			if *got.Config != *want.Config || got.Preprocess.Resolution != c.resolution || got.Graph.Input.Height != c.resolution {
				t.Errorf("%+v at %d, want %+v", *got.Config, got.Preprocess.Resolution, *want.Config)
			}
			for i, a := range want.Arrays {
				b := got.Arrays[i]
				if b.Name != a.Name || !slices.Equal(values(t, a), values(t, b)) {
					t.Fatalf("%s became %s with other values", a.Name, b.Name)
				}
			}
			if !strings.Contains(log, path) || !strings.Contains(log, got.Origin) {
				t.Errorf("log %q", log)
			}
			if hasRaw := got.Raw != nil; hasRaw != (c.container == "average") || hasRaw && values(t, got.Raw[0])[0] != 1 {
				t.Errorf("%d raw arrays", len(got.Raw))
			}
		})
	}
}

func values(t testing.TB, a checkpoints.Array) []float32 {
	t.Helper()
	v, err := checkpoints.Values[float32](a)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestReexport: an export of another tool's weights describes itself, and is read as the same network.
func TestReexport(t *testing.T) {
	from, to := unpacked(t, "v2_keras_0.35_64.keras"), filepath.Join(t.TempDir(), "w.safetensors")
	if err := Export(ExportOptions{Weights: from, Output: to}); err != nil {
		t.Fatal(err)
	}
	first, err := Read(from)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Read(to)
	if err != nil || *again.Config != *first.Config || again.Preprocess != first.Preprocess || again.Origin != "" {
		t.Errorf("%+v, %v; want %+v", again.Config, err, first.Config)
	}
}

// TestVariant: the user's variant is for files that do not say theirs.
func TestVariant(t *testing.T) {
	own := filepath.Join(t.TempDir(), "own.safetensors")
	if err := weightstest.New(t).Write(own); err != nil {
		t.Fatal(err)
	}
	npz := filepath.Join(t.TempDir(), "own.npz")
	if err := checkpoints.WriteNPZ(npz, weightstest.New(t).Arrays); err != nil {
		t.Fatal(err)
	}
	described := filepath.Join(t.TempDir(), "described.npz")
	if err := Export(ExportOptions{Weights: own, Output: described}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, path, variant, want, wrong string }{
		{"describes itself", own, "", "paper", ""},
		{"describes itself, the same", own, "paper", "paper", ""},
		{"describes itself, another", own, "timm", "", `variant "timm": the weights say that they are of paper`},
		{"describes itself, unknown", own, "tim", "", "did you mean timm"},
		{"an export to NumPy", described, "", "paper", ""},
		{"an export to NumPy, another", described, "timm", "", "the weights say that they are of paper"},
		{"arrays alone", npz, "", "timm", ""},
		{"arrays alone, named", npz, "paper", "paper", ""},
		{"arrays alone, alias", npz, "slim", "hf", ""},
		{"arrays alone, of another architecture", npz, "torchvision", "", "the arrays are of mobilenet_v1"},
	} {
		w, err := ReadWith(c.path, ReadOptions{Variant: c.variant})
		if c.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), c.wrong) || !strings.Contains(err.Error(), c.path) {
				t.Errorf("%s: %v, want %q and the path", c.name, err, c.wrong)
			}
		} else if err != nil || w.Config.Variant != c.want {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
}

// TestFind resolves folders.
func TestFind(t *testing.T) {
	for _, c := range []struct {
		name  string
		files []string
		want  string // file, or part of the error
		wrong bool
	}{
		{"Transformers", []string{"config.json", "model.safetensors", "pytorch_model.bin", "tf_model.h5"}, "model.safetensors", false},
		{"older Transformers", []string{"config.json", "pytorch_model.bin"}, "pytorch_model.bin", false},
		{"a run before other tools", []string{"best.safetensors", "model.safetensors"}, "best.safetensors", false},
		{"Keras in every form", []string{"model.h5", "model.keras", "model.weights.h5"}, "model.keras", false},
		{"one file", []string{"notes.txt", "mobilenet_v2-b0353104.pth"}, "mobilenet_v2-b0353104.pth", false},
		{"several files", []string{"a.pth", "b.h5"}, "several files of weights (a.pth, b.h5): name one", true},
		{"in parts", []string{"config.json", "model.safetensors.index.json", "model-00001-of-00002.safetensors"}, "in several files", true},
		{"nothing", []string{"notes.txt"}, weights.ErrNoWeights.Error(), true},
		{"empty", nil, "best.safetensors", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, f := range c.files {
				if err := os.WriteFile(filepath.Join(dir, f), nil, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			got, err := Find(dir)
			if c.wrong && (err == nil || !strings.Contains(err.Error(), c.want)) || !c.wrong && (err != nil || filepath.Base(got) != c.want) {
				t.Errorf("%s, %v; want %s", got, err, c.want)
			}
		})
	}
}

// TestFolder reads configuration files beside the weights, whether the folder or the file is named.
func TestFolder(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "model.safetensors")
	if err := checkpoints.Write(file, checkpoints.File{Arrays: arraysOf(t, peerState(t, "v1_hf_0.3_65"))}); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"config.json": `{"model_type":"mobilenet_v1","depth_multiplier":0.3,"id2label":{"0":"a","1":"b","2":"c","3":"d","4":"e"}}`,
		"preprocessor_config.json": `{"crop_size":{"height":192,"width":192},"size":{"shortest_edge":224}}`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{dir, file} {
		w, err := Read(path)
		if err != nil || w.Preprocess.Resolution != 192 || w.Preprocess.Resize != 224 || w.Classes[4] != "e" {
			t.Errorf("%+v %q, %v", w.Preprocess, w.Classes, err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), make([]byte, maxSidecar+1), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(dir); err == nil || !strings.Contains(err.Error(), "more than a configuration") {
		t.Error(err)
	}
}

// TestPeerFilesRefused: files that are no weights, by what they are.
func TestPeerFilesRefused(t *testing.T) {
	safe := func(arrays ...checkpoints.Array) func(t *testing.T) string {
		return func(t *testing.T) string {
			path := filepath.Join(t.TempDir(), "w.safetensors")
			if err := checkpoints.Write(path, checkpoints.File{Arrays: arrays}); err != nil {
				t.Fatal(err)
			}
			return path
		}
	}
	array := func(a checkpoints.Array, err error) checkpoints.Array {
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	inner := func(name string) func(t *testing.T) string {
		return func(*testing.T) string { return filepath.Join("pickle", "testdata", name) }
	}
	cut := func(name string, n int) func(t *testing.T) string {
		return func(t *testing.T) string {
			b, err := os.ReadFile(unpacked(t, name))
			if err != nil {
				t.Fatal(err)
			}
			return written(t, name, b[:len(b)-n])
		}
	}
	for _, c := range []struct {
		name string
		file func(t *testing.T) string
		is   error
		want string
	}{
		{"integers as weights", safe(array(checkpoints.NewArray("conv_stem.weight", []int64{1}, 1))), nil, `array "conv_stem.weight" has elements of type int64`},
		{"float64 beyond float32", safe(array(checkpoints.NewArray("conv_stem.weight", []float64{1e300}, 1))), nil, "beyond float32"},
		{"arrays of nothing known", safe(array(checkpoints.NewArray("x", []float32{1}, 1))), peers.ErrUnknown, "names such as x"},
		{"a pickle that calls os.system", inner("refused_system.pth"), pickle.ErrRefused, "system"},
		{"a whole PyTorch model", inner("refused_whole_model.pth"), pickle.ErrRefused, "models.Net"},
		{"TorchScript", inner("refused_torchscript.pt"), pickle.ErrRefused, "TorchScript"},
		{"integers of PyTorch", inner("zip.pth"), nil, `tensor "int64" has elements of type int64`},
		{"a truncated .keras", cut("v1_keras_0.3_64.keras", 100), zipfile.ErrFormat, "not a valid zip"},
		{"a truncated .h5", cut("v1_keras_0.3_64.h5", 2000), nil, "not a valid HDF5"},
		{"a truncated .pth", cut("v2_torchvision_0.3_64.pth", 100), zipfile.ErrFormat, "not a valid zip"},
		{"a truncated legacy file", cut("v2_torchvision_0.3_64.legacy.pth", 100), pickle.ErrFormat, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := c.file(t)
			_, err := Read(path)
			if err == nil || c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("error %v, want %v with %q and the path", err, c.is, c.want)
			}
		})
	}
}
