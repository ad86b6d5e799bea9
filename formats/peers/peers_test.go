package peers

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/checkpoints"
	"depthwise.dev/internal/validate"
	"depthwise.dev/models/mobilenet"
)

// peerFile is a network of another tool as backend/testdata/make_peers.py describes it.
type peerFile struct {
	Arch, Variant string
	Width         float64
	Classes       int
	Arrays        []struct {
		Name  string
		Shape []int
	}
}

// peerFiles are the networks that the tools themselves made, by file name.
func peerFiles(t testing.TB) map[string]peerFile {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("..", "..", "backend", "testdata", "peers", "*.json"))
	if err != nil || len(paths) < 12 {
		t.Fatalf("%d files, %v", len(paths), err)
	}
	files := map[string]peerFile{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var p peerFile
		if err := json.Unmarshal(text, &p); err != nil {
			t.Fatal(err)
		}
		files[strings.TrimSuffix(filepath.Base(path), ".json")] = p
	}
	return files
}

// state has the arrays of a network; the values of each are its index in the file.
func (p peerFile) state() State {
	s := State{Keras: p.Variant == "keras" || p.Variant == "article"}
	for i, a := range p.Arrays {
		s.Arrays = append(s.Arrays, constant(a.Name, float32(i), a.Shape...))
	}
	return s
}

func constant(name string, value float32, shape ...int) Array {
	n := 1
	for _, d := range shape {
		n *= d
	}
	values := make([]float32, n)
	for i := range values {
		values[i] = value
	}
	return Array{name, shape, values}
}

// TestInfers: architecture, variant and classes from the names and shapes of the tools' own networks, and a width with the
// same channels.
func TestInfers(t *testing.T) {
	for name, p := range peerFiles(t) {
		t.Run(name, func(t *testing.T) {
			w, err := Weights(p.state(), Options{})
			if err != nil {
				t.Fatal(err)
			}
			if c := *w.Config; c.Arch != p.Arch || c.Variant != p.Variant || c.Classes != p.Classes || c.Width != p.Width || c.Resolution != 224 {
				t.Errorf("inferred %v, want %s %s, width %v, %d classes", c, p.Arch, p.Variant, p.Width, p.Classes)
			}
			if len(w.Arrays) != len(w.Graph.Arrays()) || len(w.Arrays) != len(p.Arrays) {
				t.Errorf("%d arrays of %d", len(w.Arrays), len(p.Arrays))
			}
			if len(w.Classes) != p.Classes || w.Classes[1] != "1" || w.Preprocess.Resolution != 224 || !strings.Contains(w.Origin, "without names") {
				t.Errorf("classes %q, preprocessing %+v, %q", w.Classes, w.Preprocess, w.Origin)
			}
		})
	}
}

// stateOf is the state of a scheme's network.
func stateOf(t testing.TB, s *scheme, c mobilenet.Config) State {
	t.Helper()
	g, err := c.Graph()
	if err != nil {
		t.Fatal(err)
	}
	result := State{Keras: s.tool == toolKeras}
	for i, p := range s.places(g) {
		result.Arrays = append(result.Arrays, constant(p.names[0], float32(i), p.shapes()[0]...))
	}
	return result
}

func config(t testing.TB, arch, variant string, width float64) mobilenet.Config {
	t.Helper()
	c, err := mobilenet.Default(arch, variant)
	if err != nil {
		t.Fatal(err)
	}
	c.Width, c.Classes = width, 7
	return c
}

// TestWidths: the network of every variant is found at any width, if not by the same width, then by one with the same
// channels. Variants of one scheme with the same channels cannot be told apart.
func TestWidths(t *testing.T) {
	for i := range schemes {
		s := &schemes[i]
		for _, width := range []float64{0.05, 0.125, 0.3, 0.333, 0.35, 0.5} {
			c := config(t, s.arch, s.variants[0], width)
			w, err := Weights(stateOf(t, s, c), Options{})
			if err != nil {
				t.Errorf("%s, %v: %v", s.name, c, err)
				continue
			}
			want, err := c.Graph()
			if err != nil {
				t.Fatal(err)
			}
			for i, a := range want.Arrays() {
				if got := w.Graph.Arrays()[i]; got.Name != a.Name || !slices.Equal(got.Shape, a.Shape) {
					t.Fatalf("%s, %v: found %v, %s has shape %v", s.name, c, *w.Config, got.Name, got.Shape)
				}
			}
			if w.Config.Arch != s.arch || w.Config.Variant != c.Variant {
				t.Errorf("%s: found %v, want %v", s.name, *w.Config, c)
			}
		}
	}
}

