package config

import "depthwise.dev/data"

// normalization is the mean and the standard deviation of each channel, of pixels from 0 to 1.
type normalization struct{ mean, std [3]float64 }

// normalizations are the inputs that the variants were defined with.
var normalizations = map[string]normalization{
	"paper":   {[3]float64{0.485, 0.456, 0.406}, [3]float64{0.229, 0.224, 0.225}}, // ImageNet's, as in torchvision
	"article": {[3]float64{0, 0, 0}, [3]float64{1, 1, 1}},                         // x/255
}

// resizeFor returns the shorter side before the center crop: 256 for 224, as in the paper's
// evaluation and in torchvision.
func resizeFor(resolution int) int { return int(float64(resolution) / 0.875) }

// Preprocess returns the preprocessing of images for evaluation.
func (c Config) Preprocess() data.Preprocess {
	n, ok := normalizations[c.Model.Variant]
	if !ok {
		n = normalizations["paper"]
	}
	p := data.Preprocess{Resolution: c.Model.Resolution, Fit: c.Fit, EXIF: c.EXIF, Mean: n.mean, Std: n.std}
	if c.Fit == "crop" {
		p.Resize = resizeFor(c.Model.Resolution)
	}
	return p
}
