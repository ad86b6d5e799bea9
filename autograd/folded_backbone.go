package autograd

import (
	"fmt"
	"slices"
	"time"

	"depthwise.dev/autograd/native"
)

// FoldedBackbone is a backbone for inference, optionally with a head ([FoldedBackbone.WithHead]):
// batch norm with its running statistics is folded into the convolutions, and dedicated CPU kernels
// compute each block's two convolutions in one cache-resident tile. It folds on first use, and
// again after a parameter was written to or a running statistic changed, which takes a few
// milliseconds. It sees writes to parameters through libtorch; writes that bypass libtorch do not
// bump the version counter and are not seen.
//
// It belongs to the scope in which it was created, together with its workspace, which grows to what
// the largest batch needs.
type FoldedBackbone struct {
	// Times, if not nil, receives the times of each call. If nil, nothing is measured.
	Times *FoldedTimes

	scope                  *Scope
	compute                DType
	parameters, statistics []*Tensor
	head                   []*Tensor // weight, and optionally bias
	versions               []int64   // version counters of the parameters when they were folded; nil: not folded
	weights, workspace     *Tensor   // nil before the first call
	folded                 *Tensor   // a copy of the folded statistics
}

// NewFoldedBackbone folds the parameters and running statistics that [Backbone.Forward] takes.
// Values are stored and multiplied in Float32 or BFloat16; sums are float32.
func NewFoldedBackbone(s *Scope, compute DType, parameters, statistics []*Tensor) *FoldedBackbone {
	return &FoldedBackbone{scope: s, compute: compute, parameters: slices.Clone(parameters), statistics: slices.Clone(statistics)}
}

// Forward returns the average over all positions (N, channels), float32, of the last layer's output
// for images x (N, 3, H, W), float32 on the CPU. The backbone's layers must match x's size: a stem
// followed by blocks of a depthwise and a pointwise layer. There are no gradients. An image's
// features do not depend on the rest of the batch, nor on the number of threads.
func (f *FoldedBackbone) Forward(s *Scope, b Backbone, x *Tensor) *Tensor {
	if !s.ready(foldedBackbone, x) {
		return nil
	}
	return f.infer(s, b, false, native.Tensor(x.c), Pixels{}, x)
}

// ForwardPixels is Forward of pixels, which it normalizes as it reads them. It does not change
// them.
func (f *FoldedBackbone) ForwardPixels(s *Scope, b Backbone, p Pixels) *Tensor {
	return f.inferPixels(s, b, p, false)
}

// WithHead adds a linear layer after the backbone, for Logits, and returns f: a weight (classes,
// channels) and a bias (classes), which may be nil; float32 on the CPU. Changes to them are seen
// like those of the backbone's parameters.
func (f *FoldedBackbone) WithHead(weight, bias *Tensor) *FoldedBackbone {
	f.head, f.versions = []*Tensor{weight}, nil
	if bias != nil {
		f.head = append(f.head, bias)
	}
	return f
}

// Logits returns the head's output (N, classes), float32 in either compute type, for the features
// that Forward returns. It does not depend on the rest of the batch either, nor on the number of
// threads.
func (f *FoldedBackbone) Logits(s *Scope, b Backbone, x *Tensor) *Tensor {
	if !s.ready(foldedBackbone, x) {
		return nil
	}
	return f.infer(s, b, true, native.Tensor(x.c), Pixels{}, x)
}

// LogitsPixels is Logits of pixels.
func (f *FoldedBackbone) LogitsPixels(s *Scope, b Backbone, p Pixels) *Tensor {
	return f.inferPixels(s, b, p, true)
}

const foldedBackbone = "folded backbone" // in errors

func (f *FoldedBackbone) inferPixels(s *Scope, b Backbone, p Pixels, logits bool) *Tensor {
	if err := checkCount(len(p.Values), []int64{int64(p.N), int64(p.Height), int64(p.Width), 3}); err != nil {
		s.Fail(fmt.Errorf("autograd: %s: %w", foldedBackbone, err))
	}
	return f.infer(s, b, logits, nil, p)
}

// infer computes the output for images x, or for the pixels if x is nil. inputs are for error
// messages.
func (f *FoldedBackbone) infer(s *Scope, b Backbone, logits bool, x native.Tensor, p Pixels, inputs ...*Tensor) *Tensor {
	start := time.Now()
	if logits && f.head == nil {
		s.Fail(fmt.Errorf("autograd: %s: logits need a head; add one with WithHead", foldedBackbone))
	}
	fused := native.Backbone{Layers: b.Layers, Cap: b.Cap, Eps: b.Eps, Momentum: b.Momentum, BFloat16: f.compute == BFloat16}
	if !s.ready(foldedBackbone, slices.Concat(f.parameters, f.statistics, f.head)...) || !kernelType(s, foldedBackbone, f.compute) || !f.ready(s) {
		return nil
	}
	if err := f.fold(fused); err != nil {
		s.Fail(opError(foldedBackbone, inputs, err))
		return nil
	}
	folded := native.Folded{Weights: native.Tensor(f.weights.c), Classes: f.classes()}
	out, err := native.BackboneInfer(fused, folded, logits, native.Tensor(f.workspace.c), x, p.native(), f.Times)
	if f.Times != nil {
		f.Times.Whole = time.Since(start).Seconds()
	}
	return s.made(foldedBackbone, inputs, out, err)
}

// ready creates the byte tensors, initially empty, that hold the native side's memory.
func (f *FoldedBackbone) ready(s *Scope) bool {
	if f.weights == nil {
		f.weights, f.workspace, f.folded = f.scope.Zeros(Uint8, CPU, 0), f.scope.Zeros(Uint8, CPU, 0), f.scope.Zeros(Uint8, CPU, 0)
	}
	return s.ready(foldedBackbone, f.weights, f.workspace, f.folded)
}

// fold folds the weights again if parameters or statistics have changed. Statistics are compared by
// value: libtorch's batch norm does not bump their version counter in training.
func (f *FoldedBackbone) fold(b native.Backbone) error {
	versions, err := native.Versions(handles(slices.Concat(f.parameters, f.head)))
	if err != nil {
		return err
	}
	unchanged, err := native.CopyIfChanged(native.Tensor(f.folded.c), handles(f.statistics))
	if err != nil || unchanged && f.versions != nil && slices.Equal(versions, f.versions) {
		return err
	}
	f.versions = nil
	var head native.Head
	if len(f.head) > 0 {
		head.Weight = native.Tensor(f.head[0].c)
	}
	if len(f.head) > 1 {
		head.Bias = native.Tensor(f.head[1].c)
	}
	if err := native.BackboneFold(native.Tensor(f.weights.c), b, handles(f.parameters), handles(f.statistics), head); err != nil {
		return err
	}
	f.versions = versions
	return nil
}

// classes returns the head's number of classes, 0 without a head.
func (f *FoldedBackbone) classes() int {
	if len(f.head) == 0 {
		return 0
	}
	return int(f.head[0].Shape()[0])
}
