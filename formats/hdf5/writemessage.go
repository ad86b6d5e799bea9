package hdf5

import (
	"encoding/binary"
	"math"
)

// Messages of object headers, section IV.A.2.
var (
	// float32Type is a little-endian IEEE number, IV.A.2.d: class 1 of version 1; sign at bit 31; size; bit offset and
	// precision; exponent at 23 with 8 bits, mantissa at 0 with 23; exponent bias 127.
	float32Type = []byte{0x11, 0x20, 31, 0, 4, 0, 0, 0, 0, 0, 32, 0, 23, 8, 0, 23, 127, 0, 0, 0}
	// textType is a string of variable length, in UTF-8: class 9 of version 1, whose base is an unsigned byte.
	textType = []byte{0x19, 0x01, 0x01, 0, 16, 0, 0, 0, 0x10, 0, 0, 0, 1, 0, 0, 0, 0, 0, 8, 0}
	// linkInfo says that links are messages: neither a fractal heap nor a B-tree.
	linkInfo = binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64([]byte{0, 0}, undefined), undefined)
)

// dataspace is a message of version 1; no dimensions are a scalar.
func dataspace(shape []int) []byte {
	b := []byte{1, byte(len(shape)), 0, 0, 0, 0, 0, 0}
	for _, d := range shape {
		b = binary.LittleEndian.AppendUint64(b, uint64(d))
	}
	return b
}

// contiguous is a data layout of version 3.
func contiguous(address, size uint64) []byte {
	b := binary.LittleEndian.AppendUint64([]byte{3, layoutContiguous}, address)
	return binary.LittleEndian.AppendUint64(b, size)
}

// link is a hard link with a name in UTF-8, whose length has two bytes.
func link(name string, address uint64) []byte {
	b := []byte{1, 0x11, 1} // version, flags, character set
	b = binary.LittleEndian.AppendUint16(b, uint16(len(name)))
	return binary.LittleEndian.AppendUint64(append(b, name...), address)
}

// attribute is a message of version 1. Each string is its length, the address of the heap and its index there.
func attribute(a Attribute, indices []uint32, heap uint64) []byte {
	shape := []int{len(a.Text)}
	if a.Scalar {
		shape = nil
	}
	name, kind, space := append([]byte(a.Name), 0), textType, dataspace(shape)
	b := []byte{1, 0}
	for _, part := range [][]byte{name, kind, space} {
		b = binary.LittleEndian.AppendUint16(b, uint16(len(part)))
	}
	for _, part := range [][]byte{name, kind, space} {
		b = append(b, padded(append([]byte(nil), part...))...)
	}
	for i, t := range a.Text {
		address := heap
		if t == "" {
			address = 0
		}
		b = binary.LittleEndian.AppendUint32(b, uint32(len(t)))
		b = binary.LittleEndian.AppendUint64(b, address)
		b = binary.LittleEndian.AppendUint32(b, indices[i])
	}
	return b
}

// textHeap is a global heap collection, section III.E, for all strings of a file.
type textHeap struct {
	address uint64
	texts   []string
}

// maxHeapObjects is the number of objects of a collection: an index has two bytes, and 0 is its free space.
const maxHeapObjects = math.MaxUint16

// add returns the indices of strings, 0 for empty ones, which need no object.
func (h *textHeap) add(texts []string) []uint32 {
	indices := make([]uint32, len(texts))
	for i, t := range texts {
		if t != "" {
			h.texts = append(h.texts, t)
			indices[i] = uint32(len(h.texts))
		}
	}
	return indices
}

// collection is nil without strings.
func (h *textHeap) collection() []byte {
	if len(h.texts) == 0 {
		return nil
	}
	const head, minSize = 16, 4096 // minSize: libhdf5 refuses smaller ones
	size := head
	for _, t := range h.texts {
		size += head + (len(t)+7)/8*8
	}
	free := max(minSize-size, head)
	b := make([]byte, 0, size+free)
	b = append(b, "GCOL\x01\x00\x00\x00"...)
	b = binary.LittleEndian.AppendUint64(b, uint64(size+free))
	for i, t := range h.texts {
		b = appendHeapObject(b, uint16(i+1), uint64(len(t)))
		b = padded(append(b, t...))
	}
	b = appendHeapObject(b, 0, uint64(free))
	return b[:size+free]
}

// appendHeapObject appends the head of an object: index, references (0 for the free space), reserved, size.
func appendHeapObject(b []byte, index uint16, size uint64) []byte {
	b = binary.LittleEndian.AppendUint16(b, index)
	b = binary.LittleEndian.AppendUint16(b, min(index, 1))
	b = append(b, 0, 0, 0, 0)
	return binary.LittleEndian.AppendUint64(b, size)
}
