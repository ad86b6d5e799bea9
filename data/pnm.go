package data

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"math"
	"strconv"
)

var errPNM = errors.New("damaged PNM file")

// pnmKind is how the pixels of a PNM file are stored.
type pnmKind struct {
	channels int
	text     bool
	bitmap   bool // 1 is black; there is no maximum
	float    bool // the lowest row first; the sign of the maximum is the byte order
}

// pnmKinds are those that Pillow reads, by the first bytes, which whitespace follows.
var pnmKinds = map[string]pnmKind{
	"P1": {channels: 1, text: true, bitmap: true}, "P2": {channels: 1, text: true}, "P3": {channels: 3, text: true},
	"P4": {channels: 1, bitmap: true}, "P5": {channels: 1}, "P6": {channels: 3}, "Pf": {channels: 1, float: true},
}

// decodePNM decodes the first image of a PBM, PGM, PPM or PFM (gray) file and appends its RGB pixels to
// dst[:0].
func decodePNM(data []byte, dst []byte) (rgb []byte, w, h int, err error) {
	kind, ok := pnmKinds[string(data[:min(2, len(data))])]
	if !ok {
		return nil, 0, 0, errPNM
	}
	p := &pnmReader{data: data, at: 2}
	w, h = p.number(), p.number()
	maximum, order := 1, binary.ByteOrder(binary.BigEndian)
	switch {
	case kind.float:
		order = p.scale()
	case !kind.bitmap:
		maximum = p.number()
	}
	if p.failed || maximum < 1 || maximum > 65535 {
		return nil, 0, 0, errPNM
	}
	if err := checkSize(w, h); err != nil {
		return nil, 0, 0, err
	}
	if !kind.text {
		p.at++ // one whitespace character ends the header
	}
	// The file holds all samples, so a header cannot request more than a few times its size.
	if need := kind.bytes(w, h, maximum); need > len(data)-p.at {
		return nil, 0, 0, fmt.Errorf("file is truncated: %d bytes for %dx%d pixels", max(0, len(data)-p.at), w, h)
	}
	dst = growPixels(dst, image.Rect(0, 0, w, h))
	switch {
	case kind.float:
		dst = p.appendFloats(dst, w, h, order)
	case kind.bitmap:
		dst = p.appendBits(dst, w, h, kind.text)
	default:
		dst = p.appendSamples(dst, w*h, kind, maximum)
	}
	if p.failed {
		return nil, 0, 0, errPNM
	}
	return dst, w, h, nil
}

// bytes returns the least bytes that the pixels take.
func (k pnmKind) bytes(w, h, maximum int) int {
	switch {
	case k.float:
		return 4 * w * h
	case k.bitmap && !k.text:
		return (w + 7) / 8 * h
	case !k.text && maximum > 255:
		return 2 * w * h * k.channels
	}
	return w * h * k.channels
}

// appendSamples appends pixels of decimal or binary samples, scaled to 0..255 and rounded as in Python.
func (p *pnmReader) appendSamples(dst []byte, pixels int, kind pnmKind, maximum int) []byte {
	sample := p.byte
	switch {
	case kind.text:
		sample = p.number
	case maximum > 255:
		sample = p.word
	}
	scaled := make([]byte, maximum+1)
	for v := range scaled {
		scaled[v] = byte(math.RoundToEven(float64(v) / float64(maximum) * 255))
	}
	for range pixels {
		var v [3]byte
		for c := range kind.channels {
			v[c] = scaled[min(sample(), maximum)]
		}
		if kind.channels == 1 {
			v[1], v[2] = v[0], v[0]
		}
		dst = append(dst, v[:]...)
	}
	return dst
}

// appendBits appends pixels of one bit; rows of binary files start at bytes.
func (p *pnmReader) appendBits(dst []byte, w, h int, text bool) []byte {
	for range h {
		bits := 0
		for x := range w {
			var black bool
			switch {
			case text:
				black = p.digit() == '1'
			default:
				if x%8 == 0 {
					bits = p.byte()
				}
				black = bits<<(x%8)&0x80 != 0
			}
			v := byte(255)
			if black {
				v = 0
			}
			dst = append(dst, v, v, v)
		}
	}
	return dst
}

// appendFloats appends pixels of 32-bit floats, clipped to 0..255 and truncated as in Pillow.
func (p *pnmReader) appendFloats(dst []byte, w, h int, order binary.ByteOrder) []byte {
	for y := range h {
		row := p.data[p.at+4*w*(h-1-y):][:4*w]
		for x := range w {
			f := math.Float32frombits(order.Uint32(row[4*x:]))
			v := byte(0)
			if f >= 255 {
				v = 255
			} else if f > 0 {
				v = byte(f)
			}
			dst = append(dst, v, v, v)
		}
	}
	return dst
}

// pnmReader reads samples. After the end it returns zeros and sets failed.
type pnmReader struct {
	data   []byte
	at     int
	failed bool
}

func (p *pnmReader) byte() int {
	if p.at >= len(p.data) {
		p.failed = true
		return 0
	}
	p.at++
	return int(p.data[p.at-1])
}

func (p *pnmReader) word() int { return p.byte()<<8 | p.byte() }

// scale reads the scale of a PFM file, whose sign is the byte order of the pixels.
func (p *pnmReader) scale() binary.ByteOrder {
	p.skipSpace()
	start := p.at
	for p.at < len(p.data) && !isSpace(p.data[p.at]) {
		p.at++
	}
	scale, err := strconv.ParseFloat(string(p.data[start:min(p.at, start+40)]), 64)
	if err != nil || scale == 0 || math.IsNaN(scale) || math.IsInf(scale, 0) {
		p.failed = true
	}
	if scale < 0 {
		return binary.LittleEndian
	}
	return binary.BigEndian
}

// digit reads the 0 or 1 of a pixel; whitespace between pixels is optional.
func (p *pnmReader) digit() byte {
	p.skipSpace()
	c := byte(p.byte())
	p.failed = p.failed || c != '0' && c != '1'
	return c
}

// skipSpace skips whitespace and comments.
func (p *pnmReader) skipSpace() {
	for p.at < len(p.data) && (isSpace(p.data[p.at]) || p.data[p.at] == '#') {
		if p.data[p.at] == '#' {
			for p.at < len(p.data) && p.data[p.at] != '\n' && p.data[p.at] != '\r' {
				p.at++
			}
			continue
		}
		p.at++
	}
}

// number reads a decimal number after whitespace and comments.
func (p *pnmReader) number() int {
	p.skipSpace()
	start, n := p.at, 0
	for p.at < len(p.data) && '0' <= p.data[p.at] && p.data[p.at] <= '9' && n <= 1<<20 {
		n = 10*n + int(p.data[p.at]-'0')
		p.at++
	}
	if p.at == start || n > 1<<20 {
		p.failed = true
		return 0
	}
	return n
}

func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }
