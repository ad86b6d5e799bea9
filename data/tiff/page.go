package tiff

import (
	"errors"
	"fmt"
)

// The values of PhotometricInterpretation that are read.
const (
	whiteIsZero = 0
	blackIsZero = 1
	rgb         = 2
	palette     = 3
	cmyk        = 5
	ycbcr       = 6
	cielab      = 8
)

// The values of SampleFormat.
const (
	unsignedSamples = 1
	signedSamples   = 2
	floatSamples    = 3
)

// associatedAlpha is the value of ExtraSamples for colors that are multiplied by alpha.
const associatedAlpha = 1

const (
	maxSide     = 1 << 30 // pixels; products of two sides fit an int64
	maxSamples  = 8       // a pixel; Pillow reads 6
	maxSegments = 1 << 21 // strips or tiles; the largest image has 1.4 million tiles of 16x16 in four planes
	maxSegment  = 1 << 16 // pixels of a tile's side; libtiff writes 16 to 512
)

// Page is the first page of a file. Its header was read and can be decoded; its pixels were not read.
type Page struct {
	Width, Height int // pixels, as stored: see Orientation

	data []byte
	dir  directory

	compression, photometric int
	predictor                int
	reversed                 bool // FillOrder 2: the first pixel is in the lowest bit
	bits, format             int  // of a sample
	samples, channels        int  // samples of a pixel in the file; those before the extra ones
	alpha                    bool // the first extra sample is associated alpha

	separate       bool // a plane for each sample
	tiled          bool
	segmentWidth   int // pixels of a strip or tile
	segmentHeight  int
	offsets, sizes uint16 // tags
	subX, subY     int    // pixels of YCbCr that share a chroma sample
}

