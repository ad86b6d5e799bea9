// Package bmp decodes BMP files of Windows and OS/2 to the RGB pixels that Pillow's convert("RGB") returns:
// 1 to 32 bits, palettes, bit masks and run lengths. Alpha is dropped.
//
// Sources: Microsoft's BITMAPINFOHEADER, BITMAPV5HEADER and "Bitmap Compression"; the behavior of Pillow 13.
package bmp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// The values of the field compression.
const (
	uncompressed = 0
	rle8         = 1
	rle4         = 2
	bitMasks     = 3
)

const (
	fileHeader = 14 // bytes
	coreHeader = 12 // of OS/2 1.x, with sizes of 16 bits; all others start with the fields of the next
	infoHeader = 40
)

var errTruncated = errors.New("file is truncated")

// Image is a BMP file whose header was read.
type Image struct {
	Width, Height int // pixels

	data        []byte
	bits        int // of a pixel
	compression int
	topDown     bool
	masks       [3]uint32 // of red, green and blue, for 16 bits and more
	palette     [256][3]byte
	pixels      int // where they start
}

// Open reads the header and the palette. The image refers to data.
func Open(data []byte) (*Image, error) {
	if len(data) < fileHeader+4 {
		return nil, errTruncated
	}
	size := int(binary.LittleEndian.Uint32(data[fileHeader:]))
	if !slices.Contains([]int{coreHeader, infoHeader, 52, 56, 64, 108, 124}, size) {
		return nil, fmt.Errorf("BMP with a header of %d bytes, which is not supported; convert it to PNG", size)
	}
	if len(data) < fileHeader+size {
		return nil, errTruncated
	}
	im := &Image{data: data}
	colors := im.readHeader(data[fileHeader:][:size])
	if im.Width < 1 || im.Height < 1 {
		return nil, fmt.Errorf("an image of %dx%d pixels", im.Width, im.Height)
	}
	if err := im.check(); err != nil {
		return nil, err
	}
	return im, im.readTables(size, colors)
}

// readHeader reads the fields of the header and returns the number of colors in the palette.
func (im *Image) readHeader(h []byte) (colors int) {
	short, long := binary.LittleEndian.Uint16, binary.LittleEndian.Uint32
	if len(h) == coreHeader {
		im.Width, im.Height, im.bits = int(short(h[4:])), int(short(h[6:])), int(short(h[10:]))
		return 1 << min(im.bits, 16)
	}
	im.Width, im.Height = int(int32(long(h[4:]))), int(int32(long(h[8:])))
	if im.topDown = im.Height < 0; im.topDown {
		im.Height = -im.Height
	}
	im.bits, im.compression = int(short(h[14:])), int(long(h[16:]))
	if colors = int(long(h[32:])); colors == 0 {
		colors = 1 << min(im.bits, 16)
	}
	return colors
}

// check returns an error for pixels that are not read.
func (im *Image) check() error {
	supported := false
	switch im.compression {
	case uncompressed:
		supported = slices.Contains([]int{1, 4, 8, 16, 24, 32}, im.bits)
	case rle8:
		supported = im.bits == 8
	case rle4:
		supported = im.bits == 4
	case bitMasks:
		supported = slices.Contains([]int{16, 24, 32}, im.bits)
	}
	if !supported {
		return fmt.Errorf("BMP of %d bits a pixel with compression %d, which is not supported; convert it to PNG", im.bits, im.compression)
	}
	return nil
}

// readTables reads the masks and the palette, which follow the header, and finds the pixels.
func (im *Image) readTables(header, colors int) error {
	at := fileHeader + header
	if err := im.readMasks(header, &at); err != nil {
		return err
	}
	im.pixels = int(binary.LittleEndian.Uint32(im.data[10:]))
	if im.bits <= 8 {
		entry := 4
		if header == coreHeader {
			entry = 3
		}
		im.readPalette(at, colors, entry)
		if im.pixels == at || im.pixels == 0 { // some writers forget the palette, as Pillow knows
			im.pixels = at + entry*colors
		}
	} else if im.pixels == 0 {
		im.pixels = at
	}
	return nil
}

// readMasks sets the masks. With a header of 40 bytes they follow it.
func (im *Image) readMasks(header int, at *int) error {
	im.masks = [3]uint32{0xff0000, 0xff00, 0xff}
	if im.bits == 16 {
		im.masks = [3]uint32{0x7c00, 0x3e0, 0x1f}
	}
	if im.compression != bitMasks {
		return nil
	}
	if len(im.data) < fileHeader+infoHeader+12 {
		return errTruncated
	}
	var masks [3]uint32
	for i := range masks {
		masks[i] = binary.LittleEndian.Uint32(im.data[fileHeader+infoHeader+4*i:])
	}
	if header == infoHeader {
		*at += 12
	}
	if masks != [3]uint32{} { // all zero: the default, as in Pillow
		im.masks = masks
	}
	return nil
}

// readPalette reads colors of 3 or 4 bytes: blue, green, red. The others are black, as in Pillow.
func (im *Image) readPalette(at, colors, entry int) {
	for i := range min(colors, 256) {
		if c := at + i*entry; c+3 <= len(im.data) {
			im.palette[i] = [3]byte{im.data[c+2], im.data[c+1], im.data[c]}
		}
	}
}

// stride returns the bytes of a row of pixels that are not compressed.
func (im *Image) stride() int { return (im.Width*im.bits + 31) / 32 * 4 }
