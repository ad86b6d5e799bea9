package checkpoints

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"gorgonia.org/tensor"

	"depthwise.dev/internal/floats"
)

// chunkBytes is the size of a conversion step, which fits the L2 cache. A multiple of every element
// size.
const chunkBytes = 256 << 10

// kind is an element type of a file.
type kind int

const (
	kindF16 kind = iota // read as float32
	kindBF16
	kindF32
	kindF64
	kindI64
	kindI32
	kindU8
	kindBool
)

// size is the length in bytes of one element in a file.
func (k kind) size() int {
	switch k {
	case kindF64, kindI64:
		return 8
	case kindF32, kindI32:
		return 4
	case kindF16, kindBF16:
		return 2
	}
	return 1
}

// kindOf returns the kind of a slice of flatten.
func kindOf(values any) kind {
	switch values.(type) {
	case []float64:
		return kindF64
	case []int64:
		return kindI64
	case []int32:
		return kindI32
	case []uint8:
		return kindU8
	case []bool:
		return kindBool
	}
	return kindF32
}

// encoder writes elements little-endian.
type encoder struct {
	w   io.Writer
	buf []byte // reused
}

// encode writes a slice of flatten.
func (e *encoder) encode(values any) error {
	switch v := values.(type) {
	case []float32:
		return encodeSlice(e, v)
	case []float64:
		return encodeSlice(e, v)
	case []int64:
		return encodeSlice(e, v)
	case []int32:
		return encodeSlice(e, v)
	case []uint8:
		_, err := e.w.Write(v)
		return err
	case []bool:
		return encodeSlice(e, v)
	}
	return fmt.Errorf("%w: %T", ErrArray, values)
}

func encodeSlice[T Element](e *encoder, values []T) error {
	perChunk := chunkBytes / kindOf(values).size()
	for len(values) > 0 {
		n := min(perChunk, len(values))
		var err error
		if e.buf, err = binary.Append(e.buf[:0], binary.LittleEndian, values[:n]); err != nil {
			return err
		}
		if _, err = e.w.Write(e.buf); err != nil {
			return err
		}
		values = values[n:]
	}
	return nil
}

// decoder reads elements.
type decoder struct {
	r     io.Reader
	order binary.ByteOrder
	buf   []byte // reused
}

// decode reads an array. The caller has checked that the rest of r can hold it, so that an invalid
// shape cannot request more memory than the size of the file.
func (d *decoder) decode(k kind, shape []int) (*tensor.Dense, error) {
	switch k {
	case kindF16:
		return decodeHalves(d, shape, floats.Half)
	case kindBF16:
		return decodeHalves(d, shape, floats.Brain)
	case kindF64:
		return decodeArray[float64](d, shape)
	case kindI64:
		return decodeArray[int64](d, shape)
	case kindI32:
		return decodeArray[int32](d, shape)
	case kindU8:
		return decodeArray[uint8](d, shape)
	case kindBool:
		return decodeBools(d, shape)
	}
	return decodeArray[float32](d, shape)
}

func decodeArray[T Element](d *decoder, shape []int) (*tensor.Dense, error) {
	return decodeWith(d, shape, kindOf([]T(nil)).size(), func(to []T, raw []byte) error {
		_, err := binary.Decode(raw, d.order, to)
		return err
	})
}

func decodeHalves(d *decoder, shape []int, convert func(uint16) float32) (*tensor.Dense, error) {
	return decodeWith(d, shape, 2, func(to []float32, raw []byte) error {
		for i := range to {
			to[i] = convert(d.order.Uint16(raw[2*i:]))
		}
		return nil
	})
}

func decodeBools(d *decoder, shape []int) (*tensor.Dense, error) {
	return decodeWith(d, shape, 1, func(to []bool, raw []byte) error {
		for i, b := range raw {
			if b > 1 {
				return fmt.Errorf("a bool array has an element that is %d", b)
			}
			to[i] = b == 1
		}
		return nil
	})
}

// decodeWith reads an array of elements of size bytes in the file; convert converts a chunk of
// them.
func decodeWith[T Element](d *decoder, shape []int, size int, convert func(to []T, raw []byte) error) (*tensor.Dense, error) {
	n, ok := elements(shape)
	if !ok {
		return nil, fmt.Errorf("the shape %v is too large", shape)
	}
	values := make([]T, n)
	d.buf = slices.Grow(d.buf[:0], min(chunkBytes, n*size))
	for rest := values; len(rest) > 0; {
		to := rest[:min(chunkBytes/size, len(rest))]
		raw := d.buf[:len(to)*size]
		if _, err := io.ReadFull(d.r, raw); err != nil {
			return nil, err
		}
		if err := convert(to, raw); err != nil {
			return nil, err
		}
		rest = rest[len(to):]
	}
	return newDense(values, shape)
}
