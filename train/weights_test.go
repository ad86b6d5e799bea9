package train

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
	"depthwise.dev/checkpoints"
	"depthwise.dev/models/mobilenet"
)

// someWeights are those of a new network of three classes.
func someWeights(t *testing.T) Weights {
	t.Helper()
	c := Default()
	c.Model.Width, c.Model.Resolution, c.Model.Classes = 0.25, 32, 3
	w := Weights{Config: c.Model, Classes: []string{"b", "a", "ü"}, Preprocess: c.Preprocess(), Meta: map[string]string{"step": "7"}}
	autogradtest.Run(t, func(s *autograd.Scope) {
		for _, n := range mobilenet.New(s, c.Model, 3).State() {
			a, err := hostArray(s, n.Name, n.Tensor)
			if err != nil {
				t.Fatal(err)
			}
			w.Arrays = append(w.Arrays, a)
		}
	})
	return w
}

func TestWeightsRoundTrip(t *testing.T) {
	want := someWeights(t)
	path := filepath.Join(t.TempDir(), "w.safetensors")
	if err := want.Write(path); err != nil {
		t.Fatal(err)
	}
	got, err := ReadWeights(path)
	if err != nil {
		t.Fatal(err)
	}
	if got.Config != want.Config || got.Preprocess != want.Preprocess || !reflect.DeepEqual(got.Classes, want.Classes) || got.Meta["step"] != "7" {
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
		n, err := got.Network(s, autograd.CPU)
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

func TestReadWeightsRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*checkpoints.File)
		want   string
	}{
		{"of another program", func(f *checkpoints.File) { delete(f.Meta, metaModel) }, `no "model"`},
		{"no classes", func(f *checkpoints.File) { delete(f.Meta, metaClasses) }, `no "classes"`},
		{"no preprocessing", func(f *checkpoints.File) { delete(f.Meta, metaPreprocess) }, `no "preprocess"`},
		{"not JSON", func(f *checkpoints.File) { f.Meta[metaModel] = "{" }, `"model"`},
		{"classes of another network", func(f *checkpoints.File) { f.Meta[metaClasses] = `["a"]` }, "names 1 classes for a network of 3"},
		{"impossible network", func(f *checkpoints.File) {
			f.Meta[metaModel] = strings.Replace(f.Meta[metaModel], `"width":0.25`, `"width":-1`, 1)
		}, "width"},
		{"impossible preprocessing", func(f *checkpoints.File) { f.Meta[metaPreprocess] = `{}` }, "resolution"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := someWeights(t).file()
			if err != nil {
				t.Fatal(err)
			}
			c.change(&f)
			path := filepath.Join(t.TempDir(), "w.safetensors")
			if err := checkpoints.Write(path, f); err != nil {
				t.Fatal(err)
			}
			if _, err = ReadWeights(path); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("error %v, want %q and the path", err, c.want)
			}
		})
	}
}

func TestReadWeightsOfAFolder(t *testing.T) {
	dir := t.TempDir()
	if _, err := ReadWeights(dir); !errors.Is(err, ErrNoWeights) {
		t.Errorf("an empty folder: %v", err)
	}
	if _, err := ReadWeights(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
	for step, name := range []string{filepath.Join(checkpointFolder, "step-00000001.safetensors"), filepath.Join(checkpointFolder, "step-00000010.safetensors"), bestFile} {
		w := someWeights(t)
		w.Meta["step"] = name
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := w.Write(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		if got, err := ReadWeights(dir); err != nil || got.Meta["step"] != name { // the newest, and then the best
			t.Errorf("with %d files: %q, %v; want %s", step+1, got.Meta["step"], err, name)
		}
	}
}