// TestRoundWidths: of the widths with the same channels, the roundest is found.
func TestRoundWidths(t *testing.T) {
	for _, i := range []int{0, 1} {
		for _, width := range []float64{0.25, 0.5, 0.75, 1, 1.25} {
			w, err := Weights(stateOf(t, &schemes[i], config(t, schemes[i].arch, "timm", width)), Options{})
			if err != nil || w.Config.Width != width {
				t.Errorf("%s at width %v: %v", schemes[i].arch, width, err)
			}
		}
	}
}

// TestTimmNamesOfOtherVariants: our own exports have timm's names whatever the variant.
func TestTimmNamesOfOtherVariants(t *testing.T) {
	for _, c := range []struct {
		variant, want, option string
		width                 float64
	}{
		{"article", "article", "", 0.25}, // biases
		{"paper", "paper", "", 0.3},      // channels that timm's rounding does not give
		{"paper", "timm", "", 0.25},      // the same channels
		{"paper", "paper", "paper", 0.25},
		{"keras", "keras", "keras", 0.25},
		{"hf", "hf", "slim", 0.25}, // an alias
	} {
		w, err := Weights(stateOf(t, &schemes[0], config(t, "mobilenet_v1", c.variant, c.width)), Options{Variant: c.option})
		if err != nil {
			t.Errorf("%+v: %v", c, err)
			continue
		}
		if w.Config.Variant != c.want || w.Config.Width != c.width {
			t.Errorf("%+v: found %v", c, *w.Config)
		}
	}
}

func TestUnknownVariant(t *testing.T) {
	_, err := Weights(stateOf(t, &schemes[0], config(t, "mobilenet_v1", "timm", 0.25)), Options{Variant: "torchvision"})
	if _, ok := errors.AsType[*validate.Error](err); !ok || !strings.Contains(err.Error(), "the arrays are of mobilenet_v1") {
		t.Error(err)
	}
}

