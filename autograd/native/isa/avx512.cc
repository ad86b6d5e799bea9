//go:build ignore

// The fused kernels for x86-64 processors with AVX-512 (F, BW, CD, DQ, VL).
// compile for amd64 with: -march=x86-64-v4
#include "fused.h"

#if defined(__AVX512F__)
#define FUSED_ISA avx512
#include "isa/kernels.h"
#endif

const depthwise::fused::Kernels *depthwise::fused::avx512_kernels() {
#if defined(__AVX512F__)
  return &avx512::kernels;
#else
  return nullptr;
#endif
}
