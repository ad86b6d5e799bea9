package peers

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"depthwise.dev/data"
	"depthwise.dev/models"
	"depthwise.dev/models/mobilenet"
)

// Sidecars are the configuration files that are read beside weights.
var Sidecars = []string{"config.json", "preprocessor_config.json"}

// configuration is what the files beside the weights, or a Keras model's own configuration, say.
type configuration struct {
	source     string // what was read, for the line about what was inferred
	model      string // the network that it names
	width      float64
	resolution int
	classes    []string
	// change sets fields of the network that differ from the variant's.
	change func(*mobilenet.Config) error
	// Preprocessing; nil: the variant's.
	mean, std     *[3]float64
	resize        func(resolution int) int // shorter side before the crop
	interpolation string
	notes         []string // differences that are not computed
}

// configuration reads what there is of the tool whose names the arrays have. Hugging Face's and timm's config.json have
// different fields; that of another tool, which happens to be in the folder, is left alone.
func (s State) configuration(names *scheme) (configuration, error) {
	if len(s.KerasConfig) > 0 {
		return kerasConfiguration(s.KerasConfig)
	}
	text := s.Files["config.json"]
	if text == nil || names.tool != toolHF && names.tool != toolTimm {
		return configuration{}, nil
	}
	var probe struct {
		ModelType    string `json:"model_type"`
		Architecture string `json:"architecture"`
	}
	if err := json.Unmarshal(text, &probe); err != nil {
		return configuration{}, fmt.Errorf("%w: config.json: %w", ErrConfig, err)
	}
	var c configuration
	var err error
	switch {
	case names.tool == toolTimm && probe.Architecture != "":
		c, err = timmConfiguration(text)
	case names.tool == toolHF && probe.ModelType != "":
		c, err = hfConfiguration(text, s.Files["preprocessor_config.json"])
	default:
		return configuration{}, nil
	}
	if model := strings.ReplaceAll(c.model, "_", ""); err == nil && !strings.HasPrefix(model, strings.ReplaceAll(names.arch, "_", "")) {
		err = fmt.Errorf("%w: config.json is of %s, the arrays have the names of %s", ErrConfig, c.model, names.name)
	}
	return c, err
}

// describeModel names the network that a configuration is of, for messages; "" if there is none.
func (s State) describeModel() string {
	var probe struct {
		ModelType    string `json:"model_type"`
		Architecture string `json:"architecture"`
		Config       struct {
			Name string `json:"name"`
		} `json:"config"`
	}
	text := s.KerasConfig
	if text == nil {
		text = s.Files["config.json"]
	}
	if json.Unmarshal(text, &probe) != nil {
		return "" // the configuration is not what the message is about
	}
	if name := cmp.Or(probe.ModelType, probe.Architecture, probe.Config.Name); name != "" {
		return fmt.Sprintf("; its configuration is of %q", name)
	}
	return ""
}

// apply sets what the configuration says about the network.
func (c configuration) apply(m *mobilenet.Config) error {
	if c.resolution > 0 {
		m.Resolution = c.resolution
	}
	if c.change != nil {
		return c.change(m)
	}
	return nil
}

// preprocess is the variant's, with what the configuration says.
func (c configuration) preprocess(m mobilenet.Config) (data.Preprocess, error) {
	v, err := m.Preprocessing()
	if err != nil {
		return data.Preprocess{}, err
	}
	p := data.Preprocess{Resolution: m.Resolution, Fit: data.FitCrop, Mean: v.Mean, Std: v.Std, Interpolation: cmp.Or(c.interpolation, v.Interpolation)}
	if c.mean != nil {
		p.Mean, p.Std = *c.mean, *c.std
	}
	for i := range p.Std {
		if !(p.Std[i] > 0) || math.IsInf(p.Std[i], 0) || math.IsNaN(p.Mean[i]) || math.IsInf(p.Mean[i], 0) {
			return p, fmt.Errorf("%w: mean %v and standard deviation %v", ErrConfig, p.Mean, p.Std)
		}
	}
	if c.resize != nil {
		p.Resize = c.resize(m.Resolution)
	}
	return p, nil
}

// activationOf maps names of configurations.
func activationOf(name string) (models.Function, error) {
	switch name {
	case "relu":
		return models.ReLU, nil
	case "relu6":
		return models.ReLU6, nil
	}
	return "", fmt.Errorf("%w: activation %q; relu and relu6 are computed", ErrConfig, name)
}

// classNames are those of id2label, which has keys from "0" on; nil where they are the tool's placeholders.
func classNames(id2label map[string]string) ([]string, error) {
	names := make([]string, len(id2label))
	placeholders := true
	for i := range names {
		name, ok := id2label[fmt.Sprint(i)]
		if !ok {
			return nil, fmt.Errorf("%w: id2label has %d entries and none for %d", ErrConfig, len(id2label), i)
		}
		names[i] = name
		placeholders = placeholders && name == fmt.Sprint("LABEL_", i)
	}
	if placeholders {
		return nil, nil
	}
	return names, nil
}

// note joins the source of a configuration with what is not computed as it says.
func (c *configuration) note(source string) {
	c.source = strings.Join(append([]string{source}, c.notes...), "; ")
}

// vector3 is a vector of a configuration; one number holds for all colors.
func vector3(v []float64) (*[3]float64, error) {
	switch len(v) {
	case 1:
		return &[3]float64{v[0], v[0], v[0]}, nil
	case 3:
		return (*[3]float64)(slices.Clone(v)), nil
	}
	return nil, fmt.Errorf("%w: %d numbers for three colors", ErrConfig, len(v))
}
