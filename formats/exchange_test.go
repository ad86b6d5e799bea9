package formats

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/checkpoints"
	"depthwise.dev/data"
	"depthwise.dev/formats/peers"
	"depthwise.dev/models"
	"depthwise.dev/models/mobilenet"
	"depthwise.dev/weights"
	"depthwise.dev/weights/weightstest"
)

// special makes weights whose values a conversion would change: NaN with a payload, infinities, negative zero, subnormals.
func special(t testing.TB, w weights.Weights) weights.Weights {
	t.Helper()
	values, err := w.Values()
	if err != nil {
		t.Fatal(err)
	}
	copy(values[w.Graph.Layers[0].Name+".weight"], []float32{math.Float32frombits(0x7fc12345), float32(math.Inf(1)), float32(math.Inf(-1)),
		float32(math.Copysign(0, -1)), math.SmallestNonzeroFloat32, math.MaxFloat32})
	return w
}

// bits are the values of arrays as integers, which compare NaNs too.
func bits(t testing.TB, w weights.Weights) map[string][]uint32 {
	t.Helper()
	values, err := w.Values()
	if err != nil {
		t.Fatal(err)
	}
	result := map[string][]uint32{}
	for name, list := range values {
		for _, v := range list {
			result[name] = append(result[name], math.Float32bits(v))
		}
	}
	return result
}

