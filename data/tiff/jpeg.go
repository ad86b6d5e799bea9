package tiff

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
)

// decodeWhole decodes a segment that is a JPEG file in each plane.
func (d *pageDecoder) decodeWhole(index int, visible image.Rectangle) error {
	planes := 1
	if d.separate {
		planes = d.planes()
	}
	var samples []byte // of a pixel together
	var width, channels int
	for i := range planes {
		data, err := d.next(index, i)
		if err != nil {
			return err
		}
		got, w, h, n, err := d.decodeJPEG(data)
		if err != nil {
			return err
		}
		if w < visible.Dx() || h < visible.Dy() || i > 0 && planes*len(got)/n != len(samples) {
			return fmt.Errorf("damaged TIFF file: a strip or tile of %dx%d pixels, want %dx%d", w, h, d.segmentWidth, d.segmentHeight)
		}
		if planes == 1 {
			samples, width, channels = got, w, n
			break
		}
		if i == 0 {
			samples, width, channels = make([]byte, planes*w*h), w, planes
		}
		for at := range w * h {
			samples[at*planes+i] = got[at*n]
		}
	}
	for y := visible.Min.Y; y < visible.Max.Y; y++ {
		d.toRGB(d.line(y, visible), samples[channels*(y-visible.Min.Y)*width:])
	}
	return nil
}

// decodeJPEG decodes a strip or tile of JPEG data to pixels of some channels. Its tables are in a tag, in
// another JPEG stream (technical note 2).
func (d *pageDecoder) decodeJPEG(data []byte) (pixels []byte, w, h, channels int, err error) {
	const start = "\xff\xd8"
	if !bytes.HasPrefix(data, []byte(start)) {
		return nil, 0, 0, 0, errors.New("damaged TIFF file: a strip or tile is not JPEG data")
	}
	file := []byte(start + d.colorMarker())
	if tables := d.dir.entries[tagJPEGTables].bytes; bytes.HasPrefix(tables, []byte(start)) {
		file = append(file, bytes.TrimSuffix(tables[len(start):], []byte("\xff\xd9"))...)
	}
	file = append(file, data[len(start):]...)
	if d.samples == 4 && !d.separate {
		pixels, w, h, err = decodeFour(file, d.segmentWidth, d.segmentHeight)
		return pixels, w, h, 4, err
	}
	pixels, w, h, err = d.jpeg(file, d.segmentWidth, d.segmentHeight)
	return pixels, w, h, 3, err
}

// colorMarker returns Adobe's marker, which says whether channels are YCbCr or what they are: JPEG data in
// TIFF have none, since PhotometricInterpretation says so.
func (d *pageDecoder) colorMarker() string {
	const adobe = "\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00"
	switch {
	case d.separate || d.samples == 1:
		return ""
	case d.photometric == ycbcr:
		return adobe + "\x01"
	}
	return adobe + "\x00"
}

// jpegConverter returns the function that converts the pixels of decodeJPEG. The decoder returns gray as
// RGB, and has converted YCbCr.
func (d *pageDecoder) jpegConverter() converter {
	switch {
	case d.separate && d.planes() > 1:
		return d.colors(d.planes())
	case d.photometric == ycbcr:
		return func(dst, row []byte) { pickRGB(dst, row, 3) }
	}
	if d.separate {
		return d.colors(3)
	}
	return d.colors(max(d.samples, 3))
}

// decodeFour decodes four channels as they are, with the standard library: other decoders take them for
// inverted CMYK, as Adobe's JPEG files have it, and return RGB. The standard library only inverts them.
func decodeFour(file []byte, maxWidth, maxHeight int) (pixels []byte, w, h int, err error) {
	config, err := jpeg.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return nil, 0, 0, err
	}
	if config.Width > maxWidth || config.Height > maxHeight {
		return nil, 0, 0, fmt.Errorf("damaged TIFF file: a strip or tile of %dx%d pixels, want %dx%d",
			config.Width, config.Height, maxWidth, maxHeight)
	}
	decoded, err := jpeg.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, 0, 0, err
	}
	im, ok := decoded.(*image.CMYK)
	if !ok {
		return nil, 0, 0, errors.New("damaged TIFF file: JPEG data without four channels")
	}
	w, h = im.Rect.Dx(), im.Rect.Dy()
	pixels = make([]byte, 0, 4*w*h)
	for y := range h {
		pixels = append(pixels, im.Pix[y*im.Stride:][:4*w]...)
	}
	invert(pixels)
	return pixels, w, h, nil
}
