// A fully connected layer in float32, forward and backward: y = x W^T + b. The products are those of
// inference's classifier (inference/head.h), from the layer's input and for its gradient; the weight's
// gradient is that of a 1x1 convolution. Parts consist of columns of the result, and pack the weights
// that they read, so that the packed ones are in the cache; a sum never crosses parts.
#pragma once
#include "inference/head.h"

namespace depthwise::fused::FUSED_ISA {

// Scratch memory: x and dy padded to whole vectors, and the last tile's rows.
struct LinearMemory {
  size_t x_stride, dy_stride; // floats between rows
  float *x, *dy, *bias;
  void *panels; // of one direction
  float *sums;  // (threads, kLanes, x_stride)

  template <class Memory>
  LinearMemory(Memory &memory, int threads, const LinearSize &p)
      : x_stride(row_stride(padded(p.in))), dy_stride(row_stride(padded(p.out))),
        x(memory.template take<float>(readable_rows(p.rows) * x_stride)),
        dy(memory.template take<float>(readable_rows(p.rows) * dy_stride)),
        bias(memory.template take<float>(padded(p.in) > padded(p.out) ? padded(p.in) : padded(p.out))),
        panels(memory.template take<char>(panel_bytes<float>(p.in, p.out))),
        sums(memory.template take<float>(threads * kLanes * x_stride)) {}

  static size_t readable_rows(int rows) { return size_t(rows) + kTailRows; }
};

static size_t linear_scratch(int threads, const LinearSize &p) {
  ScratchSize size;
  LinearMemory(size, threads, p);
  return size.bytes;
}

// Copies rows and fills them up with zeros, and the rows after them.
static void pad_rows(int rows, int columns, const float *from, float *to, size_t stride) {
  for (int r = 0; r < rows; r++, from += columns) {
    memcpy(to + r * stride, from, columns * sizeof(float));
    memset(to + r * stride + columns, 0, (padded(columns) - columns) * sizeof(float));
  }
  memset(to + rows * stride, 0, kTailRows * stride * sizeof(float));
}

// Calls body(first, last) for parts of the padded columns, in whole panels.
template <class Body> void for_each_panels(const Workers &w, int columns, Body body) {
  const int all = padded(columns), panels = (all + kColumns - 1) / kColumns;
  const int parts = threads::parts_of(w.threads, panels, 1);
  threads::run(w.threads, parts, [&](int part, int) {
    const threads::Range range = threads::range_of(panels, part, parts);
    const int last = int(range.end) * kColumns;
    body(int(range.begin) * kColumns, last < all ? last : all);
  });
}

static void linear_forward(const Workers &w, const LinearForward &p) {
  const LinearSize &size = p.size;
  ScratchMemory memory{w.scratch};
  const LinearMemory m(memory, w.threads, size);
  const int in = padded(size.in), out = padded(size.out);
  pad_rows(size.rows, size.in, p.x, m.x, m.x_stride);
  memset(m.bias, 0, out * sizeof(float));
  if (p.bias) memcpy(m.bias, p.bias, size.out * sizeof(float));
  for_each_panels(w, size.out, [&](int first, int last) {
    for (int o = first; o < last; o += kLanes)
      for (int i = 0; i < in; i += kLanes) {
        WeightBlock block, transposed;
        read_block(size.out - o, size.in - i, p.weight + size_t(o) * size.in + i, size.in, block);
        transpose(kLanes, block.rows[0], kLanes, transposed.rows[0], kLanes);
        write_block<float>(transposed, in, out, o, i, m.panels);
      }
    infer_head({size.rows, in, size.out, m.x, m.x_stride, m.panels, m.bias, p.y, first, last});
  });
}

// dx = dy W.
static void linear_input_gradient(const Workers &w, const LinearBackward &p, const LinearMemory &m) {
  const LinearSize &size = p.size;
  const int in = padded(size.in), out = padded(size.out);
  memset(m.bias, 0, in * sizeof(float));
  for_each_panels(w, size.in, [&](int first, int last) {
    for (int o = 0; o < out; o += kLanes)
      for (int i = first; i < last; i += kLanes) {
        WeightBlock block;
        read_block(size.out - o, size.in - i, p.weight + size_t(o) * size.in + i, size.in, block);
        write_block<float>(block, out, in, i, o, m.panels);
      }
    infer_head({size.rows, out, size.in, m.dy, m.dy_stride, m.panels, m.bias, p.dx, first, last});
  });
}

// dw = dy^T x and db = the sum of dy's rows, for the outputs from o.
static void linear_weight_gradient(const LinearBackward &p, const LinearMemory &m, int o, float *sums) {
  const LinearSize &size = p.size;
  const int outputs = size.out - o < kLanes ? size.out - o : kLanes;
  const float *dy = m.dy + o;
  Prefetcher prefetcher;
  outer_block(true, kLanes, padded(size.in), size.rows, dy, m.dy_stride, m.x, m.x_stride, sums, m.x_stride, prefetcher);
  for (int r = 0; r < outputs; r++)
    memcpy(p.dw + size_t(o + r) * size.in, sums + r * m.x_stride, size.in * sizeof(float));
  if (!p.db) return;
  V sum{};
  for (int r = 0; r < size.rows; r++) sum += load(dy + r * m.dy_stride);
  memcpy(p.db + o, &sum, outputs * sizeof(float));
}

static void linear_backward(const Workers &w, const LinearBackward &p) {
  ScratchMemory memory{w.scratch};
  const LinearMemory m(memory, w.threads, p.size);
  pad_rows(p.size.rows, p.size.out, p.dy, m.dy, m.dy_stride);
  if (p.dx) linear_input_gradient(w, p, m);
  if (!p.dw) return;
  pad_rows(p.size.rows, p.size.in, p.x, m.x, m.x_stride);
  const int blocks = padded(p.size.out) / kLanes, parts = threads::parts_of(w.threads, blocks, 1);
  threads::run(w.threads, parts, [&](int part, int thread) {
    const threads::Range range = threads::range_of(blocks, part, parts);
    for (int64_t i = range.begin; i < range.end; i++)
      linear_weight_gradient(p, m, int(i) * kLanes, m.sums + thread * kLanes * m.x_stride);
  });
}

} // namespace depthwise::fused::FUSED_ISA