// TestLayouts: kernels of Keras are transposed, and a head may be a 1x1 convolution.
func TestLayouts(t *testing.T) {
	count := func(a Array) Array {
		for i := range a.Values {
			a.Values[i] = float32(i)
		}
		return a
	}
	for _, c := range []struct {
		name string
		kind kind
		in   Array
		out  int
		k    int
		want []float32
	}{
		{"kernel", kernel, count(constant("", 0, 2, 1, 2, 3)), 3, 2, []float32{0, 6, 3, 9, 1, 7, 4, 10, 2, 8, 5, 11}},
		{"depthwise", depthwise, count(constant("", 0, 2, 1, 3, 1)), 3, 2, []float32{0, 3, 1, 4, 2, 5}},
		{"dense", dense, count(constant("", 0, 2, 3)), 3, 1, []float32{0, 3, 1, 4, 2, 5}},
	} {
		if got := transposed(c.in.Values, c.out, c.k); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	s := stateOf(t, &schemes[0], config(t, "mobilenet_v1", "timm", 0.25))
	for i, a := range s.Arrays {
		if a.Name == "classifier.weight" {
			s.Arrays[i].Shape = []int{a.Shape[0], a.Shape[1], 1, 1}
		}
	}
	if _, err := Weights(s, Options{}); err != nil {
		t.Errorf("a head that is a convolution: %v", err)
	}
}

// TestPrefixes: prefixes of wrappers and arrays that are no weights.
func TestPrefixes(t *testing.T) {
	for _, prefix := range []string{"", "module.", "_orig_mod.", "model.", "module.model.", "module._orig_mod.module."} {
		for _, i := range []int{0, 2, 3} { // timm, torchvision, Hugging Face
			s := &schemes[i]
			state := stateOf(t, s, config(t, s.arch, s.variants[0], 0.25))
			for i := range state.Arrays {
				state.Arrays[i].Name = prefix + state.Arrays[i].Name
			}
			state.Arrays = append(state.Arrays, constant("n_averaged", 1), constant(prefix+"bn1.num_batches_tracked", 1))
			w, err := Weights(state, Options{})
			if err != nil || w.Config.Variant != s.variants[0] {
				t.Errorf("%s with %q: %v", s.name, prefix, err)
			}
		}
	}
}

// TestAverage: of a checkpoint with a moving average, the average is used and the weights are kept as the raw ones.
func TestAverage(t *testing.T) {
	c := config(t, "mobilenet_v1", "timm", 0.25)
	s, average := stateOf(t, &schemes[0], c), stateOf(t, &schemes[0], c)
	for i := range average.Arrays {
		average.Arrays[i].Name = "module." + average.Arrays[i].Name
		average.Arrays[i].Values[0] = 0.5
	}
	s.Average = append(average.Arrays, constant("n_averaged", 1))
	w, err := Weights(s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	first := func(list []checkpoints.Array) float32 {
		v, err := checkpoints.Values[float32](list[3])
		if err != nil {
			t.Fatal(err)
		}
		return v[0]
	}
	if first(w.Arrays) != 0.5 || first(w.Raw) != 3 || first(w.Plain().Arrays) != 3 {
		t.Errorf("average %v, raw %v", first(w.Arrays), first(w.Raw))
	}
	s.Arrays = s.Arrays[1:]
	if _, err := Weights(s, Options{}); !errors.Is(err, ErrMisfit) || !strings.Contains(err.Error(), "beside their moving average") {
		t.Errorf("incomplete: %v", err)
	}
}

// TestMisfit: what does not fit is refused with a table.
func TestMisfit(t *testing.T) {
	without := func(list []Array, names ...string) []Array {
		return slices.DeleteFunc(slices.Clone(list), func(a Array) bool { return slices.Contains(names, a.Name) })
	}
	for _, c := range []struct {
		name   string
		change func([]Array) []Array
		want   []string
		rows   int // of the table
	}{
		{"missing", func(l []Array) []Array { return without(l, "bn1.bias") }, []string{"1 missing, 0 unexpected, 0 of another shape", "missing    bn1.bias (8)"}, 1},
		{"unexpected", func(l []Array) []Array { return append(l, constant("fc.weight", 0, 2, 3)) }, []string{"0 missing, 1 unexpected", "unexpected fc.weight (2, 3)"}, 1},
		{"wrong shape", func(l []Array) []Array {
			return append(without(l, "conv_stem.weight"), constant("conv_stem.weight", 0, 8, 1, 3, 3))
		},
			[]string{"1 of another shape", "shape      conv_stem.weight (8, 1, 3, 3), expected (8, 3, 3, 3)"}, 1},
		{"a scalar", func(l []Array) []Array { return append(without(l, "bn1.bias"), constant("bn1.bias", 0)) }, []string{"shape      bn1.bias (), expected (8)"}, 1},
		{"all three", func(l []Array) []Array {
			return append(without(l, "bn1.bias", "bn1.weight"), constant("x", 0), constant("bn1.weight", 0, 9))
		},
			[]string{"1 missing, 1 unexpected, 1 of another shape"}, 3},
		{"no head", func(l []Array) []Array { return without(l, "classifier.weight", "classifier.bias") }, []string{"2 missing", "classifier.weight"}, 2},
		{"many unexpected", func(l []Array) []Array {
			for i := range 50 {
				l = append(l, constant(fmt.Sprint("x.", i), 0))
			}
			return l
		}, []string{"50 unexpected", "unexpected and 30 more"}, 21},
		{"many of two groups", func(l []Array) []Array {
			for i := range 50 {
				l = append(l, constant(fmt.Sprint("x.", i), 0))
			}
			return without(l, "bn1.weight", "bn1.bias", "conv_stem.weight")
		}, []string{"3 missing, 50 unexpected", "missing    bn1.bias", "unexpected and 40 more"}, 14},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := stateOf(t, &schemes[0], config(t, "mobilenet_v1", "timm", 0.25))
			s.Arrays = c.change(s.Arrays)
			_, err := Weights(s, Options{})
			if !errors.Is(err, ErrMisfit) {
				t.Fatal(err)
			}
			for _, want := range append(c.want, "names of timm", "mobilenet_v1 timm, width 0.25") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("no %q in %v", want, err)
				}
			}
			if rows := strings.Count(err.Error(), "\n"); rows != c.rows {
				t.Errorf("%d rows, want %d: %v", rows, c.rows, err)
			}
		})
	}
}

