package tiff

import "encoding/binary"

const (
	horizontalPredictor = 2 // each sample minus the one to its left; TIFF 6.0, section 14
	floatPredictor      = 3 // bytes of equal significance together, then differences; technical note 3
)

// canUnpredict reports whether the predictor is defined for the samples.
func (p *Page) canUnpredict() bool {
	switch p.predictor {
	case horizontalPredictor:
		return p.bits == 8 || p.bits == 16 || p.bits == 32
	case floatPredictor:
		return p.format == floatSamples && p.bits == 32
	}
	return false
}

// unpredict undoes the predictor in a row of pixels of that many samples.
func (p *Page) unpredict(row []byte, samples int) {
	switch {
	case p.predictor == floatPredictor:
		p.unpredictFloats(row, samples)
	case p.predictor != horizontalPredictor:
	case p.bits == 8:
		for i := samples; i < len(row); i++ {
			row[i] += row[i-samples]
		}
	case p.bits == 16:
		for i := 2 * samples; i+2 <= len(row); i += 2 {
			p.dir.order.PutUint16(row[i:], p.dir.order.Uint16(row[i:])+p.dir.order.Uint16(row[i-2*samples:]))
		}
	case p.bits == 32:
		for i := 4 * samples; i+4 <= len(row); i += 4 {
			p.dir.order.PutUint32(row[i:], p.dir.order.Uint32(row[i:])+p.dir.order.Uint32(row[i-4*samples:]))
		}
	}
}

// unpredictFloats undoes the predictor of 32-bit floats, whose bytes are stored the most significant first.
func (p *Page) unpredictFloats(row []byte, samples int) {
	for i := samples; i < len(row); i++ {
		row[i] += row[i-samples]
	}
	planes := append([]byte(nil), row...)
	n := len(row) / 4
	for i := range n {
		v := binary.BigEndian.Uint32([]byte{planes[i], planes[n+i], planes[2*n+i], planes[3*n+i]})
		p.dir.order.PutUint32(row[4*i:], v)
	}
}
