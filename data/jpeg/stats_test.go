//go:build cgo

package jpeg

import (
	"strings"
	"testing"
)

// Once a decoder has met images like these, more of them allocate nothing, in Go or in C.
func TestTheSteadyStateAllocatesNothing(t *testing.T) {
	d := newDecoder(t)
	var files [][]byte
	for _, path := range samples(t) {
		if !strings.Contains(path, "progressive") { // libjpeg keeps all their coefficients
			files = append(files, read(t, path))
		}
	}
	dst := make([]byte, 3*32*32)
	round := func() {
		for _, data := range files {
			w, h, err := d.Size(data)
			if err != nil {
				t.Fatal(err)
			}
			r := Resize{X: Axis{Size: w, Scaled: 32, Count: 32}, Y: Axis{Size: h, Scaled: 32, Count: 32}}
			if err := d.DecodeResized(data, r, dst, 3*32); err != nil {
				t.Fatal(err)
			}
		}
	}
	round()
	round()
	before := d.Stats().Allocations
	if n := testing.AllocsPerRun(10, round); n != 0 {
		t.Errorf("%v Go allocations a round of %d images", n, len(files))
	}
	if n := d.Stats().Allocations - before; before == 0 || n != 0 {
		t.Errorf("%d allocations in C after the first %d", n, before)
	}
}

func TestEnvironmentSelectsTheISA(t *testing.T) {
	t.Setenv(Environment, "unknown,portable")
	d := newDecoder(t)
	if got := d.Stats().ISA; got != "portable" {
		t.Errorf("isa %q", got)
	}
	d.Close()
	if got := d.Stats(); got != (Stats{}) {
		t.Errorf("a closed decoder has %+v", got)
	}
}
