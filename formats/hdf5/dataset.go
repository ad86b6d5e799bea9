package hdf5

import (
	"fmt"
	"math/bits"

	"depthwise.dev/internal/floats"
)

// Array is the content of a dataset, row-major.
type Array struct {
	Shape  []int
	Type   floats.Type // of the file
	Values []float32
}

// IsDataset reports whether the object is a dataset.
func (o Object) IsDataset() bool {
	_, ok, _ := find(o.list, msgLayout)
	return ok
}

// Read returns the numbers of a dataset.
func (o Object) Read() (Array, error) {
	a, err := o.read()
	if err != nil {
		return a, fmt.Errorf("dataset %q: %w", o.Path, err)
	}
	return a, nil
}

func (o Object) read() (Array, error) {
	var parts [3][]byte
	for i, kind := range []messageType{msgDataspace, msgDatatype, msgLayout} {
		data, ok, err := find(o.list, kind)
		if err == nil && !ok {
			err = fmt.Errorf("%w: it has no message of type %#x", ErrFormat, kind)
		}
		if err != nil {
			return Array{}, err
		}
		parts[i] = data
	}
	if _, ok, _ := find(o.list, msgExternal); ok {
		return Array{}, fmt.Errorf("%w: numbers in another file", ErrUnsupported)
	}
	shape, err := o.f.parseDataspace(parts[0])
	if err != nil {
		return Array{}, err
	}
	t, err := parseDatatype(parts[1])
	if err != nil {
		return Array{}, err
	}
	if t.class != classInteger && t.class != classFloat {
		return Array{}, fmt.Errorf("%w: a datatype of class %d, not numbers", ErrUnsupported, t.class)
	}
	size, err := o.f.bytesOf(shape, t.size)
	if err != nil {
		return Array{}, err
	}
	raw, err := o.raw(parts[2], shape, t.size, size)
	if err != nil {
		return Array{}, err
	}
	if err := o.f.spend(uint64(len(raw)/t.size) * 4); err != nil { // the values in float32
		return Array{}, err
	}
	values, err := floats.Decode(t.number, t.order, raw)
	return Array{shape, t.number, values}, err
}

// bytesOf is the size of an array. More than the budget allows is an error.
func (f *File) bytesOf(shape []int, element int) (uint64, error) {
	n := uint64(element)
	for _, d := range shape {
		high, low := bits.Mul64(n, uint64(d))
		if high != 0 || low > 1<<40 {
			return 0, fmt.Errorf("%w: shape %v", ErrFormat, shape)
		}
		n = low
	}
	if n > f.budget {
		return 0, fmt.Errorf("%w: shape %v in a file of %d bytes", ErrFormat, shape, f.size)
	}
	return n, nil
}

// raw returns the size bytes of a dataset as its layout says.
func (o Object) raw(layout []byte, shape []int, element int, size uint64) ([]byte, error) {
	l, err := o.f.parseLayout(layout)
	if err != nil {
		return nil, err
	}
	var b []byte
	switch l.class {
	case layoutCompact:
		b = l.data
	case layoutContiguous:
		if size == 0 {
			return nil, nil
		}
		if l.address == undefined {
			return nil, fmt.Errorf("%w: it has no data", ErrFormat)
		}
		b, err = o.f.at(l.address, size)
	case layoutChunked:
		return o.chunked(l, shape, element, size)
	}
	if err == nil && uint64(len(b)) != size {
		err = fmt.Errorf("%w: %d bytes for shape %v", ErrFormat, len(b), shape)
	}
	return b, err
}

// Classes of layouts.
const (
	layoutCompact    = 0
	layoutContiguous = 1
	layoutChunked    = 2
)

// layout says where the bytes of a dataset are.
type layout struct {
	class   int
	data    []byte // of layoutCompact
	address uint64 // of the data, of the tree of chunks, or of the single chunk
	chunk   []int  // the dimensions of a chunk
	// single: one chunk, without a tree. packed is its size in the file, 0 if it has no filter.
	single bool
	packed uint64
	mask   uint64
}

func (f *File) parseLayout(data []byte) (layout, error) {
	c := &cursor{b: data}
	version := c.uint(1)
	switch version {
	case 1, 2:
		return f.oldLayout(c)
	case 3, 4:
	default:
		return layout{}, fmt.Errorf("%w: layout version %d", ErrUnsupported, version)
	}
	l := layout{class: int(c.uint(1))}
	switch l.class {
	case layoutCompact:
		l.data = c.bytes(int(c.uint(2)))
	case layoutContiguous:
		l.address = f.address(c)
	case layoutChunked:
		if version == 4 {
			return l, f.newChunks(c, &l)
		}
		dims := int(c.uint(1))
		l.address = f.address(c)
		l.chunk = chunkDims(c, dims, 4)
	default:
		return l, fmt.Errorf("%w: layout class %d", ErrUnsupported, l.class)
	}
	return l, c.err
}

// oldLayout reads versions 1 and 2, of HDF5 before 1.6.3.
func (f *File) oldLayout(c *cursor) (layout, error) {
	dims := int(c.uint(1))
	l := layout{class: int(c.uint(1))}
	c.skip(5)
	if l.class != layoutCompact {
		l.address = f.address(c)
	}
	if l.class == layoutChunked {
		l.chunk = chunkDims(c, dims, 4)
		return l, c.err
	}
	c.skip(4 * dims)
	if l.class == layoutCompact {
		l.data = c.bytes(int(c.uint(4)))
	}
	return l, c.err
}

// newChunks reads the chunks of version 4: a single one.
func (f *File) newChunks(c *cursor, l *layout) error {
	flags, dims, size := c.uint(1), int(c.uint(1)), int(c.uint(1))
	l.chunk = chunkDims(c, dims, size)
	const singleChunk, filtered = 1, 2
	if index := c.uint(1); c.err == nil && index != singleChunk {
		return fmt.Errorf("%w: chunks with an index of type %d; write the file with h5py's default libver", ErrUnsupported, index)
	}
	if l.single = true; flags&filtered != 0 {
		l.packed, l.mask = f.length(c), c.uint(4)
	}
	l.address = f.address(c)
	return c.err
}

// chunkDims reads the dimensions of a chunk; the last number, the size of an element, is left out.
func chunkDims(c *cursor, dims, size int) []int {
	if dims < 1 || dims > 33 || size > 8 {
		c.err = fmt.Errorf("%w: chunks of %d dimensions", ErrFormat, dims)
		return nil
	}
	chunk := make([]int, dims-1)
	for i := range chunk {
		chunk[i] = int(min(c.uint(size), 1<<40))
	}
	c.uint(size)
	return chunk
}
