package data

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrTooLarge is in the chain of an error about an image with more pixels, or a file with more bytes, than a
// limit.
var ErrTooLarge = errors.New("the image is too large")

// interruptible is a file in memory whose Read returns the error of a context that has ended. Decoders read as
// they decompress, a few kilobytes at a time.
type interruptible struct {
	*bytes.Reader
	ctx context.Context
}

func (r interruptible) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}

// tooLarge wraps an error as ErrTooLarge and keeps its text.
type tooLarge struct{ error }

func (e tooLarge) Unwrap() []error { return []error{ErrTooLarge, e.error} }

// checkPixels returns an error if the current file has more pixels than the reader's limit, before memory
// for them is allocated. JPEG files are checked by their decoder's Size.
func (r *ImageReader) checkPixels() error {
	w, h, err := headerSize(r.format, r.data)
	if w > 0 && h > 0 && float64(w)*float64(h) > float64(r.maxPixels) {
		if err == nil {
			err = tooManyPixels(w, h, r.maxPixels)
		}
		return tooLarge{err}
	}
	return err
}

func tooManyPixels(w, h, limit int) error {
	return tooLarge{fmt.Errorf("%dx%d pixels: more than %d", w, h, limit)}
}

// headerSize returns the size that decoding a file in any format except JPEG allocates; 0 where the header
// is damaged. With an error about its size it returns the size, too.
func headerSize(f Format, data []byte) (w, h int, err error) {
	defer recoverAs(&err)
	switch f {
	case FormatPNM:
		p := &pnmReader{data: data, at: 2}
		w, h = p.number(), p.number()
		return w, h, nil
	case FormatWebP:
		w, h = webpFrames(data)
	}
	config, err := readConfig(f, data)
	if config.Width*config.Height > w*h {
		w, h = config.Width, config.Height
	}
	return w, h, err
}

// webpFrames returns the size of the largest frame of a WebP file. The decoder allocates it, whatever the
// size of the screen in the chunk VP8X is. RFC 6386, 9.1; RFC 9649, 3.4.
func webpFrames(data []byte) (w, h int) {
	larger := func(b []byte) {
		for part := range riffChunks(b) {
			width, height := webpFrame(part)
			if width*height > w*h {
				w, h = width, height
			}
		}
	}
	for c := range webpChunks(data) {
		if c.id == "ANMF" && len(c.body) > 16 {
			larger(c.body[16:]) // after the frame's header
		}
	}
	if len(data) > 12 {
		larger(data[12:])
	}
	return w, h
}

// webpFrame returns the size in a chunk of pixels, or 0.
func webpFrame(c webpChunk) (w, h int) {
	switch {
	case c.id == "VP8 " && len(c.body) >= 10: // frame tag, start code, width, height: 14 bits each
		return int(binary.LittleEndian.Uint16(c.body[6:])) & 0x3fff, int(binary.LittleEndian.Uint16(c.body[8:])) & 0x3fff
	case c.id == "VP8L" && len(c.body) >= 5: // signature, width-1, height-1: 14 bits each
		bits := int(binary.LittleEndian.Uint32(c.body[1:]))
		return bits&0x3fff + 1, bits>>14&0x3fff + 1
	}
	return 0, 0
}
