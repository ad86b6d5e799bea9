package models

// Preprocessing is how images were brought to a network when its weights were trained and measured. It
// belongs to weights, not to an architecture; a variant has the one that its publisher's weights expect.
type Preprocessing struct {
	Mean          [3]float64 `yaml:"mean,flow"` // of the colors, of pixels from 0 to 1
	Std           [3]float64 `yaml:"std,flow"`
	CropFraction  float64    `yaml:"crop_fraction"` // side of the center crop over that of the resized image: 0.875 is 224 of 256
	Interpolation string     `yaml:"interpolation"` // bilinear or bicubic
}

// Common means and standard deviations.
var (
	imageNetMean = [3]float64{0.485, 0.456, 0.406}
	imageNetStd  = [3]float64{0.229, 0.224, 0.225}
	half         = [3]float64{0.5, 0.5, 0.5}
)

// ImageNetPreprocessing normalizes by the mean and standard deviation of ImageNet's pixels, as torchvision.
func ImageNetPreprocessing() Preprocessing {
	return Preprocessing{Mean: imageNetMean, Std: imageNetStd, CropFraction: 0.875, Interpolation: "bilinear"}
}

// InceptionPreprocessing maps pixels to -1..1, as TensorFlow-slim, Keras' x/127.5 - 1 and timm's
// IMAGENET_INCEPTION_MEAN.
func InceptionPreprocessing() Preprocessing {
	return Preprocessing{Mean: half, Std: half, CropFraction: 0.875, Interpolation: "bilinear"}
}

// UnitPreprocessing maps pixels to 0..1, Keras' Rescaling(1/255).
func UnitPreprocessing() Preprocessing {
	return Preprocessing{Std: [3]float64{1, 1, 1}, CropFraction: 0.875, Interpolation: "bilinear"}
}
