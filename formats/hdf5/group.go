package hdf5

import (
	"bytes"
	"fmt"
)

// Limits of the tree of groups.
const (
	maxDepth = 32 // nested groups, and levels of a B-tree; a model's file has 7
	maxName  = 1 << 10
)

// member is an object of a group.
type member struct {
	name    string
	address uint64
}

// members lists the objects of a group whose messages are given; ok is false if it is not a group. Symbolic links are
// left out, because what they name is listed in its place.
func (f *File) members(list []message) (members []member, ok bool, err error) {
	table, isTable, err := find(list, msgSymbolTable)
	if err != nil {
		return nil, false, err
	}
	if isTable {
		members, err = f.symbolTable(table)
		return members, true, err
	}
	info, isGroup, err := find(list, msgLinkInfo)
	if err != nil || !isGroup {
		return nil, isGroup, err
	}
	if err := f.refuseDense(info); err != nil {
		return nil, true, err
	}
	for _, m := range list {
		if m.kind != msgLink {
			continue
		}
		link, hard, err := f.link(m.data)
		if err != nil {
			return nil, true, err
		}
		if hard {
			members = append(members, link)
		}
	}
	return members, true, nil
}

// symbolTable reads a group of the older form: a B-tree of nodes of entries, whose names are in a local heap.
func (f *File) symbolTable(data []byte) ([]member, error) {
	c := &cursor{b: data}
	tree, heap := f.address(c), f.address(c)
	if c.err != nil {
		return nil, c.err
	}
	names, err := f.localHeap(heap)
	if err != nil {
		return nil, err
	}
	var members []member
	err = f.tree(tree, groupTree, 0, func(_ *cursor, child uint64) error {
		members, err = f.symbolNode(members, child, names)
		return err
	})
	return members, err
}

// localHeap returns the data of a local heap.
func (f *File) localHeap(address uint64) ([]byte, error) {
	c, err := f.block(address, uint64(8+2*f.lengths+f.offsets), "HEAP")
	if err != nil {
		return nil, err
	}
	c.skip(4) // version, reserved
	size := f.length(c)
	f.length(c) // the free list
	return f.at(f.address(c), size)
}

// symbolNode appends the entries of a node.
func (f *File) symbolNode(members []member, address uint64, names []byte) ([]member, error) {
	c, err := f.block(address, 8, "SNOD")
	if err != nil {
		return nil, err
	}
	c.skip(2) // version, reserved
	count, size := c.uint(2), uint64(2*f.offsets+24)
	b, err := f.at(address+8, count*size)
	if err != nil {
		return nil, err
	}
	c = &cursor{b: b}
	for range count {
		at, object := c.uint(f.offsets), f.address(c)
		kind := c.uint(4)
		c.skip(4 + 16)
		name, err := text(names, at)
		if err != nil {
			return nil, err
		}
		const symbolic = 2
		if kind != symbolic {
			members = append(members, member{name, object})
		}
	}
	return members, c.err
}

// text returns the text that ends with a zero at an offset of a heap.
func text(heap []byte, at uint64) (string, error) {
	if at >= uint64(len(heap)) {
		return "", fmt.Errorf("%w: a name at %d of a heap of %d bytes", ErrFormat, at, len(heap))
	}
	rest := heap[at:min(uint64(len(heap)), at+maxName)]
	end := bytes.IndexByte(rest, 0)
	if end < 0 {
		return "", fmt.Errorf("%w: a name of more than %d bytes", ErrFormat, len(rest))
	}
	return string(rest[:end]), nil
}

// refuseDense refuses groups whose links are in a fractal heap.
func (f *File) refuseDense(info []byte) error {
	c := &cursor{b: info, at: 1}
	if flags := c.uint(1); flags&1 != 0 {
		c.skip(8)
	}
	if heap := f.address(c); c.err == nil && heap != undefined {
		return fmt.Errorf("%w: a group with a fractal heap; write the file with h5py's default libver", ErrUnsupported)
	}
	return c.err
}

// link reads a link message; hard is false for symbolic ones.
func (f *File) link(data []byte) (m member, hard bool, err error) {
	c := &cursor{b: data}
	version, flags, kind := c.uint(1), c.uint(1), uint64(0)
	if c.err == nil && version != 1 {
		return m, false, fmt.Errorf("%w: link version %d", ErrUnsupported, version)
	}
	if flags&8 != 0 {
		kind = c.uint(1)
	}
	if flags&4 != 0 {
		c.skip(8) // creation order
	}
	if flags&0x10 != 0 {
		c.skip(1) // character set
	}
	size := c.uint(1 << (flags & 3))
	if size > maxName {
		return m, false, fmt.Errorf("%w: a name of %d bytes", ErrFormat, size)
	}
	m.name = string(c.bytes(int(size)))
	if kind != 0 {
		return m, false, c.err
	}
	m.address = f.address(c)
	return m, true, c.err
}
