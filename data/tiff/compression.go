package tiff

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"math/bits"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/image/tiff/lzw"
)

// The values of Compression that have a case of their own.
const (
	uncompressed    = 1
	jpegCompression = 7
)

// compression is how the bytes of a strip or tile become rows.
type compression struct {
	// open returns a reader of rows; nil for JPEG.
	open func(keep *reusable, p *Page, data []byte) (io.Reader, error)
	// predicts says that the tag Predictor applies.
	predicts bool
}

// compressions are those of libtiff that are read.
var compressions = map[int]compression{
	uncompressed:    {open: openRaw},
	2:               {open: openFax(faxModifiedHuffman)},
	3:               {open: openFax(faxGroup3)},
	4:               {open: openFax(faxGroup4)},
	5:               {openLZW, true},
	jpegCompression: {},
	8:               {openZlib, true}, // Adobe's number
	32771:           {open: openFax(faxModifiedHuffmanWords)},
	32773:           {open: openPackBits},
	32946:           {openZlib, true}, // the older number
	34925:           {openLZMA, true},
	50000:           {openZstd, true},
}

// otherCompressions are named in errors.
var otherCompressions = map[int]string{
	6: "old JPEG", 9: "JBIG", 10: "JBIG", 32809: "ThunderScan", 32908: "PixarFilm", 32909: "PixarLog", 34661: "JBIG",
	34676: "SGI Log", 34677: "SGI Log", 34712: "JPEG 2000", 34887: "LERC", 34892: "lossy JPEG of DNG",
	34933: "PNG", 34934: "JPEG XR", 50001: "WebP", 50002: "JPEG XL", 52546: "JPEG XL",
}

// checkCompression returns an error for files whose compression is not read, or not with their samples.
func (p *Page) checkCompression() error {
	if _, ok := compressions[p.compression]; !ok {
		name := otherCompressions[p.compression]
		if name == "" {
			name = "unknown"
		}
		return fmt.Errorf("TIFF with compression %d (%s), which is not supported; convert it to PNG", p.compression, name)
	}
	c := compressions[p.compression]
	switch {
	case p.compression == jpegCompression:
		if !p.jpegSamples() {
			return fmt.Errorf("TIFF with compression 7 (JPEG) for %d samples of %d bits (PhotometricInterpretation %d), which is not supported; convert it to PNG",
				p.samples, p.bits, p.photometric)
		}
	case p.isFax() && (p.bits != 1 || p.samples != 1):
		return errors.New("damaged TIFF file: fax compression with more than one bit a pixel")
	case c.predicts && p.predictor != 1 && !p.canUnpredict():
		return fmt.Errorf("TIFF with predictor %d for samples of %d bits, which is not supported; convert it to PNG", p.predictor, p.bits)
	}
	return nil
}

func (p *Page) isFax() bool {
	return 2 <= p.compression && p.compression <= 4 || p.compression == 32771
}

// jpegSamples reports whether JPEG data with the page's samples are read: together one, three or four, or
// each in a plane.
func (p *Page) jpegSamples() bool {
	switch {
	case p.bits != 8 || p.photometric == palette:
		return false
	case p.photometric == ycbcr:
		return p.samples == 1 || p.samples == 3
	}
	return p.separate || p.samples == 1 || p.samples == 3 || p.samples == 4
}

// reusable holds decompressors from segment to segment.
type reusable struct {
	zlib io.ReadCloser
	zstd *zstd.Decoder
}

func openRaw(_ *reusable, _ *Page, data []byte) (io.Reader, error) { return bytes.NewReader(data), nil }

func openLZW(_ *reusable, _ *Page, data []byte) (io.Reader, error) {
	if len(data) > 1 && data[0] == 0 && data[1]&1 == 1 { // as libtiff detects it
		return nil, errors.New("LZW with reversed codes, which is not supported; convert it to PNG")
	}
	return lzw.NewReader(bytes.NewReader(data), lzw.MSB, 8), nil
}

func openZlib(keep *reusable, _ *Page, data []byte) (io.Reader, error) {
	if keep.zlib == nil {
		r, err := zlib.NewReader(bytes.NewReader(data))
		keep.zlib = r
		return r, err
	}
	return keep.zlib, keep.zlib.(zlib.Resetter).Reset(bytes.NewReader(data), nil)
}

// maxWindow limits the memory of zstd and LZMA; libtiff's writer uses up to 8 MB.
const maxWindow = 64 << 20

func openZstd(keep *reusable, _ *Page, data []byte) (io.Reader, error) {
	if keep.zstd == nil {
		r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, err
		}
		keep.zstd = r
	}
	return keep.zstd, keep.zstd.Reset(bytes.NewReader(data))
}

// reverseBits returns a copy with the bits of each byte in the other order.
func reverseBits(data []byte) []byte {
	out := make([]byte, len(data))
	for i, b := range data {
		out[i] = bits.Reverse8(b)
	}
	return out
}

// packBits reads TIFF 6.0, section 9.
type packBits struct {
	data  []byte
	copy  int // bytes to copy from data
	fill  int // times to repeat value
	value byte
}

func openPackBits(_ *reusable, _ *Page, data []byte) (io.Reader, error) {
	return &packBits{data: data}, nil
}

func (p *packBits) Read(b []byte) (n int, err error) {
	for n < len(b) {
		switch {
		case p.fill > 0:
			k := min(p.fill, len(b)-n)
			for i := range k {
				b[n+i] = p.value
			}
			p.fill -= k
			n += k
		case p.copy > 0 && len(p.data) > 0:
			k := copy(b[n:], p.data[:min(p.copy, len(p.data))])
			p.data = p.data[k:]
			p.copy -= k
			n += k
		case len(p.data) < 2:
			return n, io.EOF
		default:
			p.next()
		}
	}
	return n, nil
}

// next reads the byte that says what follows.
func (p *packBits) next() {
	switch code := int8(p.data[0]); {
	case code >= 0:
		p.copy, p.data = int(code)+1, p.data[1:]
	case code == -128:
		p.data = p.data[1:]
	default:
		p.fill, p.value, p.data = 1-int(code), p.data[1], p.data[2:]
	}
}
