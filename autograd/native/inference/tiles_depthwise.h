// 3x3 depthwise convolution for inference with tiles: into operands in the layout of
// inference/tiles.h. The kernel slides along several rows of output at a time, so that each input
// value that is read and widened serves up to three of them. A cache line's 32 channels are
// processed at once: rows of a narrow image are a power of two apart and share few sets of the
// first-level cache, which would evict a line before it is read again.
#pragma once
#include "inference/tiles.h"

namespace depthwise::fused::FUSED_ISA {

// Channels that are computed together, in N vectors: 32 in two, the even ones (a shift away from
// floats) and the odd ones (a mask away); or 16 in one, in order.
template <int N> struct Channels {
  V v[N];

  static FUSED_MEMBER Channels widen(const bf16 *p) {
    if constexpr (N == 1) {
      return {{load(p)}};
    } else {
      const __m512i both = _mm512_loadu_si512(p);
      return {{(V)_mm512_slli_epi32(both, 16), (V)_mm512_and_si512(both, _mm512_set1_epi32(int(0xffff0000)))}};
    }
  }
  static FUSED_MEMBER Channels of(const float *p) {
    if constexpr (N == 1) {
      return {{load(p)}};
    } else {
      const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
      const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
      const __m512 low = (__m512)load(p), high = (__m512)load(p + kLanes);
      return {{(V)_mm512_permutex2var_ps(low, even, high), (V)_mm512_permutex2var_ps(low, odd, high)}};
    }
  }
  FUSED_MEMBER void add(const Channels &a, const Channels &b) {
#pragma GCC unroll 2
    for (int n = 0; n < N; n++) v[n] = multiply_add(a.v[n], b.v[n], v[n]);
  }
};

// Weights and bias.
template <int N, bool kCapped> struct ChannelTaps {
  Channels<N> k[9], bias;
  Activate<kCapped> activate;

  FUSED_MEMBER ChannelTaps(const InferBlock &p, int c)
      : bias(Channels<N>::of(p.depthwise_bias + c)), activate{set1(p.cap)} {
#pragma GCC unroll 9
    for (int i = 0; i < 9; i++) k[i] = Channels<N>::of(p.depthwise + size_t(i) * p.in + c);
  }
  FUSED_MEMBER void put(bf16 *to, const Channels<N> &sum) const {
    V v[N];
#pragma GCC unroll 2
    for (int n = 0; n < N; n++) v[n] = activate(sum.v[n]);
    store_all(to, v);
  }
};

// The input rows under R rows of output, at the first channel; rows outside the image are a full
// row of zeros.
template <int R, int Stride> struct RowsUnder {
  static constexpr int kRows = (R - 1) * Stride + 3;
  const bf16 *at[kRows];
  size_t step;
  int width;

  FUSED_MEMBER RowsUnder(const InferBlock &p, int64_t row, int c, const bf16 *zeros)
      : step(p.in), width(p.window.width) {
    const Window &w = p.window;
    const size_t pitch = size_t(w.width) * p.in;
    const bf16 *x = static_cast<const bf16 *>(p.x) + row / w.out_height * w.height * pitch;
    const int first = int(row % w.out_height) * w.stride - w.top;
    for (int i = 0; i < kRows; i++)
      at[i] = (first + i >= 0 && first + i < w.height ? x + (first + i) * pitch : zeros) + c;
  }
};

// Sums of R rows of output, each at the same place of its window.
template <int N, int R, int Stride> struct WindowSums {
  Channels<N> of[R];

  // Adds the value of a row under them, in a column of their windows.
  FUSED_MEMBER void add(int row, int column, const Channels<N> &x, const Channels<N> (&k)[9]) {
#pragma GCC unroll 4
    for (int r = 0; r < R; r++) {
      const int tap = row - r * Stride;
      if (tap >= 0 && tap < 3) of[r].add(x, k[3 * tap + column]);
    }
  }
  FUSED_MEMBER void begin(const Channels<N> &bias) {
#pragma GCC unroll 4
    for (int r = 0; r < R; r++) of[r] = bias;
  }
};

// R rows of output from index `row` for N vectors of channels from c; to is the first position's
// place for them.
template <int N, bool kCapped, int R, int Stride>
FUSED_INLINE void convolve_rows(const InferBlock &p, int64_t row, const bf16 *zeros, int c, bf16 *to) {
  typedef WindowSums<N, R, Stride> Sums;
  const Window &w = p.window;
  const RowsUnder<R, Stride> x(p, row, c, zeros);
  const ChannelTaps<N, kCapped> taps(p, c);
  const size_t row_step = size_t(w.out_width) * kStep;
  Sums now, next; // of the current window, and for stride 1 of the window one column further
  const auto column = [&](int q, const auto &add) __attribute__((always_inline)) {
    const size_t offset = q * x.step;
#pragma GCC unroll 9
    for (int i = 0; i < x.kRows; i++) add(i, Channels<N>::widen(x.at[i] + offset));
  };
  const auto inside = [&](int q) { return q >= 0 && q < w.width; };
  const auto output = [&](int q) __attribute__((always_inline)) {
#pragma GCC unroll 4
    for (int r = 0; r < R; r++) taps.put(to + r * row_step + q * kStep, now.of[r]);
  };
  // Processes the first column of a window, or (stride 1) the second one, which is the first of the
  // next window.
  const auto first = [&](int q) __attribute__((always_inline)) {
    now.begin(taps.bias);
    if (inside(q))
      column(q, [&](int i, const Channels<N> &v) __attribute__((always_inline)) { now.add(i, 0, v, taps.k); });
  };
  const auto second = [&](int q) __attribute__((always_inline)) {
    if constexpr (Stride == 1) next.begin(taps.bias);
    if (!inside(q)) return;
    column(q, [&](int i, const Channels<N> &v) __attribute__((always_inline)) {
      now.add(i, 1, v, taps.k);
      if constexpr (Stride == 1) next.add(i, 0, v, taps.k);
    });
  };
  // Processes the last column of window q, stores its output, and starts later windows.
  const auto last = [&](int q, bool whole) __attribute__((always_inline)) {
    const int at = q * Stride + 2 - w.left;
    if constexpr (Stride == 2)
      if (q > 0) second(at - 1);
    Sums following;
    following.begin(taps.bias);
    if (whole || inside(at))
      column(at, [&](int i, const Channels<N> &v) __attribute__((always_inline)) {
        now.add(i, 2, v, taps.k);
        if constexpr (Stride == 1) next.add(i, 1, v, taps.k);
        following.add(i, 0, v, taps.k);
      });
    output(q);
    if constexpr (Stride == 1)
      now = next, next = following;
    else
      now = following;
  };
  first(-w.left);
  second(1 - w.left);
  // Windows whose last column is inside the image.
  const int reach = w.width - 3 + w.left, ends = reach < 0 ? 0 : reach / Stride + 1,
            whole = ends < w.out_width ? ends : w.out_width;
  int q = 0;
#pragma GCC unroll 3
  for (; q < whole; q++) last(q, true);
  for (; q < w.out_width; q++) last(q, false);
}

// R rows of output from index `row`, at a position of the operands.
template <bool kCapped, int R, int Stride>
void depthwise_rows(const InferBlock &p, int64_t row, const bf16 *zeros, const TileOperands &a, size_t position,
                    int step) {
  const int c = step * kStep;
  bf16 *to = a.step(step) + position * kStep;
  if (p.in - c >= kStep)
    convolve_rows<2, kCapped, R, Stride>(p, row, zeros, c, to);
  else
    convolve_rows<1, kCapped, R, Stride>(p, row, zeros, c, to);
}

// Rows that are computed together. Nanoseconds for 16 outputs of stride 1 and 2 (28x28x256, one
// core of a Granite Rapids at 4.0 GHz): 2 rows 2.30 and 2.91, 3 rows 2.26 and 2.82, 4 rows 2.52 and
// 2.91; one row at a time 2.48 and 3.59.
constexpr int kRowGroup = 3;

// Rows of output from index `row`, as operands. Rows that are computed together belong to the same
// image.
template <bool kCapped, int Stride>
void depthwise_in_tiles(const InferBlock &p, int64_t row, int rows, const bf16 *zeros, const TileOperands &a) {
  const Window &w = p.window;
  for (int step = 0; step < a.steps; step++)
    for (int i = 0; i < rows;) {
      const int left = w.out_height - int((row + i) % w.out_height), most = left < rows - i ? left : rows - i;
      const size_t position = size_t(i) * w.out_width;
      if (most >= kRowGroup)
        depthwise_rows<kCapped, kRowGroup, Stride>(p, row + i, zeros, a, position, step), i += kRowGroup;
      else
        depthwise_rows<kCapped, 1, Stride>(p, row + i, zeros, a, position, step), i += 1;
    }
}

} // namespace depthwise::fused::FUSED_ISA
