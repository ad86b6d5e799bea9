package modelcard

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"depthwise.dev/data"
	"depthwise.dev/models"
	"depthwise.dev/models/mobilenet"
	"depthwise.dev/weights"
	"depthwise.dev/weights/weightstest"
)

var update = flag.Bool("update", false, "write the cards in testdata")

// published is an origin with a license.
var published = weights.Origin{Name: "timm/mobilenetv1_100.ra4_e3600_r224_in1k",
	Address:  "https://huggingface.co/timm/mobilenetv1_100.ra4_e3600_r224_in1k/resolve/0123/model.safetensors",
	Revision: "0123", SHA256: strings.Repeat("ab", 32), License: "Apache-2.0",
	LicenseURL: "https://huggingface.co/timm/mobilenetv1_100.ra4_e3600_r224_in1k", Dataset: "imagenet-1k"}

const someBest = `{"step":76,"epoch":4,"top1":0.955,"top5":0.995,"loss":0.3803759}`

// of returns weights of a MobileNet of three classes.
func of(t *testing.T, arch, variant string, origin *weights.Origin, meta map[string]string) weights.Weights {
	t.Helper()
	w := weightstest.Of(t, `"a": #1`, "b|c\n", "犬 ```")
	c, err := mobilenet.Default(arch, variant)
	if err != nil {
		t.Fatal(err)
	}
	c.Width, c.Resolution, c.Classes = 0.5, 64, 3
	if w.Graph, err = c.Graph(); err != nil {
		t.Fatal(err)
	}
	w.Config, w.Meta = &c, map[string]string{}
	w.Preprocess.Resolution, w.Preprocess.Resize = 64, 73
	for key, value := range meta {
		w.Meta[key] = value
	}
	if origin != nil {
		if err := w.SetPublishedOrigin(*origin); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// TestPagesPreprocess: the code in the documentation resizes and crops as that of the cards, which is that of training.
func TestPagesPreprocess(t *testing.T) {
	for page, want := range map[string][]string{
		"onnx.md":   {"int(resize * s / short)", "round((s - side) / 2)"},
		"tflite.md": {"int(256 * side / short)", "round((side - 224) / 2)"},
	} {
		text, err := os.ReadFile(filepath.Join("..", "..", "docs", page))
		if err != nil {
			t.Fatal(err)
		}
		for _, code := range want {
			if !strings.Contains(string(text), code) {
				t.Errorf("%s lacks %s", page, code)
			}
		}
	}
}

// gray returns weights of a graph that is no MobileNet, for images that have no color.
func gray(t *testing.T) weights.Weights {
	t.Helper()
	w := weightstest.Of(t, "a", "b")
	x := models.Input(models.Shape{Channels: 1, Height: 8, Width: 6}).Conv(models.Conv{Out: 2, Kernel: 3}).GlobalAvgPool()
	g, err := models.Build("a `small` network", x.Linear(models.Linear{Out: 2}))
	if err != nil {
		t.Fatal(err)
	}
	w.Graph, w.Config, w.Meta = g, nil, nil
	return w
}

// TestGolden: the whole text of cards.
func TestGolden(t *testing.T) {
	fineTuned := of(t, "mobilenet_v1", "timm", &published, map[string]string{weights.MetaBest: someBest, weights.MetaImages: `{"train":600,"val":200}`})
	fineTuned.SetValSplit(0.25, 7)
	for _, c := range []struct {
		file   string
		w      weights.Weights
		export Export
	}{
		{"finetuned.md", fineTuned, Export{File: "photos_1.onnx", Format: "onnx", Uint8Input: true, DType: "fp16"}},
		{"graph.md", gray(t), Export{File: "net", Format: "go", Folder: true}},
	} {
		got, err := Render(c.w, c.export)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", c.file)
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s differs; go test ./formats/modelcard -update writes it:\n%s", path, got)
		}
	}
}

// header is the front matter as Hugging Face's library reads it.
type header struct {
	License, LibraryName, PipelineTag, BaseModel, LicenseName, LicenseLink string
	Tags, Datasets, Metrics                                                []string
	Results                                                                int
	Value                                                                  float64
}

// parse reads the front matter.
func parse(t *testing.T, card []byte) header {
	t.Helper()
	parts := strings.SplitN(string(card), "---\n", 3)
	if len(parts) != 3 || parts[0] != "" {
		t.Fatalf("no front matter in\n%s", card)
	}
	var y struct {
		License     string   `yaml:"license"`
		LicenseName string   `yaml:"license_name"`
		LicenseLink string   `yaml:"license_link"`
		LibraryName string   `yaml:"library_name"`
		PipelineTag string   `yaml:"pipeline_tag"`
		BaseModel   string   `yaml:"base_model"`
		Tags        []string `yaml:"tags"`
		Datasets    []string `yaml:"datasets"`
		Metrics     []string `yaml:"metrics"`
		Index       []struct {
			Name    string `yaml:"name"`
			Results []struct {
				Task    map[string]string `yaml:"task"`
				Dataset map[string]string `yaml:"dataset"`
				Metrics []struct {
					Type  string  `yaml:"type"`
					Name  string  `yaml:"name"`
					Value float64 `yaml:"value"`
				} `yaml:"metrics"`
			} `yaml:"results"`
		} `yaml:"model-index"`
	}
	d := yaml.NewDecoder(strings.NewReader(parts[1]))
	d.KnownFields(true)
	if err := d.Decode(&y); err != nil {
		t.Fatalf("%v in\n%s", err, parts[1])
	}
	h := header{License: y.License, LibraryName: y.LibraryName, PipelineTag: y.PipelineTag, BaseModel: y.BaseModel, LicenseName: y.LicenseName,
		LicenseLink: y.LicenseLink, Tags: y.Tags, Datasets: y.Datasets, Metrics: y.Metrics}
	if len(y.Index) == 1 && len(y.Index[0].Results) == 1 && y.Index[0].Results[0].Task["type"] == "image-classification" &&
		y.Index[0].Results[0].Dataset["type"] != "" && y.Index[0].Results[0].Dataset["name"] != "" {
		h.Results, h.Value = len(y.Index[0].Results[0].Metrics), y.Index[0].Results[0].Metrics[0].Value
	}
	return h
}

// with returns the published origin with another license and address.
func with(license, url, address string) *weights.Origin {
	o := published
	o.License, o.LicenseURL, o.Address = license, url, address
	return &o
}

// TestLicense: a license is what the origin records, and where none is recorded the card says so.
func TestLicense(t *testing.T) {
	for _, c := range []struct {
		name                string
		origin              *weights.Origin
		license, text       string
		licenseName, linked string
	}{
		{"nothing recorded", nil, "unknown", "**No license and no origin are recorded", "", ""},
		{"known to Hugging Face", with("BSD-3-Clause", "https://x.org/l", "https://x.org/a"), "bsd-3-clause", "| license | `BSD-3-Clause`, stated at <https://x.org/l> |", "", ""},
		{"without an address", with("mit", "", "https://x.org/a"), "mit", "| license | `mit` |", "", ""},
		{"another one", with("Acme: 1.0", "https://x.org/l", "https://x.org/a"), "other", "`Acme: 1.0`", "Acme: 1.0", "https://x.org/l"},
		{"not stated", with(weights.LicenseNotStated, "", "https://x.org/a"), "unknown", "**not stated** by the publisher", "", ""},
		{"unknown", with(weights.LicenseUnknown, "", "https://x.org/a"), "unknown", "**unknown**; see the address", "", ""},
		{"empty", with("", "", "https://x.org/a"), "unknown", "**unknown**; see the address", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			card, err := Render(of(t, "mobilenet_v2", "torchvision", c.origin, nil), Export{File: "a.pth", Format: "torchvision"})
			if err != nil {
				t.Fatal(err)
			}
			h := parse(t, card)
			if h.License != c.license || h.LicenseName != c.licenseName || h.LicenseLink != c.linked || !strings.Contains(string(card), c.text) {
				t.Errorf("license %q %q %q, want %q %q %q and %q in\n%s", h.License, h.LicenseName, h.LicenseLink, c.license, c.licenseName, c.linked, c.text, card)
			}
		})
	}
}

