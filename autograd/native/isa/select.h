// Selects the ISA variant of the kernels at run time.
#pragma once
#include "fused.h"

namespace depthwise::fused {

// The best kernels that this processor can run, or those that DEPTHWISE_ISA names. Throws
// std::runtime_error if the name is not among them. Decided once per process.
const Kernels &kernels_here();

} // namespace depthwise::fused
