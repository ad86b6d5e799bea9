package mobilenet

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestVariantsAreValid(t *testing.T) {
	for _, name := range Variants() {
		c := variant(t, name)
		if c.Variant != name || c.Width != 1 || c.Resolution != 224 || c.Classes != 1000 {
			t.Errorf("%s: %+v", name, c)
		}
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestUnknownVariantListsTheKnown(t *testing.T) {
	_, err := Variant("papr")
	if err == nil || !strings.Contains(err.Error(), `"papr"`) || !strings.Contains(err.Error(), "paper, article") {
		t.Errorf("got %v", err)
	}
}

func TestValidateNamesEachWrongField(t *testing.T) {
	for _, tc := range []struct {
		field string // as users write it
		spoil func(*Config)
	}{
		{"variant", func(c *Config) { c.Variant = "" }},
		{"width", func(c *Config) { c.Width = 0 }},
		{"width", func(c *Config) { c.Width = math.NaN() }},
		{"width", func(c *Config) { c.Width = 64 }},
		{"resolution", func(c *Config) { c.Resolution = 0 }},
		{"classes", func(c *Config) { c.Classes = -1 }},
		{"activation", func(c *Config) { c.Activation = "gelu" }},
		{"padding", func(c *Config) { c.Padding = "valid" }},
		{"bn_eps", func(c *Config) { c.BNEps = 0 }},
		{"bn_momentum", func(c *Config) { c.BNMomentum = 1.5 }},
		{"dropout", func(c *Config) { c.Dropout = 1 }},
		{"dropout", func(c *Config) { c.Dropout = math.NaN() }},
	} {
		c := variant(t, "paper")
		tc.spoil(&c)
		err := c.Validate()
		if err == nil || !strings.Contains(err.Error(), "mobilenet: "+tc.field+" ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", tc.field, err)
		}
	}
	c := variant(t, "paper")
	c.Width, c.Classes = -1, 0
	if err := c.Validate(); err == nil || strings.Count(err.Error(), "mobilenet: ") != 2 {
		t.Errorf("two wrong fields: %v", err)
	}
}

func TestConfigSurvivesJSONAndYAML(t *testing.T) {
	want := variant(t, "article")
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
	if !strings.Contains(string(text), "bn_momentum: 0.01") {
		t.Errorf("YAML names: %s", text)
	}
}
