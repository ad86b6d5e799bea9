package suite

import (
	"context"
	"fmt"

	"depthwise.dev/autograd"
)

// An Engine is one way to compute what the reference computes. To add one is to add an entry to [Engines].
type Engine struct {
	Name string
	// Case computes single operations and layers. Nil: the engine computes whole networks only.
	Case func(context.Context, Case) (Result, error)
	// Network computes whole networks. Nil: the engine computes single cases only.
	Network func(context.Context, Network) (Result, error)
	// Bound is the largest relative difference allowed of a case on the reference's own inputs, see Compare, and
	// NetworkBound that of a whole network.
	Bound, NetworkBound float64
	// Angles: whole networks in training are compared by CompareAngles. Batch normalisation over few values makes them
	// chaotic: rounding turns some activation on or off, and gradients then differ by tenths in any correct program.
	Angles bool
	// Doubles: the engine computes in float64, and takes inputs of any size. Others round what is not near one.
	Doubles bool
}

// computes in float64, with which all engines are compared.
var reference = Torch{Parameters: autograd.Float64, Compute: autograd.Float64}

// Reference is what all engines are compared with: libtorch's composed operations in float64. Should it be wrong
// itself, the engines that share nothing with it (gorgonia, differences) disagree.
var Reference = Engine{Name: "fp64", Case: reference.Case, Network: reference.Network, Doubles: true}

// Engines lists the others. Bounds are several times the greatest difference that was seen over the tables of this
// package and over whole networks up to 224x224 (see docs/gradients.md), and many times below what an error makes.
var Engines = []Engine{
	// Two orders of the same float64 sums: 1e-16 a term, amplified where batch normalisation divides by a small
	// deviation. End to end 27 of them follow one another.
	{Name: "gorgonia", Case: Gorgonia{}.Case, Network: Gorgonia{}.Network, Bound: 1e-9, NetworkBound: 1e-6, Doubles: true},
	// h*h of the step, 4e-11 for functions of size one; more where a kink within a large layer leaves only a smaller
	// step, or crosses it in a few of a million elements.
	{Name: "differences", Case: Differences{Coordinates: 64, Directions: 2}.Case, Bound: 1e-5, Doubles: true},
	// 6e-8 a rounding, a hundred of them in a sum that cancels.
	{Name: "fp32", Case: Torch{Parameters: autograd.Float32, Compute: autograd.Float32}.Case,
		Network: Torch{Parameters: autograd.Float32, Compute: autograd.Float32}.Network, Bound: 1e-4, NetworkBound: 1e-2, Angles: true},
	// 8 bits: 2^-9 = 0.2 % for each rounding of input, weight, cotangent and result.
	{Name: "bf16", Case: Torch{Parameters: autograd.Float32, Compute: autograd.BFloat16}.Case,
		Network: Torch{Parameters: autograd.Float32, Compute: autograd.BFloat16}.Network, Bound: 3e-2, NetworkBound: 0.5, Angles: true},
}

// ByName returns the engines with the names, in the order of Engines.
func ByName(names ...string) ([]Engine, error) {
	var list []Engine
	for _, name := range names {
		found := false
		for _, e := range Engines {
			if e.Name == name {
				list, found = append(list, e), true
			}
		}
		if !found {
			return nil, fmt.Errorf("suite: no engine %q", name)
		}
	}
	return list, nil
}
