package tiff

import (
	"errors"
	"io"
	"math/bits"
)

// faxKind is one of the fax compressions. ITU-T T.4 and T.6; TIFF 6.0, sections 10 and 11.
type faxKind int

const (
	faxModifiedHuffman      faxKind = iota // rows start at bytes
	faxModifiedHuffmanWords                // rows start at 16-bit words
	faxGroup3                              // rows end with a code; one- or two-dimensional
	faxGroup4                              // two-dimensional
)

var errFax = errors.New("an invalid code in fax data")

// faxReader decodes rows of one bit a pixel: 0 for white runs and 1 for black ones, whatever
// PhotometricInterpretation makes of them, as in libtiff.
type faxReader struct {
	bits           bitReader
	kind           faxKind
	twoDimensional bool // group 3 with a bit in each row that says how it is coded
	width          int
	above, row     []int // positions where the color changes, the first to black
}

func openFax(kind faxKind) func(*reusable, *Page, []byte) (io.Reader, error) {
	return func(_ *reusable, p *Page, data []byte) (io.Reader, error) {
		two := kind == faxGroup3 && p.dir.integer(tagT4Options, 0, 0)&1 != 0
		return &faxReader{bits: bitReader{data: data}, kind: kind, twoDimensional: two, width: p.segmentWidth}, nil
	}
}

// Read decodes the next row. p has the bytes of exactly one row.
func (f *faxReader) Read(p []byte) (int, error) {
	f.above, f.row = f.row, f.above[:0]
	if err := f.decodeRow(); err != nil {
		return 0, err
	}
	if f.bits.at > 8*len(f.bits.data) { // the last code was cut
		return 0, io.EOF
	}
	f.row = changesOf(f.row, f.width)
	clear(p)
	for i := 0; i < len(f.row); i += 2 {
		end := f.width
		if i+1 < len(f.row) {
			end = f.row[i+1]
		}
		setBits(p, f.row[i], end)
	}
	return len(p), nil
}

// changesOf removes pairs of changes at the same place, between which there is no pixel, and those after the
// last pixel. The rest increases, so that decodeChanges finds the next one in a few steps.
func changesOf(row []int, width int) []int {
	n := 0
	for _, at := range row {
		switch {
		case n > 0 && row[n-1] == at:
			n--
		case at < width:
			row[n] = at
			n++
		}
	}
	return row[:n]
}

func (f *faxReader) decodeRow() error {
	one := true
	switch f.kind {
	case faxModifiedHuffman:
		f.bits.align(8)
	case faxModifiedHuffmanWords:
		f.bits.align(16)
	case faxGroup3:
		f.bits.skipEndOfLine()
		if f.twoDimensional {
			one = f.bits.take(1) == 1
		}
	case faxGroup4:
		one = false
	}
	if f.bits.ended() {
		return io.EOF
	}
	if one {
		return f.decodeRuns()
	}
	return f.decodeChanges()
}

// decodeRuns decodes a one-dimensional row: white and black runs in turn.
func (f *faxReader) decodeRuns() error {
	for at, color := 0, 0; at < f.width; color = 1 - color {
		n, err := f.run(color)
		if err != nil {
			return err
		}
		if at += n; !f.addChange(at) {
			return errFax
		}
	}
	return nil
}

// addChange adds a change to the row. It reports whether the row can have it; encoders write runs without
// pixels at its ends only.
func (f *faxReader) addChange(at int) bool {
	f.row = append(f.row, at)
	return at <= f.width && len(f.row) <= 2*f.width+8
}

