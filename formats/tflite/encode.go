package tflite

import (
	"fmt"

	flatbuffers "github.com/google/flatbuffers/go"
)

// maxContent is the most that the buffers of a file may hold: offsets of FlatBuffers are below 2 GiB, and 16 MiB are for
// the rest.
const maxContent = 1<<31 - 1<<24

// bufferAlignment is what the schema demands of buffers (force_align), so that runtimes use them in place.
const bufferAlignment = 16

// signature is the name under which TensorFlow's tools look for a network's function.
const signature = "serving_default"

// encoder writes a model. A FlatBuffer is written from its end: what a table refers to comes before the table.
type encoder struct{ *flatbuffers.Builder }

// encode returns the model as a FlatBuffer. It is allocated once, at its size with room for the tables.
func (m *model) encode() ([]byte, error) {
	size := m.bytes()
	if size > maxContent {
		return nil, fmt.Errorf("tflite: the weights take %d MB, a file of TensorFlow Lite holds at most %d MB: use a smaller width, or store them in fp16", size>>20, maxContent>>20)
	}
	const perTable = 256 // tensors and operators measured at up to 200 bytes
	names := 0
	for _, t := range m.tensors {
		names += len(t.name)
	}
	e := encoder{flatbuffers.NewBuilder(size + names + perTable*(len(m.tensors)+len(m.operators)+len(m.buffers)+16))}
	e.FinishWithFileIdentifier(e.model(m), []byte(fileIdentifier))
	return e.FinishedBytes(), nil
}

func (e encoder) model(m *model) flatbuffers.UOffsetT {
	buffers := tables(e, m.buffers, e.buffer)
	codes, indices := operatorCodes(m.operators)
	operatorCodes := tables(e, codes, e.operatorCode)
	subgraphs := e.CreateVectorOfTables([]flatbuffers.UOffsetT{e.subgraph(m, indices)})
	metadata := tables(e, m.entries, e.entry)
	signatures := e.CreateVectorOfTables([]flatbuffers.UOffsetT{e.signature(m)})
	description := e.CreateString(m.description)
	e.StartObject(8)
	e.PrependUint32Slot(0, schemaVersion, 0)
	e.PrependUOffsetTSlot(1, operatorCodes, 0)
	e.PrependUOffsetTSlot(2, subgraphs, 0)
	e.PrependUOffsetTSlot(3, description, 0)
	e.PrependUOffsetTSlot(4, buffers, 0)
	e.PrependUOffsetTSlot(6, metadata, 0)
	e.PrependUOffsetTSlot(7, signatures, 0)
	return e.EndObject()
}

func (e encoder) buffer(c content) flatbuffers.UOffsetT {
	if c.count == 0 {
		e.StartObject(1)
		return e.EndObject()
	}
	e.StartVector(1, c.size*c.count, bufferAlignment)
	for i := c.count - 1; i >= 0; i-- {
		switch bits := c.at(i); c.size {
		case 1:
			e.PlaceUint8(uint8(bits))
		case 2:
			e.PlaceUint16(uint16(bits))
		default:
			e.PlaceUint32(bits)
		}
	}
	data := e.EndVector(c.size * c.count)
	e.StartObject(1)
	e.PrependUOffsetTSlot(0, data, 0)
	return e.EndObject()
}

// versioned is an operator as a file lists it once.
type versioned struct {
	code    code
	version int32
}

// operatorCodes lists the operators of the model in the order of their first use, with the place of each in the list.
func operatorCodes(operators []operator) (list []versioned, indices map[versioned]int) {
	indices = map[versioned]int{}
	for _, o := range operators {
		v := versioned{o.code, o.version}
		if _, ok := indices[v]; !ok {
			indices[v] = len(list)
			list = append(list, v)
		}
	}
	return list, indices
}

func (e encoder) operatorCode(v versioned) flatbuffers.UOffsetT {
	e.StartObject(4)
	e.PrependInt8Slot(0, int8(v.code), 0)
	e.PrependInt32Slot(2, v.version, 1)
	e.PrependInt32Slot(3, int32(v.code), 0)
	return e.EndObject()
}

