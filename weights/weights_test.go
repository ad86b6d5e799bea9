package weights_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
	"depthwise.dev/backend"
	"depthwise.dev/checkpoints"
	"depthwise.dev/data"
	"depthwise.dev/formats"
	"depthwise.dev/formats/deploy/deploytest"
	"depthwise.dev/models"
	"depthwise.dev/weights"
	"depthwise.dev/weights/weightstest"
)

func TestWeightsRoundTrip(t *testing.T) {
	want := weightstest.New(t)
	want.Preprocess.Interpolation = data.Bicubic
	path := filepath.Join(t.TempDir(), "w.safetensors")
	if err := want.Write(path); err != nil {
		t.Fatal(err)
	}
	got, err := formats.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if got.Config == nil || *got.Config != *want.Config || !reflect.DeepEqual(got.Graph, want.Graph) || got.Preprocess != want.Preprocess || !reflect.DeepEqual(got.Classes, want.Classes) || got.Meta["step"] != "7" {
		t.Errorf("got %+v %+v %q %v", got.Config, got.Preprocess, got.Classes, got.Meta)
	}
	if len(got.Arrays) != len(want.Arrays) {
		t.Fatalf("%d arrays, want %d", len(got.Arrays), len(want.Arrays))
	}
	for i, a := range want.Arrays {
		if b := got.Arrays[i]; b.Name != a.Name || !reflect.DeepEqual(b.Data.Data(), a.Data.Data()) || !b.Data.Shape().Eq(a.Data.Shape()) {
			t.Errorf("array %s became %s %v", a.Name, b.Name, b.Data.Shape())
		}
	}
	autogradtest.Run(t, func(s *autograd.Scope) {
		n, err := backend.Load(s, got, autograd.CPU)
		if err != nil {
			t.Fatal(err)
		}
		for i, named := range n.State() {
			if !reflect.DeepEqual(autograd.ToSlice[float32](s, named.Tensor), want.Arrays[i].Data.Data()) {
				t.Errorf("the network has other values in %s", named.Name)
			}
		}
	})
}

// TestReadOlderFiles: metadata as the version before wrote it, without arch and crop_fraction, is
// that of MobileNet v1.
func TestReadOlderFiles(t *testing.T) {
	want := weightstest.New(t)
	f, err := want.File()
	if err != nil {
		t.Fatal(err)
	}
	f.Meta["model"] = `{"variant":"paper","width":0.25,"resolution":32,"classes":3,"activation":"relu","padding":"symmetric","conv_bias":false,"bn_eps":0.00001,"bn_momentum":0.1,"dropout":0}`
	f.Meta["preprocess"] = `{"resolution":32,"fit":"crop","resize":36,"mean":[0.485,0.456,0.406],"std":[0.229,0.224,0.225]}`
	got, err := weights.FromFile(f)
	if err != nil {
		t.Fatal(err)
	}
	if got.Config == nil || *got.Config != *want.Config || got.Config.Arch != "mobilenet_v1" || !reflect.DeepEqual(got.Graph, want.Graph) || got.Preprocess != want.Preprocess {
		t.Errorf("%+v %+v", got.Config, got.Preprocess)
	}
}

