//go:build ignore

// The fused kernels for x86-64 processors with matrix tiles for bfloat16 (Intel Sapphire Rapids and later).
// compile for amd64 with: -march=x86-64-v4 -mavx512bf16 -mamx-tile -mamx-bf16
#include "fused.h"

#if defined(__AMX_BF16__)
#define FUSED_ISA amx
#include "isa/kernels.h"
#endif

const depthwise::fused::Kernels *depthwise::fused::amx_kernels() {
#if defined(__AMX_BF16__)
  return &amx::kernels;
#else
  return nullptr;
#endif
}