// TestKerasNames brings the names of Keras' files to one form.
func TestKerasNames(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"model_weights/conv1/conv1/kernel", "conv1/kernel"},
		{"conv1/conv1/kernel:0", "conv1/kernel"}, // weights of Keras 2
		{"conv_dw_1/conv_dw_1/depthwise_kernel:0", "conv_dw_1/kernel"},
		{"model_weights/mobilenet_1.00_224/conv1_bn/gamma", "conv1_bn/gamma"}, // a model in a model
		{"layers/conv2d/vars/0", "conv2d/kernel"},
		{"layers/conv2d_2/vars/1", "conv2d_1/bias"}, // numbers without gaps
		{"layers/functional/layers/batch_normalization/vars/3", "batch_normalization/moving_variance"},
		{"layers/depthwise_conv2d/vars/0", "depthwise_conv2d/kernel"},
		{"model_weights/dense_7/dense_7/kernel", "dense/kernel"}, // the second model of a session
		{"block_1_expand_BN/moving_mean", "block_1_expand_BN/moving_mean"},
		{"layers/conv2d/vars/9", "conv2d/9"},
		{"kernel", "/kernel"},
	} {
		arrays := []named{{name: c.name}}
		if strings.Contains(c.name, "conv2d_2") {
			arrays = append(arrays, named{name: "layers/conv2d/vars/0"})
		}
		if normalizeKeras(arrays); arrays[0].name != c.want {
			t.Errorf("%s: %s, want %s", c.name, arrays[0].name, c.want)
		}
	}
}

// TestKerasHeads: keras.applications' models of any version and with a Dense layer of the user's.
func TestKerasHeads(t *testing.T) {
	for _, c := range []struct {
		scheme int
		head   string
	}{{5, "conv_preds"}, {5, "dense"}, {5, "dense_3"}, {5, "predictions"}, {6, "predictions"}, {6, "Logits"}, {6, "dense"}} {
		s := stateOf(t, &schemes[c.scheme], config(t, schemes[c.scheme].arch, "keras", 0.25))
		for i := range s.Arrays {
			layer, kind, _ := cutLast(s.Arrays[i].Name)
			if layer == "conv_preds" || layer == "predictions" {
				s.Arrays[i].Name = c.head + "/" + kind
			}
		}
		w, err := Weights(s, Options{})
		if err != nil || w.Config.Variant != "keras" || w.Config.Classes != 7 {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// TestTwice: two arrays for one place are refused, not one of them taken.
func TestTwice(t *testing.T) {
	s := stateOf(t, &schemes[5], config(t, "mobilenet_v1", "keras", 0.25))
	s.Arrays = append(s.Arrays, constant("other/conv1/kernel", 0, 3, 3, 3, 8))
	if _, err := Weights(s, Options{}); !errors.Is(err, ErrMisfit) || !strings.Contains(err.Error(), "both") {
		t.Error(err)
	}
}

func TestUnknown(t *testing.T) {
	for _, c := range []struct {
		name string
		s    State
		want string
	}{
		{"no arrays", State{}, "it holds no arrays"},
		{"other names", State{Arrays: []Array{constant("a", 0), constant("b", 0)}}, "its 2 arrays have names such as a, b"},
		{"a Keras model of another kind", State{Keras: true, Arrays: []Array{constant("dense/kernel", 0, 2, 2)}, KerasConfig: []byte(`{"config":{"name":"mlp"}}`)}, `its configuration is of "mlp"`},
	} {
		if _, err := Weights(c.s, Options{}); !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}
