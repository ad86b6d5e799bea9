package autograd

import (
	"fmt"
	"strconv"
	"strings"

	"depthwise.dev/autograd/native"
)

// DType is the type of a tensor's elements, with libtorch's numbers (c10/core/ScalarType.h).
type DType int

// The types that the project computes with.
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

func (d DType) String() string {
	if name, ok := dtypeNames[d]; ok {
		return name
	}
	return fmt.Sprintf("dtype%d", int(d))
}

// Device is a place for tensors, with gotch's numbers: -1 is the processor, n >= 0 the GPU n.
type Device int

// CPU is the processor.
const CPU Device = -1

// CUDA is the GPU with number n.
func CUDA(n int) Device { return Device(n) }

func (d Device) String() string {
	if d < 0 {
		return "cpu"
	}
	return "cuda:" + strconv.Itoa(int(d))
}

// ParseDevice reads "cpu", "cuda", "cuda:N" or "auto", which is the first GPU if libtorch can use one, else the
// processor. A GPU that is not there is an error.
func ParseDevice(name string) (Device, error) {
	switch name {
	case "cpu":
		return CPU, nil
	case "auto", "":
		if native.CUDADevices() > 0 {
			return CUDA(0), nil
		}
		return CPU, nil
	}
	number, isCUDA := strings.CutPrefix(name, "cuda")
	n := 0
	if rest, hasNumber := strings.CutPrefix(number, ":"); hasNumber {
		var err error
		if n, err = strconv.Atoi(rest); err != nil || n < 0 {
			isCUDA = false
		}
	} else if number != "" {
		isCUDA = false
	}
	if !isCUDA {
		return CPU, fmt.Errorf("autograd: unknown device %q; use auto, cpu, cuda or cuda:N", name)
	}
	if have := native.CUDADevices(); n >= have {
		return CPU, fmt.Errorf("autograd: device %s: this libtorch sees %d GPUs; use --device cpu, or set up with LIBTORCH_USE_PYTORCH=1 and a PyTorch that has CUDA", name, have)
	}
	return CUDA(n), nil
}

// Precision is what a network computes in. Parameters, statistics, losses and updates are float32 in each of them.
type Precision string

// The precisions that users name.
const (
	PrecisionAuto Precision = "auto" // BF16 where the hardware has it, else FP32
	FP32          Precision = "fp32"
	BF16          Precision = "bf16"
)

// Resolve settles "auto" for a device and refuses unknown names.
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

// Compute is the type that Autocast is to be given for p.
func (p Precision) Compute() DType {
	if p == BF16 {
		return BFloat16
	}
	return Float32
}
