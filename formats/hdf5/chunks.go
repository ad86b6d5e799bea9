package hdf5

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
	"slices"
)

// filter is a step in which chunks were packed.
type filter struct {
	id     uint64
	values []uint64 // client data
}

// Filters by their registered numbers.
const (
	filterDeflate = 1
	filterShuffle = 2
)

// chunked returns the bytes of a dataset from its chunks.
func (o Object) chunked(l layout, shape []int, element int, size uint64) ([]byte, error) {
	filters, err := o.filters()
	if err != nil {
		return nil, err
	}
	if len(l.chunk) != len(shape) || slices.Contains(l.chunk, 0) {
		return nil, fmt.Errorf("%w: chunks %v of shape %v", ErrFormat, l.chunk, shape)
	}
	chunkBytes, err := o.f.bytesOf(l.chunk, element)
	if err != nil {
		return nil, err
	}
	if err := o.f.spend(size); err != nil {
		return nil, err
	}
	g := grid{shape: shape, chunk: l.chunk, element: element, to: make([]byte, size), seen: map[string]bool{}}
	if size == 0 {
		return g.to, nil
	}
	place := func(position []int, address, packed, mask uint64) error {
		raw, err := o.unpack(address, packed, mask, filters, chunkBytes)
		if err != nil {
			return fmt.Errorf("chunk %v: %w", position, err)
		}
		return g.place(position, raw)
	}
	if l.single {
		if l.packed == 0 {
			l.packed = chunkBytes
		}
		err = place(make([]int, len(shape)), l.address, l.packed, l.mask)
	} else {
		err = o.f.tree(l.address, chunkTree(len(shape)), 0, func(key *cursor, child uint64) error {
			packed, mask := key.uint(4), key.uint(4)
			position := make([]int, len(shape))
			for i := range position {
				position[i] = int(min(key.uint(8), 1<<40))
			}
			return place(position, child, packed, mask)
		})
	}
	if err == nil && len(g.seen) != g.count() {
		err = fmt.Errorf("%w: %d chunks of %d", ErrFormat, len(g.seen), g.count())
	}
	return g.to, err
}

// unpack reads a chunk and reverses the filters that its mask does not leave out.
func (o Object) unpack(address, packed, mask uint64, filters []filter, size uint64) ([]byte, error) {
	b, err := o.f.at(address, packed)
	if err != nil {
		return nil, err
	}
	for i, f := range slices.Backward(filters) {
		if mask>>i&1 != 0 {
			continue
		}
		switch f.id {
		case filterDeflate:
			if err := o.f.spend(size); err != nil {
				return nil, err
			}
			z, err := zlib.NewReader(bytes.NewReader(b))
			if err != nil {
				return nil, fmt.Errorf("%w: %w", ErrFormat, err)
			}
			if b, err = io.ReadAll(io.LimitReader(z, int64(size)+1)); err != nil {
				return nil, fmt.Errorf("%w: %w", ErrFormat, err)
			}
		case filterShuffle:
			if len(f.values) == 0 || f.values[0] == 0 || f.values[0] > uint64(len(b)) {
				return nil, fmt.Errorf("%w: shuffled without the size of an element", ErrFormat)
			}
			b = unshuffle(b, int(f.values[0]))
		}
	}
	if uint64(len(b)) != size {
		return nil, fmt.Errorf("%w: %d bytes, want %d", ErrFormat, len(b), size)
	}
	return b, nil
}

// unshuffle puts the bytes of each element together again: first bytes of all elements were stored first.
func unshuffle(b []byte, element int) []byte {
	n, result := len(b)/element, make([]byte, len(b))
	for i := range n {
		for j := range element {
			result[i*element+j] = b[j*n+i]
		}
	}
	copy(result[n*element:], b[n*element:])
	return result
}

// filters reads the filter pipeline.
func (o Object) filters() ([]filter, error) {
	data, ok, err := find(o.list, msgFilters)
	if err != nil || !ok {
		return nil, err
	}
	c := &cursor{b: data}
	version, count := c.uint(1), c.uint(1)
	if version == 1 {
		c.skip(6)
	}
	var list []filter
	for range count {
		f := filter{id: c.uint(2)}
		nameLength := 0
		if version == 1 || f.id >= 256 {
			nameLength = int(c.uint(2))
		}
		c.skip(2) // flags
		values := c.uint(2)
		c.skip(nameLength)
		for range values {
			f.values = append(f.values, c.uint(4))
			if c.err != nil {
				return nil, c.err
			}
		}
		if version == 1 && values%2 == 1 {
			c.skip(4)
		}
		if c.err == nil && f.id != filterDeflate && f.id != filterShuffle {
			return nil, fmt.Errorf("%w: filter %d; gzip (1) and shuffle (2) are read", ErrUnsupported, f.id)
		}
		list = append(list, f)
	}
	return list, c.err
}

// grid puts chunks into an array.
type grid struct {
	shape, chunk []int
	element      int
	to           []byte
	seen         map[string]bool // positions that were placed
}

// count is the number of chunks of the array.
func (g *grid) count() int {
	n := 1
	for i, d := range g.shape {
		n *= (d + g.chunk[i] - 1) / g.chunk[i]
	}
	return n
}

// place copies a chunk, row by row; what lies beyond the array's edge is left out.
func (g *grid) place(position []int, raw []byte) error {
	key := fmt.Sprint(position)
	for i, p := range position {
		if p%g.chunk[i] != 0 || p >= g.shape[i] {
			return fmt.Errorf("%w: a chunk at %v of shape %v", ErrFormat, position, g.shape)
		}
	}
	if g.seen[key] {
		return fmt.Errorf("%w: two chunks at %v", ErrFormat, position)
	}
	g.seen[key] = true
	g.copy(raw, position, 0, 0, 0)
	return nil
}

// copy copies the axes from axis on; from and to are the element offsets so far.
func (g *grid) copy(raw []byte, position []int, axis, from, to int) {
	if axis == len(g.shape) { // a scalar
		copy(g.to[to*g.element:], raw[from*g.element:(from+1)*g.element])
		return
	}
	n := min(g.chunk[axis], g.shape[axis]-position[axis])
	from, to = from*g.chunk[axis], to*g.shape[axis]+position[axis]
	if axis == len(g.shape)-1 {
		copy(g.to[to*g.element:], raw[from*g.element:(from+n)*g.element])
		return
	}
	for i := range n {
		g.copy(raw, position, axis+1, from+i, to+i)
	}
}
