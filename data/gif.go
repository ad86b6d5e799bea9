package data

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/gif"
	"math"
)

// decodeGIF appends the pixels of the first frame of a GIF to dst[:0] as Pillow returns them:
// transparent pixels have their palette color, and the screen outside the frame has the transparent color
// or the first one. (image/gif discards that color.)
func decodeGIF(data, dst []byte) (rgb []byte, w, h int, err error) {
	data = completeGIF(data)
	screen, err := readConfig(FormatGIF, data)
	if err != nil {
		return nil, 0, 0, err
	}
	decoded, err := gif.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, 0, 0, plainError(err)
	}
	im, ok := decoded.(*image.Paletted)
	if !ok {
		return nil, 0, 0, errors.New("damaged GIF file: a frame without a palette")
	}
	colors, fill := gifColors(data)
	b := im.Bounds()
	rgb = growPixels(dst, b)
	for y := range b.Dy() {
		for _, v := range im.Pix[y*im.Stride : y*im.Stride+b.Dx()] {
			rgb = append(rgb, colors[v][:]...)
		}
	}
	return onScreen(rgb, b, screen.Width, screen.Height, colors[fill]), screen.Width, screen.Height, nil
}

const gifHeader, gifFrameHeader = 13, 10 // bytes

// completeGIF returns a file that image/gif decodes as Pillow does: a first frame that exceeds the screen
// enlarges it, and one without a palette is gray. It returns most files as they are.
func completeGIF(data []byte) []byte {
	at := gifFrameAt(data)
	if at < 0 {
		return data
	}
	short := binary.LittleEndian.Uint16
	right, bottom := int(short(data[at+1:]))+int(short(data[at+5:])), int(short(data[at+3:]))+int(short(data[at+7:]))
	right, bottom = max(right, int(short(data[6:]))), max(bottom, int(short(data[8:])))
	bare := data[10]&0x80 == 0 && data[at+9]&0x80 == 0
	if right == int(short(data[6:])) && bottom == int(short(data[8:])) && !bare || right > math.MaxUint16 || bottom > math.MaxUint16 {
		return data
	}
	header := bytes.Clone(data[:gifHeader])
	binary.LittleEndian.PutUint16(header[6:], uint16(right))
	binary.LittleEndian.PutUint16(header[8:], uint16(bottom))
	if bare {
		header[10] |= 0x87 // a palette of 256 colors follows
		for i := range 256 {
			header = append(header, byte(i), byte(i), byte(i))
		}
	}
	return append(header, data[gifHeader:]...)
}

// gifFrameAt returns the position of the first frame, -1 if it is not there.
func gifFrameAt(data []byte) int {
	if len(data) < gifHeader {
		return -1
	}
	at := gifHeader
	if data[10]&0x80 != 0 {
		at += 3 * (2 << (data[10] & 7))
	}
	for at+1 < len(data) && data[at] == gifExtension {
		at = gifBlocksEnd(data, at+2)
	}
	if at+gifFrameHeader > len(data) || data[at] != gifFrame {
		return -1
	}
	return at
}

// gifBlocksEnd returns the position after the sub-blocks that start at a position.
func gifBlocksEnd(data []byte, at int) int {
	for at < len(data) && data[at] != 0 {
		at += 1 + int(data[at])
	}
	return at + 1
}

const gifExtension, gifFrame = 0x21, 0x2c // first bytes of blocks

// gifColors returns the palette of the first frame, and the index that fills the screen.
// GIF89a specification, 17 to 25.
func gifColors(data []byte) (colors [256][3]byte, fill byte) {
	const control = 0xf9
	table := func(at int, flags byte) int {
		if flags&0x80 == 0 {
			return at
		}
		n := 2 << (flags & 7)
		for i := range n {
			if at+3*i+3 <= len(data) {
				colors[i] = [3]byte(data[at+3*i:])
			}
		}
		return at + 3*n
	}
	at := table(gifHeader, data[10])
	for at+1 < len(data) && data[at] == gifExtension {
		if data[at+1] == control && at+6 < len(data) && data[at+3]&1 != 0 {
			fill = data[at+6]
		}
		at = gifBlocksEnd(data, at+2)
	}
	if at+9 < len(data) && data[at] == gifFrame {
		table(at+gifFrameHeader, data[at+9])
	}
	return colors, fill
}
