// Vectors of 16 floats for the kernels, in the instruction set that the including file is compiled
// for: one register (N), by GCC's and clang's vector extension, and 16 floats (V) in as many
// registers as they take. The few operations without an operator are defined below. Everything is
// in a namespace per ISA variant (FUSED_ISA), so that the linker cannot merge code compiled for
// different processors.
#pragma once
#include "fused.h"
#include <cmath>
#include <cstring>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace depthwise::fused::FUSED_ISA {

using bf16 = uint16_t; // the upper half of a float

// Passing a vector through memory costs more than the operation on it. FUSED_MEMBER is for member
// functions.
#define FUSED_INLINE static inline __attribute__((always_inline))
#define FUSED_MEMBER inline __attribute__((always_inline))

#if defined(__AVX512F__)
constexpr int kRegister = 64; // bytes
#elif defined(__AVX2__)
constexpr int kRegister = 32;
#else
constexpr int kRegister = 16;
#endif
typedef float N __attribute__((vector_size(kRegister)));
typedef int32_t I __attribute__((vector_size(kRegister)));
typedef uint32_t U __attribute__((vector_size(kRegister)));
typedef uint16_t H __attribute__((vector_size(kRegister / 2)));
typedef uint8_t B __attribute__((vector_size(kRegister / 4)));

// Two registers, or two pairs of them. GCC would split a vector wider than a register into scalars.
template <class T> struct Pair {
  T low, high;

  friend FUSED_MEMBER Pair operator+(Pair a, Pair b) { return {a.low + b.low, a.high + b.high}; }
  friend FUSED_MEMBER Pair operator-(Pair a, Pair b) { return {a.low - b.low, a.high - b.high}; }
  friend FUSED_MEMBER Pair operator*(Pair a, Pair b) { return {a.low * b.low, a.high * b.high}; }
  friend FUSED_MEMBER Pair operator/(Pair a, Pair b) { return {a.low / b.low, a.high / b.high}; }
  friend FUSED_MEMBER Pair operator+(Pair a, float b) { return {a.low + b, a.high + b}; }
  FUSED_MEMBER Pair &operator+=(Pair b) { return *this = *this + b; }
  FUSED_MEMBER Pair &operator-=(Pair b) { return *this = *this - b; }
  FUSED_MEMBER Pair &operator*=(Pair b) { return *this = *this * b; }
};
#if defined(__AVX512F__)
typedef N V;
#elif defined(__AVX2__)
typedef Pair<N> V;
#else
typedef Pair<Pair<N>> V;
#endif
static_assert(sizeof(V) == kLanes * sizeof(float));

FUSED_INLINE N broadcast(float x) {
#if defined(__AVX512F__)
  return (N)_mm512_set1_ps(x);
#elif defined(__AVX2__)
  return (N)_mm256_set1_ps(x);
#else
  return N{x, x, x, x};
#endif
}
FUSED_INLINE void fill(N &v, float x) { v = broadcast(x); }
template <class T> FUSED_INLINE void fill(Pair<T> &v, float x) {
  fill(v.low, x);
  fill(v.high, x);
}
FUSED_INLINE V set1(float x) {
  V v;
  fill(v, x);
  return v;
}

// Rounds to the nearest bfloat16, ties to even, as libtorch does; NaN stays NaN.
FUSED_INLINE H round_bf16(N v) {
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

#if defined(__AVX512BF16__)
// Interleaves two registers into pairs of bfloat16, even's values in the lower halves.
FUSED_INLINE U pair_bf16(N even, N odd) {
  alignas(64) static constexpr uint16_t kOrder[32] = {0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                                                      8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
  return (U)_mm512_permutexvar_epi16(_mm512_load_si512(kOrder),
                                     (__m512i)_mm512_cvtne2ps_pbh((__m512)odd, (__m512)even));
}
#endif

// Loads and stores. Conversion from bfloat16 to float is exact (the lower half is zero), and so is
// conversion from bytes.
FUSED_INLINE void get(N &v, const float *p) { memcpy(&v, p, sizeof v); }
FUSED_INLINE void get(N &v, const bf16 *p) {
  H h;
  memcpy(&h, p, sizeof h);
#if defined(__AVX512F__)
  v = (N)_mm512_slli_epi32(_mm512_cvtepu16_epi32((__m256i)h), 16);
#else
  v = (N)(__builtin_convertvector(h, U) << 16);
#endif
}
FUSED_INLINE void get(N &v, const uint8_t *p) {
  B b;
  memcpy(&b, p, sizeof b);
#if defined(__AVX512F__) // GCC 12 converts byte vectors element by element
  v = (N)_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32((__m128i)b));
#elif defined(__AVX2__)
  v = (N)_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_cvtsi64_si128(int64_t(b))));
