package data

import (
	"bytes"
	"fmt"
	"image"
	"image/png"

	"depthwise.dev/data/bmp"
	"depthwise.dev/data/jpeg"
	"depthwise.dev/data/tiff"
)

// rgbDecoder decodes the files of one format to RGB pixels: a decoder of the project's own.
type rgbDecoder struct {
	// size reads the header of a file, in pixels.
	size func(file []byte) (width, height int, err error)
	// appendRGB appends the pixels, 3 bytes each, to dst[:0]. It is called after size, if the size is
	// within the limits.
	appendRGB func(dst, file []byte) ([]byte, error)
}

// decoderOf returns the decoder of a format. The other formats are in codecs.
func decoderOf(f Format) (d rgbDecoder, ok bool) {
	switch f {
	case FormatTIFF:
		return rgbDecoder{tiffSize, appendTIFF}, true
	case FormatBMP:
		return rgbDecoder{bmpSize, appendBMP}, true
	}
	return d, false
}

// decoderConfig reads the header of a file.
func decoderConfig(f Format, data []byte) (config image.Config, err error) {
	if d, ok := decoderOf(f); ok {
		config.Width, config.Height, err = d.size(data)
		return config, err
	}
	if f == FormatGIF {
		data = completeGIF(data)
	}
	config, err = codecs[f].config(bytes.NewReader(data))
	if err != nil && f == FormatPNG {
		if repaired, err := png.DecodeConfig(bytes.NewReader(essentialPNG(data))); err == nil {
			return repaired, nil
		}
	}
	return config, err
}

// decodeEssentialPNG decodes a PNG file that the library refuses with err.
func decodeEssentialPNG(data []byte, err error) (image.Image, error) {
	if im, err := png.Decode(bytes.NewReader(essentialPNG(data))); err == nil {
		return im, nil
	}
	return nil, err
}

func bmpSize(file []byte) (width, height int, err error) {
	im, err := bmp.Open(file)
	if err != nil {
		return 0, 0, err
	}
	return im.Width, im.Height, nil
}

func appendBMP(dst, file []byte) ([]byte, error) {
	im, err := bmp.Open(file)
	if err != nil {
		return nil, err
	}
	return im.AppendRGB(dst)
}

func tiffSize(file []byte) (width, height int, err error) {
	page, err := tiff.Open(file)
	if err != nil {
		return 0, 0, err
	}
	return page.Width, page.Height, nil
}

// appendTIFF decodes the first page. A decoder of JPEG is opened if the page needs one.
func appendTIFF(dst, file []byte) ([]byte, error) {
	page, err := tiff.Open(file)
	if err != nil {
		return nil, err
	}
	var decoder *jpeg.Decoder
	defer func() {
		if decoder != nil {
			decoder.Close()
		}
	}()
	return page.AppendRGB(dst, func(file []byte, maxWidth, maxHeight int) (rgb []byte, w, h int, err error) {
		if decoder == nil {
			if decoder, err = jpeg.NewDecoder(); err != nil {
				return nil, 0, 0, err
			}
		}
		if w, h, err = decoder.Size(file); err != nil {
			return nil, 0, 0, err
		}
		if w > maxWidth || h > maxHeight {
			return nil, 0, 0, fmt.Errorf("damaged TIFF file: a strip or tile of %dx%d pixels, want %dx%d", w, h, maxWidth, maxHeight)
		}
		rgb = make([]byte, 3*w*h)
		return rgb, w, h, decoder.Decode(file, image.Rect(0, 0, w, h), rgb)
	})
}
