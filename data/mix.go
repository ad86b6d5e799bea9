package data

import (
	"image"
	"math"
	"math/rand/v2"

	"depthwise.dev/data/jpeg"
)

func (a Augment) mixes() bool { return a.MixUp > 0 || a.CutMix > 0 }

// mix applies torchvision's MixUp (https://arxiv.org/abs/1710.09412) or CutMix
// (https://arxiv.org/abs/1905.04899) to a batch: each image is mixed with the previous one, the first with
// the last. If both are enabled, each is chosen with probability 0.5. spare is memory that is grown and
// returned.
func (a Augment) mix(b *Batch, rng *rand.Rand, spare []uint8) []uint8 {
	if !a.mixes() || b.N < 2 {
		return spare
	}
	if len(b.Labels) > 0 { // not multi-label
		b.MixedLabels = append(append(b.MixedLabels, b.Labels[b.N-1]), b.Labels[:b.N-1]...)
	}
	size := len(b.Pixels) / b.N
	spare = append(spare[:0], b.Pixels[len(b.Pixels)-size:]...) // the last image is changed before the first reads it
	cut := a.MixUp == 0 || a.CutMix > 0 && rng.Float64() < 0.5
	if cut {
		var box image.Rectangle
		box, b.Lambda = cutBox(beta(a.CutMix, rng), b.Width, b.Height, rng)
		b.eachPair(spare, func(im, before []uint8) { paste(im, before, box, b.Width) })
	} else {
		b.Lambda = beta(a.MixUp, rng)
		b.eachPair(spare, func(im, before []uint8) { jpeg.Mix(im, before, float32(b.Lambda)) })
	}
	b.mixTargets()
	return spare
}

// eachPair calls f with each image and the previous one, which is not changed yet.
func (b *Batch) eachPair(last []uint8, f func(im, before []uint8)) {
	n := len(last)
	for i := b.N - 1; i >= 0; i-- {
		before := last
		if i > 0 {
			before = b.Pixels[(i-1)*n : i*n]
		}
		f(b.Pixels[i*n:(i+1)*n], before)
	}
}

// cutBox returns a box of about 1-lambda of the area, clipped to the image, and the exact lambda.
func cutBox(lambda float64, width, height int, rng *rand.Rand) (image.Rectangle, float64) {
	x, y := rng.IntN(width), rng.IntN(height)
	r := 0.5 * math.Sqrt(1-lambda)
	w, h := int(r*float64(width)), int(r*float64(height))
	box := image.Rect(max(0, x-w), max(0, y-h), min(width, x+w), min(height, y+h))
	return box, 1 - float64(box.Dx()*box.Dy())/float64(width*height)
}

// paste copies a box of one image to the same position in another.
func paste(dst, src []uint8, box image.Rectangle, width int) {
	for y := box.Min.Y; y < box.Max.Y; y++ {
		from, to := 3*(y*width+box.Min.X), 3*(y*width+box.Max.X)
		copy(dst[from:to], src[from:to])
	}
}

// beta draws from Beta(a, a): by Jöhnk's method for a up to 1, in logarithms so that a small a does not
// underflow, and as a ratio of two gamma variates (Marsaglia and Tsang 2000) above.
func beta(a float64, rng *rand.Rand) float64 {
	if a > 1 {
		x, y := gamma(a, rng), gamma(a, rng)
		return x / (x + y)
	}
	for {
		x, y := -rng.ExpFloat64()/a, -rng.ExpFloat64()/a // logarithms of u^(1/a)
		high := max(x, y)
		sum := high + math.Log(math.Exp(x-high)+math.Exp(y-high))
		if sum <= 0 {
			return math.Exp(x - sum)
		}
	}
}

// gamma draws from Gamma(a) for a of at least 1.
func gamma(a float64, rng *rand.Rand) float64 {
	d := a - 1./3
	c := 1 / math.Sqrt(9*d)
	for {
		x := rng.NormFloat64()
		v := 1 + c*x
		if v <= 0 {
			continue
		}
		v = v * v * v
		if math.Log(1-rng.Float64()) < x*x/2+d-d*v+d*math.Log(v) {
			return d * v
		}
	}
}
