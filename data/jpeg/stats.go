package jpeg

// #include "worker.h"
import "C"

// Environment is a variable that turns parts of the package off, which changes speed
// and no pixel: a list, separated by commas, of "portable" or "avx2" (slower forms of
// the inner loops) and "libjpeg" (no decoder of our own). NewDecoder and
// the methods of Image read it.
const Environment = "DEPTHWISE_JPEG"

// Stats tells what a decoder did so far.
type Stats struct {
	Form        string // of the inner loops: portable, avx2 or avx512
	Own         uint64 // images by the package's own decoder
	ByLibjpeg   uint64 // images by libjpeg-turbo
	Allocations uint64 // pieces of memory that C asked for; an image like those before it needs none
}

// Stats returns what the decoder did so far; of a closed one, nothing.
func (d *Decoder) Stats() Stats {
	if d.worker == nil {
		return Stats{}
	}
	return Stats{
		Form:        C.GoString(C.dw_form(d.worker)),
		Own:         uint64(d.worker.own),
		ByLibjpeg:   uint64(d.worker.by_libjpeg),
		Allocations: uint64(d.worker.allocations),
	}
}
