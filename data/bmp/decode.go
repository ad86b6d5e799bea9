package bmp

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// AppendRGB appends the pixels to dst[:0], 3 bytes each. The caller limits Width*Height.
func (im *Image) AppendRGB(dst []byte) ([]byte, error) {
	row := (im.Width*im.bits + 7) / 8
	runs := im.compression == rle8 || im.compression == rle4
	if n := len(im.data) - im.pixels; n < 1 || !runs && n < (im.Height-1)*im.stride()+row { // the last row may lack its padding
		return nil, errTruncated
	}
	dst = slices.Grow(dst[:0], 3*im.Width*im.Height)[:3*im.Width*im.Height]
	if runs {
		return dst, im.decodeRuns(dst)
	}
	decode := im.decodePalette
	if im.bits > 8 {
		decode = im.maskDecoder()
	}
	stride := im.stride()
	for y := range im.Height {
		decode(im.line(dst, y), im.data[im.pixels+y*stride:])
	}
	return dst, nil
}

// line returns the place of row y of the file in the pixels: files start with the lowest row, unless they
// are top-down.
func (im *Image) line(pixels []byte, y int) []byte {
	if !im.topDown {
		y = im.Height - 1 - y
	}
	return pixels[3*y*im.Width : 3*(y+1)*im.Width]
}

// decodePalette decodes a row of 1, 4 or 8 bits a pixel; the first pixel is in the highest bits.
func (im *Image) decodePalette(line, row []byte) {
	if im.bits == 8 {
		for x := range im.Width {
			copy(line[3*x:3*x+3], im.palette[row[x]][:])
		}
		return
	}
	perByte, mask := 8/im.bits, byte(1)<<im.bits-1
	for x := range im.Width {
		index := row[x/perByte] >> (8 - im.bits*(x%perByte+1)) & mask
		copy(line[3*x:3*x+3], im.palette[index][:])
	}
}

// maskDecoder returns the function that decodes a row of 16, 24 or 32 bits a pixel.
func (im *Image) maskDecoder() func(line, row []byte) {
	size := im.bits / 8
	if im.bits >= 24 && im.masks == [3]uint32{0xff0000, 0xff00, 0xff} {
		return func(line, row []byte) {
			for x := range im.Width {
				line[3*x], line[3*x+1], line[3*x+2] = row[size*x+2], row[size*x+1], row[size*x]
			}
		}
	}
	return func(line, row []byte) {
		for x := range im.Width {
			var pixel uint32
			switch p := row[size*x:]; size {
			case 2:
				pixel = uint32(binary.LittleEndian.Uint16(p))
			case 3:
				pixel = uint32(p[0]) | uint32(p[1])<<8 | uint32(p[2])<<16
			case 4:
				pixel = binary.LittleEndian.Uint32(p)
			}
			for c, mask := range im.masks {
				line[3*x+c] = masked(pixel, mask)
			}
		}
	}
}

// masked returns the bits of a mask, scaled to 0..255 and rounded down, as Pillow's unpackers do.
func masked(pixel, mask uint32) byte {
	if mask == 0 {
		return 0
	}
	shift := bits.TrailingZeros32(mask)
	return byte(uint64((pixel&mask)>>shift) * 255 / uint64(mask>>shift))
}
