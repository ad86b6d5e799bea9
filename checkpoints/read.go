package checkpoints

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"slices"

	"depthwise.dev/internal/host"
	"depthwise.dev/internal/regularfile"
)

// Read returns the content of a safetensors file, with the arrays in the order of their bytes. F16
// and BF16 are converted to float32. Files of other programs are accepted; a file that records a
// SHA-256, as those of Write do, must match it.
//
// It returns ErrFormat, ErrDigest or ErrUnsupported, wrapped with the file and the reason, or the
// error of opening the file.
func Read(path string) (File, error) {
	f, _, err := read(path)
	return f, err
}

// Verify reads a file as [Read] does and reports whether it records a SHA-256, which it then matches.
func Verify(path string) (recorded bool, err error) {
	_, recorded, err = read(path)
	return recorded, err
}

// read also reports whether the file was verified by a digest.
func read(path string) (f File, verified bool, err error) {
	file, err := regularfile.Open(path)
	if err != nil {
		return File{}, false, fmt.Errorf("checkpoints: %w", err)
	}
	defer file.Close() // opened for reading: the error carries no information
	info, err := file.Stat()
	if err != nil {
		return File{}, false, fmt.Errorf("checkpoints: %w", err)
	}
	if err = checkMemory(float64(info.Size()), host.AvailableMemory()); err == nil {
		f, verified, err = decodeFile(file, info.Size())
	}
	if err != nil {
		return File{}, false, fmt.Errorf("checkpoints: %s: %w", path, err)
	}
	return f, verified, nil
}

// decodeFile reads a file of size bytes from r, front to back.
func decodeFile(r io.Reader, size int64) (f File, verified bool, err error) {
	head, err := readHead(r, size)
	if err != nil {
		return File{}, false, err
	}
	h, err := parseHeader(head[8:])
	if err != nil {
		return File{}, false, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if err := checkLayout(h.entries, size-int64(len(head))); err != nil {
		return File{}, false, err
	}
	digits, verified := h.meta[digestKey]
	switch {
	case verified && h.digestAt < 0:
		return File{}, false, fmt.Errorf("%w: the record is not 64 hex digits", ErrDigest)
	case !verified && h.meta[markKey] != "":
		return File{}, false, fmt.Errorf("%w: the record is missing", ErrDigest)
	}
	var sum hash.Hash
	if verified {
		sum = sha256.New()
		copy(head[8+h.digestAt:], noDigest)
		sum.Write(head) // never fails
		r = io.TeeReader(r, sum)
	}
	f = File{Meta: h.meta, Arrays: make([]Array, len(h.entries))}
	d := decoder{r: r, order: binary.LittleEndian}
	for i, e := range h.entries {
		data, err := d.decode(dtypes[e.dtype], e.shape)
		if err != nil {
			return File{}, false, fmt.Errorf("array %q: %w", e.name, asFormatError(ErrFormat, err))
		}
		f.Arrays[i] = Array{Name: e.name, Data: data}
	}
	if verified && !isDigest(digits, sum.Sum(nil)) {
		return File{}, false, ErrDigest
	}
	delete(f.Meta, digestKey)
	delete(f.Meta, markKey)
	return f, verified, nil
}

// readHead reads the length and the header of a file of size bytes from r.
func readHead(r io.Reader, size int64) ([]byte, error) {
	var length [8]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, fmt.Errorf("length of the header: %w", asFormatError(ErrFormat, err))
	}
	n := binary.LittleEndian.Uint64(length[:])
	if n > maxHeader || int64(n) > size-8 {
		return nil, fmt.Errorf("%w: a header of %d bytes in a file of %d", ErrFormat, n, size)
	}
	head := make([]byte, 8+n)
	copy(head, length[:])
	if _, err := io.ReadFull(r, head[8:]); err != nil {
		return nil, fmt.Errorf("header: %w", asFormatError(ErrFormat, err))
	}
	return head, nil
}

// asFormatError wraps an error in the content as a format error. Errors of the operating system are
// returned unchanged.
func asFormatError(format, err error) error {
	var system *fs.PathError
	if errors.As(err, &system) {
		return err
	}
	return fmt.Errorf("%w: %w", format, err)
}

// checkLayout sorts the entries by offset and checks that they fill the data exactly.
func checkLayout(entries []entry, data int64) error {
	slices.SortStableFunc(entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end))
	})
	end := 0
	for _, e := range entries {
		k, known := dtypes[e.dtype]
		if !known {
			return fmt.Errorf("%w: array %q has dtype %q; F16, BF16, F32, F64, I64, I32, U8 and BOOL are read", ErrUnsupported, e.name, e.dtype)
		}
		n, ok := elements(e.shape)
		switch {
		case !ok:
			return fmt.Errorf("%w: array %q: the shape %v is too large", ErrFormat, e.name, e.shape)
		case e.begin != end:
			return fmt.Errorf("%w: array %q starts at byte %d of the data; the previous one ends at %d", ErrFormat, e.name, e.begin, end)
		case e.end < e.begin || (e.end-e.begin)%k.size() != 0 || (e.end-e.begin)/k.size() != n:
			return fmt.Errorf("%w: array %q: bytes %d to %d do not hold a %s array of shape %v", ErrFormat, e.name, e.begin, e.end, e.dtype, e.shape)
		}
		end = e.end
	}
	if int64(end) != data {
		return fmt.Errorf("%w: the arrays take %d bytes, the file has %d for them", ErrFormat, end, data)
	}
	return nil
}
