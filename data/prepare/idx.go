package prepare

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The first four bytes of MNIST's IDX files: unsigned bytes in 3 dimensions and in 1.
const (
	idxImages = 0x00000803
	idxLabels = 0x00000801
)

// idxLimit bounds the size that a header can request: MNIST has 47 million bytes.
const idxLimit = 1 << 28

// readIDXImages reads n consecutive gray images of w x h bytes.
func readIDXImages(r io.Reader) (pixels []byte, n, w, h int, err error) {
	dims, pixels, err := readIDX(r, idxImages, 3)
	if err != nil {
		return nil, 0, 0, 0, err
	}
	return pixels, dims[0], dims[2], dims[1], nil
}

// readIDXLabels reads labels of one byte each.
func readIDXLabels(r io.Reader) ([]byte, error) {
	_, labels, err := readIDX(r, idxLabels, 1)
	return labels, err
}

func readIDX(r io.Reader, magic uint32, dimensions int) (dims []int, data []byte, err error) {
	head := make([]byte, 4*(1+dimensions))
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, nil, fmt.Errorf("IDX header: %w", err)
	}
	if got := binary.BigEndian.Uint32(head); got != magic {
		return nil, nil, fmt.Errorf("IDX header starts with %#08x, not %#08x", got, magic)
	}
	size := uint64(1)
	for i := range dimensions {
		d := uint64(binary.BigEndian.Uint32(head[4*(i+1):]))
		dims = append(dims, int(d))
		if size *= d; size == 0 || size > idxLimit { // cannot overflow: both are below 2^32
			return nil, nil, fmt.Errorf("IDX header claims the size %v", dims)
		}
	}
	data, err = io.ReadAll(io.LimitReader(r, int64(size)+1))
	if err != nil {
		return nil, nil, fmt.Errorf("IDX data: %w", err)
	}
	if uint64(len(data)) < size {
		return nil, nil, fmt.Errorf("IDX data: %d bytes, the header says %d: %w", len(data), size, io.ErrUnexpectedEOF)
	}
	if uint64(len(data)) > size {
		return nil, nil, errors.New("IDX data: more bytes than the header says")
	}
	return dims, data, nil
}
