package hdf5

import (
	"bytes"
	"fmt"
	"strings"
)

// Text returns the strings of a text attribute, one of a scalar; nil if the object has no such attribute or its value
// is no text.
func (o Object) Text(name string) ([]string, error) {
	for _, m := range o.list {
		if m.kind != msgAttribute || m.shared {
			continue
		}
		texts, found, err := o.f.textAttribute(m.data, name)
		if err != nil {
			return nil, fmt.Errorf("attribute %q of %q: %w", name, o.Path, err)
		}
		if found {
			return texts, nil
		}
	}
	return nil, nil
}

// textAttribute reads an attribute message if it has the name and holds text.
func (f *File) textAttribute(data []byte, want string) (texts []string, found bool, err error) {
	c := &cursor{b: data}
	version := c.uint(1)
	c.skip(1)
	nameSize, typeSize, spaceSize := int(c.uint(2)), int(c.uint(2)), int(c.uint(2))
	pad := func(n int) int { return n }
	switch version {
	case 1:
		pad = func(n int) int { return (n + 7) / 8 * 8 }
	case 2:
	case 3:
		c.skip(1) // character set
	default:
		return nil, false, fmt.Errorf("%w: version %d", ErrUnsupported, version)
	}
	name := c.bytes(pad(nameSize))
	typeData, spaceData := c.bytes(pad(typeSize)), c.bytes(pad(spaceSize))
	if c.err != nil || nameSize > len(name) || string(bytes.TrimRight(name[:nameSize], "\x00")) != want {
		return nil, false, c.err
	}
	t, err := parseDatatype(typeData)
	if err != nil || !t.text {
		return nil, false, err
	}
	shape, err := f.parseDataspace(spaceData)
	if err != nil {
		return nil, false, err
	}
	size, err := f.bytesOf(shape, max(t.size, 1))
	if err == nil {
		err = f.spend(size)
	}
	if err != nil {
		return nil, false, err
	}
	count := 1
	for _, d := range shape {
		count *= d
	}
	texts, err = f.texts(c, t, count)
	return texts, true, err
}

// texts reads count strings.
func (f *File) texts(c *cursor, t datatype, count int) ([]string, error) {
	var list []string
	for range count {
		b := c.bytes(t.size)
		if c.err != nil {
			return nil, c.err
		}
		if t.class == classVariable {
			v := &cursor{b: b}
			v.skip(4) // the length, which the heap has too
			heap, index := f.address(v), v.uint(4)
			if v.err != nil {
				return nil, v.err
			}
			var err error
			if b, err = f.heapObject(heap, index); err != nil {
				return nil, err
			}
		}
		if err := f.spend(uint64(len(b))); err != nil {
			return nil, err
		}
		list = append(list, strings.TrimRight(string(b), "\x00"))
	}
	return list, nil
}

// heapObject returns an object of a global heap. Null strings have no heap.
func (f *File) heapObject(address, index uint64) ([]byte, error) {
	if address == undefined || address == 0 && index == 0 {
		return nil, nil
	}
	objects, read := f.heaps[address]
	if !read {
		var err error
		if objects, err = f.globalHeap(address); err != nil {
			return nil, err
		}
		f.heaps[address] = objects
	}
	b, ok := objects[index]
	if !ok {
		return nil, fmt.Errorf("%w: no object %d in the global heap at %d", ErrFormat, index, address)
	}
	return b, nil
}

func (f *File) globalHeap(address uint64) (map[uint64][]byte, error) {
	head := uint64(8 + f.lengths)
	c, err := f.block(address, head, "GCOL")
	if err != nil {
		return nil, err
	}
	c.skip(4)
	size := f.length(c)
	if size < head {
		return nil, fmt.Errorf("%w: a global heap of %d bytes", ErrFormat, size)
	}
	b, err := f.at(address+head, size-head)
	if err != nil {
		return nil, err
	}
	objects := map[uint64][]byte{}
	for c = (&cursor{b: b}); len(b)-c.at >= 8+f.lengths; {
		index := c.uint(2)
		c.skip(6)
		n := f.length(c)
		if index == 0 { // free space to the end
			break
		}
		if n > uint64(len(b)) {
			return nil, fmt.Errorf("%w: an object of %d bytes in a global heap of %d", ErrFormat, n, len(b))
		}
		objects[index] = c.bytes(int(n))
		if c.err == nil {
			c.skip(min((8-int(n%8))%8, len(b)-c.at))
		}
		if c.err != nil {
			return nil, c.err
		}
	}
	return objects, nil
}
