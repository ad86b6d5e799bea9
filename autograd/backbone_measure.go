package autograd

import (
	"fmt"

	"depthwise.dev/autograd/native"
)

// PassTimes are the times of the fused kernels for one pass in one direction, in seconds: the whole
// operation, and within it packing the weights and preparing the images (forward only), pooling,
// and each layer with its batch norm's arithmetic. A pass that has not run has no Layers.
type PassTimes = native.PassTimes

// BackboneTimes are the times of a forward pass and of its backward pass; see [Backbone].
type BackboneTimes = native.BackboneTimes

// FoldedTimes are the times of one call of a [FoldedBackbone] in seconds: the whole call, including
// the check for changed weights and memory management; and within it each layer, pooling, the head
// (of Logits), and waiting. An image stays with its thread, so threads are in different layers at
// the same time: these parts are sums over all threads, divided by their number. Waiting is the
// time that threads had no work: waiting for others of their team, or for the slowest at the end.
type FoldedTimes = native.FoldedTimes

// BackbonePeaks is this processor's peak performance, per second, with the ISA variant of
// [BackboneKernels].
type BackbonePeaks struct {
	MultiplyAdds      float64 // of operands in the compute type, as in the matrix products of stem and pointwise layers
	FloatMultiplyAdds float64 // of floats, as in the depthwise layers in either type
	Read              float64 // bytes read from memory
	Add               float64 // bytes to and from memory in a = b + c
}

// Bandwidth is the highest measured memory bandwidth in bytes per second.
func (p BackbonePeaks) Bandwidth() float64 { return max(p.Read, p.Add) }

// Best combines two measurements, taking the higher value of each.
func (p BackbonePeaks) Best(q BackbonePeaks) BackbonePeaks {
	return BackbonePeaks{MultiplyAdds: max(p.MultiplyAdds, q.MultiplyAdds), FloatMultiplyAdds: max(p.FloatMultiplyAdds, q.FloatMultiplyAdds),
		Read: max(p.Read, q.Read), Add: max(p.Add, q.Add)}
}

// MeasureBackbonePeaks measures the peaks with a number of threads, in half a second and with 400
// MB of memory, which it releases. Other load on the processor lowers the result; take the best of
// several runs. The type is Float32 or BFloat16.
func MeasureBackbonePeaks(t DType, threads int) (BackbonePeaks, error) {
	if t != Float32 && t != BFloat16 {
		return BackbonePeaks{}, fmt.Errorf("autograd: peaks of fused kernels: unsupported type %v; use float32 or bfloat16", t)
	}
	p, err := native.MeasureBackbonePeaks(t == BFloat16, threads)
	if err != nil {
		return BackbonePeaks{}, fmt.Errorf("autograd: peaks of fused kernels: %w", err)
	}
	return BackbonePeaks(p), nil
}