// TestFacts: accuracy, origin and numbers are those of the metadata; nothing stands for what is not recorded.
func TestFacts(t *testing.T) {
	for _, c := range []struct {
		name    string
		meta    map[string]string
		origin  *weights.Origin
		results int
		base    string
		has     []string
		lacks   []string
	}{
		{"nothing", nil, nil, 0, "", []string{"No accuracy is recorded"}, []string{"top-1", "datasets", "base_model"}},
		{"trained", map[string]string{weights.MetaBest: someBest}, nil, 2, "", []string{"| top-1 accuracy | 95.5 % |", "after epoch 4 (step 76)", "numbers of images are not recorded"}, []string{"started from weights of others.", "held out"}},
		{"calibrated", map[string]string{weights.MetaBest: someBest, weights.MetaTemperature: "0.4456919"}, nil, 2, "", []string{"before the calibration, which divided the logits by 0.446"}, nil},
		{"with numbers", map[string]string{weights.MetaBest: someBest, weights.MetaImages: `{"train":3,"val":1}`}, nil, 2, "", []string{"trained on 3 images and validated on 1"}, nil},
		{"held out", map[string]string{weights.MetaBest: someBest, weights.MetaValSplit: "0.07", weights.MetaSeed: "5"}, nil, 2, "", []string{"are 7 % of the images, held out with the seed 5"}, nil},
		{"fine-tuned", map[string]string{weights.MetaBest: someBest}, &published, 2, "timm/mobilenetv1_100.ra4_e3600_r224_in1k", []string{"The training started from published weights"}, nil},
		{"converted", nil, &published, 0, "timm/mobilenetv1_100.ra4_e3600_r224_in1k", []string{"These weights are a conversion of published weights"}, nil},
		{"from another site", nil, with("mit", "", "https://x.org/a/b/resolve/c"), 0, "", []string{"<https://x.org/a/b/resolve/c>"}, []string{"base_model"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := Render(of(t, "mobilenet_v1", "timm", c.origin, c.meta), Export{File: "a.safetensors", Format: "safetensors"})
			if err != nil {
				t.Fatal(err)
			}
			h, card := parse(t, b), string(b)
			if h.Results != c.results || h.BaseModel != c.base || h.PipelineTag != "image-classification" || !slices.Contains(h.Tags, "mobilenet_v1") ||
				(c.results > 0) != slices.Contains(h.Metrics, "accuracy") || c.results > 0 && h.Value != 0.955 || (c.origin != nil) != slices.Contains(h.Datasets, "imagenet-1k") {
				t.Errorf("front matter %+v", h)
			}
			for _, text := range c.has {
				if !strings.Contains(card, text) {
					t.Errorf("lacks %q:\n%s", text, card)
				}
			}
			for _, text := range c.lacks {
				if strings.Contains(card, text) {
					t.Errorf("has %q:\n%s", text, card)
				}
			}
		})
	}
}

