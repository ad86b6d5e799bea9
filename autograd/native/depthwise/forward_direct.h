// 3x3 depthwise convolution, forward, where there are 32 vector registers: it slides along one or two rows of output,
// and reads and activates the inputs under them from x itself. An input is activated again for the rows of output that
// are computed later (twice in all with stride 1, one and a half times with stride 2), which takes less time than a line
// of float to the second-level cache and back: a step's depthwise layers of stride 2 took 2.7 to 0.40 ms with lines and
// 1.05 to 0.21 without, those of stride 1 1.4 to 0.44 and 1.15 to 0.31 (width 1 at 224, batch 32, bfloat16, two Zen 5
// cores; docs/kernels.md).
#pragma once
#include "depthwise/forward.h"

namespace depthwise::fused::FUSED_ISA {

// The rows of input under R adjacent rows of output of one image: where they start, and which are inside the image.
template <class S, int Stride, int R> struct RowsUnderOutput {
  static constexpr int kRows = (R - 1) * Stride + 3;
  const S *x[kRows];
  __mmask16 inside[kRows];
  const char *next; // the rows after them, to prefetch

  // Rows outside the image are read at its first row, and masked.
  RowsUnderOutput(const DepthwiseForward &p, int64_t row) {
    const Window &w = p.window;
    const size_t pitch = size_t(w.width) * p.channels;
    const S *image = static_cast<const S *>(p.x) + row / w.out_height * w.height * pitch;
    const int first = int(row % w.out_height) * Stride - w.top;
    for (int i = 0; i < kRows; i++) {
      const bool exists = first + i >= 0 && first + i < w.height;
      x[i] = image + (exists ? first + i : 0) * pitch;
      inside[i] = exists ? 0xffff : 0;
    }
    next = reinterpret_cast<const char *>(image + (first + kRows) * int64_t(pitch));
  }
};

// The activations of 16 channels in one column of N rows.
template <int N> struct ActivatedColumn {
  V row[N];
};

// Reads columns of 16 channels from c.
template <class S, int N> struct ColumnReader {
  const S *x[N];
  __mmask16 inside[N];
  V scale, shift, cap;
  int channels, width;

  template <class Rows>
  FUSED_MEMBER ColumnReader(const DepthwiseForward &p, const Rows &rows, int c)
      : scale(load(p.activation.scale + c)), shift(load(p.activation.shift + c)), cap(set1(p.activation.cap)),
        channels(p.channels), width(p.window.width) {
    for (int i = 0; i < N; i++) x[i] = rows.x[i] + c, inside[i] = rows.inside[i];
  }
  FUSED_MEMBER ActivatedColumn<N> existing(int q) const {
    ActivatedColumn<N> v;
#pragma GCC unroll 4
    for (int i = 0; i < N; i++) {
      const V z = load(x[i] + size_t(q) * channels) * scale + shift;
      v.row[i] = (V)_mm512_maskz_mov_ps(inside[i], (__m512)at_most(at_least(z, V{}), cap));
    }
    return v;
  }
  FUSED_MEMBER ActivatedColumn<N> column(int q) const {
    return q >= 0 && q < width ? existing(q) : ActivatedColumn<N>{};
  }
};

// The weights of 16 channels, and the sums of what they give.
struct SummingTaps {
  V k[9], bias, pivot, sum, square;

