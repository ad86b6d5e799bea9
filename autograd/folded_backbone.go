package autograd

import (
	"fmt"
	"slices"
	"time"

	"depthwise.dev/autograd/native"
)

// FoldedBackbone is a backbone for inference, with the head behind it where [FoldedBackbone.WithHead] puts one: batch norm by its running
// statistics is folded into the convolutions, and CPU kernels of their own compute each block's two convolutions in one
// cache-resident tile. It folds when it is first asked, and again
// whenever a parameter has been written to or a running statistic has changed since, which takes a few milliseconds. Writes to
// parameters through libtorch are seen; memory that is written behind libtorch's back is not.
//
// It belongs to the scope that it was made in, with the memory that it computes in, which grows to what the largest batch needs.
type FoldedBackbone struct {
	// Times is where each call leaves its times. They are measured only for somebody who asks by setting it.
	Times *FoldedTimes

	scope                  *Scope
	compute                DType
	parameters, statistics []*Tensor
	head                   []*Tensor // weight, and perhaps bias
	versions               []int64   // of the parameters when they were folded; nil: they are not
	weights, workspace     *Tensor   // nil before the first call
	folded                 *Tensor   // the statistics that were
}

// NewFoldedBackbone folds the parameters and running statistics that [Backbone.Forward] takes. Float32 or BFloat16 is what values are
// stored and multiplied in; sums are float32.
func NewFoldedBackbone(s *Scope, compute DType, parameters, statistics []*Tensor) *FoldedBackbone {
	return &FoldedBackbone{scope: s, compute: compute, parameters: slices.Clone(parameters), statistics: slices.Clone(statistics)}
}

// Forward is the average over all positions (N, channels), float32, of the last layer's output for images x (N, 3, H, W),
// float32 on the CPU; the backbone's layers must be of x's sizes, a stem and then blocks of a depthwise and a pointwise layer. No
// gradients. An image's features do not depend on the batch that it is in, nor on the number of threads.
func (f *FoldedBackbone) Forward(s *Scope, t Backbone, x *Tensor) *Tensor {
	if !s.ready(foldedBackbone, x) {
		return nil
	}
	return f.infer(s, t, false, native.Tensor(x.c), Pixels{}, x)
}

// ForwardPixels is Forward of pixels, which it normalizes as it reads them. It does not change them.
func (f *FoldedBackbone) ForwardPixels(s *Scope, t Backbone, p Pixels) *Tensor {
	return f.inferPixels(s, t, p, false)
}

// WithHead puts a linear layer behind the backbone, for Logits, and returns f: a weight (classes, channels) and a bias (classes), which
// may be nil; float32 on the CPU. They are seen to change as the backbone's parameters are.
func (f *FoldedBackbone) WithHead(weight, bias *Tensor) *FoldedBackbone {
	f.head, f.versions = []*Tensor{weight}, nil
	if bias != nil {
		f.head = append(f.head, bias)
	}
	return f
}

// Logits are the head's (N, classes), float32 in either type of computation, of the features that Forward gives. They do not depend on
// the batch that an image is in either, nor on the number of threads.
func (f *FoldedBackbone) Logits(s *Scope, t Backbone, x *Tensor) *Tensor {
	if !s.ready(foldedBackbone, x) {
		return nil
	}
	return f.infer(s, t, true, native.Tensor(x.c), Pixels{}, x)
}

// LogitsPixels is Logits of pixels.
func (f *FoldedBackbone) LogitsPixels(s *Scope, t Backbone, p Pixels) *Tensor {
	return f.inferPixels(s, t, p, true)
}

const foldedBackbone = "folded backbone" // in errors

func (f *FoldedBackbone) inferPixels(s *Scope, t Backbone, p Pixels, logits bool) *Tensor {
	if err := checkCount(len(p.Values), []int64{int64(p.N), int64(p.Height), int64(p.Width), 3}); err != nil {
		s.Fail(fmt.Errorf("autograd: %s: %w", foldedBackbone, err))
	}
	return f.infer(s, t, logits, nil, p)
}

// infer computes images x, or the pixels where x is nil. Errors name the inputs.
func (f *FoldedBackbone) infer(s *Scope, t Backbone, logits bool, x native.Tensor, p Pixels, inputs ...*Tensor) *Tensor {
	start := time.Now()
	if logits && f.head == nil {
		s.Fail(fmt.Errorf("autograd: %s: there is no head to make logits: WithHead puts one behind it", foldedBackbone))
	}
	fused := native.Backbone{Layers: t.Layers, Cap: t.Cap, Eps: t.Eps, Momentum: t.Momentum, BFloat16: f.compute == BFloat16}
	if !s.ready(foldedBackbone, slices.Concat(f.parameters, f.statistics, f.head)...) || !f.ready(s) {
		return nil
	}
	if err := f.fold(fused); err != nil {
		s.Fail(opError(foldedBackbone, inputs, err))
		return nil
	}
	folded := native.Folded{Weights: native.Tensor(f.weights.c), Classes: f.classes()}
	out, err := native.BackboneInfer(fused, folded, logits, native.Tensor(f.workspace.c), x, p, f.Times)
	if f.Times != nil {
		f.Times.Whole = time.Since(start).Seconds()
	}
	return s.made(foldedBackbone, inputs, out, err)
}

// ready makes the tensors of bytes, empty at first, that the native side keeps its memory in.
func (f *FoldedBackbone) ready(s *Scope) bool {
	if f.weights == nil {
		f.weights, f.workspace, f.folded = f.scope.Zeros(Uint8, CPU, 0), f.scope.Zeros(Uint8, CPU, 0), f.scope.Zeros(Uint8, CPU, 0)
	}
	return s.ready(foldedBackbone, f.weights, f.workspace, f.folded)
}

// fold sees to it that the folded weights are those of the parameters and statistics. Statistics are compared by their values:
// libtorch's batch norm writes to them in training without counting it.
func (f *FoldedBackbone) fold(t native.Backbone) error {
	versions, err := native.Versions(handles(slices.Concat(f.parameters, f.head)))
	if err != nil {
		return err
	}
	same, err := native.CopyIfChanged(native.Tensor(f.folded.c), handles(f.statistics))
	if err != nil || same && f.versions != nil && slices.Equal(versions, f.versions) {
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
	if err := native.BackboneFold(native.Tensor(f.weights.c), t, handles(f.parameters), handles(f.statistics), head); err != nil {
		return err
	}
	f.versions = versions
	return nil
}

// classes are the head's, 0 without one.
func (f *FoldedBackbone) classes() int {
	if len(f.head) == 0 {
		return 0
	}
	return int(f.head[0].Shape()[0])
}