// TestSlashInNames: layers whose names have a '/', even that of a checkpoint's other arrays, keep their arrays, the last
// weights of training beside an average too.
func TestSlashInNames(t *testing.T) {
	x := models.Input(models.Shape{Channels: 3, Height: 8, Width: 8})
	y := x.Conv(models.Conv{Out: 2, Kernel: 3}).Named("stem/conv").BatchNorm(models.BatchNorm{}).Named("raw/bn").ReLU()
	g, err := models.Build("slashes", y.GlobalAvgPool().Linear(models.Linear{Out: 2}).Named("ema/head"))
	if err != nil {
		t.Fatal(err)
	}
	for _, extension := range []string{".safetensors", ".npz"} {
		want, err := deploytest.Weights(g)
		if err != nil {
			t.Fatal(err)
		}
		if extension == ".safetensors" {
			want.Raw = want.Arrays // npz has none
		}
		path := filepath.Join(t.TempDir(), "w"+extension)
		f, err := formats.ForOutput(path, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Write(path, want, formats.WriteOptions{}); err != nil {
			t.Fatal(err)
		}
		got, err := formats.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		names := func(list []checkpoints.Array) (names []string) {
			for _, a := range list {
				names = append(names, a.Name)
			}
			return names
		}
		if !slices.Equal(names(got.Arrays), names(want.Arrays)) || !slices.Equal(names(got.Raw), names(want.Raw)) {
			t.Errorf("%s: arrays %q and %q, want %q and %q", extension, names(got.Arrays), names(got.Raw), names(want.Arrays), names(want.Raw))
		}
	}
}

// TestGraphRoundTrip: weights of a graph that no architecture has hold the graph.
func TestGraphRoundTrip(t *testing.T) {
	g, err := models.Build("tiny", models.Input(models.Shape{Channels: 3, Height: 32, Width: 32}).Conv(models.Conv{Out: 2, Kernel: 3}).ReLU().GlobalAvgPool().Linear(models.Linear{Out: 3}))
	if err != nil {
		t.Fatal(err)
	}
	want := weightstest.New(t)
	want.Graph, want.Config, want.Arrays = g, nil, nil
	f, err := want.File()
	if err != nil {
		t.Fatal(err)
	}
	if _, named := f.Meta["model"]; named || f.Meta["graph"] == "" {
		t.Errorf("metadata %v", f.Meta)
	}
	got, err := weights.FromFile(f)
	if err != nil || got.Config != nil || !reflect.DeepEqual(got.Graph, g) || len(got.Meta) != 1 || got.Meta["step"] != "7" {
		t.Errorf("%+v, %v", got, err)
	}
	f.Meta["graph"] = `{"name":"tiny"}`
	if _, err := weights.FromFile(f); !errors.Is(err, models.ErrGraph) || !strings.Contains(err.Error(), `"graph"`) {
		t.Errorf("a graph without layers: %v", err)
	}
}

// TestNamesWithSlash: a layer's name may look like the prefix of a weight average; the average of such a layer is found too.
func TestNamesWithSlash(t *testing.T) {
	x := models.Input(models.Shape{Channels: 3, Height: 8, Width: 8}).Conv(models.Conv{Out: 1}).Named("ema/größe 1").GlobalAvgPool()
	g, err := models.Build("slashes", x.Linear(models.Linear{Out: 1, NoBias: true}).Named("raw/head"))
	if err != nil {
		t.Fatal(err)
	}
	w := weights.Weights{Graph: g, Classes: []string{"a"}, Preprocess: data.Preprocess{Resolution: 8}}
	for _, a := range g.Arrays() {
		array, err := checkpoints.NewArray(a.Name, a.Initial(1), a.Size())
		if err != nil {
			t.Fatal(err)
		}
		w.Arrays = append(w.Arrays, array)
	}
	checkpoint, err := w.File()
	if err != nil {
		t.Fatal(err)
	}
	checkpoint.Arrays = append(checkpoint.Arrays, weights.Prefixed(weights.AveragePrefix, w.Arrays)...)
	w.Raw = w.Arrays
	file, err := w.File()
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]checkpoints.File{"checkpoint with an average": checkpoint, "weights with the last ones": file} {
		got, err := weights.FromFile(f)
		if err != nil || !reflect.DeepEqual(got.Arrays, w.Arrays) || !reflect.DeepEqual(got.Raw, w.Arrays) {
			t.Errorf("%s: arrays %v, raw %v, %v", name, got.Arrays, got.Raw, err)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*checkpoints.File)
		want   string
	}{
		{"of another program", func(f *checkpoints.File) { delete(f.Meta, "model") }, `no "model"`},
		{"no classes", func(f *checkpoints.File) { delete(f.Meta, "classes") }, `no "classes"`},
		{"no preprocessing", func(f *checkpoints.File) { delete(f.Meta, "preprocess") }, `no "preprocess"`},
		{"not JSON", func(f *checkpoints.File) { f.Meta["model"] = "{" }, `"model"`},
		{"classes of another network", func(f *checkpoints.File) { f.Meta["classes"] = `["a"]` }, "names 1 classes for a network of 3"},
		{"impossible network", func(f *checkpoints.File) {
			f.Meta["model"] = strings.Replace(f.Meta["model"], `"width":0.25`, `"width":-1`, 1)
		}, "width"},
		{"impossible preprocessing", func(f *checkpoints.File) { f.Meta["preprocess"] = `{}` }, "resolution"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := weightstest.New(t).File()
			if err != nil {
				t.Fatal(err)
			}
			c.change(&f)
			path := filepath.Join(t.TempDir(), "w.safetensors")
			if err := checkpoints.Write(path, f); err != nil {
				t.Fatal(err)
			}
			if _, err = formats.Read(path); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("error %v, want %q and the path", err, c.want)
			}
		})
	}
}

