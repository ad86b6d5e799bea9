package formats

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"depthwise.dev/checkpoints"
	"depthwise.dev/data"
	"depthwise.dev/formats/hdf5"
	"depthwise.dev/formats/peers"
	"depthwise.dev/internal/atomicfile"
	"depthwise.dev/models"
	"depthwise.dev/models/mobilenet"
	"depthwise.dev/weights"
)

// kerasCase are weights that are written to Keras' files.
type kerasCase struct {
	name string
	w    weights.Weights
}

// kerasCases are a network of each variant, and a graph of its own whose branches Keras orders in another way.
func kerasCases(t *testing.T) []kerasCase {
	t.Helper()
	var cases []kerasCase
	for _, arch := range mobilenet.Archs() {
		for _, variant := range mobilenet.Variants(arch) {
			c, err := mobilenet.Default(arch, variant)
			if err != nil {
				t.Fatal(err)
			}
			c.Width, c.Resolution, c.Classes, c.Dropout = 0.25, 32, 4, 0.1
			g, err := c.Graph()
			if err != nil {
				t.Fatal(err)
			}
			cases = append(cases, kerasCase{arch + " " + c.Variant, distinct(t, weights.Weights{Graph: g, Config: &c})})
		}
	}
	x := models.Input(models.Shape{Channels: 3, Height: 9, Width: 9}).Conv(models.Conv{Out: 4, Kernel: 3}).Named("größe/1")
	y := x.Conv(models.Conv{Out: 4, Kernel: 3, Stride: 1}).BatchNorm(models.BatchNorm{}).ReLU().Conv(models.Conv{Out: 6})
	z := x.DepthwiseConv(models.Conv{Kernel: 3}).Conv(models.Conv{Out: 6, Bias: true})
	g, err := models.Build("branches", z.Add(y).Flatten().Linear(models.Linear{Out: 4}))
	if err != nil {
		t.Fatal(err)
	}
	return append(cases, kerasCase{"user-built graph", distinct(t, weights.Weights{Graph: g})})
}

// distinct completes weights with arrays whose values differ, awkward class names, preprocessing and metadata.
func distinct(t *testing.T, w weights.Weights) weights.Weights {
	t.Helper()
	w.Classes = []string{"b", "a", "ü \"犬\"", "a/b\n"}
	w.Meta = map[string]string{weights.MetaBest: `{"step":7}`, weights.MetaSeed: "7", weights.MetaValSplit: "0.25"}
	w.Preprocess = data.Preprocess{Resolution: w.Graph.Input.Height, Fit: data.FitCrop, Resize: 40, Mean: [3]float64{0.4, 0.5, 0.6}, Std: [3]float64{0.1, 0.2, 0.3}, Interpolation: data.Bicubic}
	if err := w.SetPublishedOrigin(weights.Origin{Name: "timm/x", License: "apache-2.0", SHA256: "0"}); err != nil {
		t.Fatal(err)
	}
	for n, a := range w.Graph.Arrays() {
		values, shape := make([]float32, a.Size()), make([]int, len(a.Shape))
		for i := range values {
			values[i] = float32(n) + float32(i%1021)/1024
		}
		for i, d := range a.Shape {
			shape[i] = int(d)
		}
		array, err := checkpoints.NewArray(a.Name, values, shape...)
		if err != nil {
			t.Fatal(err)
		}
		w.Arrays = append(w.Arrays, array)
	}
	return w
}

// sameArrays compares the bits of arrays.
func sameArrays(t *testing.T, got, want weights.Weights) {
	t.Helper()
	if len(got.Arrays) != len(want.Arrays) {
		t.Fatalf("%d arrays, want %d", len(got.Arrays), len(want.Arrays))
	}
	for i, a := range want.Arrays {
		if b := got.Arrays[i]; b.Name != a.Name || !slices.Equal(b.Data.Shape(), a.Data.Shape()) || !slices.Equal(values(t, b), values(t, a)) {
			t.Errorf("%s of shape %v became %s of %v, or other values", a.Name, a.Data.Shape(), b.Name, b.Data.Shape())
		}
	}
}

// TestKerasFiles: every network is read back from each of Keras' files as it was written, and the same weights give the
// same bytes.
func TestKerasFiles(t *testing.T) {
	for _, c := range kerasCases(t) {
		for _, file := range []string{"w.keras", "w.h5", "w.hdf5", "W.Weights.H5", "pixels.keras", "pixels.h5", "pixels.weights.h5"} {
			t.Run(c.name+" "+file, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), file)
				f, err := ByExtension(path)
				if err != nil {
					t.Fatal(err)
				}
				o := WriteOptions{Uint8Input: file[0] == 'p'}
				if err := f.Write(path, c.w, o); err != nil {
					t.Fatal(err)
				}
				got, err := Read(path)
				if err != nil {
					t.Fatal(err)
				}
				sameArrays(t, got, c.w)
				want := c.w
				got.Arrays, want.Arrays = nil, nil
				if !reflect.DeepEqual(got, want) {
					t.Errorf("read %+v, want %+v", got, want)
				}
				first, err := os.ReadFile(path)
				if err == nil {
					err = f.Write(path, c.w, o)
				}
				second, err2 := os.ReadFile(path)
				if err != nil || err2 != nil || !bytes.Equal(first, second) {
					t.Errorf("the second file differs from the first, %v, %v", err, err2)
				}
			})
		}
	}
}

