// 3x3 depthwise convolution, forward, with few vector registers: it keeps the activations of the three input rows under an
// output row as lines of float (depthwise/lines.h), and slides along them, one block of 16 channels after another, with
// the nine weights in registers. So every x is read and activated once (twice where two parts meet).
#pragma once
#include "depthwise/forward.h"

namespace depthwise::fused::FUSED_ISA {

// Computes the line of one row's activations.
template <class S>
FUSED_INLINE void activate_row(const S *x, int width, const Activation &a, const Lines &lines, float *line) {
  const V cap = set1(a.cap);
  for (int c = 0; c < lines.channels; c += kLanes) {
    const V scale = load(a.scale + c), shift = load(a.shift + c);
    float *to = line + lines.block(c) + kColumnsBefore * kLanes;
    const S *from = x + c;
    for (int w = 0; w < width; w++, from += lines.channels, to += kLanes)
      store(to, at_most(at_least(load(from) * scale + shift, V{}), cap));
  }
}

// The inputs and the output of one row of output: pointers to the first channel.
template <class S> struct ForwardRow {
  const float *line[3]; // at the first window's first column
  S *y;
  const char *next_input; // the next input rows, prefetched while this row is convolved
};

// One row of output for the 16 channels from c.
template <class S, int Stride> FUSED_INLINE void convolve_block(ForwardThread<S> &t, const ForwardRow<S> &row, int c) {
  const int channels = t.p.channels, width = t.p.window.out_width;
  // Bytes of the next input rows to prefetch per output position.
  constexpr int step_bytes = Stride * Stride * kLanes * sizeof(S);
  const float *k = t.p.weight + c, *l0 = row.line[0] + t.lines.block(c), *l1 = row.line[1] + t.lines.block(c),
              *l2 = row.line[2] + t.lines.block(c);
  const char *next = row.next_input + size_t(c) / kLanes * width * step_bytes;
  V k00 = load(k), k01 = load(k + channels), k02 = load(k + 2 * channels);
  V k10 = load(k + 3 * channels), k11 = load(k + 4 * channels), k12 = load(k + 5 * channels);
  V k20 = load(k + 6 * channels), k21 = load(k + 7 * channels), k22 = load(k + 8 * channels);
  V bias = load(t.p.bias + c), pivot = t.p.moments.sum ? load(t.p.moments.pivot + c) : V{};
  float *sums = t.moments.part + c;
  V sum = load(sums), square = load(sums + channels);
  V a0 = load(l0), a1 = load(l1), a2 = load(l2);
  V b0 = load(l0 + kLanes), b1 = load(l1 + kLanes), b2 = load(l2 + kLanes);
  S *y = row.y + c;
#pragma GCC unroll 3
  for (int w = 0; w < width; w++, y += channels, next += step_bytes) {
    for (int i = 0; i < step_bytes; i += kCacheLine) prefetch_line(next + i);
    const int last = (w * Stride + 2) * kLanes;
    V d0 = load(l0 + last), d1 = load(l1 + last), d2 = load(l2 + last);
    V v = a0 * k00 + bias;
    v = a1 * k10 + v, v = a2 * k20 + v;
    v = b0 * k01 + v, v = b1 * k11 + v, v = b2 * k21 + v;
    v = d0 * k02 + v, v = d1 * k12 + v, v = d2 * k22 + v;
    store(y, v);
    V off = v - pivot;
    sum += off, square = off * off + square;
    if constexpr (Stride == 1) {
      a0 = b0, a1 = b1, a2 = b2, b0 = d0, b1 = d1, b2 = d2;
    } else if (w + 1 < width) { // the column after the last window need not exist
      a0 = d0, a1 = d1, a2 = d2;
      b0 = load(l0 + last + kLanes), b1 = load(l1 + last + kLanes), b2 = load(l2 + last + kLanes);
    }
  }
  store(sums, sum), store(sums + channels, square);
}

// A part of the output rows.
template <class S, int Stride> void depthwise_forward_rows(ForwardThread<S> &t, threads::Range part) {
  const DepthwiseForward &p = t.p;
  const Window &w = p.window;
  const size_t x_row = size_t(w.width) * p.channels, y_row = size_t(w.out_width) * p.channels;
  const bool streamed = w.images * w.out_height * y_row * sizeof(S) > kStreamedBytes;
  t.moments.clear();
  t.lines.clear();
  for (int64_t r = part.begin; r < part.end; r++) {
    const int64_t image = r / w.out_height;
    const int out_row = int(r % w.out_height), first = out_row * Stride - w.top;
    const S *x = static_cast<const S *>(p.x) + image * w.height * x_row;
    if (out_row == 0 || r == part.begin) t.lines.next = first > 0 ? first : 0;
    for (int &h = t.lines.next; h <= first + 2 && h < w.height; h++)
      activate_row(x + h * x_row, w.width, p.activation, t.lines, t.lines.slot(h));
    S *y = static_cast<S *>(p.y) + r * y_row;
    ForwardRow<S> row = {{}, streamed ? t.stage : y, reinterpret_cast<const char *>(x + t.lines.next * x_row)};
    for (int i = 0; i < 3; i++) row.line[i] = t.lines.row(first + i, w.height) + (kColumnsBefore - w.left) * kLanes;
    for (int c = 0; c < p.channels; c += kLanes) convolve_block<S, Stride>(t, row, c);
    if (streamed) stream_copy(y, t.stage, y_row * sizeof(S));
    t.moments.add_positions(w.out_width);
  }
  t.moments.flush();
  if (streamed) stream_fence();
}

} // namespace depthwise::fused::FUSED_ISA