func TestReadOfAFolder(t *testing.T) {
	dir := t.TempDir()
	if _, err := formats.Read(dir); !errors.Is(err, weights.ErrNoWeights) {
		t.Errorf("an empty folder: %v", err)
	}
	if _, err := formats.Read(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
	for step, name := range []string{filepath.Join(weights.CheckpointFolder, "step-00000001.safetensors"), filepath.Join(weights.CheckpointFolder, "step-00000010.safetensors"), weights.BestFile} {
		w := weightstest.New(t)
		w.Meta["step"] = name
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := w.Write(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		if got, err := formats.Read(dir); err != nil || got.Meta["step"] != name { // the newest, and then the best
			t.Errorf("with %d files: %q, %v; want %s", step+1, got.Meta["step"], err, name)
		}
	}
}

func TestValSplit(t *testing.T) {
	var w weights.Weights
	if share, _, err := w.ValSplit(); share != 0 || err != nil {
		t.Errorf("no split: %v, %v", share, err)
	}
	w.SetValSplit(0.1, 1<<63+1)
	if share, seed, err := w.ValSplit(); share != 0.1 || seed != 1<<63+1 || err != nil {
		t.Errorf("%v, %d, %v", share, seed, err)
	}
	for key, value := range map[string]string{weights.MetaValSplit: "a tenth", weights.MetaSeed: "0x1"} {
		damaged := weights.Weights{Meta: map[string]string{}}
		damaged.SetValSplit(0.1, 7)
		damaged.Meta[key] = value
		if _, _, err := damaged.ValSplit(); err == nil || !strings.Contains(err.Error(), key) || strings.Contains(err.Error(), "strconv") {
			t.Errorf("%s %q: %v", key, value, err)
		}
	}
}

// TestExport: the format is that of the name, or of the extension.
func TestExport(t *testing.T) {
	dir := t.TempDir()
	from := filepath.Join(dir, "w.safetensors")
	if err := weightstest.New(t).Write(from); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, format, output, want string }{
		{"by name", "npz", "a.bin", "npz"},
		{"by extension", "", "b.npz", "npz"},
		{"by extension of the native format", "", "c.safetensors", "safetensors"},
	} {
		path := filepath.Join(dir, c.output)
		if err := formats.Export(formats.ExportOptions{Weights: from, Format: c.format, Output: path}); err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if f, err := formats.Detect(path); err != nil || f.Name != c.want {
			t.Errorf("%s: written as %s, %v", c.name, f.Name, err)
		}
	}
	if w, err := formats.Read(filepath.Join(dir, "c.safetensors")); err != nil || w.Meta["step"] != "" || len(w.Classes) != 3 {
		t.Errorf("exported %v, %v", w.Meta, err)
	}
	for _, c := range []struct{ name, format, output, want string }{
		{"unknown name", "npy", "a.npz", `format "npy": did you mean npz?`},
		{"unknown extension", "", "a.bin", `".bin"`},
	} {
		if err := formats.Export(formats.ExportOptions{Weights: from, Format: c.format, Output: filepath.Join(dir, c.output)}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}
