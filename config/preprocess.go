package config

import (
	"depthwise.dev/data"
	"depthwise.dev/models"
)

// Preprocess returns the preprocessing of images for evaluation: Preprocessing, or that of the
// variant's published weights, at the configured resolution. The configuration must be valid.
func (c Config) Preprocess() data.Preprocess {
	n := c.Preprocessing
	if n == (models.Preprocessing{}) {
		var err error
		if n, err = c.Model.Preprocessing(); err != nil { // an unknown variant, which Validate reports
			return data.Preprocess{}
		}
	}
	p := data.Preprocess{Resolution: c.Model.Resolution, Fit: c.Fit, EXIF: c.EXIF == EXIFOn, Mean: n.Mean, Std: n.Std, Interpolation: n.Interpolation}
	if c.Fit == "crop" {
		p.Resize = int(float64(c.Model.Resolution)/n.CropFraction + 1e-9) // 248 of 224 / (224/248)
	}
	return p
}
