package backend

import (
	"depthwise.dev/autograd"
	"depthwise.dev/models"
)

// Backend computes networks. Its methods belong to the goroutine of the scope that they are given.
type Backend interface {
	// Name is what Options.Backend calls it.
	Name() string
	// ISA is the instruction set that its own kernels use; "" if it has none. It is an error if the environment asks
	// for one that the processor lacks.
	ISA() (string, error)
	// Supports returns nil if the backend computes the graph on the device, or an error that says what it lacks.
	Supports(g *models.Graph, d autograd.Device) error
	// SupportsPrecision likewise returns nil if the backend computes in the precision.
	SupportsPrecision(p autograd.Precision) error

	// Forward computes the logits (N, classes) of normalized images x (N, C, H, W) and records gradients.
	// H and W may differ from the graph's input. In training, batch norm uses the batch's statistics and
	// updates the running ones, and dropout drops.
	Forward(s *autograd.Scope, n *Network, x *autograd.Tensor, mode autograd.Mode) *autograd.Tensor
	// ForwardPixels is Forward of images as a loader leaves them, on the network's device: the same bits as
	// Forward of s.NormalizeImages.
	ForwardPixels(s *autograd.Scope, n *Network, p autograd.Pixels, mode autograd.Mode) *autograd.Tensor
	// Loss is the loss of a batch's logits, its value, and the number of correct rows.
	Loss(s *autograd.Scope, l autograd.CrossEntropy, logits *autograd.Tensor, t autograd.Targets) (*autograd.Tensor, Scored)
	// Backward leaves the loss's gradients at the parameters.
	Backward(s *autograd.Scope, loss *autograd.Tensor)
	// Update applies the gradients and returns their global L2 norm, 0 where nothing needs it. A GPU may still compute it.
	Update(s *autograd.Scope, u Update) *autograd.Readback
	// Inference prepares a network for evaluation in a precision. It belongs to the scope.
	Inference(s *autograd.Scope, n *Network, compute autograd.DType) Inference
}

// Update is an optimizer's prepared step, in three forms that compute the same formula.
type Update interface {
	Fused(*autograd.Scope) float64             // one native pass over the memory
	Unfused(*autograd.Scope) float64           // libtorch's operations
	Queued(*autograd.Scope) *autograd.Readback // the same, without waiting for a GPU
}

// Inference computes logits in evaluation, without recording gradients. It follows the network's weights
// when they change.
type Inference interface {
	// Forward computes the logits (N, classes), float32, of normalized images x (N, C, H, W).
	Forward(s *autograd.Scope, x *autograd.Tensor) *autograd.Tensor
	// ForwardPixels is Forward of images as a loader leaves them, on the network's device.
	ForwardPixels(s *autograd.Scope, p autograd.Pixels) *autograd.Tensor
	// Features computes the features of normalized images x, float32: what the head reads, (N, C) of a MobileNet.
	// [Network.Head] makes logits of them. A graph without a head ([models.Graph.HeadLayers]) is an error.
	Features(s *autograd.Scope, x *autograd.Tensor) *autograd.Tensor
	// FeaturesPixels is Features of images as a loader leaves them, on the network's device.
	FeaturesPixels(s *autograd.Scope, p autograd.Pixels) *autograd.Tensor
}

// backends is the table of backends, the fastest first: "auto" takes the first that supports the graph.
// Torch supports every graph and stands last.
var backends = []Backend{CUDA{}, Fused{}, Torch{}}
