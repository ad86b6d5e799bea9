package hdf5

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// Group is a group of a file to write. Names of members and of attributes are unique and not empty; those of members have
// no '/'.
type Group struct {
	Attributes []Attribute
	Members    []Member
}

// Member is a named group, or a dataset if Dataset is set.
type Member struct {
	Name    string
	Group   Group
	Dataset *Dataset
}

// Attribute is text of a group, stored as UTF-8: an array of strings, or a scalar if Scalar is set and Text has one.
type Attribute struct {
	Name   string
	Scalar bool
	Text   []string
}

// MaxTexts is the number of strings that an attribute can have: a message of an object header ends at 64 KiB, and each
// string takes 16 bytes of it.
const MaxTexts = 4000

// Dataset is an array of float32 to write.
type Dataset struct {
	Shape []int
	// Values returns the elements, row-major. It is called once, when they are written, so that the arrays of a network
	// need not be in memory at the same time.
	Values func() ([]float32, error)
}

// size is the number of bytes of the elements.
func (d Dataset) size() uint64 {
	n := uint64(4)
	for _, s := range d.Shape {
		n *= uint64(s)
	}
	return n
}

// Write writes a file. The same content gives the same bytes. The structures are those that every version of libhdf5 since
// 1.8 reads and that need no checksums (HDF5 File Format Specification 3.0): a superblock of version 0 (II.A), object headers
// of version 1 (IV.A.1.a), groups with compact links (IV.A.2.c Link Info, IV.A.2.g Link), contiguous datasets (IV.A.2.i Data
// Layout), text in one global heap (III.E).
func Write(w io.Writer, root Group) error {
	l := &fileLayout{}
	at, err := l.place(&Member{Group: root})
	if err != nil {
		return fmt.Errorf("hdf5: %w", err)
	}
	l.data()
	out := &countingWriter{w: bufio.NewWriter(w)}
	out.bytes(superblock0(at.address, l.end))
	for _, o := range l.objects {
		out.bytes(o.header())
	}
	out.bytes(l.heap.collection())
	for _, o := range l.objects {
		if err := o.writeData(out); err != nil {
			return fmt.Errorf("hdf5: %w", err)
		}
	}
	if out.err == nil {
		out.err = out.w.Flush()
	}
	return out.err
}

// countingWriter keeps the first error and the position.
type countingWriter struct {
	w   *bufio.Writer
	at  uint64
	err error
}

func (c *countingWriter) bytes(b []byte) {
	if c.err == nil {
		_, c.err = c.w.Write(b)
	}
	c.at += uint64(len(b))
}

// superblockSize is that of version 0 with addresses of 8 bytes.
const superblockSize = 96

// superblock0 is the superblock with the symbol table entry of the root group, section II.A.
func superblock0(root, end uint64) []byte {
	b := append([]byte(Signature),
		0, 0, 0, 0, 0, // versions: superblock, free space, root group's entry, reserved, shared header messages
		8, 8, 0, // bytes of an address and of a length, reserved
		4, 0, 16, 0, // symbols of a leaf, children of a node: the defaults; there are no such nodes
		0, 0, 0, 0) // flags
	for _, v := range []uint64{0, undefined, end, undefined, 0, root, 0, 0, 0} {
		b = binary.LittleEndian.AppendUint64(b, v) // base, free space, end of file, driver, name, header, cache type, scratch
	}
	return b
}

// writeData writes the elements of a dataset at their address.
func (o *object) writeData(out *countingWriter) error {
	if o.Dataset == nil || o.Dataset.size() == 0 {
		return nil
	}
	values, err := o.Dataset.Values()
	if err == nil && uint64(len(values))*4 != o.Dataset.size() {
		err = fmt.Errorf("%d values for shape %v", len(values), o.Dataset.Shape)
	}
	if err != nil {
		return fmt.Errorf("dataset %q: %w", o.Name, err)
	}
	out.bytes(make([]byte, o.dataAddress-out.at))
	var block [4096]byte
	for len(values) > 0 && out.err == nil {
		n := min(len(values), len(block)/4)
		for i, v := range values[:n] {
			binary.LittleEndian.PutUint32(block[4*i:], math.Float32bits(v))
		}
		out.bytes(block[:4*n])
		values = values[n:]
	}
	return nil
}
