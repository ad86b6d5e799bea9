// Package protobuf writes messages in the wire format of Protocol Buffers, without their schemas.
package protobuf

import (
	"encoding/binary"
	"io"
	"math"
	"strings"

	"depthwise.dev/internal/floats"
)

// Message is a protobuf message in its wire format. The zero value is an empty one. Arrays stay as they are until they are
// written, so that weights are in memory once.
// https://protobuf.dev/programming-guides/encoding
type Message struct{ parts []part }

// part is a piece of a message: bytes, and the values that follow them.
type part struct {
	bytes  []byte
	values []float32
	half   bool // the values are written as float16
}

// Wire types of fields.
const (
	wireVarint = 0
	wire64     = 1
	wireBytes  = 2 // with their length before them: text, messages, arrays
	wire32     = 5
)

func (p part) size() int64 {
	each := int64(4)
	if p.half {
		each = 2
	}
	return int64(len(p.bytes)) + each*int64(len(p.values))
}

// Append appends the encoded message to b.
func (m *Message) Append(b []byte) []byte {
	for _, p := range m.parts {
		b = append(b, p.bytes...)
		for _, v := range p.values {
			if p.half {
				b = binary.LittleEndian.AppendUint16(b, floats.ToHalf(v))
			} else {
				b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
			}
		}
	}
	return b
}

// Size is the length of the encoded message in bytes.
func (m *Message) Size() int64 {
	total := int64(0)
	for _, p := range m.parts {
		total += p.size()
	}
	return total
}

// end is the part to which bytes can be appended.
func (m *Message) end() *part {
	if n := len(m.parts); n == 0 || m.parts[n-1].values != nil {
		m.parts = append(m.parts, part{})
	}
	return &m.parts[len(m.parts)-1]
}

func (m *Message) tag(field, wire int) {
	p := m.end()
	p.bytes = binary.AppendUvarint(p.bytes, uint64(field<<3|wire))
}

func (m *Message) length(n int64) {
	p := m.end()
	p.bytes = binary.AppendUvarint(p.bytes, uint64(n))
}

// Integer adds a field of type int32, int64 or an enumeration.
func (m *Message) Integer(field int, v int64) {
	m.tag(field, wireVarint)
	m.length(v)
}

// Float adds a field of type float.
func (m *Message) Float(field int, v float32) {
	m.tag(field, wire32)
	p := m.end()
	p.bytes = binary.LittleEndian.AppendUint32(p.bytes, math.Float32bits(v))
}

// Double adds a field of type double.
func (m *Message) Double(field int, v float64) {
	m.tag(field, wire64)
	p := m.end()
	p.bytes = binary.LittleEndian.AppendUint64(p.bytes, math.Float64bits(v))
}

// Doubles adds a packed repeated field of type double.
func (m *Message) Doubles(field int, values []float64) {
	m.tag(field, wireBytes)
	m.length(int64(8 * len(values)))
	p := m.end()
	for _, v := range values {
		p.bytes = binary.LittleEndian.AppendUint64(p.bytes, math.Float64bits(v))
	}
}

// Bytes adds a field of type bytes.
func (m *Message) Bytes(field int, b []byte) {
	m.tag(field, wireBytes)
	m.length(int64(len(b)))
	p := m.end()
	p.bytes = append(p.bytes, b...)
}

// Text adds a field of type string. Readers refuse what is no UTF-8.
func (m *Message) Text(field int, s string) {
	s = ValidText(s)
	m.tag(field, wireBytes)
	m.length(int64(len(s)))
	p := m.end()
	p.bytes = append(p.bytes, s...)
}

// ValidText replaces what is no UTF-8.
func ValidText(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// Array adds a field of type bytes: values in little-endian order.
func (m *Message) Array(field int, values []float32, half bool) {
	m.tag(field, wireBytes)
	m.length(part{values: values, half: half}.size())
	p := m.end()
	p.values, p.half = values, half
}

// Message adds a field that is a message.
func (m *Message) Message(field int, sub Message) {
	m.tag(field, wireBytes)
	m.length(sub.Size())
	for _, s := range sub.parts {
		p := m.end()
		p.bytes = append(p.bytes, s.bytes...)
		p.values, p.half = s.values, s.half
	}
}

// Write writes the message.
func (m *Message) Write(w io.Writer) error {
	for _, p := range m.parts {
		if _, err := w.Write(p.bytes); err != nil {
			return err
		}
		if err := p.writeValues(w); err != nil {
			return err
		}
	}
	return nil
}

// writeValues converts a piece at a time.
func (p part) writeValues(w io.Writer) error {
	const piece = 1 << 14 // values
	var buffer []byte
	for rest := p.values; len(rest) > 0; rest = rest[min(piece, len(rest)):] {
		buffer = buffer[:0]
		for _, v := range rest[:min(piece, len(rest))] {
			if p.half {
				buffer = binary.LittleEndian.AppendUint16(buffer, floats.ToHalf(v))
			} else {
				buffer = binary.LittleEndian.AppendUint32(buffer, math.Float32bits(v))
			}
		}
		if _, err := w.Write(buffer); err != nil {
			return err
		}
	}
	return nil
}
