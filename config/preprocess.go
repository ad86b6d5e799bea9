package config

import "depthwise.dev/data"

// Preprocess returns the preprocessing of images for evaluation: that of the variant's published
// weights, at the configured resolution. The configuration must be valid.
func (c Config) Preprocess() data.Preprocess {
	n, err := c.Model.Preprocessing()
	if err != nil { // an unknown variant, which Validate reports
		return data.Preprocess{}
	}
	p := data.Preprocess{Resolution: c.Model.Resolution, Fit: c.Fit, EXIF: c.EXIF, Mean: n.Mean, Std: n.Std, Interpolation: n.Interpolation}
	if c.Fit == "crop" {
		p.Resize = int(float64(c.Model.Resolution) / n.CropFraction)
	}
	return p
}
