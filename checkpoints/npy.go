package checkpoints

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"

	"depthwise.dev/internal/atomicfile"
	"depthwise.dev/internal/host"
	"gorgonia.org/tensor"
)

// ReadNPY returns the array of a .npy file, format versions 1 to 3: float32, float64, int64, int32,
// uint8 and bool, and float16 as float32, in either byte order and either layout. The array is
// row-major. It returns ErrNPY with the reason for other files.
func ReadNPY(path string) (*tensor.Dense, error) {
	file, err := os.Open(path) // a pipe too
	if err != nil {
		return nil, fmt.Errorf("checkpoints: %w", err)
	}
	defer file.Close() // opened for reading: the error carries no information
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("checkpoints: %w", err)
	}
	size := info.Size()
	if !info.Mode().IsRegular() {
		size = unknownSize
	}
	d, err := decodeNPY(file, size)
	if err != nil {
		return nil, fmt.Errorf("checkpoints: %s: %w", path, err)
	}
	return d, nil
}

// WriteNPY stores an array as .npy, atomically as Write does.
func WriteNPY(path string, d *tensor.Dense) error {
	values, err := flatten(d)
	if err != nil {
		return fmt.Errorf("checkpoints: %s: %w", path, err)
	}
	shape := slices.Clone(d.Shape())
	if err := atomicfile.Write(path, filePerm, func(w io.Writer) error { return encodeNPY(w, values, shape) }); err != nil {
		return fmt.Errorf("checkpoints: write %s: %w", path, err)
	}
	return nil
}

func encodeNPY(w io.Writer, values any, shape []int) error {
	if _, err := w.Write(npyHead(kindOf(values), shape)); err != nil {
		return err
	}
	e := encoder{w: w}
	return e.encode(values)
}

// unknownSize is the size of a pipe.
const unknownSize = -1

// decodeNPY reads a file of size bytes from r.
func decodeNPY(r io.Reader, size int64) (*tensor.Dense, error) {
	text, headBytes, err := readNPYHead(r)
	if err != nil {
		return nil, asFormatError(ErrNPY, err)
	}
	h, err := parseNPYHeader(text)
	if err != nil {
		return nil, fmt.Errorf("%w: header %q: %w", ErrNPY, text, err)
	}
	n, ok := elements(h.shape)
	if !ok || n > math.MaxInt/h.kind.size() || size != unknownSize && int64(n*h.kind.size()) != size-headBytes {
		return nil, fmt.Errorf("%w: a %s array of shape %v in %d bytes", ErrNPY, h.descr, h.shape, size-headBytes)
	}
	if err := checkMemory(float64(n)*h.memory(), host.AvailableMemory()); err != nil {
		return nil, fmt.Errorf("an array of shape %v: %w; divide it into several files", h.shape, err)
	}
	d := decoder{r: r, order: h.order}
	array, err := d.decode(h.kind, h.shape)
	if err != nil {
		return nil, asFormatError(ErrNPY, err)
	}
	if size == unknownSize {
		if err := atEnd(r); err != nil {
			return nil, fmt.Errorf("%w: a %s array of shape %v: %w", ErrNPY, h.descr, h.shape, err)
		}
	}
	if !h.fortran {
		return array, nil
	}
	return fromFortran(array)
}

// atEnd returns an error unless r ends here.
func atEnd(r io.Reader) error {
	switch n, err := io.ReadFull(r, make([]byte, 1)); {
	case n > 0:
		return errors.New("more bytes follow it")
	case !errors.Is(err, io.EOF):
		return err
	}
	return nil
}

// npyMagic starts a .npy file; two bytes of version and the length of the header follow.
const npyMagic = "\x93NUMPY"

// maxNPYHeader bounds the header. NumPy itself reads at most 10,000 bytes.
const maxNPYHeader = 1 << 16

// readNPYHead returns the header's text and how many bytes were read.
func readNPYHead(r io.Reader) (text string, headBytes int64, err error) {
	start := make([]byte, len(npyMagic)+2)
	if _, err := io.ReadFull(r, start); err != nil {
		return "", 0, err
	}
	major := start[len(npyMagic)]
	if string(start[:len(npyMagic)]) != npyMagic || major < 1 || major > 3 {
		return "", 0, errors.New("it does not begin as .npy version 1, 2 or 3")
	}
	lengthBytes := 4
	if major == 1 {
		lengthBytes = 2
	}
	length := make([]byte, 4)
	if _, err := io.ReadFull(r, length[:lengthBytes]); err != nil {
		return "", 0, err
	}
	n := binary.LittleEndian.Uint32(length)
	if n > maxNPYHeader {
		return "", 0, fmt.Errorf("a header of %d bytes", n)
	}
	header := make([]byte, n)
	if _, err := io.ReadFull(r, header); err != nil {
		return "", 0, err
	}
	return string(header), int64(len(start)+lengthBytes) + int64(n), nil
}

// fromFortran converts an array from column-major to row-major order.
func fromFortran(d *tensor.Dense) (*tensor.Dense, error) {
	values, err := flatten(d)
	if err != nil {
		return nil, err
	}
	shape := slices.Clone(d.Shape())
	switch v := values.(type) {
	case []float64:
		return newDense(reorder(v, shape), shape)
	case []int64:
		return newDense(reorder(v, shape), shape)
	case []int32:
		return newDense(reorder(v, shape), shape)
	case []uint8:
		return newDense(reorder(v, shape), shape)
	case []bool:
		return newDense(reorder(v, shape), shape)
	case []float32:
		return newDense(reorder(v, shape), shape)
	}
	return nil, fmt.Errorf("%w: %T", ErrArray, values)
}

func reorder[T Element](columns []T, shape []int) []T {
	rows := make([]T, len(columns))
	index := make([]int, len(shape))
	for i := range rows {
		at, stride := 0, 1
		for axis, n := range shape {
			at += index[axis] * stride
			stride *= n
		}
		rows[i] = columns[at]
		for axis := len(shape) - 1; axis >= 0; axis-- { // the last axis runs fastest
			if index[axis]++; index[axis] < shape[axis] {
				break
			}
			index[axis] = 0
		}
	}
	return rows
}
