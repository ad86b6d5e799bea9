package tiff

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/ulikunitz/xz/lzma"
)

// openLZMA opens a strip or tile that libtiff compressed: an .xz stream of one block with the filters delta
// and LZMA2. Checksums are not read; libtiff writes none. The .xz file format 1.2, sections 2, 3 and 5.3.
func openLZMA(_ *reusable, p *Page, data []byte) (io.Reader, error) {
	const magic, headerSize = "\xfd7zXZ\x00", 12
	damaged := errors.New("invalid xz data")
	if len(data) <= headerSize || !bytes.HasPrefix(data, []byte(magic)) {
		return nil, damaged
	}
	block := data[headerSize:]
	size := 4 * (int(block[0]) + 1)
	if size < 8 || size > len(block) {
		return nil, damaged
	}
	delta, window, err := xzFilters(block[1 : size-4])
	if err != nil {
		return nil, err
	}
	if window = min(window, max(p.rawSize(), lzma.MinDictCap)); window > maxWindow { // allocated at once
		return nil, fmt.Errorf("xz data with a window of %d MB", window>>20)
	}
	r, err := lzma.Reader2Config{DictCap: window}.NewReader2(bytes.NewReader(block[size:]))
	if err != nil || delta == 0 {
		return r, err
	}
	return &deltaReader{from: r, past: make([]byte, delta)}, nil
}

// xzFilters returns the distance of the delta filter, 0 without one, and the window of LZMA2.
func xzFilters(header []byte) (delta, window int, err error) {
	const deltaFilter, lzma2Filter = 3, 0x21
	const hasPackedSize, hasSize = 0x40, 0x80
	r := bytes.NewReader(header)
	flags, _ := r.ReadByte()
	for _, has := range []byte{hasPackedSize, hasSize} {
		if flags&has != 0 {
			_, _ = binary.ReadUvarint(r)
		}
	}
	for range flags&3 + 1 {
		id, _ := binary.ReadUvarint(r)
		n, _ := binary.ReadUvarint(r)
		property, err := r.ReadByte()
		if err != nil || n != 1 {
			return 0, 0, errors.New("invalid xz data")
		}
		switch id {
		case deltaFilter:
			delta = int(property) + 1
		case lzma2Filter:
			if property > 40 {
				return 0, 0, errors.New("invalid xz data")
			}
			window = (2 | int(property&1)) << (property/2 + 11)
		default:
			return 0, 0, errors.New("an xz filter that is not supported; convert it to PNG")
		}
	}
	if window == 0 {
		return 0, 0, errors.New("xz data without LZMA2")
	}
	return delta, window, nil
}

// deltaReader adds to each byte the one that was len(past) before.
type deltaReader struct {
	from io.Reader
	past []byte
	at   int
}

func (d *deltaReader) Read(p []byte) (int, error) {
	n, err := d.from.Read(p)
	for i := range n {
		d.past[d.at] += p[i]
		p[i] = d.past[d.at]
		d.at = (d.at + 1) % len(d.past)
	}
	return n, err
}