// decodeChanges decodes a two-dimensional row: changes relative to the row above. T.4, 4.2.1.3; the names
// a0, a1, b1 and b2 are those of the recommendation.
func (f *faxReader) decodeChanges() error {
	a0, color, i := -1, 0, 0
	for a0 < f.width {
		for i > 0 && f.change(i-1) > a0 {
			i--
		}
		for i < len(f.above) && (f.above[i] <= a0 || i&1 != color) {
			i++
		}
		b1, b2 := f.change(i), f.change(i+1)
		mode, err := f.bits.mode()
		if err != nil {
			return err
		}
		switch mode {
		case modePass:
			a0 = b2
		case modeHorizontal:
			for range 2 {
				n, err := f.run(color)
				if err != nil {
					return err
				}
				if a0 = max(a0, 0) + n; !f.addChange(a0) {
					return errFax
				}
				color = 1 - color
			}
		default:
			a1 := b1 + mode
			if a1 < max(a0, 0) || !f.addChange(a1) {
				return errFax
			}
			a0, color = a1, 1-color
		}
	}
	return nil
}

// change returns change i of the row above; after the last one it is the width.
func (f *faxReader) change(i int) int {
	if i < len(f.above) {
		return f.above[i]
	}
	return f.width
}

// run reads a run of a color: codes of multiples of 64, then one below 64.
func (f *faxReader) run(color int) (int, error) {
	table := faxTables()[color]
	for n := 0; ; {
		code := table[f.bits.peek(longestRunCode)]
		if code.bits == 0 || f.bits.ended() {
			return 0, f.bits.failure()
		}
		f.bits.skip(int(code.bits))
		if n += int(code.run); n > f.width {
			return 0, errFax
		}
		if code.run < 64 {
			return n, nil
		}
	}
}

// setBits sets the bits from, ..., to-1; the first is the highest of its byte.
func setBits(p []byte, from, to int) {
	for from < to {
		if from%8 == 0 && to-from >= 8 {
			p[from/8] = 0xff
			from += 8
			continue
		}
		p[from/8] |= 0x80 >> (from % 8)
		from++
	}
}

// bitReader reads bits, the highest of each byte first. After the end it reads zeros.
type bitReader struct {
	data []byte
	at   int // bits
}

func (b *bitReader) peek(n int) (v int) {
	for i, have := b.at/8, 8-b.at%8; ; i, have = i+1, have+8 {
		v <<= 8
		if i < len(b.data) {
			v |= int(b.data[i])
		}
		if have >= n {
			return v >> (have - n) & (1<<n - 1)
		}
	}
}

func (b *bitReader) skip(n int) { b.at += n }

func (b *bitReader) take(n int) int {
	v := b.peek(n)
	b.skip(n)
	return v
}

func (b *bitReader) align(n int) { b.at = (b.at + n - 1) / n * n }

func (b *bitReader) ended() bool { return b.at >= 8*len(b.data) }

// failure returns the error of a code that is not in a table.
func (b *bitReader) failure() error {
	if 8*len(b.data)-b.at < longestRunCode {
		return io.EOF
	}
	return errFax
}

// skipEndOfLine skips the code at the end of a row, if it follows: eleven or more zeros and a one.
func (b *bitReader) skipEndOfLine() {
	if b.peek(11) != 0 {
		return
	}
	for at := b.at; at < 8*len(b.data); at++ {
		if b.data[at/8]<<(at%8)&0x80 != 0 {
			b.at = at + 1
			return
		}
	}
	b.at = 8 * len(b.data)
}

// The modes of two-dimensional coding; those from -3 to 3 are vertical.
const (
	modePass       = 4
	modeHorizontal = 5
)

// mode reads the code of a mode. T.4, table 4.
func (b *bitReader) mode() (int, error) {
	zeros := bits.LeadingZeros8(uint8(b.peek(7))) - 1
	if b.ended() {
		return 0, io.EOF
	}
	right := func(n, bitsOfCode int) int { // the last bit of a vertical mode says to which side
		if b.take(bitsOfCode)&1 == 0 {
			return -n
		}
		return n
	}
	switch zeros {
	case 0:
		b.skip(1)
		return 0, nil
	case 1:
		return right(1, 3), nil
	case 2:
		b.skip(3)
		return modeHorizontal, nil
	case 3:
		b.skip(4)
		return modePass, nil
	case 4:
		return right(2, 6), nil
	case 5:
		return right(3, 7), nil
	}
	if b.peek(12) == 1 { // the end of the data
		return 0, io.EOF
	}
	return 0, b.failure()
}
