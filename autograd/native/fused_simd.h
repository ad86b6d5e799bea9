// Vectors of 16 floats for the kernels, in the instructions that the including file is compiled for: GCC's and clang's
// vector extension gives one zmm, two ymm or four NEON registers from one source, and the few operations it has no operator
// for are below. Everything lives in a namespace of its own for each instruction set (FUSED_ISA), so that the linker cannot
// merge code that was compiled for different processors.
#pragma once
#include "fused.h"
#include <cstring>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace depthwise::fused::FUSED_ISA {

typedef float V __attribute__((vector_size(64)));
typedef int32_t I __attribute__((vector_size(64)));
typedef uint32_t U __attribute__((vector_size(64)));
typedef uint16_t H __attribute__((vector_size(32)));

using bf16 = uint16_t; // the upper half of a float

// A vector passed through memory costs more than what is done to it. FUSED_MEMBER is for members of classes.
#define FUSED_INLINE static inline __attribute__((always_inline))
#define FUSED_MEMBER inline __attribute__((always_inline))

FUSED_INLINE V set1(float x) { return V{} + x; }
FUSED_INLINE V load(const float *p) {
  V v;
  memcpy(&v, p, sizeof v);
  return v;
}
FUSED_INLINE void store(float *p, V v) { memcpy(p, &v, sizeof v); }

// bfloat16 to float is exact: the lower half is zero.
FUSED_INLINE V load(const bf16 *p) {
  H h;
  memcpy(&h, p, sizeof h);
#if defined(__AVX512F__)
  return (V)_mm512_slli_epi32(_mm512_cvtepu16_epi32((__m256i)h), 16);
#else
  return (V)(__builtin_convertvector(h, U) << 16);
#endif
}

// Rounds to the nearest bfloat16, ties to even, as libtorch does; not-a-number stays one.
FUSED_INLINE H round_bf16(V v) {
#if defined(__AVX512BF16__)
  return (H)_mm512_cvtneps_pbh((__m512)v);
#else
  U u = (U)v;
  U rounded = (u + 0x7fff + ((u >> 16) & 1)) >> 16;
  U quiet = (u >> 16) | 0x40;
  I nan = v != v;
  return __builtin_convertvector((U)(((I)quiet & nan) | ((I)rounded & ~nan)), H);
#endif
}

FUSED_INLINE void store(bf16 *p, V v) {
  H h = round_bf16(v);
  memcpy(p, &h, sizeof h);
}

// Stores vectors that lie side by side.
template <class S, int C> FUSED_INLINE void store_all(S *p, const V (&v)[C]) {
#pragma GCC unroll 4
  for (int c = 0; c < C; c++) store(p + c * kLanes, v[c]);
}
#if defined(__AVX512BF16__)
FUSED_INLINE void store_all(bf16 *p, const V (&v)[2]) {
  __m512bh both = _mm512_cvtne2ps_pbh((__m512)v[1], (__m512)v[0]);
  memcpy(p, &both, sizeof both);
}
#endif

// max(v, low) and min(v, high) that keep not-a-number: the second operand of maxps and minps is the one returned then.
FUSED_INLINE V at_least(V v, V low) {
#if defined(__AVX512F__)
  return (V)_mm512_max_ps((__m512)low, (__m512)v);
#else
  return low > v ? low : v;
#endif
}
FUSED_INLINE V at_most(V v, V high) {
#if defined(__AVX512F__)
  return (V)_mm512_min_ps((__m512)high, (__m512)v);
#else
  return high < v ? high : v;
#endif
}

// g where the activation passes a gradient at z, else 0: nothing at z <= 0 and at z >= cap. Not-a-number passes.
FUSED_INLINE V masked(V g, V z, V cap) {
#if defined(__AVX512F__)
  __mmask16 m = _mm512_cmp_ps_mask((__m512)z, _mm512_setzero_ps(), _CMP_NLE_UQ);
  m = _mm512_mask_cmp_ps_mask(m, (__m512)z, (__m512)cap, _CMP_NGE_UQ);
  return (V)_mm512_maskz_mov_ps(m, (__m512)g);
#else
  I stop = (z <= 0) | (z >= cap);
  return (V)((I)g & ~stop);
#endif
}

} // namespace depthwise::fused::FUSED_ISA
