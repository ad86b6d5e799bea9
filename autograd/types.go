package autograd

import (
	"fmt"
	"strconv"
	"strings"

	"depthwise.dev/autograd/native"
)

// DType is the type of a tensor's elements, with libtorch's values (c10/core/ScalarType.h).
type DType int

// The supported types.
const (
	invalid  DType = -1
	Uint8    DType = 0
	Int32    DType = 3
	Int64    DType = 4
	Float32  DType = 6
	Float64  DType = 7
	Bool     DType = 11
	BFloat16 DType = 15
)

var dtypeNames = map[DType]string{Uint8: "uint8", Int32: "int32", Int64: "int64", Float32: "float32", Float64: "float64", Bool: "bool", BFloat16: "bfloat16"}

// String is the name that PyTorch has for the type, such as float32.
func (d DType) String() string {
	if name, ok := dtypeNames[d]; ok {
		return name
	}
	return fmt.Sprintf("dtype%d", int(d))
}

// Device is where a tensor is stored, with gotch's values: -1 is the CPU, n >= 0 is GPU n.
type Device int

// CPU is the CPU.
const CPU Device = -1

// CUDA is GPU n.
func CUDA(n int) Device { return Device(n) }

// String is the name of the device, such as cpu or cuda:0.
func (d Device) String() string {
	if d < 0 {
		return "cpu"
	}
	return "cuda:" + strconv.Itoa(int(d))
}

// ParseDevice parses "cpu", "cuda", "cuda:N" or "auto", which is the first GPU that libtorch can use, else the CPU: then
// [FallbackNote] says why. GPUs are numbered among those that CUDA_VISIBLE_DEVICES leaves. A GPU that is missing or cannot be used is
// an error that says why.
func ParseDevice(name string) (Device, error) {
	switch name {
	case "cpu":
		return CPU, nil
	case "auto", "":
		return thisGPUs().auto(), nil
	}
	number, isCUDA := strings.CutPrefix(name, "cuda")
	n := 0
	if rest, hasNumber := strings.CutPrefix(number, ":"); hasNumber {
		var err error
		if n, err = strconv.Atoi(rest); err != nil || strconv.Itoa(n) != rest || n < 0 { // no +1 and no 01
			isCUDA = false
		}
	} else if number != "" {
		isCUDA = false
	}
	if !isCUDA {
		return CPU, fmt.Errorf("autograd: unknown device %q; use auto, cpu, cuda or cuda:N", name)
	}
	return thisGPUs().device(n)
}

// Precision is a network's compute precision. Parameters, statistics, losses and updates are
// float32 in each of them.
type Precision string

// The precisions.
const (
	PrecisionAuto Precision = "auto" // BF16 where the hardware has it, else FP32
	FP32          Precision = "fp32"
	BF16          Precision = "bf16"
)

// Resolve resolves "auto" for a device and rejects unknown names.
func (p Precision) Resolve(d Device) (Precision, error) {
	switch p {
	case FP32, BF16:
		return p, nil
	case PrecisionAuto, "":
		if d != CPU || native.HasBF16() {
			return BF16, nil
		}
		return FP32, nil
	}
	return "", fmt.Errorf("autograd: unknown precision %q; use auto, fp32 or bf16", string(p))
}

// Compute returns the type to pass to Autocast for p.
func (p Precision) Compute() DType {
	if p == BF16 {
		return BFloat16
	}
	return Float32
}
