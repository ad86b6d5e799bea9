package pickle

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"depthwise.dev/internal/floats"
	"depthwise.dev/internal/zipfile"
)

// File is an open file of torch.save.
type File struct {
	// Root is the value that was saved.
	Root any

	file   *os.File
	zip    *zipfile.Archive // nil of the older form
	prefix string           // folder of its members
	order  binary.ByteOrder
	source func(*storage) ([]byte, error) // reads the bytes of a storage
	budget int64                          // bytes of storages that may still be read
	// last is the storage that was read last, because tensors may share one.
	last  *storage
	bytes []byte
}

// Open reads the objects of a file, of either form, but not the numbers of its tensors. The caller closes the file.
func Open(path string) (*File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("pickle: %w", err)
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("pickle: %w", err), file.Close())
	}
	f, err := New(file, info.Size())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("pickle: %s: %w", path, err), file.Close())
	}
	f.file = file
	return f, nil
}

// New is Open for a file of size bytes that is already open.
func New(r io.ReaderAt, size int64) (*File, error) {
	f := &File{order: binary.LittleEndian, budget: zipfile.Allowed(size)}
	head := make([]byte, 4)
	if n, err := r.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	} else if n == len(head) && string(head[:2]) == "PK" {
		return f, f.openZip(r, size)
	}
	return f, f.openLegacy(r, size)
}

// Close closes the file.
func (f *File) Close() error {
	if f.file == nil {
		return nil
	}
	return f.file.Close()
}

// Member returns the content of a member of the zip form besides the objects, such as those of [Write]; nil if there is none.
func (f *File) Member(name string) ([]byte, error) {
	if f.zip == nil || !f.zip.Has(f.prefix+name) {
		return nil, nil
	}
	return f.zip.Read(f.prefix + name)
}

// openZip reads the form of PyTorch 1.6 and later: NAME/data.pkl with the objects, NAME/data/KEY with the storages,
// NAME/byteorder.
func (f *File) openZip(r io.ReaderAt, size int64) error {
	archive, err := zipfile.New(r, size)
	if err != nil {
		return err
	}
	prefix := ""
	for _, name := range archive.Names() {
		folder, isPickle := strings.CutSuffix(name, "data.pkl")
		if !isPickle || folder != "" && !strings.HasSuffix(folder, "/") {
			continue
		}
		if archive.Has(folder + "constants.pkl") {
			return fmt.Errorf("%w: a TorchScript archive, which holds code. In Python, save the state dict alone: torch.save(model.state_dict(), FILE)", ErrRefused)
		}
		prefix = folder
	}
	if !archive.Has(prefix + "data.pkl") {
		return fmt.Errorf("%w: a zip without data.pkl", ErrFormat)
	}
	if archive.Has(prefix + "byteorder") {
		order, err := archive.Read(prefix + "byteorder")
		if err != nil {
			return err
		}
		if string(order) == "big" {
			f.order = binary.BigEndian
		}
	}
	f.zip, f.prefix = archive, prefix
	objects, err := archive.Read(prefix + "data.pkl")
	if err != nil {
		return err
	}
	f.source = func(s *storage) ([]byte, error) { return archive.Read(prefix + "data/" + s.key) }
	f.Root, err = load(newInput(bytes.NewReader(objects), int64(len(objects))), map[string]*storage{})
	return err
}

// legacyMagic is 0x1950a86a20f9469cfc6c, little-endian.
var legacyMagic = []byte{0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19}

// IsLegacy reports whether a file begins as torch.save wrote it before version 1.6: a pickle of a magic number.
func IsLegacy(head []byte) bool {
	return len(head) > 2 && head[0] == 0x80 && bytes.HasPrefix(head[2:], append([]byte{0x8a, 10}, legacyMagic...))
}

// openLegacy reads the older form: pickles of a magic number, a version, the machine, the objects and the keys of the
// storages; then each storage in the order of the keys, as its number of elements and its bytes.
func (f *File) openLegacy(r io.ReaderAt, size int64) error {
	in, storages := newInput(io.NewSectionReader(r, 0, size), size), map[string]*storage{}
	var parts [5]any
	for i := range parts {
		v, err := load(in, storages)
		if err == nil && i == 0 && !isMagic(v) {
			err = fmt.Errorf("%w: a pickle, but not one of torch.save. Save the state dict with torch.save(model.state_dict(), FILE)", ErrFormat)
		}
		if err != nil {
			return asFormat(err)
		}
		parts[i] = v
	}
	if version, ok := parts[1].(int64); !ok || version != 1001 {
		return fmt.Errorf("%w: version %v of the older form; 1001 is read", ErrRefused, describe(parts[1]))
	}
	if machine, ok := parts[2].(*Dict); ok && machine.Get("little_endian") == any(false) {
		f.order = binary.BigEndian
	}
	f.Root = parts[3]
	return f.findStorages(r, in, parts[4], storages)
}

