package autograd

import (
	"fmt"
	"strconv"
	"strings"
)

// DType is the type of a tensor's elements, with libtorch's values (c10/core/ScalarType.h).
type DType int

// The supported types.
const (
	invalid  DType = -1
	Uint8    DType = 0
	Int32    DType = 3
	Int64    DType = 4
	Float16  DType = 5
	Float32  DType = 6
	Float64  DType = 7
	Bool     DType = 11
	BFloat16 DType = 15
)

var dtypeNames = map[DType]string{Uint8: "uint8", Int32: "int32", Int64: "int64", Float16: "float16", Float32: "float32", Float64: "float64", Bool: "bool", BFloat16: "bfloat16"}

// String is the name that PyTorch has for the type, such as float32.
func (d DType) String() string {
	if name, ok := dtypeNames[d]; ok {
		return name
	}
	return fmt.Sprintf("dtype%d", int(d))
}

// half reports whether the type has 16 bits.
func (d DType) half() bool { return d == BFloat16 || d == Float16 }

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
