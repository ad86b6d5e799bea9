package data

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/png"
	"io"

	"depthwise.dev/data/jpeg"
	"golang.org/x/image/webp"
)

// codec is the Go library of one format.
type codec struct {
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
}

var codecs = map[Format]codec{
	FormatPNG:  {png.DecodeConfig, png.Decode},
	FormatGIF:  {gif.DecodeConfig, gif.Decode}, // the first frame
	FormatWebP: {webp.DecodeConfig, webp.Decode},
}

// decodeRGB decodes any format except JPEG and appends the RGB pixels to dst[:0]. Panics of a library
// become errors. If ctx ends, decoding may end with its error.
func decodeRGB(ctx context.Context, f Format, data, dst []byte) (rgb []byte, w, h int, err error) {
	defer recoverAs(&err)
	switch f {
	case FormatPNM:
		return decodePNM(data, dst)
	case FormatWebP:
		return decodeWebP(data, dst)
	case FormatGIF:
		return decodeGIF(data, dst)
	}
	return decodeWith(ctx, f, data, dst)
}

// decodeWith decodes with the library of the format.
func decodeWith(ctx context.Context, f Format, data, dst []byte) (rgb []byte, w, h int, err error) {
	config, err := readConfig(f, data)
	if err != nil {
		return nil, 0, 0, err
	}
	if d, ok := decoderOf(f); ok {
		rgb, err := d.appendRGB(dst, data)
		return rgb, config.Width, config.Height, plainError(err)
	}
	im, err := codecs[f].decode(interruptible{bytes.NewReader(data), ctx})
	if err != nil && f == FormatPNG && ctx.Err() == nil {
		im, err = decodeEssentialPNG(data, err)
	}
	if err != nil {
		return nil, 0, 0, plainError(err)
	}
	w, h = config.Width, config.Height
	if im.Bounds() != image.Rect(0, 0, w, h) {
		return nil, 0, 0, fmt.Errorf("damaged %s file: its size is %dx%d in the header and %v later", f, w, h, im.Bounds().Size())
	}
	return appendRGB(dst, im), w, h, nil
}

// checkHeader reads the size of a file in any format except JPEG.
func checkHeader(f Format, data []byte) (err error) {
	defer recoverAs(&err)
	if f == FormatPNM {
		_, _, _, err = decodePNM(data, nil) // small and rare
		return err
	}
	if f == FormatWebP {
		if data, _, err = firstFrame(data); err != nil {
			return err
		}
	}
	_, err = readConfig(f, data)
	return err
}

// readConfig reads the size and returns an error if it is too large.
func readConfig(f Format, data []byte) (image.Config, error) {
	config, err := decoderConfig(f, data)
	if err != nil {
		return config, plainError(err)
	}
	return config, checkSize(config.Width, config.Height)
}

func checkSize(w, h int) error {
	switch {
	case w < 1 || h < 1:
		return fmt.Errorf("an image of %dx%d pixels", w, h)
	case w > jpeg.MaxSide || h > jpeg.MaxSide:
		return fmt.Errorf("%dx%d pixels: a side above %d", w, h, jpeg.MaxSide)
	case w*h > jpeg.MaxPixels:
		return fmt.Errorf("%dx%d pixels: more than %d", w, h, jpeg.MaxPixels)
	}
	return nil
}

// onScreen places a frame on a screen of one color, if it does not fill it.
func onScreen(frame []byte, at image.Rectangle, w, h int, fill [3]byte) []byte {
	if at == image.Rect(0, 0, w, h) {
		return frame
	}
	screen := bytes.Repeat(fill[:], w*h)
	n := 3 * at.Dx()
	for y := at.Min.Y; y < at.Max.Y; y++ {
		copy(screen[3*(y*w+at.Min.X):3*(y*w+at.Max.X)], frame[(y-at.Min.Y)*n:][:n])
	}
	return screen
}

// recoverAs returns a panic of a library as an error.
func recoverAs(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("damaged file: the decoder failed: %v", p)
	}
}

// plainError replaces "unexpected EOF" by its cause.
func plainError(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("file is truncated")
	}
	return err
}