#else
  v = __builtin_convertvector(__builtin_convertvector(b, I), N);
#endif
}
FUSED_INLINE void put(float *p, N v) { memcpy(p, &v, sizeof v); }
FUSED_INLINE void put(bf16 *p, N v) {
  H h = round_bf16(v);
  memcpy(p, &h, sizeof h);
}
template <class T, class S> FUSED_INLINE void get(Pair<T> &v, const S *p) {
  get(v.low, p);
  get(v.high, p + sizeof(T) / sizeof(float));
}
template <class T, class S> FUSED_INLINE void put(S *p, Pair<T> v) {
  put(p, v.low);
  put(p + sizeof(T) / sizeof(float), v.high);
}
template <class S> FUSED_INLINE V load(const S *p) {
  V v;
  get(v, p);
  return v;
}
FUSED_INLINE void store(float *p, V v) { put(p, v); }
FUSED_INLINE void store(bf16 *p, V v) { put(p, v); }

// Stores adjacent vectors.
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

// max(v, low) and min(v, high) that propagate NaN: maxps and minps return the second operand then.
FUSED_INLINE N at_least(N v, N low) {
#if defined(__AVX512F__)
  return (N)_mm512_max_ps((__m512)low, (__m512)v);
#elif defined(__AVX2__)
  return (N)_mm256_max_ps((__m256)low, (__m256)v);
#else
  return low > v ? low : v;
#endif
}
FUSED_INLINE N at_most(N v, N high) {
#if defined(__AVX512F__)
  return (N)_mm512_min_ps((__m512)high, (__m512)v);
#elif defined(__AVX2__)
  return (N)_mm256_min_ps((__m256)high, (__m256)v);
#else
  return high < v ? high : v;
#endif
}

// g where the activation passes the gradient at z, else 0: it stops at z <= 0 and z >= cap. NaN
// propagates.
FUSED_INLINE N masked(N g, N z, N cap) {
#if defined(__AVX512F__)
  __mmask16 m = _mm512_cmp_ps_mask((__m512)z, _mm512_setzero_ps(), _CMP_NLE_UQ);
  m = _mm512_mask_cmp_ps_mask(m, (__m512)z, (__m512)cap, _CMP_NGE_UQ);
  return (N)_mm512_maskz_mov_ps(m, (__m512)g);
#else
  I stop = (z <= 0) | (z >= cap);
  return (N)((I)g & ~stop);
#endif
}

FUSED_INLINE N root(N v) {
#if defined(__AVX512F__)
  return (N)_mm512_sqrt_ps((__m512)v);
#elif defined(__AVX2__)
  return (N)_mm256_sqrt_ps((__m256)v);
#else
  for (size_t i = 0; i < sizeof v / sizeof(float); i++) v[i] = std::sqrt(v[i]);
  return v;
#endif
}

// a*b + c, with a single rounding where the processor has FMA.
FUSED_INLINE N multiply_add(N a, N b, N c) {
#if defined(__AVX512F__)
  return (N)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__AVX2__)
  return (N)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
  return a * b + c;
#endif
}

template <class T> FUSED_INLINE Pair<T> at_least(Pair<T> v, Pair<T> low) {
  return {at_least(v.low, low.low), at_least(v.high, low.high)};
}
template <class T> FUSED_INLINE Pair<T> at_most(Pair<T> v, Pair<T> high) {
  return {at_most(v.low, high.low), at_most(v.high, high.high)};
}
template <class T> FUSED_INLINE Pair<T> root(Pair<T> v) { return {root(v.low), root(v.high)}; }
template <class T> FUSED_INLINE Pair<T> masked(Pair<T> g, Pair<T> z, Pair<T> cap) {
  return {masked(g.low, z.low, cap.low), masked(g.high, z.high, cap.high)};
}
template <class T> FUSED_INLINE Pair<T> multiply_add(Pair<T> a, Pair<T> b, Pair<T> c) {
  return {multiply_add(a.low, b.low, c.low), multiply_add(a.high, b.high, c.high)};
}

} // namespace depthwise::fused::FUSED_ISA
