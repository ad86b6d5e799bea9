package bmp

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Package data compares the pixels of ../testdata/variants with Pillow's.

func readVariant(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../testdata/variants", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// with returns a file with other bytes at a position.
func with(file []byte, at int, value ...byte) []byte {
	file = append([]byte(nil), file...)
	copy(file[at:], value)
	return file
}

func TestErrors(t *testing.T) {
	rgb, runs := readVariant(t, "24_v4.bmp"), readVariant(t, "rle8.bmp")
	for _, c := range []struct {
		name, want string
		file       []byte
	}{
		{"empty", "truncated", nil},
		{"cut in the header", "truncated", rgb[:60]},
		{"header of 16 bytes", "header of 16 bytes, which is not supported; convert it", with(rgb, 14, 16)},
		{"no width", "0x22 pixels", with(rgb, 18, 0, 0, 0, 0)},
		{"negative width", "pixels", with(rgb, 18, 0xff, 0xff, 0xff, 0xff)},
		{"2 bits", "2 bits a pixel with compression 0", with(rgb, 28, 2)},
		{"JPEG", "compression 4, which is not supported; convert it", with(rgb, 30, 4)},
		{"RLE4 of 8 bits", "8 bits a pixel with compression 2", with(runs, 30, 2)},
		{"pixels after the end", "truncated", with(rgb, 10, 0xff, 0xff, 0xff)},
		{"rows that are missing", "truncated", with(rgb, 22, 23)},
		{"runs that are missing", "truncated", runs[:len(runs)-40]},
	} {
		t.Run(c.name, func(t *testing.T) {
			im, err := Open(c.file)
			if err == nil {
				_, err = im.AppendRGB(nil)
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

// TestRuns: the rules of Microsoft's "Bitmap Compression" that Pillow does not follow, or where it refuses.
func TestRuns(t *testing.T) {
	for _, c := range []struct {
		name string
		runs string
		want string // indices of 4x3 pixels, the lowest row first
	}{
		{"its example of a delta", "\x02\x01\x00\x02\x01\x01\x01\x02\x00\x01", "1100 0002 0000"},
		{"an empty row", "\x04\x01\x00\x00\x00\x00\x04\x02\x00\x01", "1111 0000 2222"},
		{"an end before the last row", "\x04\x03\x00\x01", "3333 0000 0000"},
		{"a run beyond its row", "\x09\x01\x00\x00\x01\x02\x00\x01", "1111 2000 0000"},
		{"an end of line after each full row", "\x04\x01\x00\x00\x04\x02\x00\x00\x04\x03\x00\x00", "1111 2222 3333"},
		{"literals", "\x00\x03\x01\x02\x03\x00\x01\x04\x00\x00\x04\x01\x04\x02", "1234 1111 0000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			im := &Image{Width: 4, Height: 3, bits: 8, compression: rle8, topDown: true, data: []byte(c.runs + "\x00\x01")}
			for i := range im.palette {
				im.palette[i][0] = byte(i)
			}
			pixels, err := im.AppendRGB(nil)
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			for i := range 12 {
				if i > 0 && i%4 == 0 {
					got.WriteByte(' ')
				}
				got.WriteByte('0' + pixels[3*i])
			}
			if got.String() != c.want {
				t.Errorf("%s, want %s", got.String(), c.want)
			}
		})
	}
}

// FuzzDecode: an error or the pixels of the size, never a panic.
func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("../testdata/variants/*.bmp")
	if err != nil || len(files) < 30 {
		f.Fatalf("%d files (%v)", len(files), err)
	}
	for _, path := range files {
		f.Add(readVariant(f, filepath.Base(path)))
	}
	f.Add(binary.LittleEndian.AppendUint32([]byte("BM\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), coreHeader))
	f.Fuzz(func(t *testing.T, data []byte) {
		im, err := Open(data)
		if err != nil || im.Width > 1<<10 || im.Height > 1<<10 {
			return
		}
		pixels, err := im.AppendRGB(nil)
		if err == nil && len(pixels) != 3*im.Width*im.Height {
			t.Errorf("%d bytes for %dx%d", len(pixels), im.Width, im.Height)
		}
	})
}
