package autograd

import (
	"fmt"

	"depthwise.dev/autograd/native"
)

// PassTimes are the seconds that the fused kernels took for one pass in one direction: the whole operation, and of it
// packing the weights and laying out the images (forward only), the pooling, and each layer with the arithmetic of its batch
// norm. A pass that has not run has no Layers.
type PassTimes = native.PassTimes

// BackboneTimes are the times of a forward pass and of its backward pass; see [Backbone].
type BackboneTimes = native.BackboneTimes

// FoldedTimes are the seconds that one call of a [FoldedBackbone] took: the whole of it, with looking for changed weights and the
// memory around the kernels; and of it each layer, the pooling, the head (of Logits), and waiting. An image stays with its thread,
// so threads are in different layers at the same time: these parts are the time of all threads, divided by their number. Waiting is what threads
// had no work for: for others of their team, for the slowest at the end.
type FoldedTimes = native.FoldedTimes

// BackbonePeaks is what this processor can do at best in a second, with the instruction set of [BackboneKernels].
type BackbonePeaks struct {
	MultiplyAdds      float64 // of operands in the type of computation, as the matrix products of stem and pointwise layers do
	FloatMultiplyAdds float64 // of floats, as the depthwise layers do in either type
	Read              float64 // bytes that are read from memory
	Add               float64 // bytes to and from memory in a = b + c
}

// Bandwidth is the most bytes that go to or from memory in a second.
func (p BackbonePeaks) Bandwidth() float64 { return max(p.Read, p.Add) }

// Best is the better of two measurements of the same.
func (p BackbonePeaks) Best(q BackbonePeaks) BackbonePeaks {
	return BackbonePeaks{MultiplyAdds: max(p.MultiplyAdds, q.MultiplyAdds), FloatMultiplyAdds: max(p.FloatMultiplyAdds, q.FloatMultiplyAdds),
		Read: max(p.Read, q.Read), Add: max(p.Add, q.Add)}
}

// MeasureBackbonePeaks measures them with a number of threads, in half a second and 400 MB of memory, which it gives back.
// Others who use the processor meanwhile make the result too low; the best of several tries counts. The type is Float32 or
// BFloat16.
func MeasureBackbonePeaks(t DType, threads int) (BackbonePeaks, error) {
	if t != Float32 && t != BFloat16 {
		return BackbonePeaks{}, fmt.Errorf("autograd: peaks of fused kernels: they compute in float32 and bfloat16, not in %v", t)
	}
	p, err := native.MeasureBackbonePeaks(t == BFloat16, threads)
	if err != nil {
		return BackbonePeaks{}, fmt.Errorf("autograd: peaks of fused kernels: %w", err)
	}
	return BackbonePeaks(p), nil
}
