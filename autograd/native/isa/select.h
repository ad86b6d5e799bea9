// Which instruction set's kernels run.
#pragma once
#include "fused.h"

namespace depthwise::fused {

// The best kernels that this processor can run, or those that DEPTHWISE_ISA names. Throws std::runtime_error where the name
// is none of them. Decided once a process.
const Kernels &kernels_here();

} // namespace depthwise::fused
