// Transposes blocks of 16x16 32-bit elements.
#pragma once
#include "isa/simd.h"

namespace depthwise::fused::FUSED_ISA {

// Transposes 16x16 elements from `from`, whose rows are `step` elements apart, to `to`, whose rows
// are `stride` apart. Only the first `rows` rows are read; the rest count as zeros.
template <class E> FUSED_INLINE void transpose(int rows, const E *from, size_t step, E *to, size_t stride) {
  static_assert(sizeof(E) == 4);
#if defined(__AVX512F__)
  __m512i v[kLanes], t[kLanes];
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; i++) v[i] = i < rows ? _mm512_loadu_si512(from + i * step) : _mm512_setzero_si512();
#pragma GCC unroll 8
  for (int i = 0; i < kLanes; i += 2) { // pairs of rows, then fours, within quarters of registers
    t[i] = _mm512_unpacklo_epi32(v[i], v[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(v[i], v[i + 1]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < kLanes; i += 4)
#pragma GCC unroll 2
    for (int j = 0; j < 2; j++) {
      v[i + 2 * j] = _mm512_unpacklo_epi64(t[i + j], t[i + 2 + j]);
      v[i + 2 * j + 1] = _mm512_unpackhi_epi64(t[i + j], t[i + 2 + j]);
    }
#pragma GCC unroll 4
  for (int j = 0; j < 4; j++) { // column 4q + j of rows 0 to 15 is in quarter q of v[j], v[4 + j], v[8 + j], v[12 + j]
    const __m512i even = _mm512_shuffle_i32x4(v[j], v[4 + j], 0x88), odd = _mm512_shuffle_i32x4(v[j], v[4 + j], 0xdd);
    const __m512i even8 = _mm512_shuffle_i32x4(v[8 + j], v[12 + j], 0x88),
                  odd8 = _mm512_shuffle_i32x4(v[8 + j], v[12 + j], 0xdd);
    _mm512_storeu_si512(to + j * stride, _mm512_shuffle_i32x4(even, even8, 0x88));
    _mm512_storeu_si512(to + (4 + j) * stride, _mm512_shuffle_i32x4(odd, odd8, 0x88));
    _mm512_storeu_si512(to + (8 + j) * stride, _mm512_shuffle_i32x4(even, even8, 0xdd));
    _mm512_storeu_si512(to + (12 + j) * stride, _mm512_shuffle_i32x4(odd, odd8, 0xdd));
  }
#else
  for (int i = 0; i < kLanes; i++)
    for (int j = 0; j < kLanes; j++) to[j * stride + i] = i < rows ? from[i * step + j] : E{};
#endif
}

} // namespace depthwise::fused::FUSED_ISA
