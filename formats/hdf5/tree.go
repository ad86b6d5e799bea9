package hdf5

import "fmt"

// treeKind is the type of a B-tree of version 1: what it indexes.
type treeKind struct {
	code uint64
	key  func(f *File) int // bytes of a key
}

var groupTree = treeKind{0, func(f *File) int { return f.lengths }}

// chunkTree indexes the chunks of a dataset of a rank: size, filter mask, and a position with one more dimension.
func chunkTree(rank int) treeKind {
	return treeKind{1, func(*File) int { return 8 + 8*(rank+1) }}
}

// tree calls leaf for each child of the leaves of a B-tree, with a cursor on the key before it.
func (f *File) tree(address uint64, kind treeKind, depth int, leaf func(key *cursor, child uint64) error) error {
	if depth > maxDepth {
		return fmt.Errorf("%w: a B-tree of more than %d levels", ErrFormat, maxDepth)
	}
	c, err := f.block(address, 8, "TREE")
	if err != nil {
		return err
	}
	code, level, used := c.uint(1), c.uint(1), c.uint(2)
	if code != kind.code {
		return fmt.Errorf("%w: a B-tree of type %d in place of %d", ErrFormat, code, kind.code)
	}
	key := kind.key(f)
	b, err := f.at(address+8+uint64(2*f.offsets), used*uint64(key+f.offsets))
	if err != nil {
		return err
	}
	c = &cursor{b: b}
	for range used {
		k := &cursor{b: c.bytes(key)}
		child := f.address(c)
		if level > 0 {
			err = f.tree(child, kind, depth+1, leaf)
		} else {
			err = leaf(k, child)
		}
		if err != nil {
			return err
		}
	}
	return c.err
}
