package shards

import (
	"bytes"
	"context"
	"image"
	"image/jpeg"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"depthwise.dev/data"
)

// image returns the content of a sample in a shard and its extension: the bytes of the file or, if it is
// larger than MaxSide, a reduced JPEG.
func (w *writer) image(ctx context.Context, r *data.ImageReader, s data.Sample) (content []byte, ext string, err error) {
	if w.options.MaxSide == 0 {
		err := r.Check(ctx, s)
		return r.Bytes(), imageExt(s.Path), err
	}
	if err := r.Open(ctx, s); err != nil {
		return nil, "", err
	}
	width, height := r.Size()
	if longer := max(width, height); longer <= w.options.MaxSide {
		if _, err := reducedPixels(r, longer); err != nil { // decode it all, to find damage
			return nil, "", err
		}
		return r.Bytes(), imageExt(s.Path), nil
	}
	content, err = reduced(r, w.options.MaxSide, w.options.Quality)
	return content, ".jpg", err
}

// imageExt is the extension of a file in a shard: in lower case, and .jpg for JPEG.
func imageExt(path string) string {
	ext := strings.ToLower(filepath.Ext(path))
	if ext == ".jpeg" {
		return ".jpg"
	}
	return ext
}

// reducedPixels returns the open image resized to a longer side, as torchvision does with antialiasing.
func reducedPixels(r *data.ImageReader, side int) (*image.RGBA, error) {
	width, height := r.Size()
	w, h := scaledTo(width, height, side)
	rgb := make([]byte, 3*w*h)
	if err := r.Resized(w, h, rgb); err != nil {
		return nil, err
	}
	im := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		copy(im.Pix[4*i:4*i+3], rgb[3*i:3*i+3])
		im.Pix[4*i+3] = 255
	}
	return im, nil
}

// reduced returns the open image as a JPEG with the given longer side.
func reduced(r *data.ImageReader, side, quality int) ([]byte, error) {
	im, err := reducedPixels(r, side)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, im, &jpeg.Options{Quality: quality}); err != nil {
		return nil, err
	}
	return withOrientation(b.Bytes(), r.PendingOrientation()), nil
}

// withOrientation inserts EXIF data that holds only an orientation into a JPEG, unless it is 1, upright.
func withOrientation(file []byte, orientation int) []byte {
	if orientation == 1 {
		return file
	}
	const start = 2                                                           // bytes of the marker that begins a JPEG
	segment := []byte("\xff\xe1\x00\x22Exif\x00\x00MM\x00*\x00\x00\x00\x08" + // a directory at 8
		"\x00\x01" + "\x01\x12\x00\x03\x00\x00\x00\x01\x00" + string([]byte{byte(orientation)}) + "\x00\x00" + "\x00\x00\x00\x00") // of one entry, a short
	return slices.Insert(file, start, segment...)
}

func scaledTo(w, h, side int) (int, int) {
	scale := float64(side) / float64(max(w, h))
	return max(1, int(math.Round(float64(w)*scale))), max(1, int(math.Round(float64(h)*scale)))
}
