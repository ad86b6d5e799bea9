package data

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"depthwise.dev/data/jpeg"
)

// Augment configures the augmentation of training images. The zero value changes nothing.
type Augment struct {
	Crop      bool       // a random resized crop; false: evaluation's geometry
	CropScale [2]float64 // range of the crop's area as a fraction of the image; torchvision: 0.08, 1
	CropRatio [2]float64 // range of its aspect ratio, width/height; torchvision: 3/4, 4/3
	Flip      float64    // probability of a horizontal flip
	Jitter    Jitter     // color jitter
	Policy    Policy     // random operations after the jitter
	Erase     float64    // probability of an erased rectangle, applied last
	MixUp     float64    // alpha of MixUp: pairs are blended with lambda from Beta(alpha, alpha); 0: off
	CutMix    float64    // alpha of CutMix: a box is copied from another image, its area 1-lambda; 0: off
}

// maxAlpha bounds MixUp and CutMix; above it lambda is nearly 0.5.
const maxAlpha = 100

// MaxCropRatio is the maximum aspect ratio of a random crop.
const MaxCropRatio = 1000

// Validate returns an error that names every invalid field.
func (a Augment) Validate() error {
	var errs []error
	if a.Crop && !(0 < a.CropScale[0] && a.CropScale[0] <= a.CropScale[1] && a.CropScale[1] <= 1) {
		errs = append(errs, fmt.Errorf("data: crop scale %v is not a range within 0..1", a.CropScale))
	}
	if a.Crop && !(0 < a.CropRatio[0] && a.CropRatio[0] <= a.CropRatio[1] && a.CropRatio[1] <= MaxCropRatio) {
		errs = append(errs, fmt.Errorf("data: crop ratio %v is not a range within 0..%d", a.CropRatio, MaxCropRatio))
	}
	if !(0 <= a.Flip && a.Flip <= 1) {
		errs = append(errs, fmt.Errorf("data: flip %v is not a probability", a.Flip))
	}
	if !(0 <= a.Erase && a.Erase <= 1) {
		errs = append(errs, fmt.Errorf("data: erase %v is not a probability", a.Erase))
	}
	if !(0 <= a.MixUp && a.MixUp <= maxAlpha) || !(0 <= a.CutMix && a.CutMix <= maxAlpha) {
		errs = append(errs, fmt.Errorf("data: mixup %v and cutmix %v are not in 0..%d", a.MixUp, a.CutMix, maxAlpha))
	}
	return errors.Join(append(errs, a.Jitter.validate(), a.Policy.validate())...)
}

// apply changes the pixels of an image in the batch.
func (a Augment) apply(c *canvas, p Preprocess, pixels []uint8, rng *rand.Rand) {
	c.open(pixels, p.Resolution)
	a.Jitter.apply(c, rng)
	a.Policy.apply(c, rng)
	if rng.Float64() < a.Erase {
		c.fill(eraseBox(c.Width, c.Height, rng), p.zeroColor())
	}
}

// view draws a random view of a w x h image.
func (a Augment) view(p Preprocess, w, h int, rng *rand.Rand) view {
	var v view
	if a.Crop {
		x, y, cw, ch := a.randomCrop(w, h, rng)
		v.resize.X = jpeg.Axis{Origin: x, Size: cw, Scaled: p.Resolution, Count: p.Resolution}
		v.resize.Y = jpeg.Axis{Origin: y, Size: ch, Scaled: p.Resolution, Count: p.Resolution}
		v.resize.Filter = p.filter()
	} else {
		v = p.evaluation(w, h)
	}
	if rng.Float64() < a.Flip {
		v.resize.Flip = true
		v.left = p.Resolution - v.left - v.resize.X.Count
	}
	return v
}

// randomCrop is torchvision's RandomResizedCrop.get_params: ten attempts with a random area and a
// log-uniform aspect ratio, then the center.
func (a Augment) randomCrop(w, h int, rng *rand.Rand) (x, y, cw, ch int) {
	area := float64(w) * float64(h)
	for range 10 {
		target := area * uniform(rng, a.CropScale[0], a.CropScale[1])
		ratio := math.Exp(uniform(rng, math.Log(a.CropRatio[0]), math.Log(a.CropRatio[1])))
		cw = int(math.RoundToEven(math.Sqrt(target * ratio)))
		ch = int(math.RoundToEven(math.Sqrt(target / ratio)))
		if 0 < cw && cw <= w && 0 < ch && ch <= h {
			return rng.IntN(w - cw + 1), rng.IntN(h - ch + 1), cw, ch
		}
	}
	return a.centralCrop(w, h)
}

// centralCrop is the largest central crop with an allowed aspect ratio.
func (a Augment) centralCrop(w, h int) (x, y, cw, ch int) {
	cw, ch = w, h
	switch ratio := float64(w) / float64(h); {
	case ratio < a.CropRatio[0]:
		ch = int(math.RoundToEven(float64(w) / a.CropRatio[0]))
	case ratio > a.CropRatio[1]:
		cw = int(math.RoundToEven(float64(h) * a.CropRatio[1]))
	}
	cw, ch = min(max(cw, 1), w), min(max(ch, 1), h)
	return (w - cw) / 2, (h - ch) / 2, cw, ch
}

func uniform(rng *rand.Rand, from, to float64) float64 {
	return from + float64((to-from)*rng.Float64()) // the conversion forbids a fused multiply-add, so that every processor draws the same values
}
