package onnx

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

func (a attribute) encode() message {
	var m message
	m.text(1, a.name)
	switch v := a.value.(type) {
	case float32:
		m.float(2, v)
		m.integer(20, attributeFloat)
	case int64:
		m.integer(3, v)
		m.integer(20, attributeInt)
	case []int64:
		for _, i := range v {
			m.integer(8, i)
		}
		m.integer(20, attributeInts)
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

func (n node) encode() message {
	var m message
	for _, in := range n.inputs {
		m.text(1, in)
	}
	m.text(2, n.output)
	m.text(3, n.name)
	m.text(4, n.operation)
	for _, a := range n.attributes {
		m.message(5, a.encode())
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

func (t tensor) encode() message {
	var m message
	for _, d := range t.shape {
		m.integer(1, d)
	}
	m.integer(2, int64(t.element))
	m.text(8, t.name)
	m.array(9, t.values, t.element == float16Element)
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

func (v value) encode() message {
	var shape, dimension message
	dimension.text(2, batchDimension)
	shape.message(1, dimension)
	for _, d := range v.shape {
		var dimension message
		dimension.integer(1, d)
		shape.message(1, dimension)
	}
	var tensorType, typ, m message
	tensorType.integer(1, int64(v.element))
	tensorType.message(2, shape)
	typ.message(1, tensorType)
	m.text(1, v.name)
	m.message(2, typ)
	if v.doc != "" {
		m.text(3, v.doc)
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

func (g graph) encode() message {
	var m message
	for _, n := range g.nodes {
		m.message(1, n.encode())
	}
	m.text(2, g.name)
	for _, t := range g.tensors {
		m.message(5, t.encode())
	}
	m.message(11, g.input.encode())
	m.message(12, g.output.encode())
	for _, v := range g.between {
		m.message(13, v.encode())
	}
	return m
}

// pair is a StringStringEntryProto.
type pair struct{ key, value string }

func (p pair) encode() message {
	var m message
	m.text(1, p.key)
	m.text(2, p.value)
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

func (f model) encode() message {
	var m, opset message
	m.integer(1, irVersion)
	m.text(2, producer)
	m.text(3, f.version)
	m.text(6, f.doc)
	m.message(7, f.graph.encode())
	opset.text(1, "") // the operations of ONNX itself
	opset.integer(2, opsetVersion)
	m.message(8, opset)
	for _, p := range f.metadata {
		m.message(14, p.encode())
	}
	return m
}
