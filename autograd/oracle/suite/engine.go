package suite

import (
	"context"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/models"
)

// An Engine is one implementation of what the reference computes. To add one, add a row to
// [Engines].
type Engine struct {
	Name string
	// Case computes single operations and layers. Nil: the engine computes whole networks only.
	Case func(context.Context, Case) (Result, error)
	// Network computes whole networks. Nil: the engine computes single cases only.
	Network func(context.Context, Network) (Result, error)
	// Supports returns an error with the features of the graph that the engine's Network lacks.
	// Nil: it computes all.
	Supports func(*models.Graph) error
	// Tolerance is the largest allowed relative difference of a case on the reference's inputs, see
	// Compare, and NetworkTolerance that of a whole network.
	Tolerance, NetworkTolerance float64
	// Angles, if not nil, holds the tolerances of whole networks instead of NetworkTolerance.
	Angles *Angles
	// MaxActivations is the largest number of values between a network's layers for which the
	// engine has memory. 0: any.
	MaxActivations int64
	// Float64: the engine computes in float64, and takes inputs of any magnitude. Inputs of others
	// should be near one.
	Float64 bool
}

// Angles holds tolerances of 1 - cosine between a whole network's arrays and the reference's. It is
// for engines of low precision: rounding switches some activations on or off, which changes single
// elements completely. Batch norm with statistics of few values amplifies that from layer to layer,
// up to right angles between the gradients of correct programs.
type Angles struct {
	Output float64 // of logits, loss and running statistics
	// Gradient is that of gradients in evaluation, TrainingGradient in training. 0: they are not
	// compared, only those of the layers are.
	Gradient, TrainingGradient float64
	// MinChannels is the smallest number of channels in a batch norm with which gradients in
	// evaluation are compared: one activation that rounding switches matters more among few.
	// 0: any.
	MinChannels int
	// MinValues is the smallest number of values per channel in a batch norm in training with which
	// the network and its layers are compared. 0: any.
	MinValues int
}

// reference computes in float64; all engines are compared with it.
var reference = Torch{Parameters: autograd.Float64, Compute: autograd.Float64}

var (
	single = Torch{Parameters: autograd.Float32, Compute: autograd.Float32}
	mixed  = Torch{Parameters: autograd.Float32, Compute: autograd.BFloat16}
	half   = Torch{Parameters: autograd.Float32, Compute: autograd.Float16, LossScale: 1024}
)

// Reference is the engine that all others are compared with: libtorch's operations in float64. If
// it were wrong, the engines that share nothing with its derivatives (gorgonia, differences) would
// differ from it.
var Reference = Engine{Name: "fp64", Case: reference.Case, Network: reference.Network(backend.Torch{}), Float64: true}

// Engines lists the others. Tolerances are several times the largest difference measured over the
// tables of this package and over networks from 32x32 to 224x224 (docs/gradients.md has the
// figures), and far below the effect of an error in a formula.
var Engines = []Engine{
	// Two orders of the same float64 sums: 1e-16 per rounding; measured 2e-14 in a layer, 2.3e-13
	// before the batch norms of a v2 over two values per channel. End to end these amplify it to
	// 7e-10.
	{Name: "gorgonia", Case: Gorgonia{}.Case, Network: Gorgonia{}.Network, Tolerance: 1e-11, NetworkTolerance: 1e-7,
		MaxActivations: 2 << 20, Float64: true},
	// The square of the step, 4e-11, for smooth functions near one; more where batch norm over two
	// values has a strong curvature: measured 9e-8.
	{Name: "differences", Case: Differences{Coordinates: 16, Directions: 2}.Case, Tolerance: 1e-5, Float64: true},
	// 6e-8 per rounding, amplified in batch norms over few values: measured 2e-5 in a layer, angles
	// of 6e-7 (logits), 2e-2 (gradients in training) and in evaluation 2e-6 (v1), 3e-3 (v2, whose
	// many ReLU6 are switched by rounding).
	{Name: "fp32", Case: single.Case, Network: single.Network(backend.Torch{}), Tolerance: 5e-4,
		Angles: &Angles{Output: 1e-5, Gradient: 1e-2, TrainingGradient: 0.1, MinValues: 16}},
	// 8 bits: 2^-9 = 0.2 % for each rounding of input, weight, cotangent and result: measured 4 %
	// in a layer, 20 % where sums cancel in layers of 8 channels, angles of 0.15 (logits).
	// Angles of gradients in evaluation: 0.17 (v1), up to 1.4 in correct programs with layers of
	// fewer than 32 channels, which all widths of v2 up to 1.4 have.
	{Name: "bf16", Case: mixed.Case, Network: mixed.Network(backend.Torch{}), Tolerance: 0.3,
		Angles: &Angles{Output: 0.4, Gradient: 0.8, MinChannels: 32, MinValues: 16}},
	// The fused kernels compute whole backbones of v1; the tests of package autograd compare their
	// layers. Measured angles of gradients in evaluation: fp32 2e-6; bf16 0.26 with 16 channels and
	// more, 1.2 with 8.
	{Name: "fused fp32", Network: single.Network(backend.Fused{}), Supports: fused,
		Angles: &Angles{Output: 1e-5, Gradient: 1e-3, TrainingGradient: 0.1, MinValues: 16}},
	{Name: "fused bf16", Network: mixed.Network(backend.Fused{}), Supports: fused,
		Angles: &Angles{Output: 0.4, Gradient: 0.8, MinChannels: 16, MinValues: 16}},
	// The layers of the CUDA kernels, emulated, are in the table of cases; in evaluation libtorch computes.
	{Name: "cuda fp32", Network: single.Network(backend.CUDA{}),
		Angles: &Angles{Output: 1e-5, Gradient: 1e-2, TrainingGradient: 0.1, MinValues: 16}},
	{Name: "cuda bf16", Network: mixed.Network(backend.CUDA{}),
		Angles: &Angles{Output: 0.4, Gradient: 0.8, MinChannels: 32, MinValues: 16}},
}

// fp16 is the precision of GPUs without bfloat16, see [OnDevice]. 11 bits, an eighth of bfloat16's rounding: measured 0.33 % in
// a layer, angles of 1.3e-3 (logits).
var fp16 = Engine{Name: "fp16", Tolerance: 0.02,
	Angles: &Angles{Output: 0.02, Gradient: 0.4, MinChannels: 32, MinValues: 16}}

// fused returns an error with the features of a graph that the fused kernels lack.
func fused(g *models.Graph) error { return backend.Fused{}.Supports(g, autograd.CPU) }
