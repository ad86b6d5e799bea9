package hdf5

import (
	"encoding/binary"
	"fmt"

	"depthwise.dev/internal/floats"
)

// Classes of datatypes.
const (
	classInteger  = 0
	classFloat    = 1
	classString   = 3
	classVariable = 9
)

// datatype is a parsed datatype message.
type datatype struct {
	class  int
	size   int // bytes of an element
	number floats.Type
	order  binary.ByteOrder
	// text: elements are strings, of a fixed length or, of classVariable, in a global heap.
	text bool
}

// floatLayout is where a floating-point number has its parts: position and size of exponent and mantissa, and bias.
type floatLayout struct{ exponent, exponentSize, mantissa, mantissaSize, bias uint64 }

var floatLayouts = map[floatLayout]floats.Type{
	{10, 5, 0, 10, 15}:    floats.Float16,
	{7, 8, 0, 7, 127}:     floats.BFloat16,
	{23, 8, 0, 23, 127}:   floats.Float32,
	{52, 11, 0, 52, 1023}: floats.Float64,
}

// parseDatatype reads a datatype. Classes that hold neither numbers nor text have only their class and size set.
func parseDatatype(data []byte) (datatype, error) {
	c := &cursor{b: data}
	head := c.uint(4)
	t := datatype{class: int(head & 15), size: int(c.uint(4)), order: binary.LittleEndian}
	flags := head >> 8
	if c.err != nil {
		return t, c.err
	}
	switch t.class {
	case classInteger, classFloat:
		if flags&1 != 0 {
			t.order = binary.BigEndian
		}
		if flags&0x40 != 0 && t.class == classFloat {
			return t, fmt.Errorf("%w: numbers in VAX byte order", ErrUnsupported)
		}
		return t, t.parseNumber(c, flags)
	case classString:
		t.text = true
	case classVariable:
		t.text = flags&15 == 1
	}
	return t, c.err
}

func (t *datatype) parseNumber(c *cursor, flags uint64) error {
	c.skip(4) // bit offset, precision
	if t.class == classFloat {
		layout := floatLayout{c.uint(1), c.uint(1), c.uint(1), c.uint(1), c.uint(4)}
		if c.err != nil {
			return c.err
		}
		number, known := floatLayouts[layout]
		if !known || number.Size() != t.size {
			return fmt.Errorf("%w: floating-point numbers of %d bytes with a layout of their own", ErrUnsupported, t.size)
		}
		t.number = number
		return nil
	}
	signed := flags&8 != 0
	switch {
	case t.size == 8:
		t.number = floats.Int64
	case t.size == 4 && signed:
		t.number = floats.Int32
	case t.size == 2 && signed:
		t.number = floats.Int16
	case t.size == 1 && signed:
		t.number = floats.Int8
	case t.size == 1:
		t.number = floats.Uint8
	default:
		return fmt.Errorf("%w: integers of %d bytes", ErrUnsupported, t.size)
	}
	return c.err
}

// parseDataspace returns the dimensions; none for a scalar.
func (f *File) parseDataspace(data []byte) ([]int, error) {
	c := &cursor{b: data}
	version, rank := c.uint(1), int(c.uint(1))
	c.skip(1) // flags
	switch version {
	case 1:
		c.skip(5)
	case 2:
		const null = 2
		if c.uint(1) == null {
			return []int{0}, c.err
		}
	default:
		return nil, fmt.Errorf("%w: dataspace version %d", ErrUnsupported, version)
	}
	const maxRank = 32 // HDF5's
	if rank > maxRank {
		return nil, fmt.Errorf("%w: %d dimensions", ErrFormat, rank)
	}
	shape := make([]int, rank)
	for i := range shape {
		d := f.length(c)
		if d > 1<<40 {
			return nil, fmt.Errorf("%w: a dimension of %d", ErrFormat, d)
		}
		shape[i] = int(d)
	}
	return shape, c.err
}