func isMagic(v any) bool {
	b, ok := v.(bigInt)
	return ok && bytes.Equal(b, legacyMagic)
}

// findStorages notes where each storage of the older form begins.
func (f *File) findStorages(r io.ReaderAt, in *input, keys any, storages map[string]*storage) error {
	list, ok := keys.(*List)
	if !ok {
		return fmt.Errorf("%w: %s in place of the keys of storages", ErrFormat, describe(keys))
	}
	starts, at := map[string]int64{}, in.at
	for _, item := range list.Items {
		key, _ := item.(string)
		s := storages[key]
		if s == nil {
			return fmt.Errorf("%w: a storage %q that no tensor has", ErrFormat, key)
		}
		if _, twice := starts[key]; twice {
			return fmt.Errorf("%w: the storage %q twice", ErrFormat, key)
		}
		var count [8]byte
		if _, err := r.ReadAt(count[:], at); err != nil {
			return asFormat(err)
		}
		n, bytes := binary.LittleEndian.Uint64(count[:]), int64(s.n*elements[s.class].size)
		if n != uint64(s.n) || bytes > in.size-at-8 {
			return fmt.Errorf("%w: storage %q has %d elements at byte %d of %d, want %d", ErrFormat, key, n, at, in.size, s.n)
		}
		starts[key] = at + 8
		at += 8 + bytes
	}
	f.source = func(s *storage) ([]byte, error) {
		start, ok := starts[s.key]
		if !ok {
			return nil, fmt.Errorf("%w: no storage %q", ErrFormat, s.key)
		}
		b := make([]byte, s.n*elements[s.class].size)
		_, err := r.ReadAt(b, start)
		return b, err
	}
	return nil
}

// asFormat wraps the end of the file.
func asFormat(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it ends early", ErrFormat)
	}
	return err
}

// Read returns the numbers of a tensor, row-major.
func (f *File) Read(t *Tensor) ([]float32, error) {
	e := elements[t.storage.class]
	if !e.known {
		return nil, fmt.Errorf("%w: numbers of %s", ErrRefused, t.storage.class)
	}
	if err := f.load(t.storage); err != nil {
		return nil, err
	}
	n := 1
	for _, d := range t.Size {
		n *= d
	}
	if f.budget -= int64(4 * n); f.budget < 0 {
		return nil, fmt.Errorf("%w: its tensors are larger than its size allows", ErrFormat)
	}
	if t.rowMajor() {
		return floats.Decode(e.kind, f.order, f.bytes[t.offset*e.size:(t.offset+n)*e.size])
	}
	picked := make([]byte, 0, n*e.size)
	if n > 0 {
		picked = t.pick(picked, f.bytes, e.size, 0, t.offset)
	}
	return floats.Decode(e.kind, f.order, picked)
}

// load reads a storage, unless it is the last one read.
func (f *File) load(s *storage) error {
	if f.last != nil && f.last.key == s.key {
		return nil
	}
	want := int64(s.n * elements[s.class].size)
	if f.budget -= want; f.budget < 0 {
		return fmt.Errorf("%w: its tensors are larger than its size allows", ErrFormat)
	}
	b, err := f.source(s)
	if err == nil && int64(len(b)) < want {
		err = fmt.Errorf("%w: storage %q has %d bytes, want %d", ErrFormat, s.key, len(b), want)
	}
	if err != nil {
		return asFormat(err)
	}
	f.last, f.bytes = s, b
	return nil
}

// rowMajor reports whether the elements follow each other in row-major order.
func (t *Tensor) rowMajor() bool {
	n := 1
	for i := len(t.Size) - 1; i >= 0; i-- {
		if t.Size[i] > 1 && t.Stride[i] != n {
			return false
		}
		n *= t.Size[i]
	}
	return true
}

// pick appends the elements of the axes from axis on, from an offset in elements.
func (t *Tensor) pick(to, from []byte, size, axis, offset int) []byte {
	if axis == len(t.Size) {
		return append(to, from[offset*size:(offset+1)*size]...)
	}
	for i := range t.Size[axis] {
		to = t.pick(to, from, size, axis+1, offset+i*t.Stride[axis])
	}
	return to
}
