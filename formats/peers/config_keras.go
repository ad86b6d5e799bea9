package peers

import (
	"encoding/json"
	"fmt"
	"math"

	"depthwise.dev/models"
	"depthwise.dev/models/mobilenet"
)

// kerasLayer is a layer of a Keras model's configuration, or the model itself, which has layers.
type kerasLayer struct {
	Class  string `json:"class_name"`
	Config struct {
		Name       string          `json:"name"`
		Layers     []kerasLayer    `json:"layers"`
		BatchShape []any           `json:"batch_shape"`
		OldShape   []any           `json:"batch_input_shape"` // Keras 2
		Epsilon    float64         `json:"epsilon"`
		Momentum   float64         `json:"momentum"`
		MaxValue   *float64        `json:"max_value"`
		Activation json.RawMessage `json:"activation"`
		Scale      json.RawMessage `json:"scale"` // a number of Rescaling; BatchNormalization has a bool
		Offset     json.RawMessage `json:"offset"`
		Mean       json.RawMessage `json:"mean"` // of Normalization
		Variance   json.RawMessage `json:"variance"`
		Kernel     json.RawMessage `json:"kernel_size"`
		Padding    json.RawMessage `json:"padding"`
	} `json:"config"`
}

// kerasFacts are what the layers say.
type kerasFacts struct {
	resolution        int
	epsilon, momentum map[float64]bool
	activations       map[string]bool
	scale, offset     float64       // of Rescaling; scale 0: no such layer
	mean, variance    []float64     // of Normalization, of pixels from 0 to 255
	windows           []kerasWindow // of the convolutions
	zeros             [4]int        // of the last ZeroPadding2D
	adds              int           // layers of class Add
}

// kerasConfiguration reads the JSON of a model: config.json of a .keras file, model_config of a .h5 file.
func kerasConfiguration(text []byte) (configuration, error) {
	var model kerasLayer
	var c configuration
	if err := json.Unmarshal(text, &model); err != nil {
		return c, fmt.Errorf("%w: the configuration of the Keras model: %w", ErrConfig, err)
	}
	f := kerasFacts{epsilon: map[float64]bool{}, momentum: map[float64]bool{}, activations: map[string]bool{}}
	if err := f.collect(model, 0); err != nil {
		return c, err
	}
	c.model, c.resolution = model.Config.Name, f.resolution
	if f.scale != 0 { // x*scale + offset of pixels from 0 to 255
		std := 1 / (255 * f.scale)
		mean := -f.offset * std
		c.mean, c.std = &[3]float64{mean, mean, mean}, &[3]float64{std, std, std}
	}
	if len(f.mean) == 3 && len(f.variance) == 3 {
		c.mean, c.std = new([3]float64), new([3]float64)
		for i := range f.mean {
			c.mean[i], c.std[i] = f.mean[i]/255, math.Sqrt(f.variance[i])/255
		}
	}
	for name := range f.activations {
		if _, err := activationOf(name); err != nil {
			return c, fmt.Errorf("the Keras model %q: %w", c.model, err)
		}
	}
	if len(f.activations) > 1 || len(f.epsilon) > 1 {
		return c, fmt.Errorf("%w: the Keras model %q: layers with different activations or epsilons", ErrConfig, c.model)
	}
	c.change = f.apply
	switch {
	case c.mean != nil:
		c.note("resolution and preprocessing from the model's configuration")
	case f.resolution > 0:
		c.note("resolution from the model's configuration, preprocessing is the variant's default")
	}
	return c, nil
}

// apply sets the activation and the settings of batch norm. Keras momentum 0.99 is torch momentum 0.01.
func (f kerasFacts) apply(n *mobilenet.Config) error {
	for name := range f.activations {
		n.Activation = models.Function(name)
	}
	for epsilon := range f.epsilon {
		n.BNEps = epsilon
	}
	if len(f.momentum) == 1 {
		for momentum := range f.momentum {
			if m := 1 - momentum; m > 0 && m <= 1 {
				n.BNMomentum = math.Round(m*1e9) / 1e9 // 1 - 0.99 in float64 is 0.010000000000000009
			}
		}
	}
	return f.setPadding(n)
}

// collect reads a layer and the layers in it.
func (f *kerasFacts) collect(l kerasLayer, depth int) error {
	const maxNested = 8
	if depth > maxNested {
		return fmt.Errorf("%w: a Keras model with models nested more than %d deep", ErrConfig, maxNested)
	}
	switch l.Class {
	case "InputLayer":
		f.input(append(l.Config.BatchShape, l.Config.OldShape...))
	case "BatchNormalization":
		f.epsilon[l.Config.Epsilon], f.momentum[l.Config.Momentum] = true, true
	case "ReLU":
		f.relu(l)
	case "Normalization":
		if json.Unmarshal(l.Config.Mean, &f.mean) != nil || json.Unmarshal(l.Config.Variance, &f.variance) != nil {
			return fmt.Errorf("%w: a Normalization layer whose mean and variance are not numbers of each color in its configuration", ErrConfig)
		}
	case "Add":
		f.adds++
	case "ZeroPadding2D":
		return f.pad(l)
	case "Activation", "Conv2D", "DepthwiseConv2D":
		if l.Class != "Activation" {
			if err := f.pad(l); err != nil {
				return err
			}
		}
		var name string
		if json.Unmarshal(l.Config.Activation, &name) == nil && name != "linear" && name != "softmax" && name != "" {
			f.activations[name] = true
		}
	case "Rescaling":
		if json.Unmarshal(l.Config.Scale, &f.scale) != nil || json.Unmarshal(l.Config.Offset, &f.offset) != nil || !(f.scale > 0) {
			return fmt.Errorf("%w: a Rescaling layer with a scale or an offset for each color", ErrConfig)
		}
	}
	for _, below := range l.Config.Layers {
		if err := f.collect(below, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// relu notes the activation of a ReLU layer.
func (f *kerasFacts) relu(l kerasLayer) {
	name := "relu"
	if limit := l.Config.MaxValue; limit != nil {
		if name = fmt.Sprint("relu", *limit); *limit == 6 {
			name = "relu6"
		}
	}
	f.activations[name] = true
}

// input takes the resolution of the first input: [null, height, width, 3], where null means any.
func (f *kerasFacts) input(shape []any) {
	if len(shape) != 4 || f.resolution > 0 {
		return
	}
	height, isNumber := shape[1].(float64)
	if width, ok := shape[2].(float64); ok && isNumber && height == width && height >= 1 && height < 1<<13 {
		f.resolution = int(height)
	}
}
