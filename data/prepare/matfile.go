package prepare

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf16"
)

// This file reads the part of MATLAB's level 5 MAT-files that ImageNet's meta.mat needs: struct arrays
// of numbers and text (MathWorks, "MAT-File Format", R2024).

// matValue is one array of a MAT-file.
type matValue struct {
	name    string
	text    string                // of a char array
	numbers []float64             // of a numeric array
	records []map[string]matValue // of a struct array
}

// Element types and array classes of the format.
const (
	matInt8, matUint8, matInt16, matUint16, matInt32, matUint32 = 1, 2, 3, 4, 5, 6
	matSingle, matDouble, matMatrix, matCompressed, matUTF8     = 7, 9, 14, 15, 16

	matClassStruct, matClassChar, matClassDouble, matClassUint32 = 2, 4, 6, 13
)

// Limits for damaged files; meta.mat has 150 KB uncompressed.
const (
	matMaxBytes = 64 << 20
	matMaxDepth = 4
)

var errMAT = errors.New("damaged MAT-file")

// readMAT returns the arrays of a little-endian level 5 MAT-file. Arrays of unknown classes have no
// value.
func readMAT(data []byte) ([]matValue, error) {
	if len(data) < 128 || string(data[126:128]) != "IM" {
		return nil, fmt.Errorf("%w: not level 5, little-endian", errMAT)
	}
	var values []matValue
	for rest := data[128:]; len(rest) >= 8; {
		var e matElement
		var err error
		if e, rest, err = nextElement(rest); err != nil {
			return nil, err
		}
		if e.kind == matCompressed {
			if e, err = unpack(e.body); err != nil {
				return nil, err
			}
		}
		if e.kind != matMatrix {
			continue
		}
		v, err := readMatrix(e.body, 0)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return values, nil
}

type matElement struct {
	kind uint32
	body []byte
}

// nextElement returns the first element of data, which is padded to 8 bytes, and the rest.
func nextElement(data []byte) (e matElement, rest []byte, err error) {
	if len(data) < 8 {
		return e, nil, errMAT
	}
	word := binary.LittleEndian.Uint32(data)
	if size := word >> 16; size != 0 { // a small element, in the tag itself
		if size > 4 {
			return e, nil, errMAT
		}
		return matElement{word & 0xffff, data[4 : 4+size]}, data[8:], nil
	}
	size := uint64(binary.LittleEndian.Uint32(data[4:]))
	data = data[8:]
	if size > uint64(len(data)) {
		return e, nil, errMAT
	}
	padded := min((size+7)/8*8, uint64(len(data)))
	if word == matCompressed {
		padded = size
	}
	return matElement{word, data[:size]}, data[padded:], nil
}

func unpack(body []byte) (matElement, error) {
	z, err := zlib.NewReader(bytes.NewReader(body))
	if err != nil {
		return matElement{}, fmt.Errorf("%w: %w", errMAT, err)
	}
	data, err := io.ReadAll(io.LimitReader(z, matMaxBytes+1))
	if err != nil || len(data) > matMaxBytes {
		return matElement{}, fmt.Errorf("%w: %d bytes unpacked: %v", errMAT, len(data), err)
	}
	e, _, err := nextElement(data)
	return e, err
}

// readMatrix reads one array: flags, dimensions, name, content.
func readMatrix(data []byte, depth int) (v matValue, err error) {
	if len(data) == 0 || depth > matMaxDepth { // an empty matrix may have no content
		return v, nil
	}
	var head [3]matElement
	for i := range head {
		if head[i], data, err = nextElement(data); err != nil {
			return v, err
		}
	}
	if len(head[0].body) < 4 {
		return v, errMAT
	}
	v.name = string(head[2].body)
	switch class := head[0].body[0]; {
	case class == matClassStruct:
		count, err := matCount(head[1].body)
		if err != nil {
			return v, err
		}
		v.records, err = readRecords(data, count, depth)
		return v, err
	case class == matClassChar:
		e, _, err := nextElement(data)
		v.text = e.characters()
		return v, err
	case class >= matClassDouble && class <= matClassUint32:
		e, _, err := nextElement(data)
		v.numbers = e.numbers()
		return v, err
	}
	return v, nil
}

func matCount(dimensions []byte) (int, error) {
	count := uint64(1)
	for ; len(dimensions) >= 4; dimensions = dimensions[4:] {
		if count *= uint64(binary.LittleEndian.Uint32(dimensions)); count > matMaxBytes {
			return 0, errMAT
		}
	}
	return int(count), nil
}

// readRecords reads a struct array: the field names, then the fields of every record.
func readRecords(data []byte, count, depth int) ([]map[string]matValue, error) {
	length, data, err := nextElement(data)
	if err != nil || len(length.body) < 4 {
		return nil, errMAT
	}
	names, data, err := nextElement(data)
	width := int(binary.LittleEndian.Uint32(length.body))
	if err != nil || width < 1 || len(names.body)%width != 0 {
		return nil, errMAT
	}
	var fields []string
	for b := names.body; len(b) > 0; b = b[width:] {
		name, _, _ := strings.Cut(string(b[:width]), "\x00")
		fields = append(fields, name)
	}
	if count*len(fields)*8 > len(data) { // each has at least a tag
		return nil, errMAT
	}
	records := make([]map[string]matValue, 0, count)
	for range count {
		record := make(map[string]matValue, len(fields))
		for _, name := range fields {
			var e matElement
			if e, data, err = nextElement(data); err != nil {
				return nil, err
			}
			if record[name], err = readMatrix(e.body, depth+1); err != nil {
				return nil, err
			}
		}
		records = append(records, record)
	}
	return records, nil
}

func (e matElement) characters() string {
	if e.kind != matUint16 {
		return string(e.body)
	}
	var units []uint16
	for b := e.body; len(b) >= 2; b = b[2:] {
		units = append(units, binary.LittleEndian.Uint16(b))
	}
	return string(utf16.Decode(units))
}

func (e matElement) numbers() (out []float64) {
	width := map[uint32]int{matInt8: 1, matUint8: 1, matInt16: 2, matUint16: 2, matInt32: 4, matUint32: 4, matSingle: 4, matDouble: 8}[e.kind]
	for b := e.body; width > 0 && len(b) >= width; b = b[width:] {
		out = append(out, e.number(b))
	}
	return out
}

func (e matElement) number(b []byte) float64 {
	switch e.kind {
	case matInt8:
		return float64(int8(b[0]))
	case matUint8:
		return float64(b[0])
	case matInt16:
		return float64(int16(binary.LittleEndian.Uint16(b)))
	case matUint16:
		return float64(binary.LittleEndian.Uint16(b))
	case matInt32:
		return float64(int32(binary.LittleEndian.Uint32(b)))
	case matUint32:
		return float64(binary.LittleEndian.Uint32(b))
	case matSingle:
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(b))
}