// TestTools: five tools, of which one is that of the network's variant. Their code is run by make interop.
func TestTools(t *testing.T) {
	for _, c := range []struct{ arch, variant, tool, library string }{
		{"mobilenet_v1", "timm", "timm", "timm"},
		{"mobilenet_v2", "timm", "timm", "timm"},
		{"mobilenet_v2", "torchvision", "torchvision", "torchvision"},
		{"mobilenet_v1", "hf", "Transformers", "transformers"},
		{"mobilenet_v1", "paper", "PyTorch", "pytorch"},
		{"mobilenet_v2", "keras", "PyTorch", "pytorch"},
	} {
		for format, library := range map[string]string{"safetensors": "depthwise", "onnx": "onnx"} {
			b, err := Render(of(t, c.arch, c.variant, nil, nil), Export{File: "a", Format: format})
			if err != nil {
				t.Fatal(err)
			}
			var tools []string
			for _, line := range strings.Split(string(b), "\n") {
				if name, ok := strings.CutPrefix(line, "### "); ok {
					tools = append(tools, name)
				}
			}
			if want := []string{"Depthwise", c.tool, "ONNX Runtime", "Keras", "LiteRT (TensorFlow Lite)"}; !slices.Equal(tools, want) || parse(t, b).LibraryName != library {
				t.Errorf("%s %s: tools %q, want %q", c.arch, c.variant, tools, want)
			}
		}
	}
}

