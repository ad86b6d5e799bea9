package data

import (
	"bytes"
	"context"
	"image"
	"image/jpeg"
	"math"
	"path/filepath"
	"slices"
	"strings"

	djpeg "depthwise.dev/data/jpeg"
)

// image returns what a shard holds of a sample, and the end of its name: the file's bytes
// or, where it is larger than MaxSide, a reduced JPEG.
func (w *shardWriter) image(ctx context.Context, r *reader, s Sample) (content []byte, ext string, err error) {
	if w.options.MaxSide == 0 {
		err := r.check(ctx, s)
		return r.data, imageExt(s.Path), err
	}
	if err := r.openSample(ctx, s); err != nil {
		return nil, "", err
	}
	if max(r.width, r.height) <= w.options.MaxSide {
		if err := r.decodeWhole(); err != nil {
			return nil, "", err
		}
		return r.data, imageExt(s.Path), nil
	}
	content, err = r.reduced(w.options.MaxSide, w.options.Quality)
	return content, ".jpg", err
}

// imageExt is a file's extension as shards have it: in lower case, and short for JPEG.
func imageExt(path string) string {
	ext := strings.ToLower(filepath.Ext(path))
	if ext == ".jpeg" {
		return ".jpg"
	}
	return ext
}

// decodeWhole decodes the open image, to learn whether that can be done.
func (r *reader) decodeWhole() error {
	side := max(r.width, r.height)
	_, err := r.reducedPixels(side)
	return err
}

// reducedPixels resizes the open image to a longer side, as torchvision does with
// antialiasing, and returns it.
func (r *reader) reducedPixels(side int) (*image.RGBA, error) {
	w, h := scaledTo(r.width, r.height, side)
	resize := djpeg.Resize{X: djpeg.Axis{Size: r.width, Scaled: w, Count: w}, Y: djpeg.Axis{Size: r.height, Scaled: h, Count: h}}
	rgb := make([]byte, 3*w*h)
	if err := r.render(resize, rgb, 3*w); err != nil {
		return nil, err
	}
	im := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		copy(im.Pix[4*i:4*i+3], rgb[3*i:3*i+3])
		im.Pix[4*i+3] = 255
	}
	return im, nil
}

// reduced is the open image as a JPEG with a longer side of so many pixels.
func (r *reader) reduced(side, quality int) ([]byte, error) {
	im, err := r.reducedPixels(side)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, im, &jpeg.Options{Quality: quality}); err != nil {
		return nil, err
	}
	if r.orientation == upright { // the pixels are as they were stored, so this holds for them still
		return withOrientation(b.Bytes(), exifOrientation(r.format, r.data)), nil
	}
	return b.Bytes(), nil
}

// withOrientation puts EXIF data with nothing but an orientation into a JPEG.
func withOrientation(file []byte, o orientation) []byte {
	if o == upright {
		return file
	}
	const start = 2                                                               // bytes of the marker that begins a JPEG
	segment := []byte("\xff\xe1\x00\x22" + exifMark + "MM\x00*\x00\x00\x00\x08" + // a directory at 8
		"\x00\x01" + "\x01\x12\x00\x03\x00\x00\x00\x01\x00" + string([]byte{byte(o)}) + "\x00\x00" + "\x00\x00\x00\x00") // of one entry, a short
	return slices.Insert(file, start, segment...)
}

func scaledTo(w, h, side int) (int, int) {
	scale := float64(side) / float64(max(w, h))
	return max(1, int(math.Round(float64(w)*scale))), max(1, int(math.Round(float64(h)*scale)))
}
