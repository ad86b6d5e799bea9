package tiff

import (
	"errors"
	"fmt"
	"image"
	"io"
	"slices"
)

// JPEGDecoder decodes a JPEG file to RGB pixels. A file of more than maxWidth x maxHeight pixels is an
// error.
type JPEGDecoder func(file []byte, maxWidth, maxHeight int) (rgb []byte, width, height int, err error)

// AppendRGB appends the pixels of the page to dst[:0], 3 bytes each. The caller limits Width*Height.
func (p *Page) AppendRGB(dst []byte, jpeg JPEGDecoder) ([]byte, error) {
	dst = slices.Grow(dst[:0], 3*p.Width*p.Height)[:3*p.Width*p.Height]
	d := &pageDecoder{Page: p, dst: dst, jpeg: jpeg}
	d.toRGB = d.converter()
	if p.compression == jpegCompression {
		d.toRGB = d.jpegConverter()
	}
	across, down := p.grid()
	for y := range down {
		for x := range across {
			at := image.Rect(0, 0, p.segmentWidth, p.segmentHeight).Add(image.Pt(x*p.segmentWidth, y*p.segmentHeight))
			if err := d.decodeSegment(y*across+x, at.Intersect(image.Rect(0, 0, p.Width, p.Height))); err != nil {
				return nil, err
			}
		}
	}
	return dst, nil
}

// pageDecoder decodes one page.
type pageDecoder struct {
	*Page
	dst   []byte
	jpeg  JPEGDecoder
	toRGB converter

	streams    []*stream // one for each plane, kept from segment to segment
	row, plane []byte    // of a segment, before the conversion to RGB
	read       int       // bytes of segments so far
}

// maxRead limits the bytes of all segments of a page, which a damaged file may declare to overlap: the
// limit of a file's size.
const maxRead = 1 << 30

// next returns the bytes of a segment in a plane.
func (d *pageDecoder) next(index, plane int) ([]byte, error) {
	across, down := d.grid()
	data, err := d.segment(plane*across*down + index)
	if d.read += len(data); d.read > maxRead {
		return nil, errors.New("damaged TIFF file: its strips or tiles overlap")
	}
	return data, err
}

// decodeSegment decodes a strip or tile, of all planes, to the pixels of visible.
func (d *pageDecoder) decodeSegment(index int, visible image.Rectangle) error {
	if d.compression == jpegCompression {
		return d.decodeWhole(index, visible)
	}
	if err := d.openStreams(index); err != nil {
		return err
	}
	if d.subX*d.subY > 1 {
		return d.decodeSubsampled(visible)
	}
	for y := visible.Min.Y; y < visible.Max.Y; y++ {
		if err := d.readRow(); err != nil {
			return err
		}
		d.toRGB(d.line(y, visible), d.row)
	}
	return nil
}

// line returns the pixels of row y inside visible.
func (d *pageDecoder) line(y int, visible image.Rectangle) []byte {
	return d.dst[3*(y*d.Width+visible.Min.X) : 3*(y*d.Width+visible.Max.X)]
}

// openStreams opens the compressed data of segment index in each plane.
func (d *pageDecoder) openStreams(index int) error {
	planes, samples := 1, d.samples
	if d.separate {
		planes, samples = d.planes(), 1
	}
	if d.streams == nil {
		bytes := (d.segmentWidth*samples*d.bits + 7) / 8
		d.row, d.plane = make([]byte, planes*bytes), make([]byte, bytes)
		for range planes {
			d.streams = append(d.streams, &stream{page: d.Page, samples: samples})
		}
	}
	for i, s := range d.streams {
		data, err := d.next(index, i)
		if err != nil {
			return err
		}
		if d.reversed {
			data = reverseBits(data)
		}
		if err := s.open(data); err != nil {
			return fmt.Errorf("damaged TIFF file: %w", err)
		}
	}
	return nil
}

// readRow reads the next row of the segment; separate planes are interleaved.
func (d *pageDecoder) readRow() error {
	if len(d.streams) == 1 {
		return d.streams[0].readRow(d.row)
	}
	size := d.bits / 8
	for i, s := range d.streams {
		if err := s.readRow(d.plane); err != nil {
			return err
		}
		for from, to := 0, i*size; from < len(d.plane); from, to = from+size, to+size*len(d.streams) {
			copy(d.row[to:to+size], d.plane[from:])
		}
	}
	return nil
}

// stream is the data of one segment in one plane.
type stream struct {
	page    *Page
	samples int // of a pixel in this plane
	reader  io.Reader
	keep    reusable
}

func (s *stream) open(data []byte) (err error) {
	s.reader, err = compressions[s.page.compression].open(&s.keep, s.page, data)
	return err
}

// readRow decompresses a row and undoes the predictor.
func (s *stream) readRow(row []byte) error {
	if err := s.read(row); err != nil {
		return err
	}
	if compressions[s.page.compression].predicts {
		s.page.unpredict(row, s.samples)
	}
	return nil
}

func (s *stream) read(row []byte) error {
	switch _, err := io.ReadFull(s.reader, row); err {
	case nil:
		return nil
	case io.EOF, io.ErrUnexpectedEOF:
		return errTruncated
	default:
		return fmt.Errorf("damaged TIFF file: %w", err)
	}
}
