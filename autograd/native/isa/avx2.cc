//go:build ignore

// The fused kernels for x86-64 processors with AVX2 and FMA.
// compile for amd64 with: -march=x86-64-v3
#include "fused.h"

#if defined(__AVX2__)
#define FUSED_ISA avx2
#include "isa/kernels.h"
#endif

const depthwise::fused::Kernels *depthwise::fused::avx2_kernels() {
#if defined(__AVX2__)
  return &avx2::kernels;
#else
  return nullptr;
#endif
}