// TestExchange: what other tools get is read back bit for bit, with network, classes and preprocessing; networks that a tool
// does not have are refused with the reason, and nothing is written.
func TestExchange(t *testing.T) {
	biased := func(c *mobilenet.Config) { c.ConvBias = true }
	for _, c := range []struct {
		name, format, arch, variant string
		width                       float64
		change                      func(*mobilenet.Config)
		want                        string // part of the error; "": none
	}{
		{"v2", "torchvision", "mobilenet_v2", "torchvision", 0.5, nil, ""},
		{"v2 of timm", "torchvision", "mobilenet_v2", "timm", 0.35, nil, ""},
		{"v2, an unusual width", "torchvision", "mobilenet_v2", "torchvision", 0.3, nil, ""},
		{"v2, another epsilon", "torchvision", "mobilenet_v2", "torchvision", 0.35, func(c *mobilenet.Config) { c.BNEps = 1e-3 }, ""},
		{"v2, relu", "torchvision", "mobilenet_v2", "torchvision", 0.35, func(c *mobilenet.Config) { c.Activation = models.ReLU }, "activation of layer conv_stem is relu6, that of the weights relu"},
		{"v2 of Keras at an even size", "torchvision", "mobilenet_v2", "keras", 0.35, nil, "padding of layer conv_stem is 1+1 rows and 1+1 columns, that of the weights 0+1 rows"},
		{"v2 of Keras where all sizes are odd", "torchvision", "mobilenet_v2", "keras", 0.35, func(c *mobilenet.Config) { c.Resolution = 33 }, ""},
		{"v2 of Transformers, without the first residual", "torchvision", "mobilenet_v2", "hf", 0.25, nil, "no such network"},
		{"biases", "torchvision", "mobilenet_v2", "torchvision", 0.35, biased, "convolutions have no biases"},
		{"v1", "torchvision", "mobilenet_v1", "paper", 0.25, nil, "torchvision has no such network: it has no mobilenet_v1"},

		{"v1 of timm", "timm", "mobilenet_v1", "timm", 0.25, nil, ""},
		{"v1, relu", "timm", "mobilenet_v1", "paper", 0.25, nil, ""},
		{"v1, TensorFlow's padding", "timm", "mobilenet_v1", "hf", 0.25, nil, ""},
		{"v1 of Keras where all sizes are even", "timm", "mobilenet_v1", "keras", 0.25, nil, ""},
		{"v1 of Keras at an odd size", "timm", "mobilenet_v1", "keras", 0.25, func(c *mobilenet.Config) { c.Resolution = 36 }, "padding of layer blocks.2.0.conv_dw"},
		{"v1, channels that are no multiples of 8", "timm", "mobilenet_v1", "paper", 0.3, nil, "other channels at every width"},
		{"article", "timm", "mobilenet_v1", "article", 0.25, nil, "convolutions have no biases"},
		{"v2", "timm", "mobilenet_v2", "torchvision", 0.35, nil, ""},

		{"v1", "hf", "mobilenet_v1", "hf", 0.25, nil, ""},
		{"v1 of the paper", "hf", "mobilenet_v1", "paper", 0.3, nil, ""},
		{"v1 of timm", "hf", "mobilenet_v1", "timm", 0.3, nil, "other channels at every width"},
		{"v1 of Keras", "hf", "mobilenet_v1", "keras", 0.5, nil, ""},
		{"article", "hf", "mobilenet_v1", "article", 0.25, nil, "convolutions have no biases"},
		{"v2", "hf", "mobilenet_v2", "hf", 0.35, nil, ""},
		{"v2 of torchvision", "hf", "mobilenet_v2", "torchvision", 0.5, nil, ""},
		{"v2 of torchvision with the first residual", "hf", "mobilenet_v2", "torchvision", 0.25, nil, "no layer blocks.0.0.add"},
	} {
		t.Run(c.format+" "+c.name, func(t *testing.T) {
			config, err := mobilenet.Default(c.arch, c.variant)
			if err != nil {
				t.Fatal(err)
			}
			config.Width, config.Resolution, config.Classes = c.width, 32, 3
			if c.change != nil {
				c.change(&config)
			}
			w := special(t, weightstest.OfConfig(t, config, []string{"größe <&>", "größe <&>", "\"\n"}))
			w.Preprocess.Interpolation = data.Bicubic
			dir := t.TempDir()
			from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
			if err := w.Write(from); err != nil {
				t.Fatal(err)
			}
			if w, err = Read(from); err != nil {
				t.Fatal(err)
			}
			err = Export(ExportOptions{Weights: from, Format: c.format, Output: to})
			if c.want != "" {
				if !errors.Is(err, peers.ErrForeign) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "TorchScript") {
					t.Errorf("error %v, want %q and advice", err, c.want)
				}
				if files, _ := os.ReadDir(dir); len(files) != 1 {
					t.Errorf("wrote %v", files)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got, err := Read(to)
			if err != nil {
				t.Fatal(err)
			}
			if a, b := bits(t, got), bits(t, w); !reflect.DeepEqual(a, b) {
				t.Error("the arrays differ")
			}
			if *got.Config != *w.Config || !reflect.DeepEqual(got.Graph, w.Graph) || !slices.Equal(got.Classes, w.Classes) || got.Preprocess != w.Preprocess {
				t.Errorf("read %+v %q %+v, want %+v %q %+v", got.Config, got.Classes, got.Preprocess, w.Config, w.Classes, w.Preprocess)
			}
		})
	}
}

// TestExchangeWithoutMetadata: the files without what this program adds are the tool's own, and are read as such.
func TestExchangeWithoutMetadata(t *testing.T) {
	for _, c := range []struct {
		format Format
		w      weights.Weights
	}{
		{timm, weightstest.Variant(t, "mobilenet_v1", "timm", 0.25, "a", "b")},
		{huggingFace, weightstest.Variant(t, "mobilenet_v1", "hf", 0.25, "a", "b")},
		{huggingFace, weightstest.Variant(t, "mobilenet_v2", "hf", 0.35, "a", "b")},
	} {
		t.Run(c.format.Name+" "+c.w.Config.Arch, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "w")
			if err := c.format.Write(path, c.w, WriteOptions{}); err != nil {
				t.Fatal(err)
			}
			file, err := Find(path)
			if err != nil {
				t.Fatal(err)
			}
			f, err := checkpoints.Read(file)
			if err != nil {
				t.Fatal(err)
			}
			f.Meta = nil
			if err := checkpoints.Write(file, f); err != nil {
				t.Fatal(err)
			}
			got, err := Read(path)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(bits(t, got), bits(t, c.w)) || got.Config.Arch != c.w.Config.Arch || got.Config.Variant != c.w.Config.Variant || got.Config.Width != c.w.Config.Width {
				t.Errorf("read %+v, want %+v", got.Config, c.w.Config)
			}
			if !c.format.Folder {
				return
			}
			want := c.w.Preprocess
			want.Interpolation = data.Bilinear
			if got.Preprocess != want || !slices.Equal(got.Classes, c.w.Classes) || got.Config.Dropout != c.w.Config.Dropout {
				t.Errorf("read %+v %q %+v, want %+v %q %+v", got.Config, got.Classes, got.Preprocess, c.w.Config, c.w.Classes, want)
			}
		})
	}
}

