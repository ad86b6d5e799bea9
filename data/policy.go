package data

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Policy selects the random operations that are applied to each image after the crop. Both policies are
// torchvision's, with its defaults.
type Policy string

// The policies.
const (
	NoPolicy       Policy = ""
	RandAugment    Policy = "randaug" // two operations of magnitude 9 of 30 (https://arxiv.org/abs/1909.13719)
	TrivialAugment Policy = "trivial" // one operation of random magnitude, in TrivialAugmentWide's ranges (https://arxiv.org/abs/2103.10158)
)

func (p Policy) validate() error {
	switch p {
	case NoPolicy, RandAugment, TrivialAugment:
		return nil
	}
	return fmt.Errorf("data: policy %q is neither %q nor %q", string(p), RandAugment, TrivialAugment)
}

// magnitudes is the number of evenly spaced magnitudes of an operation.
const magnitudes = 31

const (
	randAugmentOperations = 2
	randAugmentMagnitude  = 9
)

// span is the range of the magnitude of an operation.
type span struct{ from, to float32 }

// at is torch.linspace(from, to, magnitudes)[i], which counts from the nearer end and rounds once.
func (s span) at(i int) float64 {
	step := (s.to - s.from) / (magnitudes - 1)
	if i < magnitudes/2 {
		return float64(addProduct(s.from, step, float32(i)))
	}
	return float64(addProduct(s.to, -step, float32(magnitudes-1-i)))
}

// operation is an operation of a policy.
type operation struct {
	name      string
	rand      func(side int) span // of RandAugment
	wide      span                // of TrivialAugmentWide
	signed    bool                // the sign is random
	magnitude bool                // has a magnitude
	apply     func(c *canvas, m float64)
}

func always(from, to float32) func(int) span { return func(int) span { return span{from, to} } }

// translation is RandAugment's: 150 pixels of an image of 331.
func translation(side int) span { return span{0, float32(150. / 331. * float64(side))} }

// operations are in torchvision's order.
var operations = []operation{
	{"Identity", always(0, 0), span{}, false, false, func(*canvas, float64) {}},
	{"ShearX", always(0, 0.3), span{0, 0.99}, true, true, (*canvas).shearX},
	{"ShearY", always(0, 0.3), span{0, 0.99}, true, true, (*canvas).shearY},
	{"TranslateX", translation, span{0, 32}, true, true, func(c *canvas, m float64) { c.translate(int(m), 0) }},
	{"TranslateY", translation, span{0, 32}, true, true, func(c *canvas, m float64) { c.translate(0, int(m)) }},
	{"Rotate", always(0, 30), span{0, 135}, true, true, (*canvas).rotate},
	{"Brightness", always(0, 0.9), span{0, 0.99}, true, true, func(c *canvas, m float64) { c.brightness(1 + m) }},
	{"Color", always(0, 0.9), span{0, 0.99}, true, true, func(c *canvas, m float64) { c.saturation(1 + m) }},
	{"Contrast", always(0, 0.9), span{0, 0.99}, true, true, func(c *canvas, m float64) { c.contrast(1 + m) }},
	{"Sharpness", always(0, 0.9), span{0, 0.99}, true, true, func(c *canvas, m float64) { c.sharpness(1 + m) }},
	{"Posterize", always(8, 4), span{8, 2}, false, true, func(c *canvas, m float64) { c.posterize(int(math.RoundToEven(m))) }},
	{"Solarize", always(1, 0), span{1, 0}, false, true, func(c *canvas, m float64) { c.solarize(255 * m) }},
	{"AutoContrast", always(0, 0), span{}, false, false, func(c *canvas, _ float64) { c.autocontrast() }},
	{"Equalize", always(0, 0), span{}, false, false, func(c *canvas, _ float64) { c.equalize() }},
}

// apply draws the operations for an image and applies them.
func (p Policy) apply(c *canvas, rng *rand.Rand) {
	switch p {
	case RandAugment:
		for range randAugmentOperations {
			op, m := p.draw(c.Width, rng)
			op.apply(c, m)
		}
	case TrivialAugment:
		op, m := p.draw(c.Width, rng)
		op.apply(c, m)
	}
}

// draw returns an operation and its magnitude.
func (p Policy) draw(side int, rng *rand.Rand) (*operation, float64) {
	op := &operations[rng.IntN(len(operations))]
	if !op.magnitude {
		return op, 0
	}
	var m float64
	if p == RandAugment {
		m = op.rand(side).at(randAugmentMagnitude)
	} else {
		m = op.wide.at(rng.IntN(magnitudes))
	}
	if op.signed && rng.Float64() < 0.5 {
		m = -m
	}
	return op, m
}
