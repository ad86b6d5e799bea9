//go:build ignore

// The fused kernels for x86-64 processors with AVX-512 and its bfloat16 dot product (AMD Zen 4 and
// 5, Intel Cooper Lake, Sapphire Rapids).
//
// compile for amd64 with: -march=x86-64-v4 -mavx512bf16
#include "fused.h"

#if defined(__AVX512BF16__)
#define FUSED_ISA avx512bf16
#include "isa/kernels.h"
#endif

const depthwise::fused::Kernels *depthwise::fused::avx512bf16_kernels() {
#if defined(__AVX512BF16__)
  return &avx512bf16::kernels;
#else
  return nullptr;
#endif
}
