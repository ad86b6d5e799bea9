package data

import (
	"bytes"
	"errors"
	"image"
	"image/gif"
)

// decodeGIF appends the pixels of the first frame of a GIF to dst[:0] as Pillow returns them:
// transparent pixels have their palette color, and the screen outside the frame has the transparent color
// or the first one. (image/gif discards that color.)
func decodeGIF(data, dst []byte) (rgb []byte, w, h int, err error) {
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

// gifColors returns the palette of the first frame, and the index that fills the screen.
// GIF89a specification, 17 to 25.
func gifColors(data []byte) (colors [256][3]byte, fill byte) {
	const extension, control, frame = 0x21, 0xf9, 0x2c
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
	at := table(13, data[10])
	for at+1 < len(data) && data[at] == extension {
		if data[at+1] == control && at+6 < len(data) && data[at+3]&1 != 0 {
			fill = data[at+6]
		}
		for at += 2; at < len(data) && data[at] != 0; { // sub-blocks
			at += 1 + int(data[at])
		}
		at++
	}
	if at+9 < len(data) && data[at] == frame {
		table(at+10, data[at+9])
	}
	return colors, fill
}
