package data

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"depthwise.dev/data/internal/datatest"
	"depthwise.dev/data/jpeg"
)

func newDecoder(t testing.TB, o DecoderOptions) *Decoder {
	t.Helper()
	if o.Preprocess.Resolution == 0 {
		o.Preprocess.Resolution = 32
	}
	d, err := NewDecoder(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

// formatFiles are images of every format, with their decoders' special cases.
func formatFiles(t testing.TB) (paths []string) {
	t.Helper()
	for _, pattern := range []string{"testdata/formats/*", "testdata/troubles/*", "jpeg/testdata/*.jpg", "testdata/geometry/40x40.jpg"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			if _, err := LoadImage(path, Preprocess{Resolution: 32}); err == nil && !strings.HasSuffix(path, ".want") {
				paths = append(paths, path)
			}
		}
	}
	if len(paths) < 30 {
		t.Fatalf("only %q", paths)
	}
	return paths
}

// TestDecoderLimits: at its exact number of pixels and bytes a file of any format is decoded as by LoadImage,
// with one less it is refused as too large, from a file and from memory, and the decoder goes on.
func TestDecoderLimits(t *testing.T) {
	p := Preprocess{Resolution: 32}
	for _, path := range formatFiles(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			file := datatest.Read(t, path)
			want, err := LoadImage(path, p)
			if err != nil {
				t.Fatal(err)
			}
			w, h := displayedSize(t, path)
			exact := newDecoder(t, DecoderOptions{MaxPixels: w * h, MaxBytes: int64(len(file))})
			for range 2 {
				if got, err := exact.Decode(t.Context(), file); err != nil || !bytes.Equal(got, want) {
					t.Errorf("at the limit: error %v, or other pixels", err)
				}
				if got, err := exact.Load(t.Context(), path); err != nil || !bytes.Equal(got, want) {
					t.Errorf("the file at the limit: error %v, or other pixels", err)
				}
			}
			if w*h > 1 {
				pixels := newDecoder(t, DecoderOptions{MaxPixels: w*h - 1})
				_, err := pixels.Decode(t.Context(), file)
				wantTooLarge(t, err, "image: ", "pixels: more than")
				_, err = pixels.Load(t.Context(), path)
				wantTooLarge(t, err, path, "pixels: more than")
			}
			size := newDecoder(t, DecoderOptions{MaxBytes: int64(len(file)) - 1})
			_, err = size.Decode(t.Context(), file)
			wantTooLarge(t, err, "image: ", "bytes: more than")
			_, err = size.Load(t.Context(), path)
			wantTooLarge(t, err, path, "too large")
		})
	}
}

// displayedSize returns the size that an unlimited reader finds.
func displayedSize(t *testing.T, path string) (w, h int) {
	t.Helper()
	r, err := NewImageReader()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Open(t.Context(), Sample{Path: path}); err != nil {
		t.Fatal(err)
	}
	return r.Size()
}

func wantTooLarge(t *testing.T, err error, parts ...string) {
	t.Helper()
	if !errors.Is(err, ErrTooLarge) {
		t.Errorf("error %v, want ErrTooLarge", err)
		return
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not contain %q", err, part)
		}
	}
}

// TestLargeHeadersTakeNoMemory: images whose headers promise more pixels than the limit, or than any limit,
// are refused before memory for them is allocated.
func TestLargeHeadersTakeNoMemory(t *testing.T) {
	photo := datatest.Read(t, "testdata/geometry/40x40.jpg")
	sized := func(file []byte, at int, order binary.ByteOrder, w, h uint16) []byte {
		out := bytes.Clone(file)
		order.PutUint16(out[at:], w)
		order.PutUint16(out[at+2:], h)
		return out
	}
	frame := bytes.Index(photo, []byte{0xff, 0xc0}) + 5 // height, width
	vp8 := "VP8 \x0a\x00\x00\x00\x30\x01\x00\x9d\x01\x2a\xff\x3f\xff\x3f"
	vp8l := "VP8L\x06\x00\x00\x00\x2f\xff\xff\xff\x0f\x00"
	small := "VP8X\x0a\x00\x00\x00\x00\x00\x00\x00\x09\x00\x00\x09\x00\x00" // a screen of 10x10
	moving := "VP8X\x0a\x00\x00\x00\x02\x00\x00\x00\x09\x00\x00\x09\x00\x00"
	anmf := "ANMF\x22\x00\x00\x00" + strings.Repeat("\x00", 6) + "\x09\x00\x00\x09\x00\x00" + "\x00\x00\x00\x00" + vp8
	webp := func(chunks string) []byte { return []byte("RIFF\xff\x00\x00\x00WEBP" + chunks) }
	files := map[string][]byte{
		"JPEG of 9000x9000":                       sized(photo, frame, binary.BigEndian, 9000, 9000),
		"JPEG of 30000x30000":                     sized(photo, frame, binary.BigEndian, 30000, 30000),
		"GIF of 65535x65535":                      []byte("GIF89a\xff\xff\xff\xff\x00\x00\x00"),
		"GIF of 9000x9000":                        []byte("GIF89a\x28\x23\x28\x23\x00\x00\x00"),
		"BMP of 65535x65535":                      []byte(bmpBomb),
		"PPM of 60000x60000":                      []byte("P6 60000 60000 255\n"),
		"PPM of 9000x9000 in text":                []byte("P3 # 1x1\n9000 9000 255\n"),
		"WebP of 16383x16383, lossy":              webp(vp8),
		"WebP of 16384x16384, lossless":           webp(vp8l),
		"WebP frame larger than its screen":       webp(small + vp8),
		"WebP lossless frame above its screen":    webp(small + vp8l),
		"animated WebP, frame above its screen":   webp(moving + anmf),
		"WebP with a second, larger frame inside": webp(small + "ABCD\x02\x00\x00\x00ab" + vp8),
	}
	for name, side := range map[string]uint32{"PNG of 9000x9000": 9000, "PNG of 65535x65535": 65535} {
		files[name] = pngOf(side, side, pngChunk("IDAT", deflated(t, 1000)))
	}
	d := newDecoder(t, DecoderOptions{MaxPixels: 25_000_000})
	for name, file := range files {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := d.Decode(t.Context(), file)
			runtime.ReadMemStats(&after)
			wantTooLarge(t, err)
			if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 { // one byte for each pixel would be 81 MB
				t.Errorf("%d bytes were allocated", n)
			}
		})
	}
}

