package autograd

import (
	"fmt"

	"depthwise.dev/autograd/native"
)

// Precision is a network's compute precision. Parameters, statistics, losses and updates are
// float32 in each of them.
type Precision string

// The precisions.
const (
	PrecisionAuto Precision = "auto" // BF16 where the hardware has it, FP16 on older GPUs, else FP32
	FP32          Precision = "fp32"
	BF16          Precision = "bf16"
	FP16          Precision = "fp16" // training scales the loss: gradients below 6e-8 are zero in float16
)

// Resolve resolves "auto" for a device and rejects unknown names.
func (p Precision) Resolve(d Device) (Precision, error) {
	switch p {
	case FP32, BF16, FP16:
		return p, nil
	case PrecisionAuto, "":
		return FastPrecision(d), nil
	}
	return "", fmt.Errorf("autograd: unknown precision %q; use auto, fp32, bf16 or fp16", string(p))
}

// kernelType reports whether the module's own kernels compute in a type, and otherwise fails the scope.
func kernelType(s *Scope, name string, compute DType) bool {
	if compute != Float16 {
		return true
	}
	s.Fail(fmt.Errorf("autograd: %s: the kernels compute in float32 and bfloat16, not in float16; libtorch's operations do, which --backend torch selects", name))
	return false
}

// FastPrecision is the precision that a device has fast instructions for.
func FastPrecision(d Device) Precision {
	if g, ok := GPUByDevice(d); ok {
		return g.fastPrecision()
	}
	if d != CPU || native.HasBF16() {
		return BF16
	}
	return FP32
}

// fastPrecision is [FastPrecision] of a GPU: those before Ampere have no instructions for bfloat16, and since Volta tensor cores for
// float16.
func (g GPU) fastPrecision() Precision {
	if g.major < ampere {
		return FP16
	}
	return BF16
}

// HasTF32 reports whether a device rounds the operands of float32 products to TF32 on request.
func HasTF32(d Device) bool {
	g, ok := GPUByDevice(d)
	return ok && g.major >= ampere
}

// ampere is the first compute capability with units for bfloat16 and TF32 (CUDA C++ Programming Guide, Compute Capabilities).
const ampere = 8

// Compute returns the type to pass to Autocast for p.
func (p Precision) Compute() DType {
	switch p {
	case BF16:
		return BFloat16
	case FP16:
		return Float16
	}
	return Float32
}
