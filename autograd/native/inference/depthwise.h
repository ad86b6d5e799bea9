// 3x3 depthwise convolution of activations, for inference: from the image's rows directly into
// operands of the 1x1 convolution. The kernel slides along a row of output, one block of 16
// channels after another, with the weights in registers. Rows and columns outside the image are
// zeros: a row outside is one vector of zeros, read with a column step of zero.
#pragma once
#include "gemm/rows.h"

namespace depthwise::fused::FUSED_ISA {

// The input rows under a row of output: where each starts, and elements between its columns (0
// outside the image).
template <class S> struct InputRows {
  const S *at[3];
  size_t step[3];

  InputRows(const InferBlock &p, int64_t row) {
    alignas(64) static const S zeros[kLanes] = {};
    const Window &w = p.window;
    const S *x = static_cast<const S *>(p.x) + row / w.out_height * w.height * w.width * p.in;
    const int first = int(row % w.out_height) * w.stride - w.top;
    for (int i = 0; i < 3; i++) {
      const bool inside = first + i >= 0 && first + i < w.height;
      at[i] = inside ? x + size_t(first + i) * w.width * p.in : zeros;
      step[i] = inside ? p.in : 0;
    }
  }
};

// One column under the kernel: its values in the three rows.
struct Column {
  V row[3];
};

// The columns of 16 channels from c.
template <class S> struct InputColumns {
  const S *at[3];
  size_t step[3];
  int width;

  FUSED_MEMBER InputColumns(const InputRows<S> &rows, int width, int c) : width(width) {
    for (int i = 0; i < 3; i++) step[i] = rows.step[i], at[i] = rows.at[i] + (step[i] ? c : 0);
  }
  FUSED_MEMBER Column inside(int q) const {
    return {load(at[0] + q * step[0]), load(at[1] + q * step[1]), load(at[2] + q * step[2])};
  }
  FUSED_MEMBER Column column(int q) const { return q >= 0 && q < width ? inside(q) : Column{}; }
};

// The weights and bias of 16 channels.
struct Taps {
  V k[9], bias, cap;

  FUSED_MEMBER Taps(const InferBlock &p, int c) : bias(load(p.depthwise_bias + c)), cap(set1(p.cap)) {
#pragma GCC unroll 9
    for (int i = 0; i < 9; i++) k[i] = load(p.depthwise + size_t(i) * p.in + c);
  }
  FUSED_MEMBER V operator()(const Column &a, const Column &b, const Column &d) const {
    V r0 = multiply_add(a.row[0], k[0], bias), r1 = a.row[1] * k[3];
    r0 = multiply_add(b.row[0], k[1], r0), r1 = multiply_add(b.row[1], k[4], r1);
    r0 = multiply_add(a.row[2], k[6], r0), r1 = multiply_add(d.row[1], k[5], r1);
    r0 = multiply_add(b.row[2], k[7], r0), r1 = multiply_add(d.row[0], k[2], r1);
    r0 = multiply_add(d.row[2], k[8], r0);
    return at_most(at_least(r0 + r1, V{}), cap);
  }
};

// One row of output for the 16 channels from c.
template <class S, int Stride>
FUSED_INLINE void infer_convolve(const InferBlock &p, const InputRows<S> &rows, int c, Element<S> *a, size_t stride) {
  const Window &w = p.window;
  const InputColumns<S> x(rows, w.width, c);
  const Taps taps(p, c);
  // Windows whose last column is inside the image.
  const int reach = w.width - 3 + w.left, inside = reach < 0 ? 0 : reach / Stride + 1;
  const int whole = inside < w.out_width ? inside : w.out_width;
  Column first = x.column(-w.left), second = x.column(1 - w.left);
  int q = 0, last = 2 - w.left;
#pragma GCC unroll 3
  for (; q < whole; q++, last += Stride, a += stride) {
    if constexpr (Stride == 2) second = x.inside(last - 1);
    const Column third = x.inside(last);
    store_operand<S>(a, c, taps(first, second, third));
    if constexpr (Stride == 1)
      first = second, second = third;
    else
      first = third;
  }
  for (; q < w.out_width; q++, last += Stride, a += stride) {
    if constexpr (Stride == 2) second = x.column(last - 1);
    const Column third = x.column(last);
    store_operand<S>(a, c, taps(first, second, third));
    if constexpr (Stride == 1)
      first = second, second = third;
    else
      first = third;
  }
}

// Rows of output from index `row`, as operands (rows*out_width, stride).
template <class S> void infer_depthwise(const InferBlock &p, int64_t row, int rows, Element<S> *a, size_t stride) {
  for (int i = 0; i < rows; i++, a += p.window.out_width * stride) {
    const InputRows<S> input(p, row + i);
    for (int c = 0; c < p.in; c += kLanes)
      if (p.window.stride == 1)
        infer_convolve<S, 1>(p, input, c, a, stride);
      else
        infer_convolve<S, 2>(p, input, c, a, stride);
  }
}

} // namespace depthwise::fused::FUSED_ISA
