package data

import (
	"errors"
	"fmt"
	"math/rand/v2"
)

// Jitter configures torchvision's ColorJitter. The first three are factors, drawn from 1-x (at least 0) to
// 1+x; hue is a fraction of the color circle, drawn from -x to x. 0 disables a field.
type Jitter struct{ Brightness, Contrast, Saturation, Hue float64 }

func (j Jitter) validate() error {
	var errs []error
	for _, x := range []struct {
		name  string
		value float64
		most  float64
	}{{"brightness", j.Brightness, 10}, {"contrast", j.Contrast, 10}, {"saturation", j.Saturation, 10}, {"hue", j.Hue, 0.5}} {
		if !(0 <= x.value && x.value <= x.most) {
			errs = append(errs, fmt.Errorf("data: jitter of %s %v is not in 0..%v", x.name, x.value, x.most))
		}
	}
	return errors.Join(errs...)
}

// draw returns the order of the four operations, and their factors.
func (j Jitter) draw(rng *rand.Rand) (order [4]int, factors [4]float64) {
	order = [4]int{0, 1, 2, 3}
	for i := len(order) - 1; i > 0; i-- {
		k := rng.IntN(i + 1)
		order[i], order[k] = order[k], order[i]
	}
	for i, x := range [3]float64{j.Brightness, j.Contrast, j.Saturation} {
		factors[i] = uniform(rng, max(0, 1-x), 1+x)
	}
	factors[3] = uniform(rng, -j.Hue, j.Hue)
	return order, factors
}

// apply changes brightness, contrast, saturation and hue in a random order.
func (j Jitter) apply(c *canvas, rng *rand.Rand) {
	if j == (Jitter{}) {
		return
	}
	order, factors := j.draw(rng)
	for _, what := range order {
		switch f := factors[what]; {
		case what == 0 && j.Brightness > 0:
			c.brightness(f)
		case what == 1 && j.Contrast > 0:
			c.contrast(f)
		case what == 2 && j.Saturation > 0:
			c.saturation(f)
		case what == 3 && j.Hue > 0:
			c.hue(f)
		}
	}
}
