package tflite

import (
	"encoding/binary"
	"math"
	"testing"

	"depthwise.dev/internal/floats"
)

// table is a table of a FlatBuffer, read without the library that writes: https://flatbuffers.dev/internals
type table struct {
	file []byte
	at   int
}

func u32(b []byte, at int) int { return int(int32(binary.LittleEndian.Uint32(b[at:]))) }

// follow returns where the offset at a place points.
func follow(b []byte, at int) int { return at + u32(b, at) }

// field is the place of a field, 0 if the table leaves it out.
func (t table) field(slot int) int {
	vtable := t.at - u32(t.file, t.at)
	if size := int(binary.LittleEndian.Uint16(t.file[vtable:])); 4+2*slot >= size {
		return 0
	}
	offset := int(binary.LittleEndian.Uint16(t.file[vtable+4+2*slot:]))
	if offset == 0 {
		return 0
	}
	return t.at + offset
}

func (t table) byte(slot int) int {
	if at := t.field(slot); at > 0 {
		return int(int8(t.file[at]))
	}
	return 0
}

func (t table) number(slot, otherwise int) int {
	if at := t.field(slot); at > 0 {
		return u32(t.file, at)
	}
	return otherwise
}

func (t table) table(slot int) table {
	if at := t.field(slot); at > 0 {
		return table{t.file, follow(t.file, at)}
	}
	return table{}
}

// vector returns the place of a vector's first element, and their count.
func (t table) vector(slot int) (first, count int) {
	at := t.field(slot)
	if at == 0 {
		return 0, 0
	}
	at = follow(t.file, at)
	return at + 4, u32(t.file, at)
}

func (t table) tables(slot int) []table {
	first, count := t.vector(slot)
	list := make([]table, count)
	for i := range list {
		list[i] = table{t.file, follow(t.file, first+4*i)}
	}
	return list
}

func (t table) bytes(slot int) []byte {
	first, count := t.vector(slot)
	return t.file[first : first+count]
}

func (t table) string(slot int) string { return string(t.bytes(slot)) }

func (t table) numbers(slot int) []int {
	first, count := t.vector(slot)
	list := make([]int, count)
	for i := range list {
		list[i] = u32(t.file, first+4*i)
	}
	return list
}

func (t table) floats(slot int) []float32 {
	list := make([]float32, len(t.numbers(slot)))
	for i, bits := range t.numbers(slot) {
		list[i] = math.Float32frombits(uint32(bits))
	}
	return list
}

// parsed is what the tests look at in a file.
type parsed struct {
	description   string
	tensors       []parsedTensor
	operators     []parsedOperator
	input, output int
	metadata      map[string][]byte
	signature     table
}

type parsedTensor struct {
	name             string
	element          elementType
	shape, signature []int
	constant         bool
	data             []byte
}

type parsedOperator struct {
	code            code
	version         int
	inputs, outputs []int
	kind            int // of the options
	options         table
}

// parse reads a model, and checks what all files must have.
func parse(t testing.TB, file []byte) parsed {
	t.Helper()
	if string(file[4:8]) != "TFL3" {
		t.Fatalf("file identifier %q", file[4:8])
	}
	root := table{file, follow(file, 0)}
	if v := root.number(0, 0); v != 3 {
		t.Errorf("version %d", v)
	}
	p := parsed{description: root.string(3), metadata: map[string][]byte{}}
	buffers := root.tables(4)
	if _, count := buffers[0].vector(0); count != 0 {
		t.Error("buffer 0 is not empty")
	}
	for i, b := range buffers[1:] {
		if first, count := b.vector(0); first%16 != 0 || count == 0 {
			t.Errorf("buffer %d: %d bytes at %d, want some at a multiple of 16", i+1, count, first)
		}
	}
	for _, m := range root.tables(6) {
		p.metadata[m.string(0)] = buffers[m.number(1, 0)].bytes(0)
	}
	graph := root.tables(2)[0]
	for _, x := range graph.tables(0) {
		buffer := x.number(2, 0)
		p.tensors = append(p.tensors, parsedTensor{x.string(3), elementType(x.byte(1)), x.numbers(0), x.numbers(7), buffer > 0, buffers[buffer].bytes(0)})
	}
	codes := root.tables(1)
	for _, o := range graph.tables(3) {
		c := codes[o.number(0, 0)]
		if c.byte(0) != c.number(3, 0) {
			t.Errorf("operator code %d, in the older field %d", c.number(3, 0), c.byte(0))
		}
		p.operators = append(p.operators, parsedOperator{code(c.byte(0)), c.number(2, 1), o.numbers(1), o.numbers(2), o.byte(3), o.table(4)})
	}
	p.input, p.output, p.signature = graph.numbers(1)[0], graph.numbers(2)[0], root.tables(7)[0]
	return p
}

// values decodes a constant.
func (x parsedTensor) values() []float64 {
	kind := map[elementType]floats.Type{typeFloat32: floats.Float32, typeFloat16: floats.Float16, typeInt32: floats.Int32, typeUint8: floats.Uint8}[x.element]
	narrow, _ := floats.Decode(kind, binary.LittleEndian, x.data)
	return widened(narrow)
}

func widened(narrow []float32) []float64 {
	values := make([]float64, len(narrow))
	for i, v := range narrow {
		values[i] = float64(v)
	}
	return values
}
