package hdf5

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

var (
	// ErrFormat is returned when a file is not well-formed HDF5: truncated, damaged, cyclic, or larger inside than its
	// size allows.
	ErrFormat = errors.New("not a valid HDF5 file")
	// ErrUnsupported is returned when a file uses a part of HDF5 that this package does not read.
	ErrUnsupported = errors.New("unsupported part of HDF5")
)

// Signature begins an HDF5 file.
const Signature = "\x89HDF\r\n\x1a\n"

// undefined is the address that means "none".
const undefined = ^uint64(0)

// File is an open file. Its methods are not safe for concurrent use.
type File struct {
	r    io.ReaderAt
	size uint64
	base uint64 // added to every address
	// offsets and lengths are the sizes of addresses and of lengths, 2, 4 or 8 bytes.
	offsets, lengths int
	root             uint64 // address of the root group's object header
	// budget is the number of bytes that may still be read or unpacked. Every structure costs at least a byte,
	// so it bounds memory and time, of cycles too.
	budget uint64
	heaps  map[uint64]map[uint64][]byte // global heaps by address: objects by index
}

// Open reads the superblock of a file of size bytes. budget is the number of bytes that reading it may take in all,
// with repetitions and unpacked.
func Open(r io.ReaderAt, size, budget int64) (*File, error) {
	f := &File{r: r, size: uint64(max(size, 0)), budget: uint64(max(budget, 0)), heaps: map[uint64]map[uint64][]byte{}}
	if err := f.superblock(); err != nil {
		return nil, err
	}
	return f, nil
}

// superblock finds the signature, at 0 or behind a user block of 512, 1024, ... bytes.
func (f *File) superblock() error {
	for at := uint64(0); at+uint64(len(Signature)) <= f.size; at = max(512, 2*at) {
		head, err := f.read(at, uint64(len(Signature)))
		if err != nil {
			return err
		}
		if string(head) == Signature {
			return f.readSuperblock(at)
		}
	}
	return fmt.Errorf("%w: it has no HDF5 signature", ErrFormat)
}

func (f *File) readSuperblock(at uint64) error {
	b, err := f.read(at, min(f.size-at, 128))
	if err != nil {
		return err
	}
	c := &cursor{b: b, at: len(Signature)}
	version := c.uint(1)
	switch version {
	case 0, 1:
		c.skip(4) // versions of the free space, the root group and shared messages; reserved
		f.offsets, f.lengths = int(c.uint(1)), int(c.uint(1))
		c.skip(1 + 4 + 4) // reserved, sizes of nodes, flags
		if version == 1 {
			c.skip(4)
		}
	case 2, 3:
		f.offsets, f.lengths = int(c.uint(1)), int(c.uint(1))
		c.skip(1)
	default:
		return fmt.Errorf("%w: superblock version %d", ErrUnsupported, version)
	}
	if !validSize(f.offsets) || !validSize(f.lengths) {
		return fmt.Errorf("%w: addresses of %d bytes and lengths of %d", ErrFormat, f.offsets, f.lengths)
	}
	f.base = c.uint(f.offsets)
	c.skip(2 * f.offsets) // free space or extension, end of file
	if version < 2 {
		c.skip(2 * f.offsets) // driver information, the root's link name
	}
	f.root = f.address(c)
	if f.base != at && f.base != 0 {
		return fmt.Errorf("%w: base address %d of a superblock at %d", ErrFormat, f.base, at)
	}
	return c.err
}

func validSize(n int) bool { return n == 2 || n == 4 || n == 8 }

// read returns n bytes at an absolute address.
func (f *File) read(at, n uint64) ([]byte, error) {
	if at > f.size || n > f.size-at {
		return nil, fmt.Errorf("%w: %d bytes at %d of a file of %d", ErrFormat, n, at, f.size)
	}
	if err := f.spend(n + 1); err != nil {
		return nil, err
	}
	b := make([]byte, n)
	if _, err := f.r.ReadAt(b, int64(at)); err != nil && !(errors.Is(err, io.EOF) && at+n == f.size) {
		return nil, fmt.Errorf("hdf5: %w", err)
	}
	return b, nil
}

// spend takes n bytes from the budget.
func (f *File) spend(n uint64) error {
	if n > f.budget {
		return fmt.Errorf("%w: its content is too large for a file of %d bytes, or refers to itself", ErrFormat, f.size)
	}
	f.budget -= n
	return nil
}

// at returns n bytes at an address of the file.
func (f *File) at(address, n uint64) ([]byte, error) {
	if address == undefined || address > undefined-f.base {
		return nil, fmt.Errorf("%w: a reference to the address %#x", ErrFormat, address)
	}
	return f.read(f.base+address, n)
}

// block returns n bytes at an address, which begin with a signature; the cursor is behind it.
func (f *File) block(address, n uint64, signature string) (*cursor, error) {
	b, err := f.at(address, n)
	if err != nil {
		return nil, err
	}
	if len(b) < len(signature) || string(b[:len(signature)]) != signature {
		return nil, fmt.Errorf("%w: no %s at %d", ErrFormat, signature, address)
	}
	return &cursor{b: b, at: len(signature)}, nil
}

// address reads an address; all bits set means undefined in each size.
func (f *File) address(c *cursor) uint64 {
	a := c.uint(f.offsets)
	if f.offsets < 8 && a == 1<<(8*f.offsets)-1 {
		return undefined
	}
	return a
}

// length reads a length.
func (f *File) length(c *cursor) uint64 { return c.uint(f.lengths) }

// cursor reads a block of memory. Beyond its end it returns zeros and sets err.
type cursor struct {
	b   []byte
	at  int
	err error
}

func (c *cursor) bytes(n int) []byte {
	if c.err != nil || n < 0 || n > len(c.b)-c.at {
		if c.err == nil {
			c.err = fmt.Errorf("%w: a block of %d bytes ends early", ErrFormat, len(c.b))
		}
		return nil
	}
	c.at += n
	return c.b[c.at-n : c.at]
}

func (c *cursor) skip(n int) { c.bytes(n) }

// uint reads a little-endian number of at most 8 bytes.
func (c *cursor) uint(size int) uint64 {
	var full [8]byte
	copy(full[:], c.bytes(size))
	return binary.LittleEndian.Uint64(full[:])
}
