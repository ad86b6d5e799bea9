//go:build ignore

// The fused backbone's kernels in what every processor of the compiler's architecture has: SSE2 on
// x86-64, NEON on arm64.
#define FUSED_ISA portable
#include "isa/kernels.h"

const depthwise::fused::Kernels *depthwise::fused::portable_kernels() { return &portable::kernels; }
