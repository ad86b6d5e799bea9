package peers

import (
	"encoding/json"
	"fmt"
	"math"

	"depthwise.dev/data"
	"depthwise.dev/models"
	"depthwise.dev/models/mobilenet"
)

// hfModel are the fields of config.json that decide what a MobileNet of Transformers computes, with the library's
// defaults where that matters. https://huggingface.co/docs/transformers/model_doc/mobilenet_v1
type hfModel struct {
	ModelType       string            `json:"model_type"`
	DepthMultiplier float64           `json:"depth_multiplier"`
	ImageSize       int               `json:"image_size"`
	NumChannels     int               `json:"num_channels"`
	MinDepth        int               `json:"min_depth"`
	DivisibleBy     int               `json:"depth_divisible_by"`
	ExpandRatio     float64           `json:"expand_ratio"`
	OutputStride    int               `json:"output_stride"`
	FirstExpansion  bool              `json:"first_layer_is_expansion"`
	HiddenAct       string            `json:"hidden_act"`
	TFPadding       bool              `json:"tf_padding"`
	Dropout         *float64          `json:"classifier_dropout_prob"`
	Epsilon         float64           `json:"layer_norm_eps"`
	ID2Label        map[string]string `json:"id2label"`
}

// hfConfiguration reads config.json and, if there is one, preprocessor_config.json.
func hfConfiguration(text, preprocessor []byte) (configuration, error) {
	m := hfModel{DepthMultiplier: 1, ImageSize: 224, NumChannels: 3, MinDepth: 8, DivisibleBy: 8, ExpandRatio: 6, OutputStride: 32,
		FirstExpansion: true, HiddenAct: "relu6", TFPadding: true, Epsilon: 1e-3}
	var c configuration
	if err := json.Unmarshal(text, &m); err != nil {
		return c, fmt.Errorf("%w: config.json: %w", ErrConfig, err)
	}
	c.model, c.width, c.resolution = m.ModelType, m.DepthMultiplier, m.ImageSize
	for _, fixed := range []struct {
		field    string
		is, must any
	}{
		{"num_channels", m.NumChannels, 3}, {"min_depth", m.MinDepth, 8}, {"depth_divisible_by", m.DivisibleBy, 8},
		{"expand_ratio", m.ExpandRatio, 6.0}, {"output_stride", m.OutputStride, 32}, {"first_layer_is_expansion", m.FirstExpansion, true},
	} {
		if fixed.is != fixed.must {
			return c, fmt.Errorf("%w: config.json: %s %v; only %v is computed", ErrConfig, fixed.field, fixed.is, fixed.must)
		}
	}
	activation, err := activationOf(m.HiddenAct)
	if err != nil {
		return c, fmt.Errorf("config.json: %w", err)
	}
	if c.classes, err = classNames(m.ID2Label); err != nil {
		return c, fmt.Errorf("config.json: %w", err)
	}
	c.change = func(n *mobilenet.Config) error {
		n.Activation, n.BNEps = activation, m.Epsilon
		if m.Dropout != nil {
			n.Dropout = *m.Dropout
		}
		if !m.TFPadding {
			n.Padding = models.Symmetric
		}
		return nil
	}
	if preprocessor == nil {
		c.note("resolution from config.json, preprocessing is the variant's default")
		return c, nil
	}
	if err := c.hfPreprocessor(preprocessor); err != nil {
		return c, fmt.Errorf("preprocessor_config.json: %w", err)
	}
	c.note("resolution, preprocessing and classes from config.json and preprocessor_config.json")
	return c, nil
}

// hfSize is a size of a preprocessor: a number, or an object.
type hfSize struct {
	Height       int `json:"height"`
	Width        int `json:"width"`
	ShortestEdge int `json:"shortest_edge"`
}

func (s *hfSize) UnmarshalJSON(text []byte) error {
	var n int
	if json.Unmarshal(text, &n) == nil {
		*s = hfSize{n, n, n}
		return nil
	}
	type plain hfSize
	return json.Unmarshal(text, (*plain)(s))
}

// hfProcessor is MobileNetV1ImageProcessor's and MobileNetV2ImageProcessor's configuration.
type hfProcessor struct {
	CropSize   *hfSize   `json:"crop_size"`
	Size       *hfSize   `json:"size"`
	CenterCrop bool      `json:"do_center_crop"`
	Resize     bool      `json:"do_resize"`
	Normalize  bool      `json:"do_normalize"`
	Rescale    bool      `json:"do_rescale"`
	Factor     float64   `json:"rescale_factor"`
	Mean       []float64 `json:"image_mean"`
	Std        []float64 `json:"image_std"`
	Resample   int       `json:"resample"`
}

// Pillow's numbers of interpolations.
const bilinear, bicubic = 2, 3

func (c *configuration) hfPreprocessor(text []byte) error {
	p := hfProcessor{CenterCrop: true, Resize: true, Normalize: true, Rescale: true, Factor: 1.0 / 255, Mean: []float64{0.5}, Std: []float64{0.5}, Resample: bilinear}
	if err := json.Unmarshal(text, &p); err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	if p.CropSize != nil && p.CenterCrop {
		if p.CropSize.Height != p.CropSize.Width {
			return fmt.Errorf("%w: crop_size %dx%d; only square images are computed", ErrConfig, p.CropSize.Width, p.CropSize.Height)
		}
		c.resolution = p.CropSize.Height
	}
	if p.Size != nil && p.Resize {
		if err := c.hfResize(p); err != nil {
			return err
		}
	}
	switch p.Resample {
	case bilinear:
	case bicubic:
		c.interpolation = data.Bicubic
	default:
		c.notes = append(c.notes, fmt.Sprintf("images are resized with bilinear interpolation, not as resample %d says", p.Resample))
	}
	return c.hfNormalize(p)
}

// hfResize sets the resize before the crop. Without a crop the image is stretched to a square there; here its shorter
// side is resized and the center cropped.
func (c *configuration) hfResize(p hfProcessor) error {
	side := p.Size.ShortestEdge
	if side == 0 {
		if side = p.Size.Height; side != p.Size.Width {
			return fmt.Errorf("%w: size %dx%d; only square images are computed", ErrConfig, p.Size.Width, p.Size.Height)
		}
		if c.resolution = side; p.CropSize != nil && p.CenterCrop {
			c.resolution = p.CropSize.Height
		}
		c.notes = append(c.notes, "images are cropped, not stretched to a square")
	}
	if !p.CenterCrop {
		c.resolution = side
	}
	c.resize = func(resolution int) int { return max(side, resolution) }
	return nil
}

// hfNormalize sets mean and standard deviation of pixels from 0 to 1: the tool computes (255 * pixel * factor - mean) / std.
func (c *configuration) hfNormalize(p hfProcessor) error {
	mean, std := []float64{0}, []float64{1}
	if p.Normalize {
		mean, std = p.Mean, p.Std
	}
	scale := 255.0
	if p.Rescale {
		scale = 255 * p.Factor
	}
	if math.Abs(scale-1) < 1e-9 { // 1/255 is not exact
		scale = 1
	}
	var err error
	if c.mean, err = vector3(mean); err != nil {
		return err
	}
	if c.std, err = vector3(std); err != nil {
		return err
	}
	for i := range 3 {
		c.mean[i], c.std[i] = c.mean[i]/scale, c.std[i]/scale
	}
	return nil
}
