// The C interface to CUDA graphs and to the settings of GPUs. Conventions are those of native.h;
// cuda/graph.cc and cuda/settings.cc implement it.
#pragma once
#include "native.h"

#ifdef __cplusplus
extern "C" {
#endif

// Lets this thread's operations on a GPU run on a stream of their own instead of the default
// stream, which cannot be captured.
dw_error dw_use_stream(int device);

// A CUDA graph: operations that were recorded and not computed.
typedef struct dw_capture dw_capture;

// Between begin and end, the operations of this thread's stream on the device are recorded, those
// of a backward pass included; memory for their tensors comes from a pool of the graphs, and an
// operation for which the host would wait is an error. begin waits for the device first. `shares`
// is a graph whose memory this one may use, or NULL: their tensors then overlap, except those that
// live when the second is captured.
dw_error dw_capture_begin(dw_capture **out, int device, const dw_capture *shares);
dw_error dw_capture_end(dw_capture *c);
dw_error dw_capture_replay(dw_capture *c);
// Ends a capture that is not complete, so that the device can be used again, and releases the graph.
void dw_capture_free(dw_capture *c);

// How libtorch computes on GPUs. deterministic: cuDNN's algorithms give the same bits in each run;
// else it measures and takes the fastest. tf32: products of float32 are rounded to 10 bits.
dw_error dw_set_gpu_math(int deterministic, int tf32);

#ifdef __cplusplus
}
#endif
