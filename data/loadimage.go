package data

import "context"

// LoadImage reads one image file with evaluation's geometry: Resolution x Resolution RGB pixels,
// 3 bytes each.
func LoadImage(path string, p Preprocess) (pixels []uint8, err error) {
	d, err := NewDecoder(DecoderOptions{Preprocess: p})
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Load(context.Background(), path)
}

// DecodeImage is [LoadImage] for the content of an image file.
func DecodeImage(file []byte, p Preprocess) (pixels []uint8, err error) {
	d, err := NewDecoder(DecoderOptions{Preprocess: p})
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Decode(context.Background(), file)
}
