// The tensor behind a handle of the C interface.
#pragma once
#include "native.h"
#include <ATen/core/Tensor.h>

namespace depthwise {

inline at::Tensor &tensor(dw_tensor t) { return *static_cast<at::Tensor *>(t); }

} // namespace depthwise
