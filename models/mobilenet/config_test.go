package mobilenet

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"depthwise.dev/internal/validate"
	"depthwise.dev/models"
)

// config returns a variant for a test.
func config(t testing.TB, arch, variant string) Config {
	t.Helper()
	c, err := Default(arch, variant)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func graph(t testing.TB, c Config) *models.Graph {
	t.Helper()
	g, err := c.Graph()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestVariantsAreValid(t *testing.T) {
	for _, arch := range Archs() {
		if Describe(arch, "") == "" {
			t.Errorf("%s has no description", arch)
		}
		for _, name := range Variants(arch) {
			c := config(t, arch, name)
			if c.Arch != arch || c.Variant != name || c.Width != 1 || c.Resolution != 224 || c.Classes != 1000 {
				t.Errorf("%s %s: %+v", arch, name, c)
			}
			if err := c.Validate(); err != nil {
				t.Errorf("%s %s: %v", arch, name, err)
			}
			if Describe(arch, name) == "" {
				t.Errorf("%s %s has no description", arch, name)
			}
		}
	}
}

// The table of variants, as FORMATS and the peers' code have it.
func TestVariants(t *testing.T) {
	half := [3]float64{0.5, 0.5, 0.5}
	imageNet := [3]float64{0.485, 0.456, 0.406}
	for _, tc := range []struct {
		arch, variant  string
		bias           bool
		activation     models.Function
		padding        models.Padding
		eps, momentum  float64
		dropout        float64
		mean           [3]float64
		firstDeviation float64
	}{
		{"mobilenet_v1", "paper", false, models.ReLU, models.Symmetric, 1e-5, 0.1, 0, imageNet, 0.229},
		{"mobilenet_v1", "article", true, models.ReLU, models.Same, 1e-3, 0.01, 0, [3]float64{}, 1},
		{"mobilenet_v1", "keras", false, models.ReLU6, KerasPadding, 1e-3, 0.01, 1e-3, half, 0.5},
		{"mobilenet_v1", "timm", false, models.ReLU6, models.Symmetric, 1e-5, 0.1, 0, half, 0.5},
		{"mobilenet_v1", "hf", false, models.ReLU6, models.Same, 1e-3, 0.0003, 0.999, half, 0.5},
		{"mobilenet_v2", "torchvision", false, models.ReLU6, models.Symmetric, 1e-5, 0.1, 0.2, imageNet, 0.229},
		{"mobilenet_v2", "timm", false, models.ReLU6, models.Symmetric, 1e-5, 0.1, 0, imageNet, 0.229},
		{"mobilenet_v2", "keras", false, models.ReLU6, models.Same, 1e-3, 0.001, 0, half, 0.5},
		{"mobilenet_v2", "hf", false, models.ReLU6, models.Same, 1e-3, 0.003, 0.8, half, 0.5},
	} {
		c := config(t, tc.arch, tc.variant)
		want := Config{Arch: tc.arch, Variant: tc.variant, Width: 1, Resolution: 224, Classes: 1000, Activation: tc.activation, Padding: tc.padding,
			ConvBias: tc.bias, BNEps: tc.eps, BNMomentum: tc.momentum, Dropout: tc.dropout}
		if c != want {
			t.Errorf("got %+v, want %+v", c, want)
		}
		p, err := c.Preprocessing()
		if err != nil || p.Mean != tc.mean || p.Std[0] != tc.firstDeviation {
			t.Errorf("%s %s: preprocessing %+v, error %v", tc.arch, tc.variant, p, err)
		}
	}
	if _, err := (Config{Arch: "mobilenet_v1", Variant: "x"}).Preprocessing(); err == nil {
		t.Error("an unknown variant has a preprocessing")
	}
}

func TestDefaults(t *testing.T) {
	for _, tc := range []struct{ arch, variant, want string }{
		{"mobilenet_v1", "", "paper"},
		{"mobilenet_v1", "slim", "hf"},
		{"mobilenet_v2", "", "torchvision"},
	} {
		if c := config(t, tc.arch, tc.variant); c.Variant != tc.want {
			t.Errorf("%s %q is %s, want %s", tc.arch, tc.variant, c.Variant, tc.want)
		}
	}
}

func TestUnknownNamesListTheKnown(t *testing.T) {
	for _, tc := range []struct{ name, arch, variant, want string }{
		{"variant", "mobilenet_v1", "papr", `variant "papr": did you mean paper? allowed: paper, article, keras, timm, hf`},
		{"variant of another architecture", "mobilenet_v2", "article", `variant "article": allowed: torchvision, timm, keras, hf`},
		{"alias of another architecture", "mobilenet_v2", "slim", `variant "slim": allowed: torchvision, timm, keras, hf`},
		{"architecture", "mobilenet_v9", "", `arch "mobilenet_v9": did you mean mobilenet_v1? allowed: mobilenet_v1, mobilenet_v2`},
		{"no architecture", "", "paper", `arch "": allowed: mobilenet_v1, mobilenet_v2`},
	} {
		_, err := Default(tc.arch, tc.variant)
		if _, ok := errors.AsType[*validate.Error](err); !ok || err.Error() != tc.want {
			t.Errorf("%s: %v, want %s", tc.name, err, tc.want)
		}
	}
	if Variants("mobilenet_v9") != nil || Describe("mobilenet_v9", "") != "" || Describe("mobilenet_v1", "papr") != "" {
		t.Error("unknown names are described")
	}
}

func TestValidateNamesEachWrongField(t *testing.T) {
	for _, tc := range []struct {
		field string // as users write it
		spoil func(*Config)
	}{
		{"arch", func(c *Config) { c.Arch = "resnet" }},
		{"variant", func(c *Config) { c.Variant = "" }},
		{"variant", func(c *Config) { c.Variant = "torchvision" }},
		{"width", func(c *Config) { c.Width = 0 }},
		{"width", func(c *Config) { c.Width = math.NaN() }},
		{"width", func(c *Config) { c.Width = 64 }},
		{"resolution", func(c *Config) { c.Resolution = 0 }},
		{"resolution", func(c *Config) { c.Resolution = 1 << 14 }},
		{"classes", func(c *Config) { c.Classes = -1 }},
		{"activation", func(c *Config) { c.Activation = "gelu" }},
		{"padding", func(c *Config) { c.Padding = "valid" }},
		{"bn_eps", func(c *Config) { c.BNEps = 0 }},
		{"bn_eps", func(c *Config) { c.BNEps = math.Inf(1) }},
		{"bn_momentum", func(c *Config) { c.BNMomentum = 1.5 }},
		{"dropout", func(c *Config) { c.Dropout = 1 }},
		{"dropout", func(c *Config) { c.Dropout = math.NaN() }},
	} {
		c := config(t, "mobilenet_v1", "paper")
		tc.spoil(&c)
		invalid, ok := errors.AsType[*validate.Error](c.Validate())
		if !ok || len(invalid.Fields) != 1 || invalid.Fields[0].Field != tc.field || strings.Contains(invalid.Error(), "\n") {
			t.Errorf("%s: %v", tc.field, c.Validate())
		}
		if g, err := c.Graph(); g != nil || err == nil {
			t.Errorf("%s: a graph of a wrong configuration, error %v", tc.field, err)
		}
	}
	c := config(t, "mobilenet_v1", "paper")
	c.Width, c.Classes = -1, 0
	if invalid, ok := errors.AsType[*validate.Error](c.Validate()); !ok || len(invalid.Fields) != 2 {
		t.Errorf("two wrong fields: %v", c.Validate())
	}
	if err := (Config{}).Validate(); err == nil || !strings.Contains(err.Error(), "width 0") {
		t.Errorf("the zero value: %v", err)
	}
}

func TestConfigSurvivesJSONAndYAML(t *testing.T) {
	want := config(t, "mobilenet_v1", "article")
	want.Width, want.Dropout = 0.75, 0.001
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var fromJSON, fromYAML Config
	if err := json.Unmarshal(text, &fromJSON); err != nil {
		t.Fatal(err)
	}
	if text, err = yaml.Marshal(want); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &fromYAML); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(fromJSON, want) || !reflect.DeepEqual(fromYAML, want) {
		t.Errorf("JSON %+v, YAML %+v, want %+v", fromJSON, fromYAML, want)
	}
	for _, line := range []string{"bn_momentum: 0.01", "arch: mobilenet_v1", "variant: article"} {
		if !slices.Contains(strings.Split(string(text), "\n"), line) {
			t.Errorf("%s is missing in the YAML %s", line, text)
		}
	}
}

func TestConfigText(t *testing.T) {
	c := config(t, "mobilenet_v2", "timm")
	c.Width, c.Resolution, c.Classes = 0.5, 96, 10
	if got := c.String(); got != "mobilenet_v2 timm, width 0.5, resolution 96, 10 classes" {
		t.Error(got)
	}
	if got := graph(t, c).String(); got != "mobilenet_v2 timm, width 0.5, input (3, 96, 96), 10 classes" {
		t.Error(got)
	}
}
