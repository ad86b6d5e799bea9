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
	var pixels []byte
	var width int
	for i := range planes {
		data, err := d.next(index, i)
		if err != nil {
			return err
		}
		got, w, h, err := d.decodeJPEG(data, d.segmentWidth, d.segmentHeight)
		if err != nil {
			return err
		}
		if w < visible.Dx() || h < visible.Dy() || i > 0 && len(got) != len(pixels) {
			return fmt.Errorf("damaged TIFF file: a strip or tile of %dx%d pixels, want %dx%d", w, h, d.segmentWidth, d.segmentHeight)
		}
		if i == 0 {
			pixels, width = got, w
			continue
		}
		for at := i; i < 3 && at < len(pixels); at += 3 { // a gray image for each color
			pixels[at] = got[at]
		}
	}
	for y := visible.Min.Y; y < visible.Max.Y; y++ {
		line := d.line(y, visible)
		copy(line, pixels[3*(y-visible.Min.Y)*width:])
		if d.photometric == whiteIsZero {
			invert(line)
		}
	}
	return nil
}

// decodeJPEG decodes a strip or tile of JPEG data. Its tables are in a tag, in another JPEG stream
// (technical note 2).
func (d *pageDecoder) decodeJPEG(data []byte, maxWidth, maxHeight int) ([]byte, int, int, error) {
	const start = "\xff\xd8"
	if !bytes.HasPrefix(data, []byte(start)) {
		return nil, 0, 0, errors.New("damaged TIFF file: a strip or tile is not JPEG data")
	}
	file := []byte(start + d.colorMarker())
	if tables := d.dir.entries[tagJPEGTables].bytes; bytes.HasPrefix(tables, []byte(start)) {
		file = append(file, bytes.TrimSuffix(tables[len(start):], []byte("\xff\xd9"))...)
	}
	file = append(file, data[len(start):]...)
	if d.photometric == cmyk {
		return decodeCMYK(file, maxWidth, maxHeight)
	}
	return d.jpeg(file, maxWidth, maxHeight)
}

// colorMarker returns Adobe's marker, which says whether three channels are RGB or YCbCr: JPEG data in
// TIFF have none, since PhotometricInterpretation says so.
func (d *pageDecoder) colorMarker() string {
	const adobe = "\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00"
	switch {
	case d.separate:
	case d.photometric == rgb, d.photometric == cmyk:
		return adobe + "\x00"
	case d.photometric == ycbcr:
		return adobe + "\x01"
	}
	return ""
}

// decodeCMYK decodes CMYK with the standard library: other decoders return RGB of CMYK that is inverted, as
// Adobe's JPEG files have it; TIFF files have it as it is. The standard library inverts what it reads.
func decodeCMYK(file []byte, maxWidth, maxHeight int) (rgb []byte, w, h int, err error) {
	config, err := jpeg.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return nil, 0, 0, err
	}
	if config.Width > maxWidth || config.Height > maxHeight {
		return nil, 0, 0, fmt.Errorf("damaged TIFF file: a strip or tile of %dx%d pixels, want %dx%d", config.Width, config.Height, maxWidth, maxHeight)
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
	rgb = make([]byte, 3*w*h)
	invert(im.Pix)
	for y := range h {
		cmykToRGB(rgb[3*y*w:3*(y+1)*w], im.Pix[y*im.Stride:], 4)
	}
	return rgb, w, h, nil
}