// Open reads the header of a file. It returns an error for a file that AppendRGB cannot decode, except
// where only the compressed data show it. The page refers to data.
func Open(data []byte) (*Page, error) {
	dir, err := readDirectory(data)
	if err != nil {
		return nil, err
	}
	if dir.cut {
		return nil, errTruncated
	}
	p := &Page{data: data, dir: dir}
	p.Width, p.Height = dir.integer(tagImageWidth, 0, 0), dir.integer(tagImageLength, 0, 0)
	p.readColor()
	for _, check := range []func() error{p.checkColor, p.checkCompression, p.readSegments} {
		if err := check(); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// Orientation returns the orientation of the first page, 1 to 8 as in EXIF; 1 if it is missing or wrong.
func Orientation(data []byte) int {
	dir, err := readDirectory(data)
	if err != nil {
		return 1
	}
	if o := dir.integer(tagOrientation, 0, 1); dir.count(tagOrientation) == 1 && 1 <= o && o <= 8 {
		return o
	}
	return 1
}

// readColor reads how samples become colors. The defaults are Pillow's, which differ from the
// specification's for a missing PhotometricInterpretation.
func (p *Page) readColor() {
	p.compression = p.dir.integer(tagCompression, 0, uncompressed)
	p.photometric = p.dir.integer(tagPhotometric, 0, whiteIsZero)
	p.predictor = p.dir.integer(tagPredictor, 0, 1)
	p.reversed = p.dir.integer(tagFillOrder, 0, 1) == 2
	p.bits = p.dir.integer(tagBitsPerSample, 0, 1)
	p.format = p.dir.integer(tagSampleFormat, 0, unsignedSamples)
	p.samples = p.dir.integer(tagSamplesPerPixel, 0, 1)
	p.channels = map[int]int{rgb: 3, cmyk: 4, ycbcr: 3, cielab: 3}[p.photometric]
	if p.channels == 0 || p.photometric == ycbcr && p.samples == 1 {
		p.channels = 1
	}
	p.alpha = p.dir.integer(tagExtraSamples, 0, 0) == associatedAlpha && p.samples > p.channels
	p.separate = p.dir.integer(tagPlanar, 0, 1) == 2 && p.samples > 1
	p.subX, p.subY = 1, 1
	if p.photometric == ycbcr && p.channels == 3 {
		p.subX, p.subY = p.dir.integer(tagYCbCrSubsampling, 0, 2), p.dir.integer(tagYCbCrSubsampling, 1, 2)
	}
}

// depths are the bits and formats of the samples that are read, for each PhotometricInterpretation.
var depths = map[int]map[int][]int{
	whiteIsZero: grayDepths,
	blackIsZero: grayDepths,
	rgb:         {unsignedSamples: {8, 16}},
	palette:     {unsignedSamples: {1, 2, 4, 8}},
	cmyk:        {unsignedSamples: {8, 16}},
	ycbcr:       {unsignedSamples: {8}},
	cielab:      {unsignedSamples: {8}},
}

var grayDepths = map[int][]int{
	unsignedSamples: {1, 2, 4, 8, 12, 16, 32},
	signedSamples:   {8, 16, 32},
	floatSamples:    {32},
}

// checkColor returns an error for pixels that are not read.
func (p *Page) checkColor() error {
	formats, ok := depths[p.photometric]
	if !ok {
		return fmt.Errorf("TIFF with PhotometricInterpretation %d, which is not supported; convert it to PNG", p.photometric)
	}
	if p.samples < p.channels || p.samples > maxSamples {
		return fmt.Errorf("damaged TIFF file: %d samples a pixel with PhotometricInterpretation %d", p.samples, p.photometric)
	}
	known := false
	for _, bits := range formats[p.format] {
		known = known || bits == p.bits
	}
	for i := range min(p.dir.count(tagBitsPerSample), p.samples) {
		known = known && p.dir.integer(tagBitsPerSample, i, 0) == p.bits
	}
	for i := range min(p.dir.count(tagSampleFormat), p.samples) {
		known = known && p.dir.integer(tagSampleFormat, i, 0) == p.format
	}
	if !known || p.samples > 1 && p.bits < 8 || p.bits == 12 && p.samples > 1 {
		return fmt.Errorf("TIFF with %d samples of %d bits (SampleFormat %d, PhotometricInterpretation %d), which is not supported; convert it to PNG",
			p.samples, p.bits, p.format, p.photometric)
	}
	for _, n := range []int{p.subX, p.subY} {
		if n != 1 && n != 2 && n != 4 {
			return fmt.Errorf("damaged TIFF file: chroma subsampling %dx%d", p.subX, p.subY)
		}
	}
	if p.subX*p.subY > 1 && p.separate {
		return errors.New("TIFF with subsampled chroma in separate planes, which is not supported; convert it to PNG")
	}
	if p.photometric == palette && p.dir.count(tagColorMap) < 3 {
		return errors.New("damaged TIFF file: a palette image without a palette")
	}
	return nil
}

// readSegments reads where the strips or tiles are.
func (p *Page) readSegments() error {
	if p.Width < 1 || p.Height < 1 || p.Width > maxSide || p.Height > maxSide {
		return fmt.Errorf("an image of %dx%d pixels", p.Width, p.Height)
	}
	p.segmentWidth, p.segmentHeight = p.Width, min(p.dir.integer(tagRowsPerStrip, 0, p.Height), p.Height)
	p.offsets, p.sizes = tagStripOffsets, tagStripByteCounts
	if p.tiled = p.dir.count(tagStripOffsets) == 0; p.tiled {
		p.segmentWidth, p.segmentHeight = p.dir.integer(tagTileWidth, 0, 0), p.dir.integer(tagTileLength, 0, 0)
		p.offsets, p.sizes = tagTileOffsets, tagTileByteCounts
		if p.segmentWidth > maxSegment || p.segmentHeight > maxSegment {
			return fmt.Errorf("damaged TIFF file: tiles of %dx%d pixels", p.segmentWidth, p.segmentHeight)
		}
	}
	if p.segmentWidth < 1 || p.segmentHeight < 1 {
		return errors.New("damaged TIFF file: strips or tiles without pixels")
	}
	across, down := p.grid()
	need := across * down
	if p.separate {
		need *= p.planes()
	}
	if need > maxSegments {
		return fmt.Errorf("damaged TIFF file: %d strips or tiles", need)
	}
	if n := p.dir.count(p.offsets); n < need {
		return fmt.Errorf("damaged TIFF file: %d strips or tiles of %d", n, need)
	}
	return nil
}

// grid returns how many strips or tiles cover the image in each direction.
func (p *Page) grid() (across, down int) {
	return (p.Width + p.segmentWidth - 1) / p.segmentWidth, (p.Height + p.segmentHeight - 1) / p.segmentHeight
}

// planes returns how many of the planes of a pixel are read: extra ones only if they are associated alpha.
func (p *Page) planes() int {
	if p.alpha {
		return p.channels + 1
	}
	return p.channels
}

// segment returns the bytes of strip or tile i. Raw pixels need no size. A compressed one without a size
// extends to the next one or to the end of the file, as in libtiff.
func (p *Page) segment(i int) ([]byte, error) {
	at := p.dir.integer(p.offsets, i, 0)
	if at < 1 || at >= len(p.data) {
		return nil, errTruncated
	}
	size := p.dir.integer(p.sizes, i, 0)
	switch next := p.dir.integer(p.offsets, i+1, 0); {
	case p.compression == uncompressed:
		size = p.rawSize()
	case size == 0 && next > at:
		size = next - at
	case size == 0:
		size = len(p.data)
	}
	return p.data[at:][:min(size, len(p.data)-at)], nil
}

// rawSize returns the bytes of a strip or tile of raw pixels in one plane.
func (p *Page) rawSize() int {
	samples := p.samples
	if p.separate {
		samples = 1
	}
	if p.subX*p.subY > 1 {
		blocks := ((p.segmentWidth + p.subX - 1) / p.subX) * ((p.segmentHeight + p.subY - 1) / p.subY)
		return blocks * (p.subX*p.subY + 2)
	}
	return (p.segmentWidth*samples*p.bits + 7) / 8 * p.segmentHeight
}
