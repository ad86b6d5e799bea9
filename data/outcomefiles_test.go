package data

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"image"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"depthwise.dev/data/internal/datatest"
	"depthwise.dev/data/internal/sys"
)

// frameHeader returns where the marker of a JPEG's frame header stands.
func frameHeader(data []byte) int {
	for at := 2; ; at += 2 + int(binary.BigEndian.Uint16(data[at+2:])) {
		if m := data[at+1]; m == 0xc0 || m == 0xc2 {
			return at
		}
	}
}

// jpegHeader changes the frame header of a JPEG: marker, length, precision, height, width.
func jpegHeader(change func(header []byte)) func([]byte) []byte {
	return func(data []byte) []byte {
		change(data[frameHeader(data):])
		return data
	}
}

// zeroed overwrites the second half, up to the end marker, as an interrupted copy does.
func zeroed(data []byte) []byte {
	clear(data[len(data)/2:])
	return data
}

// pngChunk is a chunk with its checksum.
func pngChunk(name string, body []byte) []byte {
	named := append([]byte(name), body...)
	out := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	return binary.BigEndian.AppendUint32(append(out, named...), crc32.ChecksumIEEE(named))
}

func pngOf(w, h uint32, chunks ...[]byte) []byte {
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)
	out := append([]byte("\x89PNG\r\n\x1a\n"), pngChunk("IHDR", append(head, 8, 0, 0, 0, 0))...) // 8-bit gray
	for _, c := range append(chunks, pngChunk("IEND", nil)) {
		out = append(out, c...)
	}
	return out
}

// deflated compresses n zeros.
func deflated(t testing.TB, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	block := make([]byte, 1<<20)
	for ; n > 0; n -= len(block) {
		if _, err := w.Write(block[:min(n, len(block))]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// zipBomb is a PNG whose pixels inflate to 64 MB more than its size says.
func zipBomb(t testing.TB, path string) {
	datatest.Write(t, path, pngOf(100, 100, pngChunk("IDAT", deflated(t, 64<<20))))
}

// textBomb is a good PNG with a comment that inflates to 64 MB.
func textBomb(t testing.TB, path string) {
	comment := append([]byte("Comment\x00\x00"), deflated(t, 64<<20)...)
	datatest.Write(t, path, pngOf(10, 10, pngChunk("zTXt", comment), pngChunk("IDAT", deflated(t, 10*11))))
}

// dot is an image of one pixel.
func dot(t testing.TB, path string) {
	datatest.WritePNG(t, path, image.NewGray(image.Rect(0, 0, 1, 1)))
}

// thread is an image of 1 x 3000.
func thread(t testing.TB, path string) {
	datatest.WritePNG(t, path, image.NewGray(image.Rect(0, 0, 1, 3000)))
}

// wrongChecksum damages the checksum of a PNG's pixels.
func wrongChecksum(data []byte) []byte {
	at := bytes.Index(data, []byte("IDAT"))
	data[at+4+int(binary.BigEndian.Uint32(data[at-4:]))] ^= 0x55
	return data
}

// sparse is a file of more bytes than are read, none of which is on the disk.
func sparse(t testing.TB, path string) {
	datatest.Holding("\xff\xd8\xff")(t, path)
	if err := os.Truncate(path, sys.MaxFileSize+1); err != nil {
		t.Fatal(err)
	}
}

func fifo(t testing.TB, path string) {
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
}

// socket leaves the name of a socket that nobody listens on.
func socket(t testing.TB, path string) {
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	t.Chdir(filepath.Dir(path)) // a socket's path has 107 bytes at most
	if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: filepath.Base(path)}); err != nil {
		t.Fatal(err)
	}
}

// linkTo is a symbolic link.
func linkTo(target string) func(testing.TB, string) {
	return func(t testing.TB, path string) {
		if err := os.Symlink(target, path); err != nil {
			t.Fatal(err)
		}
	}
}

// good is an ordinary photograph.
var good = datatest.Copied("testdata/geometry/40x40.jpg")

// instead puts something else under the name after the folder was listed.
func instead(what func(testing.TB, string)) func(testing.TB, string) {
	return func(t testing.TB, path string) {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if what != nil {
			what(t, path)
		}
	}
}

// bmpBomb is a BMP header that claims 65535 x 65535 pixels.
var bmpBomb = "BM" + strings.Repeat("\x00", 8) + "\x36\x00\x00\x00\x28\x00\x00\x00\xff\xff\x00\x00\xff\xff\x00\x00\x01\x00\x18\x00" + strings.Repeat("\x00", 24)

// tiffBomb is a TIFF directory that claims 65535 x 65535 pixels.
var tiffBomb = "II*\x00\x08\x00\x00\x00\x05\x00" +
	"\x00\x01\x04\x00\x01\x00\x00\x00\xff\xff\x00\x00" + "\x01\x01\x04\x00\x01\x00\x00\x00\xff\xff\x00\x00" +
	"\x02\x01\x03\x00\x01\x00\x00\x00\x08\x00\x00\x00" + "\x06\x01\x03\x00\x01\x00\x00\x00\x01\x00\x00\x00" +
	"\x11\x01\x04\x00\x01\x00\x00\x00\x08\x00\x00\x00" + "\x00\x00\x00\x00"

// tiffCompression changes the compression in a little-endian TIFF file.
func tiffCompression(value uint16) func([]byte) []byte {
	return func(data []byte) []byte {
		entry := bytes.Index(data, []byte("\x03\x01\x03\x00\x01\x00\x00\x00")) // tag 259, one SHORT
		binary.LittleEndian.PutUint16(data[entry+8:], value)
		return data
	}
}

// webpBomb is a WebP header of 16384 x 16384 pixels.
var webpBomb = "RIFF\x16\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00\xff\x3f\x00\xff\x3f\x00"

// pngBomb is a PNG header of 65535 x 65535 pixels.
func pngBomb(t testing.TB, path string) {
	datatest.Write(t, path, pngOf(65535, 65535, pngChunk("IDAT", deflated(t, 1000))))
}
