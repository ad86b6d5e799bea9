package tiff

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
)

// The tags of a directory that are read. TIFF 6.0, part 1 and 2.
const (
	tagImageWidth       = 256
	tagImageLength      = 257
	tagBitsPerSample    = 258
	tagCompression      = 259
	tagPhotometric      = 262
	tagFillOrder        = 266
	tagStripOffsets     = 273
	tagOrientation      = 274
	tagSamplesPerPixel  = 277
	tagRowsPerStrip     = 278
	tagStripByteCounts  = 279
	tagPlanar           = 284
	tagT4Options        = 292
	tagPredictor        = 317
	tagColorMap         = 320
	tagTileWidth        = 322
	tagTileLength       = 323
	tagTileOffsets      = 324
	tagTileByteCounts   = 325
	tagExtraSamples     = 338
	tagSampleFormat     = 339
	tagJPEGTables       = 347
	tagYCbCrCoefficient = 529
	tagYCbCrSubsampling = 530
	tagReferenceBlack   = 532
)

var (
	errNoTIFF    = errors.New("not a TIFF file")
	errTruncated = errors.New("file is truncated")
)

// entry is an array of values in a directory, as bytes of the file.
type entry struct {
	kind  uint16
	count int
	bytes []byte // count values
}

// directory is the first directory of a file.
type directory struct {
	order   binary.ByteOrder
	entries map[uint16]entry
	cut     bool // the values of an entry that pixels depend on are outside the file
}

// valueSizes are the bytes of a value of each type.
var valueSizes = [19]int{1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}

// pixelTags are those that pixels depend on.
var pixelTags = []uint16{
	tagImageWidth, tagImageLength, tagBitsPerSample, tagCompression, tagPhotometric, tagFillOrder, tagStripOffsets,
	tagSamplesPerPixel, tagRowsPerStrip, tagStripByteCounts, tagPlanar, tagT4Options, tagPredictor, tagColorMap,
	tagTileWidth, tagTileLength, tagTileOffsets, tagTileByteCounts, tagExtraSamples, tagSampleFormat, tagJPEGTables,
	tagYCbCrCoefficient, tagYCbCrSubsampling, tagReferenceBlack,
}

// readDirectory reads the first directory. Entries whose values are outside the file are left out.
func readDirectory(data []byte) (directory, error) {
	d := directory{entries: map[uint16]entry{}}
	if len(data) < 8 {
		return d, errTruncated
	}
	switch string(data[:2]) {
	case "II":
		d.order = binary.LittleEndian
	case "MM":
		d.order = binary.BigEndian
	default:
		return d, errNoTIFF
	}
	switch d.order.Uint16(data[2:]) {
	case 42:
		return d, d.readEntries(data, uint64(d.order.Uint32(data[4:])), classic)
	case 43:
		if len(data) < 16 {
			return d, errTruncated
		}
		return d, d.readEntries(data, d.order.Uint64(data[8:]), bigTIFF)
	}
	return d, errNoTIFF
}

// variant holds the widths that differ between TIFF and BigTIFF, in bytes.
type variant struct{ countBytes, offsetBytes int }

var classic, bigTIFF = variant{2, 4}, variant{8, 8}

func (d *directory) readEntries(data []byte, at uint64, v variant) error {
	if at > uint64(len(data)) || len(data)-int(at) < v.countBytes {
		return errTruncated
	}
	rest := data[at:]
	n := uint64(d.order.Uint16(rest))
	if v == bigTIFF {
		n = d.order.Uint64(rest)
	}
	rest = rest[v.countBytes:]
	for size := 4 + 2*v.offsetBytes; n > 0 && len(rest) >= size; n-- {
		d.addEntry(data, rest[:size], v)
		rest = rest[size:]
	}
	if n > 0 {
		return errTruncated
	}
	return nil
}

// addEntry adds an entry: tag, type, count, and the values or their offset.
func (d *directory) addEntry(data, e []byte, v variant) {
	tag, kind := d.order.Uint16(e), d.order.Uint16(e[2:])
	count, values := d.offset(e[4:], v), e[4+v.offsetBytes:]
	if int(kind) >= len(valueSizes) || valueSizes[kind] == 0 {
		return
	}
	if count > uint64(len(data)) {
		d.cut = d.cut || slices.Contains(pixelTags, tag)
		return
	}
	size := int(count) * valueSizes[kind]
	if size > v.offsetBytes {
		at := d.offset(values, v)
		if at > uint64(len(data)) || size > len(data)-int(at) {
			d.cut = d.cut || slices.Contains(pixelTags, tag)
			return
		}
		values = data[at:]
	}
	if _, again := d.entries[tag]; !again {
		d.entries[tag] = entry{kind, int(count), values[:size]}
	}
}

func (d *directory) offset(b []byte, v variant) uint64 {
	if v == bigTIFF {
		return d.order.Uint64(b)
	}
	return uint64(d.order.Uint32(b))
}

// count returns the number of values of a tag, 0 if it is missing.
func (d *directory) count(tag uint16) int { return d.entries[tag].count }

// integer returns value i of a tag, or the default if it is missing or no natural number below 2^53.
func (d *directory) integer(tag uint16, i, missing int) int {
	e := d.entries[tag]
	if i >= e.count {
		return missing
	}
	var v uint64
	switch b := e.bytes[i*valueSizes[e.kind]:]; e.kind {
	case 1:
		v = uint64(b[0])
	case 3:
		v = uint64(d.order.Uint16(b))
	case 4, 13:
		v = uint64(d.order.Uint32(b))
	case 16, 18:
		v = d.order.Uint64(b)
	default:
		return missing
	}
	if v >= 1<<53 {
		return missing
	}
	return int(v)
}

// real returns value i of a tag, or the default if it is missing or not finite.
func (d *directory) real(tag uint16, i int, missing float32) float32 {
	e := d.entries[tag]
	if i >= e.count {
		return missing
	}
	v := math.NaN()
	switch b := e.bytes[i*valueSizes[e.kind]:]; e.kind {
	case 5:
		v = float64(d.order.Uint32(b)) / float64(d.order.Uint32(b[4:]))
	case 11:
		v = float64(math.Float32frombits(d.order.Uint32(b)))
	case 12:
		v = math.Float64frombits(d.order.Uint64(b))
	case 1, 3, 4:
		v = float64(d.integer(tag, i, 0))
	}
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return missing
	}
	return float32(v)
}
