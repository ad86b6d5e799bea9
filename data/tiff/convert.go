package tiff

import (
	"math"
)

// converter converts a row of pixels as they are in the file to RGB, as many as dst holds.
type converter func(dst, row []byte)

// converter returns the function for the page: samples become 8 bits, then colors.
func (d *pageDecoder) converter() converter {
	samples := d.samples
	if d.separate {
		samples = d.planes()
	}
	narrow, color := d.narrower(), d.colors(samples)
	if narrow == nil {
		return color
	}
	narrowed := make([]byte, (d.segmentWidth+8)*samples)
	return func(dst, row []byte) {
		narrow(narrowed[:len(dst)/3*samples], row)
		color(dst, narrowed)
	}
}

// narrower returns the function that converts samples to 8 bits, nil if they have 8 bits. Like Pillow it
// clips signed, 32-bit and float samples to 0..255; of unsigned 12-bit and 16-bit samples it takes the
// highest 8 bits, where Pillow clips gray ones too, to nearly white images.
func (p *Page) narrower() func(dst, row []byte) {
	order := p.dir.order
	switch {
	case p.bits < 8:
		return p.unpack
	case p.bits == 12:
		return func(dst, row []byte) {
			for i := range dst { // 3 bytes hold 2 samples
				dst[i] = row[i/2*3]
				if i%2 == 1 {
					dst[i] = row[i/2*3+1]<<4 | row[i/2*3+2]>>4
				}
			}
		}
	case p.bits == 16 && p.format == unsignedSamples:
		return func(dst, row []byte) {
			for i := range dst {
				dst[i] = byte(order.Uint16(row[2*i:]) >> 8)
			}
		}
	case p.bits == 16:
		return func(dst, row []byte) {
			for i := range dst {
				dst[i] = clip(int(int16(order.Uint16(row[2*i:]))))
			}
		}
	case p.bits == 32 && p.format == floatSamples:
		return func(dst, row []byte) {
			for i := range dst {
				dst[i] = clipFloat(math.Float32frombits(order.Uint32(row[4*i:])))
			}
		}
	case p.bits == 32: // Pillow's mode I is signed
		return func(dst, row []byte) {
			for i := range dst {
				dst[i] = clip(int(int32(order.Uint32(row[4*i:]))))
			}
		}
	}
	return nil
}

// unpack converts samples of 1, 2 or 4 bits: gray ones to 0..255, palette indices as they are.
func (p *Page) unpack(dst, row []byte) {
	mask, scale := byte(1)<<p.bits-1, byte(1)
	if p.photometric != palette {
		scale = 255 / mask
	}
	perByte := 8 / p.bits
	for i := range dst {
		dst[i] = row[i/perByte] >> (8 - p.bits*(i%perByte+1)) & mask * scale
	}
}

// colors returns the function that converts pixels of 8-bit samples to RGB.
func (d *pageDecoder) colors(samples int) converter {
	var color converter
	switch d.photometric {
	case whiteIsZero, blackIsZero:
		color = d.gray(samples)
	case rgb:
		color = func(dst, row []byte) { pickRGB(dst, row, samples) }
	case palette:
		color = d.paletteColors(samples)
	case cmyk:
		color = func(dst, row []byte) { cmykToRGB(dst, row, samples) }
	case ycbcr:
		color = d.gray(samples)
		if d.channels == 3 {
			color = d.ycbcrOf().converter(samples)
		}
	case cielab:
		color = func(dst, row []byte) { labToRGB(dst, row, samples) }
	}
	if !d.alpha {
		return color
	}
	return func(dst, row []byte) {
		color(dst, row)
		divideAlpha(dst, row, samples, d.channels)
	}
}

// gray copies gray to three channels. Pillow does not invert float samples.
func (d *pageDecoder) gray(samples int) converter {
	inverted := d.photometric == whiteIsZero && d.format == unsignedSamples && d.bits <= 16
	return func(dst, row []byte) {
		for i := range len(dst) / 3 {
			v := row[i*samples]
			dst[3*i], dst[3*i+1], dst[3*i+2] = v, v, v
		}
		if inverted {
			invert(dst)
		}
	}
}

func invert(b []byte) {
	for i := range b {
		b[i] = ^b[i]
	}
}

func pickRGB(dst, row []byte, samples int) {
	if samples == 3 {
		copy(dst, row)
		return
	}
	for i := range len(dst) / 3 {
		dst[3*i], dst[3*i+1], dst[3*i+2] = row[i*samples], row[i*samples+1], row[i*samples+2]
	}
}

// paletteColors looks colors up; an index outside the palette is black. The palette holds all red values,
// then green, then blue, of 16 bits.
func (d *pageDecoder) paletteColors(samples int) converter {
	var colors [256][3]byte
	n := d.dir.count(tagColorMap) / 3
	for i := range min(n, len(colors)) {
		for c := range 3 {
			colors[i][c] = byte(d.dir.integer(tagColorMap, c*n+i, 0) >> 8)
		}
	}
	return func(dst, row []byte) {
		for i := range len(dst) / 3 {
			copy(dst[3*i:3*i+3], colors[row[i*samples]][:])
		}
	}
}

// cmykToRGB is Pillow's cmyk2rgb: without a color profile.
func cmykToRGB(dst, row []byte, samples int) {
	for i := range len(dst) / 3 {
		white := 255 - int(row[i*samples+3])
		for c := range 3 {
			t := int(row[i*samples+c])*white + 128
			dst[3*i+c] = clip(white - (t>>8+t)>>8)
		}
	}
}

// divideAlpha undoes the multiplication by alpha, as Pillow's unpackers do, in 8 bits.
func divideAlpha(dst, row []byte, samples, channels int) {
	for i := range len(dst) / 3 {
		a := int(row[i*samples+channels])
		for c := range 3 {
			if v := &dst[3*i+c]; a == 0 {
				*v = 0
			} else {
				*v = clip(int(*v) * 255 / a)
			}
		}
	}
}

func clip(v int) byte { return byte(min(max(v, 0), 255)) }

// clipFloat truncates, as Pillow's f2l; NaN becomes 0.
func clipFloat(v float32) byte {
	switch {
	case !(v > 0):
		return 0
	case v >= 255:
		return 255
	}
	return byte(v)
}
