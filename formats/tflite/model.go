package tflite

import (
	"math"
	"strconv"
	"strings"

	"depthwise.dev/internal/floats"
)

// model is a network in the terms of TensorFlow Lite: operators that read and write tensors. A tensor with a buffer is
// constant.
type model struct {
	description   string
	buffers       []content // the first one is empty, that of tensors that are computed
	tensors       []tensor
	operators     []operator
	input, output int32
	entries       []entry
	names         map[string]bool // of tensors
}

// content is what a buffer holds: count elements of size bytes, whose bits are the lower ones of at. They are computed when
// the file is written, so that weights in another order than the network's are not copied.
type content struct {
	size, count int
	at          func(i int) uint32
}

// tensor has the shape of one image, with a batch of 1 where batched.
type tensor struct {
	name    string
	element elementType
	shape   []int32
	batched bool // the first dimension is the batch, of any size
	buffer  int
}

type operator struct {
	code            code
	version         int32
	inputs, outputs []int32
	fields          []field
}

// field is a field of an operator's options: a 32-bit number, or if narrow an 8-bit one.
type field struct {
	slot   int
	value  int32
	narrow bool
}

// entry is a named buffer of metadata.
type entry struct {
	name   string
	buffer int
}

func newModel() *model {
	return &model{buffers: []content{{}}, names: map[string]bool{}}
}

// bytesOf is a buffer of bytes.
func bytesOf(b string) content {
	return content{1, len(b), func(i int) uint32 { return uint32(b[i]) }}
}

func int32s(values ...int32) content {
	return content{4, len(values), func(i int) uint32 { return uint32(values[i]) }}
}

func float32s(count int, at func(i int) float32) content {
	return content{4, count, func(i int) uint32 { return math.Float32bits(at(i)) }}
}

func float16s(count int, at func(i int) float32) content {
	return content{2, count, func(i int) uint32 { return uint32(floats.ToHalf(at(i))) }}
}

// bytes is the size of all buffers.
func (m *model) bytes() int {
	n := 0
	for _, b := range m.buffers {
		n += b.size * b.count
	}
	return n
}

// unique makes a name valid, and different from those before it. The programming interfaces take names as C strings.
func (m *model) unique(name string) string {
	name = strings.ReplaceAll(strings.ToValidUTF8(name, "\uFFFD"), "\x00", "\uFFFD")
	base := name
	for i := 2; m.names[name]; i++ {
		name = base + "_" + strconv.Itoa(i)
	}
	m.names[name] = true
	return name
}

// add adds a tensor whose name is already unique.
func (m *model) add(t tensor) int32 {
	m.tensors = append(m.tensors, t)
	return int32(len(m.tensors) - 1)
}

// constant adds a tensor with its values.
func (m *model) constant(name string, element elementType, shape []int32, values content) int32 {
	m.buffers = append(m.buffers, values)
	return m.add(tensor{name: m.unique(name), element: element, shape: shape, buffer: len(m.buffers) - 1})
}

// operate adds an operator with one output, and returns that.
func (m *model) operate(c code, inputs []int32, output int32, fields ...field) int32 {
	m.operators = append(m.operators, operator{c, versionOtherwise, inputs, []int32{output}, fields})
	return output
}

// describe adds metadata.
func (m *model) describe(name, text string) {
	m.buffers = append(m.buffers, bytesOf(text))
	m.entries = append(m.entries, entry{name, len(m.buffers) - 1})
}
