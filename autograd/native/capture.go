package native

// #include "capture.h"
import "C"

// UseStream lets this thread's operations on a GPU run on a stream that can be captured.
func UseStream(device int) error { return take(C.dw_use_stream(C.int(device))) }

// A Capture is a CUDA graph. Free releases it, and ends a capture that has failed.
type Capture struct{ c *C.dw_capture }

// BeginCapture begins to record operations on a GPU. The graph may use the memory of another one; nil: none.
func BeginCapture(device int, shares *Capture) (Capture, error) {
	var c Capture
	var with *C.dw_capture
	if shares != nil {
		with = shares.c
	}
	err := take(C.dw_capture_begin(&c.c, C.int(device), with))
	return c, err
}

// End ends the capture.
func (c Capture) End() error { return take(C.dw_capture_end(c.c)) }

// Replay computes what was recorded.
func (c Capture) Replay() error { return take(C.dw_capture_replay(c.c)) }

// Free releases the graph.
func (c Capture) Free() { C.dw_capture_free(c.c) }

// SetGPUMath sets how libtorch computes on GPUs, see dw_set_gpu_math.
func SetGPUMath(deterministic, tf32 bool) error {
	return take(C.dw_set_gpu_math(truth(deterministic), truth(tf32)))
}
