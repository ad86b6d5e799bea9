//go:build cgo

package jpeg

import (
	"math/bits"
	"math/rand/v2"
	"slices"
)

// generated describes a JPEG file that is made up of random coefficients, so that its
// Huffman codes, samplings and restarts are met in combinations that no encoder writes.
type generated struct {
	width, height int
	sampling      [3][2]int // across and down, of each component; one component: gray
	components    int
	restart       int     // MCUs between markers; 0: none
	randomTables  bool    // else those of the standard's annex K, cut to what is needed
	density       float64 // share of the AC coefficients that are not zero
	most          int     // the largest coefficient
	factor        int     // the largest quantization factor
}

// table is a Huffman table: how many codes each length has, and the symbols in order.
type table struct {
	counts  [16]byte
	symbols []byte
	code    [256]uint32
	length  [256]int
}

func dcSymbols() (s []byte) {
	for i := range 12 {
		s = append(s, byte(i))
	}
	return s
}

func acSymbols() []byte {
	s := []byte{0x00, 0xf0}
	for run := range 16 {
		for size := 1; size <= 10; size++ {
			s = append(s, byte(run<<4|size))
		}
	}
	return s
}

// newTable gives the symbols codes: as long as each other where they can be, or of
// random lengths up to 16. The last code, of ones only, stays free.
func newTable(rng *rand.Rand, symbols []byte, random bool) table {
	lengths := []int{1, 1}
	for len(lengths) < len(symbols)+1 {
		i := 0 // the shortest, or any that can still be split
		if random {
			i = rng.IntN(len(lengths))
		} else {
			i = slices.Index(lengths, slices.Min(lengths))
		}
		if lengths[i] == 16 {
			continue
		}
		lengths[i]++
		lengths = append(lengths, lengths[i])
	}
	slices.Sort(lengths)
	t := table{symbols: slices.Clone(symbols)}
	if random {
		rng.Shuffle(len(symbols), func(i, j int) { t.symbols[i], t.symbols[j] = t.symbols[j], t.symbols[i] })
	}
	code, last := uint32(0), lengths[0]
	for i, s := range t.symbols {
		code <<= lengths[i] - last
		last = lengths[i]
		t.code[s], t.length[s] = code, last
		t.counts[last-1]++
		code++
	}
	return t
}

// scanWriter writes bits with the stuffing that a scan needs.
type scanWriter struct {
	out  []byte
	acc  uint64
	left int // bits in acc
}

func (w *scanWriter) put(v uint32, n int) {
	w.acc, w.left = w.acc<<n|uint64(v), w.left+n
	for w.left >= 8 {
		b := byte(w.acc >> (w.left - 8))
		w.out = append(w.out, b)
		if b == 0xff {
			w.out = append(w.out, 0)
		}
		w.left -= 8
	}
}

func (w *scanWriter) align() {
	if w.left > 0 {
		w.put(1<<(8-w.left)-1, 8-w.left)
	}
}

// value writes a number as its size class wants it.
func (w *scanWriter) value(v, size int) {
	if v < 0 {
		v += 1<<size - 1
	}
	w.put(uint32(v), size)
}

func sizeOf(v int) int { return bits.Len(uint(max(v, -v))) }

func (g generated) block(rng *rand.Rand, w *scanWriter, dc, ac *table, predicted *int) {
	v := rng.IntN(2*g.most+1) - g.most
	size := sizeOf(v - *predicted)
	w.put(dc.code[size], dc.length[size])
	w.value(v-*predicted, size)
	*predicted = v
	run := 0
	for k := 1; k < 64; k++ {
		v := 0
		if rng.Float64() < g.density {
			v = (rng.IntN(2*g.most+1) - g.most) >> rng.IntN(bits.Len(uint(g.most)))
		}
		if v == 0 {
			run++
			continue
		}
		for ; run > 15; run -= 16 {
			w.put(ac.code[0xf0], ac.length[0xf0])
		}
		symbol := run<<4 | sizeOf(v)
		w.put(ac.code[symbol], ac.length[symbol])
		w.value(v, sizeOf(v))
		run = 0
	}
	if run > 0 {
		w.put(ac.code[0], ac.length[0])
	}
}

// scan returns the compressed data.
func (g generated) scan(rng *rand.Rand, dc, ac *table) []byte {
	across, down := 1, 1
	for _, s := range g.sampling[:g.components] {
		across, down = max(across, s[0]), max(down, s[1])
	}
	mcus := ((g.width-1)/(8*across) + 1) * ((g.height-1)/(8*down) + 1)
	var w scanWriter
	var predicted [3]int
	for i := range mcus {
		if g.restart > 0 && i > 0 && i%g.restart == 0 {
			w.align()
			w.out = append(w.out, 0xff, 0xd0+byte(i/g.restart-1)&7)
			predicted = [3]int{}
		}
		for k, s := range g.sampling[:g.components] {
			for range s[0] * s[1] {
				g.block(rng, &w, dc, ac, &predicted[k])
			}
		}
	}
	w.align()
	return w.out
}

// file returns the whole file.
func (g generated) file(rng *rand.Rand) []byte {
	dc, ac := newTable(rng, dcSymbols(), g.randomTables), newTable(rng, acSymbols(), g.randomTables)
	out := []byte{0xff, 0xd8}
	segment := func(marker byte, body ...byte) {
		out = append(out, 0xff, marker, byte((len(body)+2)>>8), byte(len(body)+2))
		out = append(out, body...)
	}
	factors := []byte{0}
	for range 64 {
		factors = append(factors, byte(1+rng.IntN(g.factor)))
	}
	segment(0xdb, factors...)
	frame := []byte{8, byte(g.height >> 8), byte(g.height), byte(g.width >> 8), byte(g.width), byte(g.components)}
	header := []byte{byte(g.components)}
	for k, s := range g.sampling[:g.components] {
		frame = append(frame, byte(k+1), byte(s[0]<<4|s[1]), 0)
		header = append(header, byte(k+1), 0)
	}
	segment(0xc0, frame...)
	segment(0xc4, append(append([]byte{0x00}, dc.counts[:]...), dc.symbols...)...)
	segment(0xc4, append(append([]byte{0x10}, ac.counts[:]...), ac.symbols...)...)
	if g.restart > 0 {
		segment(0xdd, byte(g.restart>>8), byte(g.restart))
	}
	segment(0xda, append(header, 0, 63, 0)...)
	out = append(out, g.scan(rng, &dc, &ac)...)
	return append(out, 0xff, 0xd9)
}
