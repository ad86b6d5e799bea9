// Sums of batch norm over a batch.
#pragma once
#include <ATen/core/Tensor.h>

namespace depthwise::distributed {

// The sums over all but the channels of a - p and of (a - p) * (b - q), (2*C), float64. a and b are (N, C, ...), p and q (C);
// computed in float64 on the CPU, otherwise in float32 and added up in float64. The order of the sums is fixed for a
// number of threads.
at::Tensor channel_sums(const at::Tensor &a, const at::Tensor &p, const at::Tensor &b, const at::Tensor &q);

// Values (C) in a shape that extends over x (N, C, ...), in the type that batch norm of x computes in: float64 for float64,
// else float32.
at::Tensor extend(const at::Tensor &values, const at::Tensor &x);

} // namespace depthwise::distributed
