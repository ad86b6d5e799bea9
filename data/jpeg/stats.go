package jpeg

// #include "worker.h"
import "C"

// Stats returns the work of the decoder so far. Those of a closed decoder are zero.
func (d *Decoder) Stats() Stats {
	if d.worker == nil {
		return Stats{}
	}
	return Stats{
		ISA:         C.GoString(C.dw_isa(d.worker)),
		Own:         uint64(d.worker.own),
		ByLibjpeg:   uint64(d.worker.by_libjpeg),
		Allocations: uint64(d.worker.allocations),
	}
}
