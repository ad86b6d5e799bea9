package classifier

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
)

// A file of weights is Magic, the length of a JSON header as 4 bytes, the header, and the arrays of the layers in their
// order: weight, bias, scale, shift, as far as a layer has them. Numbers are little-endian.
const Magic = "DWGO0001"

// Kinds of layers.
const (
	KindConv          = "conv"
	KindBatchNorm     = "batch_norm"
	KindActivation    = "activation"
	KindAdd           = "add"
	KindMaxPool       = "max_pool"
	KindGlobalAvgPool = "global_avg_pool"
	KindFlatten       = "flatten"
	KindLinear        = "linear"
)

// Types in which weights are stored. Biases, scales and shifts are always float32.
const (
	Float32  = "fp32"
	BFloat16 = "bf16"
)

// Header describes a network.
type Header struct {
	Name       string            `json:"name"`
	Input      [3]int            `json:"input"` // channels, rows, columns
	Classes    []string          `json:"classes"`
	Preprocess Preprocess        `json:"preprocess"`
	DType      string            `json:"dtype"`
	Layers     []Layer           `json:"layers"`
	Metadata   map[string]string `json:"metadata"` // what the weights are, as in files of depthwise
}

// Layer is an operation and the activation function behind it. The last layer gives the logits.
type Layer struct {
	Kind   string `json:"kind"`
	Name   string `json:"name"`
	Inputs []int  `json:"inputs"` // indices of layers; -1 is the image
	Out    int    `json:"out,omitempty"`
	Kernel int    `json:"kernel,omitempty"`
	Stride int    `json:"stride,omitempty"`
	Groups int    `json:"groups,omitempty"`
	Rows   [2]int `json:"rows"`    // padding before and after
	Cols   [2]int `json:"columns"` // likewise
	Bias   bool   `json:"bias,omitempty"`
	// Activation is "", "relu" or "relu6".
	Activation string `json:"activation,omitempty"`

	weight, bias, scale, shift []float32
}

// Limits of a network, so that a damaged file is an error and not an allocation of gigabytes.
const (
	maxValues = math.MaxInt32 // of an array or of the activations of a layer; it is an int on all processors
	maxSide   = 1 << 16
)

// parse reads a file of weights.
func parse(file []byte) (*Header, error) {
	head := len(Magic) + 4
	if len(file) < head || string(file[:len(Magic)]) != Magic {
		return nil, errors.New("not a file of weights of this version")
	}
	n := int(binary.LittleEndian.Uint32(file[len(Magic):]))
	if n < 0 || n > len(file)-head { // below 0 where int has 32 bits
		return nil, errors.New("the header is truncated")
	}
	h := new(Header)
	if err := json.Unmarshal(file[head:head+n], h); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	if h.DType != Float32 && h.DType != BFloat16 {
		return nil, fmt.Errorf("header: unknown type of weights %q", h.DType)
	}
	shapes, err := h.shapes()
	if err != nil {
		return nil, err
	}
	a := arrays{rest: file[head+n:], brain: h.DType == BFloat16}
	for i := range h.Layers {
		a.load(&h.Layers[i], shapes)
	}
	if a.short || len(a.rest) != 0 {
		return nil, errors.New("the arrays do not have the length that the header says")
	}
	return h, nil
}

// arrays reads the arrays of a file one after another.
type arrays struct {
	rest  []byte
	brain bool // weights are bfloat16
	short bool // the file has ended too early
}

// load reads the arrays of a layer.
func (a *arrays) load(l *Layer, shapes []shape) {
	in := shapes[l.Inputs[0]+1]
	switch l.Kind {
	case KindConv:
		l.weight = a.weight(l.Out * (in.channels / l.Groups) * l.Kernel * l.Kernel)
	case KindLinear:
		l.weight = a.weight(l.Out * in.channels)
	case KindBatchNorm:
		l.scale, l.shift = a.next(in.channels), a.next(in.channels)
	}
	if l.Bias {
		l.bias = a.next(l.Out)
	}
}

func (a *arrays) weight(n int) []float32 {
	if !a.brain {
		return a.next(n)
	}
	raw := a.bytes(n, 2)
	values := make([]float32, len(raw)/2)
	for i := range values {
		values[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(raw[2*i:])) << 16)
	}
	return values
}

func (a *arrays) next(n int) []float32 {
	raw := a.bytes(n, 4)
	values := make([]float32, len(raw)/4)
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return values
}

// bytes returns n numbers of a size, or nothing if the file is too short.
func (a *arrays) bytes(n, size int) []byte {
	if a.short || n > len(a.rest)/size {
		a.short = true
		return nil
	}
	b := a.rest[:n*size]
	a.rest = a.rest[n*size:]
	return b
}