// TestTransformersRefusesFits: its image processors neither pad nor letterbox.
func TestTransformersRefusesFits(t *testing.T) {
	w := weightstest.New(t)
	w.Preprocess.Fit = data.FitLetterbox
	path := filepath.Join(t.TempDir(), "w")
	err := huggingFace.Write(path, w, WriteOptions{})
	if !errors.Is(err, peers.ErrForeign) || !strings.Contains(err.Error(), "letterbox") {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("wrote a folder")
	}
}

// TestUsage: the code that constructs each network. It was run with timm 1.0.31 and torchvision 0.29.2.
func TestUsage(t *testing.T) {
	for _, c := range []struct {
		format        Format
		arch, variant string
		width         float64
		want          string
	}{
		{timm, "mobilenet_v1", "timm", 1, `timm.create_model("mobilenetv1_100", num_classes=2, checkpoint_path="f").eval()`},
		{timm, "mobilenet_v1", "hf", 1.25, `timm.create_model("mobilenetv1_125", num_classes=2, bn_eps=0.001, pad_type="same", checkpoint_path="f").eval()`},
		{timm, "mobilenet_v1", "paper", 1, `timm.create_model("mobilenetv1_100", num_classes=2, act_layer="relu", checkpoint_path="f").eval()`},
		{timm, "mobilenet_v2", "torchvision", 0.35, `timm.create_model("mobilenetv2_035", num_classes=2, checkpoint_path="f").eval()`},
		{timm, "mobilenet_v2", "timm", 0.25, `model = timm.models.efficientnet._gen_mobilenet_v2("mobilenetv2_100", 0.25, num_classes=2); timm.models.load_checkpoint(model, "f"); model.eval()`},
		{timm, "mobilenet_v1", "article", 1, ""},
		{torchvision, "mobilenet_v2", "torchvision", 1, `model = torchvision.models.mobilenet_v2(num_classes=2); model.load_state_dict(torch.load("f")); model.eval()`},
		{torchvision, "mobilenet_v2", "torchvision", 0.5, `model = torchvision.models.mobilenet_v2(num_classes=2, width_mult=0.5); model.load_state_dict(torch.load("f")); model.eval()`},
		{torchvision, "mobilenet_v1", "paper", 1, ""},
		{huggingFace, "mobilenet_v1", "hf", 1, `transformers.pipeline("image-classification", "f")`},
		{scripted, "mobilenet_v1", "article", 1, `torch.jit.load("f")`},
	} {
		if got := c.format.Usage("f", weightstest.Variant(t, c.arch, c.variant, c.width, "a", "b")); got != c.want {
			t.Errorf("%s: %s, want %s", c.format.Name, got, c.want)
		}
	}
}

// TestTorchScriptMetadata: the extra file has classes and preprocessing as JSON values, and the origin.
func TestTorchScriptMetadata(t *testing.T) {
	w := weightstest.Of(t, "<&>", "a", "größe\u2028")
	if err := w.SetPublishedOrigin(weights.Origin{Name: "n", License: "mit"}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "w.torchscript")
	if err := scripted.Write(path, w, WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	file, err := z.Open("archive/extra/metadata.json")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(file)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Classes    []string
		Preprocess struct{ Resolution int }
		Origin     weights.Origin
		Step       string
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Classes, w.Classes) || got.Preprocess.Resolution != 32 || got.Origin.License != "mit" || got.Step != "7" {
		t.Errorf("%s", text)
	}
	meta, err := parseMetadata(text)
	f, fileErr := w.File()
	if err != nil || fileErr != nil || !reflect.DeepEqual(meta, f.Meta) {
		t.Errorf("%q, want %q, %v", meta, f.Meta, err)
	}
}

// FuzzMetadata: any text is read or refused.
func FuzzMetadata(f *testing.F) {
	f.Add([]byte(`{"classes": ["a"], "step": "7", "model": {}}`))
	f.Add([]byte(`{"step": 7}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, text []byte) {
		meta, err := parseMetadata(text)
		if err == nil {
			_, _ = weights.FromFile(checkpoints.File{Meta: meta})
		}
	})
}