// TestToolsThatRefuse: a card does not name an export that would be refused.
func TestToolsThatRefuse(t *testing.T) {
	for _, c := range []struct {
		arch, variant string
		change        func(w *weights.Weights)
	}{
		{"mobilenet_v2", "torchvision", func(w *weights.Weights) { w.Config.Activation = models.ReLU }},
		{"mobilenet_v2", "timm", func(w *weights.Weights) { w.Config.BNEps = 1e-3 }},
		{"mobilenet_v1", "hf", func(w *weights.Weights) { w.Preprocess.Fit = data.FitLetterbox }},
	} {
		w := of(t, c.arch, c.variant, nil, nil)
		c.change(&w)
		b, err := Render(w, Export{File: "a.onnx", Format: "onnx"})
		if err != nil || !strings.Contains(string(b), "### PyTorch\n") {
			t.Errorf("%s %s: %v\n%s", c.arch, c.variant, err, b)
		}
	}
}

// TestPreprocessing: code and table follow the preprocessing.
func TestPreprocessing(t *testing.T) {
	for _, c := range []struct {
		name string
		p    data.Preprocess
		has  []string
	}{
		{"default resize", data.Preprocess{Resolution: 64}, []string{"int(73 * s / short)", "Resampling.BILINEAR", "shorter side to 73", "crop fraction 0.8767"}},
		{"bicubic", data.Preprocess{Resolution: 64, Resize: 64, Interpolation: data.Bicubic}, []string{"int(64 * s / short)", "Resampling.BICUBIC", "bicubic, antialiased"}},
		{"letterbox", data.Preprocess{Resolution: 64, Fit: data.FitLetterbox}, []string{"ImageOps.pad(image, (64, 64)", "as large as fits"}},
		{"pad", data.Preprocess{Resolution: 64, Fit: data.FitPad, EXIF: true}, []string{"ImageOps.contain", "canvas.paste", "exif_transpose", "EXIF orientation | applied"}},
		{"normalization", data.Preprocess{Resolution: 64, Mean: [3]float64{0.5, 0.25, 0.125}, Std: [3]float64{1, 2, 3}}, []string{"np.array([0.5, 0.25, 0.125])", "np.array([1, 2, 3])", "0.5, 0.25, 0.125 |"}},
	} {
		w := of(t, "mobilenet_v1", "timm", nil, nil)
		w.Preprocess = c.p
		b, err := Render(w, Export{File: "a.onnx", Format: "onnx"})
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range c.has {
			if !strings.Contains(string(b), text) {
				t.Errorf("%s: lacks %q in\n%s", c.name, text, b)
			}
		}
	}
}

// TestRefuses: metadata that is damaged is an error that names the entry.
func TestRefuses(t *testing.T) {
	for key, value := range map[string]string{weights.MetaBest: "{", weights.MetaImages: "7", weights.MetaOrigin: "[]"} {
		if _, err := Render(of(t, "mobilenet_v1", "timm", nil, map[string]string{key: value}), Export{}); err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s: error %v", key, err)
		}
	}
	w := of(t, "mobilenet_v1", "timm", nil, map[string]string{weights.MetaBest: someBest, weights.MetaValSplit: "x"})
	if _, err := Render(w, Export{}); err == nil || !strings.Contains(err.Error(), weights.MetaValSplit) {
		t.Errorf("error %v", err)
	}
}
