package tiff

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Package data compares the pixels of ../testdata/variants with Pillow's.

// noJPEG stands for the decoder of JPEG: gray pixels of the largest size.
func noJPEG(_ []byte, w, h int) ([]byte, int, int, error) { return make([]byte, 3*w*h), w, h, nil }

func readVariant(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../testdata/variants", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// with returns a file whose tag has another value: SHORT or LONG, one value, little-endian.
func with(t *testing.T, file []byte, tag uint16, value uint32) []byte {
	t.Helper()
	file = append([]byte(nil), file...)
	at := binary.LittleEndian.Uint32(file[4:])
	for i := range int(binary.LittleEndian.Uint16(file[at:])) {
		if e := file[int(at)+2+12*i:]; binary.LittleEndian.Uint16(e) == tag {
			binary.LittleEndian.PutUint32(e[4:], 1)
			binary.LittleEndian.PutUint32(e[8:], value)
			return file
		}
	}
	t.Fatalf("no tag %d", tag)
	return nil
}

func TestErrors(t *testing.T) {
	rgb, tiles, lab := readVariant(t, "no_rows_per_strip.tif"), readVariant(t, "tiles.tif"), readVariant(t, "lab.tif")
	fax, subsampled := readVariant(t, "fax_group4.tif"), readVariant(t, "ycbcr_2x2.tif")
	deflate, predictor := readVariant(t, "old_deflate.tif"), readVariant(t, "zstd_predictor.tif")
	for _, c := range []struct {
		name, want string
		file       []byte
	}{
		{"empty", "truncated", nil},
		{"another file", "not a TIFF file", []byte("GIF89a--")},
		{"version 44", "not a TIFF file", []byte("II,\x00\x08\x00\x00\x00")},
		{"directory after the end", "truncated", []byte("II*\x00\xff\xff\x00\x00")},
		{"BigTIFF cut in its header", "truncated", []byte("II+\x00\x08\x00\x00\x00")},
		{"no width", "0x22 pixels", with(t, rgb, tagImageWidth, 0)},
		{"old JPEG", "compression 6 (old JPEG), which is not supported; convert it", with(t, deflate, tagCompression, 6)},
		{"WebP", "compression 50001 (WebP)", with(t, deflate, tagCompression, 50001)},
		{"unknown compression", "compression 77 (unknown)", with(t, deflate, tagCompression, 77)},
		{"fax of 8 bits", "fax compression", with(t, deflate, tagCompression, 4)},
		{"transparency mask", "PhotometricInterpretation 4", with(t, rgb, tagPhotometric, 4)},
		{"Lab of 16 bits", "16 bits", with(t, with(t, lab, tagBitsPerSample, 16), tagSamplesPerPixel, 3)},
		{"RGB of 5 bits", "5 bits", with(t, rgb, tagBitsPerSample, 5)},
		{"9 samples", "9 samples", with(t, rgb, tagSamplesPerPixel, 9)},
		{"2 samples", "2 samples", with(t, rgb, tagSamplesPerPixel, 2)},
		{"chroma of 3x1", "subsampling 3x2", with(t, subsampled, tagYCbCrSubsampling, 3)},
		{"predictor 4", "predictor 4", with(t, predictor, tagPredictor, 4)},
		{"float predictor of bytes", "predictor 3", with(t, predictor, tagPredictor, 3)},
		{"palette image without a palette", "without a palette", with(t, with(t, with(t, rgb, tagPhotometric, 3), tagSamplesPerPixel, 1), tagBitsPerSample, 8)},
		{"tiles without pixels", "without pixels", with(t, tiles, tagTileWidth, 0)},
		{"very large tiles", "tiles of 2000000x16", with(t, tiles, tagTileWidth, 2000000)},
		{"very many tiles", "strips or tiles", with(t, with(t, with(t, with(t, tiles, tagTileWidth, 1), tagTileLength, 1), tagImageWidth, 1<<15), tagImageLength, 1<<15)},
		{"too few tiles", "strips or tiles of", with(t, tiles, tagImageWidth, 2900)},
		{"too few strips", "strips or tiles of", with(t, fax, tagRowsPerStrip, 1)},
		{"offset after the end", "truncated", with(t, rgb, tagStripOffsets, 1<<24)},
		{"offset zero", "truncated", with(t, rgb, tagStripOffsets, 0)},
		{"rows that are missing", "truncated", with(t, with(t, fax, tagImageLength, 2000), tagRowsPerStrip, 2000)},
		{"zlib data that are none", "damaged", with(t, deflate, tagStripOffsets, 9)},
		{"zstd data that are none", "damaged", with(t, predictor, tagStripOffsets, 1)},
		{"xz data that are none", "damaged", with(t, readVariant(t, "lzma.tif"), tagStripOffsets, 9)},
		{"JPEG data that are none", "not JPEG", with(t, readVariant(t, "jpeg.tif"), tagStripOffsets, 9)},
		{"LZW with reversed codes", "reversed codes", reversedLZW(t)},
	} {
		t.Run(c.name, func(t *testing.T) {
			page, err := Open(c.file)
			if err == nil {
				_, err = page.AppendRGB(nil, noJPEG)
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

// reversedLZW returns a file whose LZW data start as those of libtiff's first versions.
func reversedLZW(t *testing.T) []byte {
	file := readVariant(t, "int32_lzw.tif")
	page, err := Open(file)
	if err != nil {
		t.Fatal(err)
	}
	at := page.dir.integer(tagStripOffsets, 0, 0)
	file[at], file[at+1] = 0, 1
	return file
}

func TestErrorOfTheJPEGDecoder(t *testing.T) {
	failure := errors.New("jpeg: damaged")
	page, err := Open(readVariant(t, "jpeg_tiles.tif"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := page.AppendRGB(nil, func([]byte, int, int) ([]byte, int, int, error) { return nil, 0, 0, failure }); !errors.Is(err, failure) {
		t.Errorf("error %v", err)
	}
	small := func([]byte, int, int) ([]byte, int, int, error) { return make([]byte, 3), 1, 1, nil }
	if _, err := page.AppendRGB(nil, small); err == nil || !strings.Contains(err.Error(), "1x1 pixels, want 16x16") {
		t.Errorf("error %v", err)
	}
}

func TestOrientation(t *testing.T) {
	for _, c := range []struct {
		name string
		file []byte
		want int
	}{
		{"none", readVariant(t, "no_rows_per_strip.tif"), 1},
		{"BigTIFF", readVariant(t, "turned_big.tif"), 6},
		{"damaged", []byte("II*\x00\xff\xff\x00\x00"), 1},
	} {
		if got := Orientation(c.file); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// TestFaxCodes: no code is the start of another, and they are as many as T.4 has.
func TestFaxCodes(t *testing.T) {
	for color, table := range faxTables() {
		seen := map[int16]int{}
		for _, code := range table {
			if code.bits > 0 {
				seen[code.run] += 1
			}
		}
		if len(seen) != 64+40 {
			t.Errorf("color %d: %d runs", color, len(seen))
		}
		for _, code := range table {
			if n := seen[code.run]; code.bits > 0 && n != 1<<(longestRunCode-code.bits) {
				t.Errorf("color %d: run %d has %d of %d places", color, code.run, n, 1<<(longestRunCode-code.bits))
			}
		}
	}
}

// TestFaxRunsWithoutPixels: changes at the same place are none, so the row below does not refer to them.
func TestFaxRunsWithoutPixels(t *testing.T) {
	for _, c := range []struct{ row, want []int }{
		{nil, nil},
		{[]int{0, 3, 5}, []int{0, 3, 5}},
		{[]int{2, 2, 3, 4, 4, 5}, []int{3, 5}},
		{[]int{1, 8, 8}, []int{1}},
	} {
		if got := changesOf(slices.Clone(c.row), 8); !slices.Equal(got, c.want) {
			t.Errorf("%d: %d, want %d", c.row, got, c.want)
		}
	}
}

// FuzzDecode: an error or the pixels of the size, never a panic.
func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("../testdata/variants/*.tif")
	if err != nil || len(files) < 80 {
		f.Fatalf("%d files (%v)", len(files), err)
	}
	for _, path := range files {
		f.Add(readVariant(f, filepath.Base(path)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		Orientation(data)
		page, err := Open(data)
		if err != nil || page.Width > 1<<10 || page.Height > 1<<10 {
			return
		}
		pixels, err := page.AppendRGB(nil, noJPEG)
		if err == nil && len(pixels) != 3*page.Width*page.Height {
			t.Errorf("%d bytes for %dx%d", len(pixels), page.Width, page.Height)
		}
	})
}
