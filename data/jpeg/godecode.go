package jpeg

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// The decoder in Go: the standard library's. It upsamples chroma by repetition, so its pixels differ a
// little from those of libjpeg-turbo. It reads neither arithmetic coding nor damaged files. Builds
// without cgo use it.

var errTruncated = errors.New("jpeg: file is truncated")

// goSize returns the size in the header of a file.
func goSize(data []byte) (width, height int, err error) {
	if len(data) == 0 {
		return 0, 0, errors.New("jpeg: the file is empty")
	}
	config, err := jpeg.DecodeConfig(bytes.NewReader(data))
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return 0, 0, errTruncated
	case err != nil:
		return 0, 0, fmt.Errorf("jpeg: %w", err)
	case config.Width < 1 || config.Height < 1:
		return 0, 0, fmt.Errorf("jpeg: an image of %dx%d pixels", config.Width, config.Height)
	case config.Width*config.Height > MaxPixels:
		return 0, 0, fmt.Errorf("jpeg: %w", ErrTooManyPixels)
	}
	return config.Width, config.Height, nil
}

// goCheck reads the header and looks for the end marker.
func goCheck(data []byte) error {
	if _, _, err := goSize(data); err != nil {
		return err
	}
	if bytes.LastIndex(data, []byte{0xff, 0xd9}) < startOfScan(data) {
		return errTruncated
	}
	return nil
}

// startOfScan returns the position of the compressed data, which follows the segments of the header and
// any thumbnail in them.
func startOfScan(data []byte) int {
	const scan = 0xda
	for at := 2; at+4 <= len(data); {
		if data[at] != 0xff || data[at+1] == 0xff { // fill
			at++
			continue
		}
		if data[at+1] == scan {
			return at
		}
		at += 2 + int(binary.BigEndian.Uint16(data[at+2:]))
	}
	return len(data)
}

// goDecode decodes a whole file to RGB pixels.
func goDecode(data []byte) (rgb []byte, width, height int, err error) {
	if err := goCheck(data); err != nil {
		return nil, 0, 0, err
	}
	im, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, 0, 0, fmt.Errorf("jpeg: %w", err)
	}
	b := im.Bounds()
	rgb = make([]byte, 0, 3*b.Dx()*b.Dy())
	for y := b.Min.Y; y < b.Max.Y; y++ {
		switch im := im.(type) {
		case *image.Gray:
			for _, v := range im.Pix[im.PixOffset(b.Min.X, y):][:b.Dx()] {
				rgb = append(rgb, v, v, v)
			}
		case *image.YCbCr:
			for x := b.Min.X; x < b.Max.X; x++ {
				i, c := im.YOffset(x, y), im.COffset(x, y)
				r, g, b := color.YCbCrToRGB(im.Y[i], im.Cb[c], im.Cr[c])
				rgb = append(rgb, r, g, b)
			}
		default: // CMYK and RGB
			for x := b.Min.X; x < b.Max.X; x++ {
				r, g, b, _ := im.At(x, y).RGBA()
				rgb = append(rgb, byte(r>>8), byte(g>>8), byte(b>>8))
			}
		}
	}
	return rgb, b.Dx(), b.Dy(), nil
}

// goReadFile reads a regular file of at most limit bytes to buffer, which it grows.
func goReadFile(path string, limit int64, buffer []byte) ([]byte, error) {
	fail := func(err error) ([]byte, error) {
		var where *fs.PathError
		if errors.As(err, &where) {
			err = where.Err
		}
		return buffer, &fs.PathError{Op: "read", Path: path, Err: err}
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // which does not wait for the writer of a FIFO
	if err != nil {
		return fail(err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return fail(err)
	case !info.Mode().IsRegular():
		return fail(ErrNotRegular)
	case info.Size() > limit:
		return fail(fmt.Errorf("%w: more than %d MB", ErrTooLarge, limit>>20))
	}
	b := bytes.NewBuffer(buffer[:0])
	b.Grow(int(info.Size()) + bytes.MinRead)
	if _, err := b.ReadFrom(f); err != nil {
		return fail(err)
	}
	return b.Bytes(), nil
}
