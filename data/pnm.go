package data

import (
	"errors"
	"fmt"
)

var errPNM = errors.New("damaged PNM file")

// decodePNM decodes the first image of a PGM or PPM file, text (P2, P3) or binary (P5, P6), and appends its
// RGB pixels to dst[:0].
func decodePNM(data []byte, dst []byte) (rgb []byte, w, h int, err error) {
	p := &pnmReader{data: data, at: 2}
	kind := data[1]
	w, h, maximum := p.number(), p.number(), p.number()
	if p.failed || maximum < 1 || maximum > 65535 {
		return nil, 0, 0, errPNM
	}
	if err := checkSize(w, h); err != nil {
		return nil, 0, 0, err
	}
	channels := 1
	if kind == '3' || kind == '6' {
		channels = 3
	}
	// Each sample takes at least a byte, so a header cannot request more than the size of the file.
	if n := w * h * channels; n > len(data)-p.at {
		return nil, 0, 0, fmt.Errorf("file is truncated: %d bytes for %d samples", len(data)-p.at, n)
	}
	sample := p.number
	if kind == '5' || kind == '6' {
		p.at++ // one whitespace character ends the header
		sample = p.byte
		if maximum > 255 {
			sample = p.word
		}
	}
	dst = dst[:0]
	for range w * h {
		var v [3]byte
		for c := range channels {
			v[c] = byte((min(sample(), maximum)*255 + maximum/2) / maximum)
		}
		if channels == 1 {
			v[1], v[2] = v[0], v[0]
		}
		dst = append(dst, v[:]...)
	}
	if p.failed {
		return nil, 0, 0, errPNM
	}
	return dst, w, h, nil
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

// number reads a decimal number after whitespace and comments.
func (p *pnmReader) number() int {
	for p.at < len(p.data) && (isSpace(p.data[p.at]) || p.data[p.at] == '#') {
		if p.data[p.at] == '#' {
			for p.at < len(p.data) && p.data[p.at] != '\n' {
				p.at++
			}
			continue
		}
		p.at++
	}
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
