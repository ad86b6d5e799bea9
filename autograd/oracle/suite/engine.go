package suite

import (
	"context"
	"fmt"
	"slices"

	"depthwise.dev/autograd"
	"depthwise.dev/models/mobilenet"
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
	// Angles, where set, bounds whole networks in place of NetworkBound.
	Angles *Angles
	// Limit is the most values between a whole network's layers that the engine has memory for. 0: any number.
	Limit int64
	// Doubles: the engine computes in float64, and takes inputs of any size. Others round what is not near one.
	Doubles bool
}

// Angles bounds 1 - cosine between a whole network's arrays and the reference's. It is for engines of low precision:
// rounding turns some activations on or off, which changes single numbers by all they are. Where batch normalization
// takes its statistics from few values it amplifies that from layer to layer, up to right angles between the gradients
// of correct programs.
type Angles struct {
	Output   float64 // of logits, loss and running statistics
	Gradient float64 // in evaluation
	// TrainingGradient bounds gradients in training. 0: they are not compared, only the layers' are.
	TrainingGradient float64
	// FewestValues that a batch normalization in training must have for each channel, or neither the network nor its
	// layers are compared. 0: any number.
	FewestValues int
}

// reference computes in float64; with it all engines are compared.
var reference = Torch{Parameters: autograd.Float64, Compute: autograd.Float64}

var (
	single = Torch{Parameters: autograd.Float32, Compute: autograd.Float32}
	mixed  = Torch{Parameters: autograd.Float32, Compute: autograd.BFloat16}
)

// Reference is what all engines are compared with: libtorch's composed operations in float64. Should it be wrong
// itself, the engines that share nothing with its derivatives (gorgonia, differences) disagree.
var Reference = Engine{Name: "fp64", Case: reference.Case, Network: reference.Network, Doubles: true}

// Engines lists the others. Bounds are several times the greatest difference that was seen, over the tables of this
// package and over networks from 32x32 to 224x224 (docs/gradients.md has the figures), and far below what an error in
// a formula makes.
var Engines = []Engine{
	// Two orders of the same float64 sums: 1e-16 a rounding, seen 2e-14 a layer. End to end batch normalization over
	// two values a channel amplifies it to 7e-10.
	{Name: "gorgonia", Case: Gorgonia{}.Case, Network: Gorgonia{}.Network, Bound: 1e-11, NetworkBound: 1e-7,
		Limit: 2 << 20, Doubles: true},
	// The step's square, 4e-11, for smooth functions of size one; more where batch normalization over two values
	// bends sharply: seen 9e-8.
	{Name: "differences", Case: Differences{Coordinates: 16, Directions: 2}.Case, Bound: 1e-5, Doubles: true},
	// 6e-8 a rounding, amplified in normalizations over few values: seen 2e-5 a layer, angles of
	// 6e-7 (logits), 2e-6 (gradients in evaluation) and 2e-2 (gradients in training).
	{Name: "fp32", Case: single.Case, Network: single.Network, Bound: 5e-4,
		Angles: &Angles{Output: 1e-5, Gradient: 1e-3, TrainingGradient: 0.1, FewestValues: 16}},
	// 8 bits: 2^-9 = 0.2 % for each rounding of input, weight, cotangent and result: seen 4 % a layer, 20 % where sums
	// cancel in layers of 8 channels, angles of 0.15 (logits) and 0.37 (gradients in evaluation).
	{Name: "bf16", Case: mixed.Case, Network: mixed.Network, Bound: 0.3,
		Angles: &Angles{Output: 0.4, Gradient: 0.8, FewestValues: 16}},
	// The fused kernels compute whole backbones; layer by layer autograd's own tests compare them. Bounds as above.
	{Name: "fused fp32", Network: single.NetworkBy(fused),
		Angles: &Angles{Output: 1e-5, Gradient: 1e-3, TrainingGradient: 0.1, FewestValues: 16}},
	{Name: "fused bf16", Network: mixed.NetworkBy(fused), Angles: &Angles{Output: 0.4, Gradient: 0.8, FewestValues: 16}},
}

// fused computes with the fused kernels.
func fused(s *autograd.Scope, net *mobilenet.Network, x *autograd.Tensor, mode autograd.Mode) *autograd.Tensor {
	net.Kernels = mobilenet.Fused
	return net.Forward(s, x, mode)
}

// ByName returns the engines with the names.
func ByName(names ...string) ([]Engine, error) {
	var list []Engine
	for _, name := range names {
		i := slices.IndexFunc(Engines, func(e Engine) bool { return e.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("suite: no engine %q", name)
		}
		list = append(list, Engines[i])
	}
	return list, nil
}
