package tensorboard

import (
	"encoding/binary"
	"math"
	"time"

	"depthwise.dev/internal/protobuf"
)

// Value is a Summary.Value: something that was measured at a step, under a tag. Make it with [Scalar], [Image],
// [Histogram], [Curve.Value] and the like.
type Value struct {
	tag         string
	description string // for the first value of a tag; Markdown
	plugin      string // that shows it
	content     []byte // of the plugin; nil: the plugin follows from the kind of the value
	set         func(m *protobuf.Message)
}

// Described adds the text that TensorBoard shows about a tag.
func (v Value) Described(text string) Value {
	v.description = text
	return v
}

// Scalar is a number. TensorBoard has float32.
func Scalar(tag string, v float64) Value {
	return Value{tag: tag, plugin: "scalars", set: func(m *protobuf.Message) { m.Float(2, float32(v)) }}
}

// Image is a picture, encoded as JPEG or PNG.
func Image(tag string, width, height int, encoded []byte) Value {
	return Value{tag: tag, plugin: "images", set: func(m *protobuf.Message) {
		var image protobuf.Message
		image.Integer(1, int64(height))
		image.Integer(2, int64(width))
		image.Integer(3, 3) // RGB
		image.Bytes(4, encoded)
		m.Message(4, image)
	}}
}

// tensor is a TensorProto of float32 in row-major order.
func tensor(values []float32, shape ...int) protobuf.Message {
	const float = 1 // DT_FLOAT
	var t, dimensions protobuf.Message
	for _, n := range shape {
		var d protobuf.Message
		d.Integer(1, int64(n))
		dimensions.Message(2, d)
	}
	t.Integer(1, float)
	t.Message(2, dimensions)
	content := make([]byte, 0, 4*len(values))
	for _, v := range values {
		content = binary.LittleEndian.AppendUint32(content, math.Float32bits(v))
	}
	t.Bytes(4, content)
	return t
}

// encode encodes the value, with what is said once about a tag where first is set.
func (v Value) encode(first bool) protobuf.Message {
	var m protobuf.Message
	m.Text(1, v.tag)
	v.set(&m)
	if v.content == nil && (!first || v.description == "") {
		return m
	}
	var metadata, plugin protobuf.Message
	plugin.Text(1, v.plugin)
	plugin.Bytes(2, v.content)
	metadata.Message(1, plugin)
	if first && v.description != "" {
		metadata.Text(3, v.description)
	}
	m.Message(9, metadata)
	return m
}

// event is an Event with one field beside its time and step.
func event(now time.Time, step int64, set func(m *protobuf.Message)) []byte {
	var m protobuf.Message
	m.Double(1, float64(now.UnixNano())/1e9)
	if step != 0 {
		m.Integer(2, step)
	}
	set(&m)
	return m.Append(nil)
}

// version is the first event of a file.
func version(now time.Time) []byte {
	return event(now, 0, func(m *protobuf.Message) { m.Text(3, "brain.Event:2") })
}

// restart tells a running TensorBoard to forget what it has read from this step on.
func restart(now time.Time, step int64) []byte {
	const start = 1 // SessionLog.START
	return event(now, step, func(m *protobuf.Message) {
		var log protobuf.Message
		log.Integer(1, start)
		m.Message(7, log)
	})
}

// summary is an event with values. seen are the tags whose descriptions the file has.
func summary(now time.Time, step int64, values []Value, seen map[string]bool) []byte {
	return event(now, step, func(m *protobuf.Message) {
		var list protobuf.Message
		for _, v := range values {
			list.Message(1, v.encode(!seen[v.tag]))
			seen[v.tag] = true
		}
		m.Message(5, list)
	})
}