// TestKerasWithoutDescription: files that Keras wrote again, perhaps after training, lack the description. MobileNets are
// recognized by their names, and the configuration says what differs from keras.applications.
func TestKerasWithoutDescription(t *testing.T) {
	for _, c := range kerasCases(t) {
		if c.w.Config == nil {
			continue
		}
		own := c.w.Config.Variant == "keras" || c.w.Config.Variant == "article"
		for _, file := range []string{"w.keras", "w.h5", "w.weights.h5"} {
			if file == "w.weights.h5" && !own {
				continue // only the configuration has the padding
			}
			t.Run(c.name+" "+file, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), file)
				writeUndescribed(t, path, c.w)
				got, err := Read(path)
				if c.w.Config.Arch == "mobilenet_v2" && c.w.Config.Variant == "hf" { // has no residual in the first stage
					if !errors.Is(err, peers.ErrConfig) {
						t.Errorf("error %v, want another number of residual connections", err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				sameArrays(t, got, c.w)
				want := *c.w.Config
				want.Resolution, want.Dropout = got.Config.Resolution, got.Config.Dropout // weights do not have them
				if !own {
					want.Variant, want.Padding = "keras", got.Config.Padding
				}
				if *got.Config != want {
					t.Errorf("read %+v, want %+v", *got.Config, want)
				}
				for i, l := range c.w.Graph.Layers {
					if other := layerOf(got.Graph, l.Name); l.Kernel > 1 && file != "w.weights.h5" {
						y, x := l.Pads(l.In.Height, l.In.Width)
						if gotY, gotX := other.Pads(l.In.Height, l.In.Width); gotY != y || gotX != x {
							t.Errorf("layer %d %s pads %v %v, want %v %v", i, l.Name, gotY, gotX, y, x)
						}
					}
				}
			})
		}
	}
}

func layerOf(g *models.Graph, name string) models.Layer {
	i := slices.IndexFunc(g.Layers, func(l models.Layer) bool { return l.Name == name })
	return g.Layers[max(i, 0)]
}

// writeUndescribed writes a file as Keras would.
func writeUndescribed(t *testing.T, path string, w weights.Weights) {
	t.Helper()
	m, arrays, err := kerasModel(w, WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	root := m.Weights(arrays)
	if filepath.Ext(filepath.Base(path)) == ".h5" && filepath.Base(path) == "w.h5" {
		if root, err = m.Whole(arrays); err != nil {
			t.Fatal(err)
		}
	}
	err = atomicfile.Write(path, 0o666, func(out io.Writer) error {
		if filepath.Ext(path) != ".keras" {
			return hdf5.Write(out, root)
		}
		z := zip.NewWriter(out)
		for _, name := range []string{kerasMetadata, kerasConfig, kerasWeights} {
			member, err := z.Create(name)
			if err != nil {
				return err
			}
			switch name {
			case kerasMetadata:
				_, err = member.Write([]byte(`{"keras_version":"3.15.1"}`))
			case kerasConfig:
				var config []byte
				if config, err = m.JSON(); err == nil {
					_, err = member.Write(config)
				}
			default:
				err = hdf5.Write(member, root)
			}
			if err != nil {
				return err
			}
		}
		return z.Close()
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestKerasMetadata: other programs find the names of the classes as JSON.
func TestKerasMetadata(t *testing.T) {
	c := kerasCases(t)[0]
	path := filepath.Join(t.TempDir(), "w.keras")
	if err := writeKeras(path, c.w, WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	member, err := z.Open(kerasMetadata)
	if err != nil {
		t.Fatal(err)
	}
	var metadata struct {
		Depthwise struct {
			Classes    []string
			Preprocess struct {
				Resolution int
				Crop       float64 `json:"crop_fraction"`
			}
			Origin weights.Origin
			Seed   string
		}
	}
	if err := json.NewDecoder(member).Decode(&metadata); err != nil {
		t.Fatal(err)
	}
	d := metadata.Depthwise
	if !slices.Equal(d.Classes, c.w.Classes) || d.Preprocess.Resolution != 32 || d.Preprocess.Crop != 0.8 || d.Origin.License != "apache-2.0" || d.Seed != "7" {
		t.Errorf("metadata %+v", d)
	}
}
