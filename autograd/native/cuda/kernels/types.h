// What the kernels share: storage types, vectors of them, activation functions. Compiled by NVRTC
// for a GPU, or by a C++ compiler with cuda/emulate.h.
#pragma once
#include "cuda/kernels/shapes.h"

#if defined(__CUDACC__)
#define DW_KERNEL(threads, blocks) __global__ void __launch_bounds__(threads, blocks)
#define DW_DEVICE __device__ __forceinline__
#define DW_SHARED __shared__
#define DW_UNROLL _Pragma("unroll")
#define DW_PRAGMA(text) _Pragma(#text)
#define DW_UNROLL_BY(times) DW_PRAGMA(unroll times)
#else
#include "cuda/emulate.h"
#endif

namespace depthwise::cuda {

struct bf16 {
  unsigned short bits;
};

#if defined(__CUDACC__)
DW_DEVICE float as_float(unsigned bits) { return __uint_as_float(bits); }
DW_DEVICE unsigned as_bits(float v) { return __float_as_uint(v); }
// Two values rounded to bfloat16, the first in the low half.
DW_DEVICE unsigned round_pair(float low, float high) {
  unsigned pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
}
// The maximum and the minimum; NaN if either is NaN, which fmaxf and fminf drop.
DW_DEVICE float maximum(float a, float b) {
  float v;
  asm("max.NaN.f32 %0, %1, %2;" : "=f"(v) : "f"(a), "f"(b));
  return v;
}
DW_DEVICE float minimum(float a, float b) {
  float v;
  asm("min.NaN.f32 %0, %1, %2;" : "=f"(v) : "f"(a), "f"(b));
  return v;
}
#else
inline float as_float(unsigned bits) {
  float v;
  memcpy(&v, &bits, sizeof v);
  return v;
}
inline unsigned as_bits(float v) {
  unsigned bits;
  memcpy(&bits, &v, sizeof bits);
  return bits;
}
inline unsigned round_bits(float v) {
  unsigned bits = as_bits(v);
  return v != v ? 0x7fff : (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
}
inline unsigned round_pair(float low, float high) { return round_bits(low) | round_bits(high) << 16; }
inline float maximum(float a, float b) { return a != a || a > b ? a : b; }
inline float minimum(float a, float b) { return a != a || a < b ? a : b; }
#endif

// keep: the value stays in a register. Otherwise the compiler computes some again at each use, and
// moves the computation of others into branches.
#if defined(__CUDACC__)
template <class T> DW_DEVICE void keep(T *&p) { asm volatile("" : "+l"(p)); }
DW_DEVICE void keep(float &v) { asm volatile("" : "+f"(v)); }
DW_DEVICE void keep(int &v) { asm volatile("" : "+r"(v)); }
#else
template <class T> void keep(T &) {}
#endif

// N consecutive values of storage type T, which one instruction loads (16 bytes at most).
template <class T, int N> struct alignas(sizeof(T) * N > 16 ? 16 : sizeof(T) * N) Pack {
  unsigned words[sizeof(T) * N / 4];
};

#if defined(__CUDACC__)
// Brings a line of memory to the L2 cache.
DW_DEVICE void prefetch_where(bool present, const void *p) {
  asm volatile("{ .reg .pred p; setp.ne.s32 p, %1, 0; @p prefetch.global.L2 [%0]; }" ::"l"(p), "r"(int(present)));
}
#else
inline void prefetch_where(bool, const void *) {}
#endif

#if defined(__CUDACC__)
// In global memory, which the compiler cannot conclude from a pointer that it has to keep.
template <int N, class T> DW_DEVICE Pack<T, N> load(const T *p) {
  Pack<T, N> v;
  constexpr int kWords = sizeof(v) / 4;
  const void *q = p;
  if constexpr (kWords == 1) v.words[0] = __ldg(static_cast<const unsigned *>(q));
  if constexpr (kWords == 2) {
    const uint2 w = __ldg(static_cast<const uint2 *>(q));
    v.words[0] = w.x, v.words[1] = w.y;
  }
  DW_UNROLL for (int i = 0; i + 4 <= kWords; i += 4) {
    const uint4 w = __ldg(static_cast<const uint4 *>(q) + i / 4);
    v.words[i] = w.x, v.words[i + 1] = w.y, v.words[i + 2] = w.z, v.words[i + 3] = w.w;
  }
  return v;
}
template <int N, class T> DW_DEVICE void store(T *p, const Pack<T, N> &v) {
  constexpr int kWords = sizeof(v) / 4;
  void *q = p;
  if constexpr (kWords == 1) __stwb(static_cast<unsigned *>(q), v.words[0]);
  if constexpr (kWords == 2) __stwb(static_cast<uint2 *>(q), make_uint2(v.words[0], v.words[1]));
  DW_UNROLL for (int i = 0; i + 4 <= kWords; i += 4)
      __stwb(static_cast<uint4 *>(q) + i / 4, make_uint4(v.words[i], v.words[i + 1], v.words[i + 2], v.words[i + 3]));
}
#else
template <int N, class T> Pack<T, N> load(const T *p) { return *reinterpret_cast<const Pack<T, N> *>(p); }
template <int N, class T> void store(T *p, const Pack<T, N> &v) { *reinterpret_cast<Pack<T, N> *>(p) = v; }
#endif

template <int N> DW_DEVICE void unpack(const Pack<bf16, N> &p, float (&v)[N]) {
  DW_UNROLL for (int i = 0; i < N; i += 2) {
    v[i] = as_float(p.words[i / 2] << 16);
    v[i + 1] = as_float(p.words[i / 2] & 0xffff0000u);
  }
}
template <int N> DW_DEVICE void unpack(const Pack<float, N> &p, float (&v)[N]) {
  DW_UNROLL for (int i = 0; i < N; i++) v[i] = as_float(p.words[i]);
}

template <int N> DW_DEVICE void pack(const float (&v)[N], Pack<bf16, N> &p) {
  DW_UNROLL for (int i = 0; i < N; i += 2) p.words[i / 2] = round_pair(v[i], v[i + 1]);
}
template <int N> DW_DEVICE void pack(const float (&v)[N], Pack<float, N> &p) {
  DW_UNROLL for (int i = 0; i < N; i++) p.words[i] = as_bits(v[i]);
}

// Stores the first `present` values, of which there may be more or less than N.
template <int N> DW_DEVICE void store_some(bf16 *p, const Pack<bf16, N> &v, int present) {
  if (present >= N) return store<N>(p, v);
  DW_UNROLL for (int i = 0; i < N; i++) if (i < present) p[i].bits = (unsigned short)(v.words[i / 2] >> (i % 2 * 16));
}
template <int N> DW_DEVICE void store_some(float *p, const Pack<float, N> &v, int present) {
  if (present >= N) return store<N>(p, v);
  DW_UNROLL for (int i = 0; i < N; i++) if (i < present) p[i] = as_float(v.words[i]);
}

// Channels of a thread that loads 16 bytes.
template <class T> constexpr int kWide = 16 / sizeof(T);

// N consecutive floats, such as coefficients of channels.
template <int N> DW_DEVICE void load_floats(const float *p, float (&v)[N]) {
  DW_UNROLL for (int i = 0; i < N; i++) v[i] = p[i];
}

// An activation function, 0 none, 1 ReLU, 2 ReLU6, by its bounds: min(max(z, low), high).
struct Activation {
  float low, high; // no bound is an infinity

  DW_DEVICE explicit Activation(int kind)
      : low(kind == 0 ? -as_float(0x7f800000) : 0), high(kind == 2 ? 6 : as_float(0x7f800000)) {
    keep(low), keep(high);
  }
  DW_DEVICE float operator()(float z) const { return minimum(maximum(z, low), high); }
};

// The slope of an activation function: 1 between its bounds, 0 at them and beyond, as in libtorch.
struct Slope {
  float low, high; // no bound is a NaN: comparisons with it are false

  DW_DEVICE explicit Slope(int kind)
      : low(kind == 0 ? as_float(0x7fc00000) : 0), high(kind == 2 ? 6 : as_float(0x7fc00000)) {
    keep(low), keep(high);
  }
  // The gradient with respect to z. NaN of z lets the gradient pass, as in libtorch.
  DW_DEVICE float operator()(float gradient, float z) const { return z <= low || z >= high ? 0.0f : gradient; }
};

} // namespace depthwise::cuda