// TestDecoderContext: nothing is read or decoded after the context has ended.
func TestDecoderContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	d := newDecoder(t, DecoderOptions{})
	if _, err := d.Decode(ctx, []byte("no image")); err != context.Canceled {
		t.Errorf("in memory: %v", err)
	}
	if _, err := d.Load(ctx, "no file"); err != context.Canceled {
		t.Errorf("a file: %v", err)
	}
	if _, err := d.Decode(t.Context(), datatest.Read(t, "testdata/formats/rgb.png")); err != nil {
		t.Errorf("the next image: %v", err)
	}
}

// endingContext ends after its error was asked for a number of times.
type endingContext struct {
	context.Context
	left int
}

func (c *endingContext) Err() error {
	if c.left--; c.left < 0 {
		return context.DeadlineExceeded
	}
	return nil
}

// TestDecodingIsInterrupted: a context that ends while a PNG is decoded ends the decoding; nothing of it is left
// for the next image.
func TestDecodingIsInterrupted(t *testing.T) {
	file := pngOf(600, 600, pngChunk("IDAT", deflated(t, 600*601)))
	d := newDecoder(t, DecoderOptions{})
	want, err := d.Decode(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	asked := &endingContext{t.Context(), 1 << 30}
	if _, err := d.Decode(asked, file); err != nil {
		t.Fatal(err)
	}
	calls := 1<<30 - asked.left
	if calls < 5 {
		t.Fatalf("the context was checked %d times", calls)
	}
	for n := range calls {
		if _, err := d.Decode(&endingContext{t.Context(), n}, file); err != context.DeadlineExceeded {
			t.Errorf("ended at check %d of %d: %v", n, calls, err)
		}
	}
	if got, err := d.Decode(t.Context(), file); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the next image: error %v, or other pixels", err)
	}
}

func TestDecoderOptions(t *testing.T) {
	good := Preprocess{Resolution: 32}
	for name, c := range map[string]struct {
		options DecoderOptions
		want    string
	}{
		"negative pixels": {DecoderOptions{Preprocess: good, MaxPixels: -1}, "MaxPixels"},
		"too many pixels": {DecoderOptions{Preprocess: good, MaxPixels: jpeg.MaxPixels + 1}, "0..89478485"},
		"negative bytes":  {DecoderOptions{Preprocess: good, MaxBytes: -1}, "MaxBytes"},
		"too many bytes":  {DecoderOptions{Preprocess: good, MaxBytes: 1 << 40}, "MaxBytes"},
		"decode":          {DecoderOptions{Preprocess: good, Decode: "half"}, "Decode"},
		"resolution":      {DecoderOptions{}, "resolution"},
	} {
		if _, err := NewDecoder(c.options); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}

// TestFastDecoder: fast pixels are close to the exact ones for a large JPEG, and equal for all other files.
func TestFastDecoder(t *testing.T) {
	exact, fast := newDecoder(t, DecoderOptions{}), newDecoder(t, DecoderOptions{Decode: DecodeFast})
	for _, path := range formatFiles(t) {
		file := datatest.Read(t, path)
		a, err1 := exact.Decode(t.Context(), file)
		b, err2 := fast.Decode(t.Context(), file)
		if err := errors.Join(err1, err2); err != nil || !bytes.Equal(a, b) {
			t.Errorf("%s: error %v, or other pixels", path, err)
		}
	}
}

// FuzzHeaderSize: no file has more pixels than its header said, so that a limit holds.
func FuzzHeaderSize(f *testing.F) {
	for _, path := range formatFiles(f) {
		f.Add(datatest.Read(f, path))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		kind, reason := formatOf(file)
		if reason != "" || kind == FormatJPEG {
			return
		}
		w, h, _ := headerSize(kind, file)
		if w*h > 1<<20 {
			return // large ones only make the fuzzer slow
		}
		if _, width, height, err := decodeRGB(t.Context(), kind, file, nil); err == nil && width*height > w*h {
			t.Errorf("%s of %dx%d; its header says %dx%d", kind, width, height, w, h)
		}
	})
}

// BenchmarkDecoder decodes a photograph with one decoder, and with one for each image.
func BenchmarkDecoder(b *testing.B) {
	file, err := os.ReadFile("testdata/geometry/150x113.jpg")
	if err != nil {
		b.Fatal(err)
	}
	p := Preprocess{Resolution: 224}
	b.Run("one decoder", func(b *testing.B) {
		d := newDecoder(b, DecoderOptions{Preprocess: p})
		for b.Loop() {
			if _, err := d.Decode(b.Context(), file); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("DecodeImage", func(b *testing.B) {
		for b.Loop() {
			if _, err := DecodeImage(file, p); err != nil {
				b.Fatal(err)
			}
		}
	})
}
