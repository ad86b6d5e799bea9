package peers

import (
	"encoding/json"
	"fmt"

	"depthwise.dev/data"
)

// timmModel is the config.json that timm saves beside weights for the hub. Preprocessing belongs to the tag of the
// weights, not to the architecture.
type timmModel struct {
	Architecture string   `json:"architecture"`
	LabelNames   []string `json:"label_names"`
	Pretrained   struct {
		Tag           string    `json:"tag"`
		InputSize     []int     `json:"input_size"` // channels, height, width
		CropPct       float64   `json:"crop_pct"`
		Interpolation string    `json:"interpolation"`
		Mean          []float64 `json:"mean"`
		Std           []float64 `json:"std"`
		LabelNames    []string  `json:"label_names"`
	} `json:"pretrained_cfg"`
}

func timmConfiguration(text []byte) (configuration, error) {
	var m timmModel
	var c configuration
	if err := json.Unmarshal(text, &m); err != nil {
		return c, fmt.Errorf("%w: config.json: %w", ErrConfig, err)
	}
	c.model, c.classes = m.Architecture, m.LabelNames
	p := m.Pretrained
	if len(c.classes) == 0 {
		c.classes = p.LabelNames
	}
	if len(p.InputSize) > 0 {
		if len(p.InputSize) != 3 || p.InputSize[0] != 3 || p.InputSize[1] != p.InputSize[2] {
			return c, fmt.Errorf("%w: config.json: input_size %v; only square images of three colors are computed", ErrConfig, p.InputSize)
		}
		c.resolution = p.InputSize[1]
	}
	if len(p.Mean) > 0 && len(p.Std) > 0 {
		var err error
		if c.mean, err = vector3(p.Mean); err == nil {
			c.std, err = vector3(p.Std)
		}
		if err != nil {
			return c, fmt.Errorf("config.json: %w", err)
		}
	}
	if p.CropPct != 0 {
		if !(p.CropPct > 0.1 && p.CropPct <= 1) {
			return c, fmt.Errorf("%w: config.json: crop_pct %v", ErrConfig, p.CropPct)
		}
		c.resize = func(resolution int) int { return int(float64(resolution) / p.CropPct) } // timm rounds down
	}
	if p.Interpolation == data.Bilinear || p.Interpolation == data.Bicubic {
		c.interpolation = p.Interpolation
	} else if p.Interpolation != "" {
		c.notes = append(c.notes, fmt.Sprintf("images are resized with bilinear interpolation, not %s", p.Interpolation))
	}
	c.note("resolution and preprocessing from config.json")
	return c, nil
}
