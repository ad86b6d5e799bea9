package classifier

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
)

// Limits of files.
const (
	MaxFile   = 64 << 20   // bytes
	MaxPixels = 89_478_485 // Pillow's MAX_IMAGE_PIXELS; decoding takes about 4 bytes per pixel
)

// ErrTooLarge is in the chain of errors about files beyond the limits.
var ErrTooLarge = errors.New("the image is too large")

// codec decodes the files that begin with some bytes.
type codec struct {
	magic  string
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
}

var codecs = []codec{
	{"\xff\xd8\xff", jpeg.DecodeConfig, jpeg.Decode},
	{"\x89PNG\r\n\x1a\n", png.DecodeConfig, png.Decode},
	{"GIF8", gif.DecodeConfig, gif.Decode}, // the first frame
}

// Decode reads a JPEG, PNG or GIF file and applies its EXIF orientation if the preprocessing says so.
func (c *Classifier) Decode(r io.Reader) (image.Image, error) {
	file, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	if err != nil {
		return nil, fmt.Errorf("classifier: %w", err)
	}
	if len(file) > MaxFile {
		return nil, fmt.Errorf("classifier: %w: more than %d bytes", ErrTooLarge, MaxFile)
	}
	for _, f := range codecs {
		if !bytes.HasPrefix(file, []byte(f.magic)) {
			continue
		}
		img, err := f.read(file)
		if err != nil {
			return nil, fmt.Errorf("classifier: %w", err)
		}
		if c.header.Preprocess.EXIF {
			img = orient(img, orientationOf(file))
		}
		return img, nil
	}
	return nil, errors.New("classifier: neither a JPEG nor a PNG nor a GIF file")
}

// read decodes a file whose size is within the limits.
func (f codec) read(file []byte) (image.Image, error) {
	config, err := f.config(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	if config.Width < 1 || config.Height < 1 || config.Width > MaxPixels/config.Height {
		return nil, fmt.Errorf("%w: %dx%d pixels", ErrTooLarge, config.Width, config.Height)
	}
	img, err := f.decode(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	if frame, ok := img.(*image.Paletted); ok {
		img = onScreen(frame, config.Width, config.Height)
	}
	return img, nil
}

// onScreen places the first frame of a GIF on its screen, if it does not fill it. The rest has the first color.
func onScreen(frame *image.Paletted, width, height int) image.Image {
	screen := image.Rect(0, 0, width, height)
	if frame.Rect == screen {
		return frame
	}
	whole := image.NewPaletted(screen, frame.Palette)
	for y := frame.Rect.Min.Y; y < frame.Rect.Max.Y; y++ {
		for x := frame.Rect.Min.X; x < frame.Rect.Max.X; x++ {
			if (image.Point{X: x, Y: y}).In(screen) {
				whole.SetColorIndex(x, y, frame.ColorIndexAt(x, y))
			}
		}
	}
	return whole
}