  FUSED_MEMBER SummingTaps(const DepthwiseForward &p, const float *sums, int c)
      : bias(load(p.bias + c)), pivot(p.moments.sum ? load(p.moments.pivot + c) : V{}), sum(load(sums + c)),
        square(load(sums + p.channels + c)) {
#pragma GCC unroll 9
    for (int i = 0; i < 9; i++) k[i] = load(p.weight + i * p.channels + c);
  }
  // The output whose window begins at row i of the columns.
  template <int N>
  FUSED_MEMBER V add(int i, const ActivatedColumn<N> &a, const ActivatedColumn<N> &b, const ActivatedColumn<N> &d) {
    V v = a.row[i] * k[0] + bias;
    v = a.row[i + 1] * k[3] + v, v = a.row[i + 2] * k[6] + v;
    v = b.row[i] * k[1] + v, v = b.row[i + 1] * k[4] + v, v = b.row[i + 2] * k[7] + v;
    v = d.row[i] * k[2] + v, v = d.row[i + 1] * k[5] + v, v = d.row[i + 2] * k[8] + v;
    const V off = v - pivot;
    sum += off, square = off * off + square;
    return v;
  }
};

// R rows of output for the 16 channels from c; y is the first of these rows.
template <class S, int Stride, int R>
FUSED_INLINE void convolve_directly(ForwardThread<S> &t, const RowsUnderOutput<S, Stride, R> &rows, int c, S *y) {
  constexpr int kUnder = RowsUnderOutput<S, Stride, R>::kRows;
  typedef ActivatedColumn<kUnder> Column;
  const Window &w = t.p.window;
  constexpr int kPrefetched = R * Stride * Stride * kLanes * sizeof(S); // bytes for each column of output
  const ColumnReader<S, kUnder> x(t.p, rows, c);
  SummingTaps taps(t.p, t.moments.part, c);
  const char *next = rows.next + size_t(c) / kLanes * w.out_width * kPrefetched;
  const size_t y_row = size_t(w.out_width) * t.p.channels;
  y += c;
  const auto output = [&](const Column &a, const Column &b, const Column &d) __attribute__((always_inline)) {
    for (int i = 0; i < kPrefetched; i += kCacheLine) prefetch_line(next + i);
#pragma GCC unroll 2
    for (int r = 0; r < R; r++) store(y + r * y_row, taps.add(r * Stride, a, b, d));
    y += t.p.channels, next += kPrefetched;
  };
  Column a = x.column(-w.left), b = x.column(1 - w.left);
  const auto slide = [&](const Column &d) __attribute__((always_inline)) {
    output(a, b, d);
    if constexpr (Stride == 1)
      a = b, b = d;
    else
      a = d;
  };
  // Windows whose last column is inside the image.
  const int reach = w.width - 3 + w.left, fit = reach < 0 ? 0 : reach / Stride + 1;
  const int whole = fit < w.out_width ? fit : w.out_width;
  int q = 0, last = 2 - w.left;
#pragma GCC unroll 3
  for (; q < whole; q++, last += Stride) {
    if constexpr (Stride == 2) b = x.existing(last - 1);
    slide(x.existing(last));
  }
  for (; q < w.out_width; q++, last += Stride) {
    if constexpr (Stride == 2) b = x.column(last - 1);
    slide(x.column(last));
  }
  store(t.moments.part + c, taps.sum), store(t.moments.part + t.p.channels + c, taps.square);
}

// R rows of output from index `row`, all channels.
template <class S, int Stride, int R> void direct_rows(ForwardThread<S> &t, int64_t row, bool streamed) {
  const DepthwiseForward &p = t.p;
  const size_t y_row = size_t(p.window.out_width) * p.channels;
  const RowsUnderOutput<S, Stride, R> rows(p, row);
  S *y = static_cast<S *>(p.y) + row * y_row;
  for (int c = 0; c < p.channels; c += kLanes) convolve_directly(t, rows, c, streamed ? t.stage : y);
  if (streamed) stream_copy(y, t.stage, R * y_row * sizeof(S));
  t.moments.add_positions(R * p.window.out_width);
}

// A part of the output rows.
template <class S> void direct_forward_rows(ForwardThread<S> &t, threads::Range part) {
  const Window &w = t.p.window;
  const bool streamed = w.images * w.out_height * w.out_width * t.p.channels * sizeof(S) > kStreamedBytes;
  t.moments.clear();
  for (int64_t r = part.begin; r < part.end;)
    if (w.stride == 2)
      direct_rows<S, 2, 1>(t, r++, streamed);
    else if (r + 1 < part.end && (r + 1) % w.out_height != 0)
      direct_rows<S, 1, 2>(t, r, streamed), r += 2;
    else
      direct_rows<S, 1, 1>(t, r++, streamed);
  t.moments.flush();
  if (streamed) stream_fence();
}

} // namespace depthwise::fused::FUSED_ISA
