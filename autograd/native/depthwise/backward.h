// 3x3 depthwise convolution, backward: the gradients of x and of the weights in one pass over the
// rows of x. Threads take contiguous parts of all rows of all images. Row h of x is under
// kernel row i of output row o where h + top = o*stride + i, and columns likewise; so the gradient
// dy of at most three rows of output, kept as lines of float (depthwise/lines.h), gives both gx (dy
// times the weights) and the weights' gradient (dy times the activation of x). dy is computed from
// g and y when a line is first needed, and again where two parts meet.
#pragma once
#include "depthwise/lines.h"
#include <vector>

namespace depthwise::fused::FUSED_ISA {

// The windows of kernel column 2 over the first input column may start two columns before output
// column 0.
constexpr int kOutputsBefore = 2;

// Two zero columns, the output's row, and zeros up to where the windows over the last input column
// start.
static int backward_columns(const Window &w) {
  int end = (w.width - 1 + w.left) / w.stride + 1;
  return kOutputsBefore + (end > w.out_width ? end : w.out_width);
}

// Sums that a part keeps per channel: the weights' nine gradients, g, and g*(x - mean).
constexpr int kBackwardSums = 11;

// Parts of all rows. Each clears its lines and sums, and computes up to two lines that another does as
// well: parts of 16 rows of 4x4x512 took 78 us backward instead of 65 (two Zen 5 cores).
inline int depthwise_parts(int threads, int64_t rows) { return threads::parts_of(threads, rows, 32); }

// The state of a part.
template <class S> struct BackwardThread {
  const DepthwiseBackward &p;
  RunningSums sums; // (kBackwardSums, channels)
  Lines lines;
  S *stage; // (width, channels): a row of gx before its non-temporal store

  template <class Memory>
  BackwardThread(Memory &sums, Memory &block, const DepthwiseBackward &p)
      : p(p), sums(sums, kBackwardSums * size_t(p.channels)) {
    int columns = backward_columns(p.window);
    lines = {block.template take<float>(line_bytes(p.channels, columns) / sizeof(float)), p.channels, columns};
    stage = block.template take<S>(size_t(p.window.width) * p.channels);
  }
};

template <class S> Parts depthwise_backward_parts(int threads, const DepthwiseBackward &p) {
  ScratchSize sums, block;
  BackwardThread<S>(sums, block, p);
  return {threads, depthwise_parts(threads, p.window.images * p.window.height), sums.bytes, block.bytes};
}

template <class S> size_t depthwise_backward_scratch(int threads, const DepthwiseBackward &p) {
  return depthwise_backward_parts<S>(threads, p).bytes();
}

// Computes the line of dy for one row of output.
template <class S>
FUSED_INLINE void gradient_row(const S *g, const S *y, int width, const NormGradient &n, const Lines &lines,
                               float *line) {
  for (int c = 0; c < lines.channels; c += kLanes) {
    const V c1 = load(n.c1 + c), c2 = load(n.c2 + c), c3 = load(n.c3 + c);
    float *to = line + lines.block(c) + kOutputsBefore * kLanes;
    size_t at = c;
    for (int w = 0; w < width; w++, at += lines.channels, to += kLanes)
      store(to, load(g + at) * c1 + (load(y + at) * c2 + c3));
  }
}

// The inputs and the output of one row of gx: pointers to the first channel.
template <class S> struct BackwardRow {
  const float *
      line[3]; // dy under kernel row 0, 1, 2, at output column 0; with stride 2 only those of the row's parity are used
  const S *x;
  S *gx;
  const S *next_g, *next_y, *next_x; // the next rows, to prefetch
};

// State shared by the inner loops for the 16 channels from c of one row: per-channel constants, and
// sums, which are loaded from the thread's memory and stored back after the row.
template <class S> struct BackwardTaps {
  V scale, shift, cap, mean;
  V g, gx;
  float *sums; // the channels' first sum
  int channels;

  FUSED_MEMBER BackwardTaps(const BackwardThread<S> &t, int c) : sums(t.sums.part + c), channels(t.p.channels) {
    const Activation &a = t.p.activation;
    scale = load(a.scale + c), shift = load(a.shift + c), cap = set1(a.cap), mean = load(t.p.sums.mean + c);
    g = load(sums + 9 * channels), gx = load(sums + 10 * channels);
  }
  FUSED_MEMBER void store_sums() { store(sums + 9 * channels, g), store(sums + 10 * channels, gx); }
  // The sum of weight gradients of taps 0 to 8.
  FUSED_MEMBER V tap(int i) const { return load(sums + i * channels); }
  FUSED_MEMBER void store_tap(int i, V v) const { store(sums + i * channels, v); }

  FUSED_MEMBER V normalized(V x) const { return x * scale + shift; }
  FUSED_MEMBER V activated(V z) const { return at_most(at_least(z, V{}), cap); }
  // Masks r, the gradient of the activation of z = normalized(x), stores it and adds it to the
  // sums.
  FUSED_MEMBER void finish(V r, V x, V z, S *to) {
    r = masked(r, z, cap);
    store(to, r);
    g += r, gx = r * (x - mean) + gx;
  }
};

// Stride 1: column w of x is under kernel column i of output column w + left - i. Three columns of
// three lines of dy slide along in registers: a, b and d are those under kernel columns 2, 1 and 0.
template <class S> FUSED_INLINE void backward_block_stride1(BackwardThread<S> &t, const BackwardRow<S> &row, int c) {
  const int channels = t.p.channels, width = t.p.window.width;
  const float *k = t.p.weight + c;
  const V k0 = load(k), k1 = load(k + channels), k2 = load(k + 2 * channels);
  const V k3 = load(k + 3 * channels), k4 = load(k + 4 * channels), k5 = load(k + 5 * channels);
  const V k6 = load(k + 6 * channels), k7 = load(k + 7 * channels), k8 = load(k + 8 * channels);
  BackwardTaps<S> b(t, c);
  V s0 = b.tap(0), s1 = b.tap(1), s2 = b.tap(2), s3 = b.tap(3), s4 = b.tap(4), s5 = b.tap(5), s6 = b.tap(6),
    s7 = b.tap(7), s8 = b.tap(8);
  const ptrdiff_t first = ptrdiff_t(t.lines.block(c)) + (t.p.window.left - 2) * kLanes;
  const float *l0 = row.line[0] + first, *l1 = row.line[1] + first, *l2 = row.line[2] + first;
  V a0 = load(l0), a1 = load(l1), a2 = load(l2);
  V b0 = load(l0 + kLanes), b1 = load(l1 + kLanes), b2 = load(l2 + kLanes);
  const S *x = row.x + c;
  S *gx = row.gx + c;
  const size_t done = size_t(c) * width;
  const S *next_g = row.next_g + done, *next_y = row.next_y + done, *next_x = row.next_x + done;
#pragma GCC unroll 3
  for (int w = 0; w < width; w++, x += channels, gx += channels) {
    l0 += kLanes, l1 += kLanes, l2 += kLanes;
    prefetch_line(next_g + w * kLanes), prefetch_line(next_y + w * kLanes), prefetch_line(next_x + w * kLanes);
    V d0 = load(l0 + kLanes), d1 = load(l1 + kLanes), d2 = load(l2 + kLanes);
    V v = load(x), z = b.normalized(v), act = b.activated(z);
    V r0 = a0 * k2, r1 = a1 * k5, r2 = a2 * k8;
    r0 = b0 * k1 + r0, r1 = b1 * k4 + r1, r2 = b2 * k7 + r2;
    r0 = d0 * k0 + r0, r1 = d1 * k3 + r1, r2 = d2 * k6 + r2;
    s2 = act * a0 + s2, s5 = act * a1 + s5, s8 = act * a2 + s8;
    s1 = act * b0 + s1, s4 = act * b1 + s4, s7 = act * b2 + s7;
    s0 = act * d0 + s0, s3 = act * d1 + s3, s6 = act * d2 + s6;
    b.finish(r0 + (r1 + r2), v, z, gx);
    a0 = b0, a1 = b1, a2 = b2, b0 = d0, b1 = d1, b2 = d2;
  }
  b.store_tap(0, s0), b.store_tap(1, s1), b.store_tap(2, s2), b.store_tap(3, s3), b.store_tap(4, s4),
      b.store_tap(5, s5);
  b.store_tap(6, s6), b.store_tap(7, s7), b.store_tap(8, s8);
  b.store_sums();
}

// Stride 2, a row of x under kernel row 1 only, which uses one line of dy. Columns w with w + left
// even are under kernel column 0 of output column q = (w + left)/2 and kernel column 2 of q - 1;
// the columns between are under kernel column 1 of q.
template <class S> FUSED_INLINE void backward_block_odd(BackwardThread<S> &t, const BackwardRow<S> &row, int c) {
  const int channels = t.p.channels, width = t.p.window.width, left = t.p.window.left;
  const float *k = t.p.weight + c;
  const V k3 = load(k + 3 * channels), k4 = load(k + 4 * channels), k5 = load(k + 5 * channels);
  BackwardTaps<S> b(t, c);
  V s3 = b.tap(3), s4 = b.tap(4), s5 = b.tap(5);
  const float *line = row.line[1] + t.lines.block(c);
  const S *x = row.x + c, *next = row.next_x + size_t(c) * width;
  S *gx = row.gx + c;
  V before = load(line - kLanes);
  for (int w = -left; w < width; w += 2, line += kLanes) {
    V at = load(line);
    for (int i = 0; i < 2 * kLanes; i += kCacheLine / sizeof(S)) prefetch_line(next + w * kLanes + i);
    if (w >= 0) {
      V v = load(x + size_t(w) * channels), z = b.normalized(v), act = b.activated(z);
      s3 = act * at + s3, s5 = act * before + s5;
      b.finish(at * k3 + before * k5, v, z, gx + size_t(w) * channels);
    }
    if (w + 1 < width) {
      V v = load(x + size_t(w + 1) * channels), z = b.normalized(v), act = b.activated(z);
      s4 = act * at + s4;
      b.finish(at * k4, v, z, gx + size_t(w + 1) * channels);
    }
    before = at;
  }
  b.store_tap(3, s3), b.store_tap(4, s4), b.store_tap(5, s5);
  b.store_sums();
}

// Stride 2, a row of x under kernel row 0 of one line of dy and kernel row 2 of the previous line;
// columns as above.
template <class S> FUSED_INLINE void backward_block_even(BackwardThread<S> &t, const BackwardRow<S> &row, int c) {
  const int channels = t.p.channels, width = t.p.window.width, left = t.p.window.left;
  const float *k = t.p.weight + c;
  const V k0 = load(k), k1 = load(k + channels), k2 = load(k + 2 * channels);
  const V k6 = load(k + 6 * channels), k7 = load(k + 7 * channels), k8 = load(k + 8 * channels);
  BackwardTaps<S> b(t, c);
  V s0 = b.tap(0), s1 = b.tap(1), s2 = b.tap(2), s6 = b.tap(6), s7 = b.tap(7), s8 = b.tap(8);
  const float *l0 = row.line[0] + t.lines.block(c), *l2 = row.line[2] + t.lines.block(c);
  const S *x = row.x + c, *next = row.next_x + size_t(c) * width;
  S *gx = row.gx + c;
  V before0 = load(l0 - kLanes), before2 = load(l2 - kLanes);
  for (int w = -left; w < width; w += 2, l0 += kLanes, l2 += kLanes) {
    V at0 = load(l0), at2 = load(l2);
    for (int i = 0; i < 2 * kLanes; i += kCacheLine / sizeof(S)) prefetch_line(next + w * kLanes + i);
    if (w >= 0) {
      V v = load(x + size_t(w) * channels), z = b.normalized(v), act = b.activated(z);
      s0 = act * at0 + s0, s2 = act * before0 + s2, s6 = act * at2 + s6, s8 = act * before2 + s8;
      b.finish((at0 * k0 + before0 * k2) + (at2 * k6 + before2 * k8), v, z, gx + size_t(w) * channels);
    }
    if (w + 1 < width) {
      V v = load(x + size_t(w + 1) * channels), z = b.normalized(v), act = b.activated(z);
      s1 = act * at0 + s1, s7 = act * at2 + s7;
      b.finish(at0 * k1 + at2 * k7, v, z, gx + size_t(w + 1) * channels);
    }
    before0 = at0, before2 = at2;
  }
  b.store_tap(0, s0), b.store_tap(1, s1), b.store_tap(2, s2), b.store_tap(6, s6), b.store_tap(7, s7),
      b.store_tap(8, s8);
  b.store_sums();
}

// One row of gx. `under` is the row plus top; row.line is set for the kernel rows over it.
template <class S, int Stride> void backward_row(BackwardThread<S> &t, BackwardRow<S> &row, int under) {
  const int height = t.p.window.out_height, last = under / Stride;
  const bool middle = Stride == 2 && under % 2 == 1; // under kernel row 1 only
  for (int i = 0; i < 3; i++) {
    const int o = Stride == 1 ? last - i : last - i / 2;
    row.line[i] = t.lines.row(o, height) + kOutputsBefore * kLanes;
  }
  for (int c = 0; c < t.p.channels; c += kLanes) {
    if constexpr (Stride == 1)
      backward_block_stride1(t, row, c);
    else if (middle)
      backward_block_odd(t, row, c);
    else
      backward_block_even(t, row, c);
  }
}

// A part of the rows of x.
template <class S, int Stride> void depthwise_backward_rows(BackwardThread<S> &t, threads::Range part) {
  const DepthwiseBackward &p = t.p;
  const Window &w = p.window;
  const size_t x_row = size_t(w.width) * p.channels, y_row = size_t(w.out_width) * p.channels;
  const bool streamed = w.images * w.height * x_row * sizeof(S) > kStreamedBytes;
  t.sums.clear();
  t.lines.clear();
  for (int64_t r = part.begin; r < part.end; r++) {
    const int64_t image = r / w.height;
    const int h = int(r % w.height), under = h + w.top;
    const S *g = static_cast<const S *>(p.g) + image * w.out_height * y_row,
            *y = static_cast<const S *>(p.y) + image * w.out_height * y_row;
    if (h == 0 || r == part.begin) { // the first line for this row that is inside the image
      const int first = under / Stride - (Stride == 1 ? 2 : 1);
      t.lines.next = first > 0 ? first : 0;
    }
    for (int &o = t.lines.next; o <= under / Stride && o < w.out_height; o++)
      gradient_row(g + o * y_row, y + o * y_row, w.out_width, p.norm, t.lines, t.lines.slot(o));
    const S *x = static_cast<const S *>(p.x) + r * x_row;
    S *gx = static_cast<S *>(p.gx) + r * x_row;
    BackwardRow<S> row = {{},       x, streamed ? t.stage : gx, g + t.lines.next * y_row, y + t.lines.next * y_row,
                          x + x_row};
    backward_row<S, Stride>(t, row, under);
    if (streamed) stream_copy(gx, t.stage, x_row * sizeof(S));
    t.sums.add_positions(w.width);
  }
  t.sums.flush();
  if (streamed) stream_fence();
}

template <class S> void depthwise_backward(const Workers &w, const DepthwiseBackward &p) {
  const int64_t rows = p.window.images * p.window.height;
  const Parts parts = depthwise_backward_parts<S>(w.threads, p);
  threads::run(w.threads, parts.count, [&](int part, int thread) {
    ScratchMemory sums{parts.sums_of(w, part)}, block{parts.block_of(w, thread)};
    BackwardThread<S> t(sums, block, p);
    const threads::Range range = threads::range_of(rows, part, parts.count);
    if (p.window.stride == 1)
      depthwise_backward_rows<S, 1>(t, range);
    else
      depthwise_backward_rows<S, 2>(t, range);
  });
  std::vector<double> total(p.weight_channels);
  for (int tap = 0; tap < 9; tap++) {
    parts.sum(w, size_t(tap) * p.channels, total.size(), total.data());
    for (int c = 0; c < p.weight_channels; c++) p.dw[c * 9 + tap] = float(total[c]);
  }
  parts.sum(w, 9 * size_t(p.channels), p.channels, p.sums.g);
  parts.sum(w, 10 * size_t(p.channels), p.channels, p.sums.gx);
}

} // namespace depthwise::fused::FUSED_ISA
