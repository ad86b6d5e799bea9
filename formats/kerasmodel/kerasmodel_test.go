package kerasmodel

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/checkpoints"
	"depthwise.dev/formats/hdf5"
	"depthwise.dev/models"
)

// read are the datasets of a group that was written.
func read(t *testing.T, g hdf5.Group) map[string]hdf5.Array {
	t.Helper()
	var b bytes.Buffer
	if err := hdf5.Write(&b, g); err != nil {
		t.Fatal(err)
	}
	f, err := hdf5.Open(bytes.NewReader(b.Bytes()), int64(b.Len()), 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	datasets := map[string]hdf5.Array{}
	err = f.Walk(func(string) bool { return false }, func(o hdf5.Object) error {
		if !o.IsDataset() {
			return nil
		}
		a, err := o.Read()
		datasets[o.Path] = a
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return datasets
}

// channelsLast brings an image to (rows, columns, channels).
func channelsLast(s models.Shape, v []float64) tensor {
	x := newTensor(s.Height, s.Width, s.Channels)
	for i, value := range v {
		p := i % (s.Height * s.Width)
		x.v[x.at(p/s.Width, p%s.Width, i/(s.Height*s.Width))] = value
	}
	return x
}

// TestComputes: the model that the configuration and the weights file describe gives the probabilities of the graph, and the
// arrays read back from both files are the same bits.
func TestComputes(t *testing.T) {
	for n, e := range examples(t) {
		t.Run(fmt.Sprintf("%s %v", e.name, e.graph.Input), func(t *testing.T) {
			m, err := New(e.graph, Options{Config: e.config})
			if err != nil {
				t.Fatal(err)
			}
			config, err := m.JSON()
			if err != nil {
				t.Fatal(err)
			}
			values, image := valuesOf(e.graph), picture(e.graph)
			want := softmax(evaluate(e.graph, values, image))
			datasets := read(t, m.Weights(values))
			got := interpret(t, config, datasets, channelsLast(e.graph.Input, image))
			if len(got) != len(want) {
				t.Fatalf("%d probabilities, want %d", len(got), len(want))
			}
			for i := range want {
				if !(math.Abs(got[i]-want[i]) < 1e-9) { // both in float64, the sums in another order
					t.Errorf("probability %d is %v, want %v", i, got[i], want[i])
				}
			}
			forKeras(t, n, e, m, config, want, image)
			whole, err := m.Whole(values)
			if err != nil {
				t.Fatal(err)
			}
			for name, d := range map[string]map[string]hdf5.Array{"weights": datasets, "whole model": read(t, whole)} {
				arrays, err := m.Read(d)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				for _, a := range arrays {
					if v, err := checkpoints.Values[float32](a); err != nil || !slices.Equal(v, values[a.Name]) {
						t.Errorf("%s: array %s has other values, %v", name, a.Name, err)
					}
				}
			}
		})
	}
}

// forKeras writes what testdata/check.py compares with Keras, where the folder is given.
func forKeras(t *testing.T, n int, e example, m *Model, config []byte, want, image []float64) {
	t.Helper()
	dir := os.Getenv("DEPTHWISE_KERAS_DIR")
	if dir == "" {
		return
	}
	whole, err := m.Whole(valuesOf(e.graph))
	if err != nil {
		t.Fatal(err)
	}
	base := filepath.Join(dir, fmt.Sprintf("%03d", n))
	for suffix, g := range map[string]hdf5.Group{".weights.h5": m.Weights(valuesOf(e.graph)), ".h5": whole} {
		var b bytes.Buffer
		if err := hdf5.Write(&b, g); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(base+suffix, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var layers []string
	for _, l := range m.Layers {
		layers = append(layers, l.Name)
	}
	text, err := json.Marshal(map[string]any{"name": t.Name(), "config": json.RawMessage(config), "image": channelsLast(e.graph.Input, image).v, "want": want, "layers": layers})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(base+".json", text, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestPixels: with pixels as input, the model normalizes.
func TestPixels(t *testing.T) {
	g, err := models.Build("colors", finish(models.Input(models.Shape{Channels: 3, Height: 4, Width: 5}).Conv(models.Conv{Out: 2, Kernel: 3})))
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Pixels: true, Mean: [3]float64{0.485, 0.456, 0.406}, Std: [3]float64{0.229, 0.224, 0.225}}
	m, err := New(g, o)
	if err != nil {
		t.Fatal(err)
	}
	pixels, normalized := make([]float64, g.Input.Values()), make([]float64, g.Input.Values())
	for i := range pixels {
		c := i / 20
		pixels[i] = float64(i * 37 % 256)
		normalized[i] = (pixels[i]/255 - o.Mean[c]) / o.Std[c]
	}
	config, err := m.JSON()
	if err != nil {
		t.Fatal(err)
	}
	values := valuesOf(g)
	got, want := interpret(t, config, read(t, m.Weights(values)), channelsLast(g.Input, pixels)), softmax(evaluate(g, values, normalized))
	for i := range want {
		if !(math.Abs(got[i]-want[i]) < 1e-9) {
			t.Errorf("probability %d is %v, want %v", i, got[i], want[i])
		}
	}
}

// TestRefuses: what Keras cannot compute names the layer and what to do.
func TestRefuses(t *testing.T) {
	image := func(channels int) *models.Node {
		return models.Input(models.Shape{Channels: channels, Height: 8, Width: 8})
	}
	for _, c := range []struct {
		name   string
		output *models.Node
		o      Options
		want   string
	}{
		{"a symmetric pool of an even kernel", finish(image(3).Conv(models.Conv{Out: 4}).MaxPool(models.Pool{Kernel: 2, Padding: models.Symmetric}).Named("p")), Options{},
			`layer "p": Keras has no max pool with padding symmetric of an even kernel over values that can be negative: use an odd kernel`},
		{"pixels of a network without colors", finish(image(1).Conv(models.Conv{Out: 4})), Options{Pixels: true}, "need a network of 3 channels, this one has 1"},
		{"pixels that cannot be normalized", finish(image(3).Conv(models.Conv{Out: 4})), Options{Pixels: true}, "std [0 0 0]"},
	} {
		g, err := models.Build("test", c.output)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := New(g, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}

// TestUnknownActivation: a function without a layer of Keras is not left out.
func TestUnknownActivation(t *testing.T) {
	g, err := models.Build("test", finish(models.Input(models.Shape{Channels: 3, Height: 8, Width: 8}).Conv(models.Conv{Out: 4}).ReLU()))
	if err != nil {
		t.Fatal(err)
	}
	g.Layers[0].Activation.Function = "gelu"
	if _, err := New(g, Options{}); err == nil || !strings.Contains(err.Error(), "no activation function gelu") {
		t.Errorf("error %v", err)
	}
}

// TestReadErrors: files whose arrays are not those of the model.
func TestReadErrors(t *testing.T) {
	g, err := models.Build("test", finish(models.Input(models.Shape{Channels: 3, Height: 4, Width: 4}).Conv(models.Conv{Out: 2})))
	if err != nil {
		t.Fatal(err)
	}
	m, err := New(g, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		change func(map[string]hdf5.Array)
		want   string
	}{
		{"unchanged", func(map[string]hdf5.Array) {}, ""},
		{"missing", func(d map[string]hdf5.Array) { delete(d, "layers/dense/vars/0") }, "it has no layers/dense/vars/0"},
		{"shape", func(d map[string]hdf5.Array) { d["layers/dense/vars/0"] = d["layers/dense/vars/1"] }, "layers/dense/vars/0 has the shape [3], expected [2 3]"},
		{"unexpected", func(d map[string]hdf5.Array) { d["layers/dense/vars/2"] = d["layers/dense/vars/1"] }, "it has 4 arrays, expected 3"},
	} {
		datasets := read(t, m.Weights(valuesOf(g)))
		c.change(datasets)
		if _, err := m.Read(datasets); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}
