// The C interface of the fused linear layer. Conventions are those of native.h.
#pragma once
#include "native.h"

#ifdef __cplusplus
extern "C" {
#endif

// y (N, out) = x (N, in) times the transpose of w (out, in), plus b (out), which may be NULL; float32
// on the CPU, recorded in the graph.
dw_error dw_linear(dw_tensor *y, dw_tensor x, dw_tensor w, dw_tensor b);

#ifdef __cplusplus
}
#endif
