package onnx

import "depthwise.dev/internal/protobuf"

// The messages of ONNX, with the numbers of their fields.
// https://github.com/onnx/onnx/blob/v1.12.0/onnx/onnx.proto

// element is TensorProto.DataType.
type element int64

const (
	float32Element element = 1
	uint8Element   element = 2
	float16Element element = 10
)

// Kinds of attributes, AttributeProto.AttributeType.
const (
	attributeFloat = 1
	attributeInt   = 2
	attributeInts  = 7
)

// attribute is an AttributeProto. value is a float32, an int64 or []int64.
type attribute struct {
	name  string
	value any
}

func (a attribute) encode() protobuf.Message {
	var m protobuf.Message
	m.Text(1, a.name)
	switch v := a.value.(type) {
	case float32:
		m.Float(2, v)
		m.Integer(20, attributeFloat)
	case int64:
		m.Integer(3, v)
		m.Integer(20, attributeInt)
	case []int64:
		for _, i := range v {
			m.Integer(8, i)
		}
		m.Integer(20, attributeInts)
	}
	return m
}

// node is a NodeProto: an operation with one result, of which output is the name.
type node struct {
	operation  string
	name       string
	inputs     []string
	output     string
	attributes []attribute
}

func (n node) encode() protobuf.Message {
	var m protobuf.Message
	for _, in := range n.inputs {
		m.Text(1, in)
	}
	m.Text(2, n.output)
	m.Text(3, n.name)
	m.Text(4, n.operation)
	for _, a := range n.attributes {
		m.Message(5, a.encode())
	}
	return m
}

// tensor is a TensorProto: an array of the file. Its values are stored as float32 or float16.
type tensor struct {
	name    string
	element element
	shape   []int64
	values  []float32
}

func (t tensor) encode() protobuf.Message {
	var m protobuf.Message
	for _, d := range t.shape {
		m.Integer(1, d)
	}
	m.Integer(2, int64(t.element))
	m.Text(8, t.name)
	m.Array(9, t.values, t.element == float16Element)
	return m
}

// batchDimension names the dimension of images.
const batchDimension = "N"

// value is a ValueInfoProto: an input, an output or a value between nodes, whose first dimension is [batchDimension].
type value struct {
	name    string
	element element
	shape   []int64 // of one image
	doc     string
}

func (v value) encode() protobuf.Message {
	var shape, dimension protobuf.Message
	dimension.Text(2, batchDimension)
	shape.Message(1, dimension)
	for _, d := range v.shape {
		var dimension protobuf.Message
		dimension.Integer(1, d)
		shape.Message(1, dimension)
	}
	var tensorType, typ, m protobuf.Message
	tensorType.Integer(1, int64(v.element))
	tensorType.Message(2, shape)
	typ.Message(1, tensorType)
	m.Text(1, v.name)
	m.Message(2, typ)
	if v.doc != "" {
		m.Text(3, v.doc)
	}
	return m
}

// graph is a GraphProto.
type graph struct {
	name          string
	nodes         []node
	tensors       []tensor
	input, output value
	between       []value // the results of nodes, without output
}

func (g graph) encode() protobuf.Message {
	var m protobuf.Message
	for _, n := range g.nodes {
		m.Message(1, n.encode())
	}
	m.Text(2, g.name)
	for _, t := range g.tensors {
		m.Message(5, t.encode())
	}
	m.Message(11, g.input.encode())
	m.Message(12, g.output.encode())
	for _, v := range g.between {
		m.Message(13, v.encode())
	}
	return m
}

// pair is a StringStringEntryProto.
type pair struct{ key, value string }

func (p pair) encode() protobuf.Message {
	var m protobuf.Message
	m.Text(1, p.key)
	m.Text(2, p.value)
	return m
}

// Versions of what is written. Opset 17 and IR version 8 are those of ONNX 1.12 (2022).
// https://github.com/onnx/onnx/blob/main/docs/Versioning.md#released-versions
const (
	irVersion    = 8
	opsetVersion = 17
	producer     = "depthwise"
)

// model is a ModelProto.
type model struct {
	version  string // of the producer
	doc      string
	graph    graph
	metadata []pair
}

func (f model) encode() protobuf.Message {
	var m, opset protobuf.Message
	m.Integer(1, irVersion)
	m.Text(2, producer)
	m.Text(3, f.version)
	m.Text(6, f.doc)
	m.Message(7, f.graph.encode())
	opset.Text(1, "") // the operations of ONNX itself
	opset.Integer(2, opsetVersion)
	m.Message(8, opset)
	for _, p := range f.metadata {
		m.Message(14, p.encode())
	}
	return m
}