func (e encoder) subgraph(m *model, indices map[versioned]int) flatbuffers.UOffsetT {
	tensors := tables(e, m.tensors, e.tensor)
	operators := tables(e, m.operators, func(o operator) flatbuffers.UOffsetT {
		return e.operator(o, indices[versioned{o.code, o.version}])
	})
	inputs, outputs, name := e.int32s([]int32{m.input}), e.int32s([]int32{m.output}), e.CreateString("main")
	e.StartObject(5)
	e.PrependUOffsetTSlot(0, tensors, 0)
	e.PrependUOffsetTSlot(1, inputs, 0)
	e.PrependUOffsetTSlot(2, outputs, 0)
	e.PrependUOffsetTSlot(3, operators, 0)
	e.PrependUOffsetTSlot(4, name, 0)
	return e.EndObject()
}

func (e encoder) tensor(t tensor) flatbuffers.UOffsetT {
	name, shape, dynamic := e.CreateString(t.name), e.int32s(t.shape), flatbuffers.UOffsetT(0)
	if t.batched {
		dynamic = e.int32s(append([]int32{-1}, t.shape[1:]...))
	}
	e.StartObject(9)
	e.PrependUOffsetTSlot(0, shape, 0)
	e.PrependInt8Slot(1, int8(t.element), 0)
	e.PrependUint32Slot(2, uint32(t.buffer), 0)
	e.PrependUOffsetTSlot(3, name, 0)
	e.PrependUOffsetTSlot(7, dynamic, 0)
	e.PrependBoolSlot(8, true, false) // has_rank
	return e.EndObject()
}

func (e encoder) operator(o operator, index int) flatbuffers.UOffsetT {
	inputs, outputs, options := e.int32s(o.inputs), e.int32s(o.outputs), flatbuffers.UOffsetT(0)
	kind, ok := optionsOf[o.code]
	if ok {
		options = e.options(o.fields)
	}
	e.StartObject(5)
	e.PrependUint32Slot(0, uint32(index), 0)
	e.PrependUOffsetTSlot(1, inputs, 0)
	e.PrependUOffsetTSlot(2, outputs, 0)
	e.PrependByteSlot(3, kind, 0)
	e.PrependUOffsetTSlot(4, options, 0)
	return e.EndObject()
}

func (e encoder) options(fields []field) flatbuffers.UOffsetT {
	const slots = 8 // no table of schema.go has more; those behind the last one in use are not written
	e.StartObject(slots)
	for _, f := range fields {
		if f.narrow {
			e.PrependInt8Slot(f.slot, int8(f.value), 0)
		} else {
			e.PrependInt32Slot(f.slot, f.value, 0)
		}
	}
	return e.EndObject()
}

func (e encoder) entry(t entry) flatbuffers.UOffsetT {
	name := e.CreateString(t.name)
	e.StartObject(2)
	e.PrependUOffsetTSlot(0, name, 0)
	e.PrependUint32Slot(1, uint32(t.buffer), 0)
	return e.EndObject()
}

// signature names input and output, for get_signature_runner.
func (e encoder) signature(m *model) flatbuffers.UOffsetT {
	named := func(t int32) flatbuffers.UOffsetT {
		name := e.CreateString(m.tensors[t].name)
		e.StartObject(2)
		e.PrependUOffsetTSlot(0, name, 0)
		e.PrependUint32Slot(1, uint32(t), 0)
		return e.CreateVectorOfTables([]flatbuffers.UOffsetT{e.EndObject()})
	}
	inputs, outputs, key := named(m.input), named(m.output), e.CreateString(signature)
	e.StartObject(5)
	e.PrependUOffsetTSlot(0, inputs, 0)
	e.PrependUOffsetTSlot(1, outputs, 0)
	e.PrependUOffsetTSlot(2, key, 0)
	return e.EndObject()
}

// tables writes a list of tables.
func tables[T any](e encoder, list []T, write func(T) flatbuffers.UOffsetT) flatbuffers.UOffsetT {
	offsets := make([]flatbuffers.UOffsetT, len(list))
	for i, item := range list {
		offsets[i] = write(item)
	}
	return e.CreateVectorOfTables(offsets)
}

func (e encoder) int32s(values []int32) flatbuffers.UOffsetT {
	e.StartVector(4, len(values), 4)
	for i := len(values) - 1; i >= 0; i-- {
		e.PlaceInt32(values[i])
	}
	return e.EndVector(len(values))
}

func (e encoder) float32s(values []float32) flatbuffers.UOffsetT {
	e.StartVector(4, len(values), 4)
	for i := len(values) - 1; i >= 0; i-- {
		e.PlaceFloat32(values[i])
	}
	return e.EndVector(len(values))
}
