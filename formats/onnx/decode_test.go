package onnx

import (
	"encoding/binary"
	"math"
	"testing"
	"unicode/utf8"

	"depthwise.dev/internal/floats"
)

// A reader of ONNX models for tests, independent of the writer: field numbers are those of onnx.proto.

// field is a field of a protobuf message.
type field struct {
	number   int
	wire     int
	number64 uint64 // of wire types 0, 1 and 5
	bytes    []byte // of wire type 2
}

// fields splits a message.
func fields(t *testing.T, b []byte) []field {
	t.Helper()
	var list []field
	varint := func() uint64 {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			t.Fatal("a truncated varint")
		}
		b = b[n:]
		return v
	}
	for len(b) > 0 {
		tag := varint()
		f := field{number: int(tag >> 3), wire: int(tag & 7)}
		switch f.wire {
		case 0:
			f.number64 = varint()
		case 2:
			n := varint()
			if n > uint64(len(b)) {
				t.Fatalf("field %d has %d of %d bytes", f.number, len(b), n)
			}
			f.bytes, b = b[:n], b[n:]
		case 5:
			f.number64, b = uint64(binary.LittleEndian.Uint32(b)), b[4:]
		default:
			t.Fatalf("field %d has wire type %d", f.number, f.wire)
		}
		if n := len(list); n > 0 && list[n-1].number > f.number {
			t.Errorf("field %d follows field %d", f.number, list[n-1].number)
		}
		list = append(list, f)
	}
	return list
}

type decodedNode struct {
	operation, name string
	inputs, outputs []string
	floats          map[string]float32
	ints            map[string][]int64 // of single integers too
}

type decodedTensor struct {
	element int64
	shape   []int
	values  []float32
}

type decodedValue struct {
	element int64
	batch   string
	shape   []int // of one image
}

type decodedModel struct {
	ir, opset         int64
	producer, version string
	name              string
	metadata          map[string]string
	nodes             []decodedNode
	tensors           map[string]decodedTensor
	tensorNames       []string
	inputs, outputs   map[string]decodedValue
	between           map[string]decodedValue
}

func text(t *testing.T, b []byte) string {
	if !utf8.Valid(b) {
		t.Errorf("%q is no UTF-8", b)
	}
	return string(b)
}

func decode(t *testing.T, b []byte) decodedModel {
	m := decodedModel{metadata: map[string]string{}, tensors: map[string]decodedTensor{},
		inputs: map[string]decodedValue{}, outputs: map[string]decodedValue{}, between: map[string]decodedValue{}}
	for _, f := range fields(t, b) {
		switch f.number {
		case 1:
			m.ir = int64(f.number64)
		case 2:
			m.producer = text(t, f.bytes)
		case 3:
			m.version = text(t, f.bytes)
		case 7:
			m.decodeGraph(t, f.bytes)
		case 8:
			for _, f := range fields(t, f.bytes) {
				if f.number == 2 {
					m.opset = int64(f.number64)
				}
			}
		case 14:
			pair := map[int]string{}
			for _, f := range fields(t, f.bytes) {
				pair[f.number] = text(t, f.bytes)
			}
			m.metadata[pair[1]] = pair[2]
		}
	}
	return m
}

func (m *decodedModel) decodeGraph(t *testing.T, b []byte) {
	for _, f := range fields(t, b) {
		switch f.number {
		case 1:
			m.nodes = append(m.nodes, decodeNode(t, f.bytes))
		case 2:
			m.name = text(t, f.bytes)
		case 5:
			name, tensor := decodeTensor(t, f.bytes)
			m.tensors[name] = tensor
			m.tensorNames = append(m.tensorNames, name)
		case 11:
			name, v := decodeValue(t, f.bytes)
			m.inputs[name] = v
		case 12:
			name, v := decodeValue(t, f.bytes)
			m.outputs[name] = v
		case 13:
			name, v := decodeValue(t, f.bytes)
			m.between[name] = v
		}
	}
}

func decodeNode(t *testing.T, b []byte) decodedNode {
	n := decodedNode{floats: map[string]float32{}, ints: map[string][]int64{}}
	for _, f := range fields(t, b) {
		switch f.number {
		case 1:
			n.inputs = append(n.inputs, text(t, f.bytes))
		case 2:
			n.outputs = append(n.outputs, text(t, f.bytes))
		case 3:
			n.name = text(t, f.bytes)
		case 4:
			n.operation = text(t, f.bytes)
		case 5:
			n.decodeAttribute(t, f.bytes)
		}
	}
	return n
}

func (n *decodedNode) decodeAttribute(t *testing.T, b []byte) {
	name, kind := "", uint64(0)
	for _, f := range fields(t, b) {
		switch f.number {
		case 1:
			name = text(t, f.bytes)
		case 2:
			n.floats[name] = math.Float32frombits(uint32(f.number64))
		case 3, 8:
			n.ints[name] = append(n.ints[name], int64(f.number64))
		case 20:
			kind = f.number64
		}
	}
	if _, isFloat := n.floats[name]; isFloat != (kind == 1) || !isFloat && kind != 2 && kind != 7 {
		t.Errorf("%s: attribute %s has type %d", n.name, name, kind)
	}
}

func decodeTensor(t *testing.T, b []byte) (name string, d decodedTensor) {
	size := 1
	var raw []byte
	for _, f := range fields(t, b) {
		switch f.number {
		case 1:
			d.shape = append(d.shape, int(f.number64))
			size *= int(f.number64)
		case 2:
			d.element = int64(f.number64)
		case 8:
			name = text(t, f.bytes)
		case 9:
			raw = f.bytes
		}
	}
	kind, ok := map[int64]floats.Type{1: floats.Float32, 10: floats.Float16}[d.element]
	if !ok || len(raw) != size*kind.Size() {
		t.Fatalf("%s: type %d, %d bytes for the shape %v", name, d.element, len(raw), d.shape)
	}
	var err error
	if d.values, err = floats.Decode(kind, binary.LittleEndian, raw); err != nil {
		t.Fatal(err)
	}
	return name, d
}

func decodeValue(t *testing.T, b []byte) (name string, v decodedValue) {
	for _, f := range fields(t, b) {
		if f.number == 1 {
			name = text(t, f.bytes)
		}
		if f.number != 2 {
			continue
		}
		for _, f := range fields(t, fields(t, f.bytes)[0].bytes) { // TypeProto.tensor_type
			if f.number == 1 {
				v.element = int64(f.number64)
				continue
			}
			for _, f := range fields(t, f.bytes) { // TensorShapeProto.dim
				if d := fields(t, f.bytes)[0]; d.number == 1 {
					v.shape = append(v.shape, int(d.number64))
				} else {
					v.batch += text(t, d.bytes)
				}
			}
		}
	}
	return name, v
}
