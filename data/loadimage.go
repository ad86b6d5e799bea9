package data

import (
	"context"
	"fmt"

	"depthwise.dev/data/internal/names"
	"depthwise.dev/data/internal/sys"
)

// LoadImage reads one image file with evaluation's geometry: Resolution x Resolution RGB pixels,
// 3 bytes each.
func LoadImage(path string, p Preprocess) (pixels []uint8, err error) {
	return evaluated(path, p, func(r *ImageReader) error { return r.Open(context.Background(), Sample{Path: path}) })
}

// DecodeImage is [LoadImage] for the content of an image file.
func DecodeImage(file []byte, p Preprocess) (pixels []uint8, err error) {
	return evaluated("image", p, func(r *ImageReader) error {
		r.data = file
		return r.openData()
	})
}

// evaluated returns the image that open opens, with evaluation's geometry. The name is for errors.
func evaluated(name string, p Preprocess, open func(*ImageReader) error) (pixels []uint8, err error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	r, err := NewImageReader()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	r.exif = p.EXIF
	if err := open(r); sys.IsSystemError(err) {
		return nil, err
	} else if err != nil {
		return nil, fmt.Errorf("data: %s: %s", names.Show(name), sys.Reason(err))
	}
	pixels = make([]uint8, 3*p.Resolution*p.Resolution)
	if err := r.draw(p.evaluation(r.width, r.height), p.Resolution, pixels); err != nil {
		return nil, fmt.Errorf("data: %s: %w", names.Show(name), err)
	}
	return pixels, nil
}
