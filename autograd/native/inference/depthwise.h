// 3x3 depthwise convolution of activations, for inference: from the image's rows directly into
// operands of the 1x1 convolution. The kernel slides along up to three rows of output, one block
// of 16 channels after another, with the weights in registers. Rows and columns outside the image are
// zeros: a row outside is one vector of zeros, read with a column step of zero.
#pragma once
#include "gemm/rows.h"

namespace depthwise::fused::FUSED_ISA {

// Rows of output that are computed together where their windows overlap (stride 1), if there are registers for
// them: each input value is then read and widened once for all. A 14x14 layer of 512 channels in bfloat16 takes 7.4 us
// with one row, 6.4 with two and 5.7 with three (two Zen 5 cores, one image).
#if defined(__AVX512F__)
constexpr int kRowsTogether = 3;
#else
constexpr int kRowsTogether = 1;
#endif

// The N input rows under rows of output: where each starts, and elements between its columns (0
// outside the image).
template <class S, int N> struct InputRows {
  const S *at[N];
  size_t step[N];

  InputRows(const InferBlock &p, int64_t row) {
    alignas(64) static const S zeros[kLanes] = {};
    const Window &w = p.window;
    const S *x = static_cast<const S *>(p.x) + row / w.out_height * w.height * w.width * p.in;
    const int first = int(row % w.out_height) * w.stride - w.top;
    for (int i = 0; i < N; i++) {
      const bool inside = first + i >= 0 && first + i < w.height;
      at[i] = inside ? x + size_t(first + i) * w.width * p.in : zeros;
      step[i] = inside ? p.in : 0;
    }
  }
};

// One column under the kernel: its values in the N rows.
template <int N> struct Column {
  V row[N];
};

// The columns of 16 channels from c.
template <class S, int N> struct InputColumns {
  const S *at[N];
  size_t step[N];
  int width;

  FUSED_MEMBER InputColumns(const InputRows<S, N> &rows, int width, int c) : width(width) {
    for (int i = 0; i < N; i++) step[i] = rows.step[i], at[i] = rows.at[i] + (step[i] ? c : 0);
  }
  FUSED_MEMBER Column<N> inside(int q) const {
    Column<N> column;
#pragma GCC unroll 5
    for (int i = 0; i < N; i++) column.row[i] = load(at[i] + q * step[i]);
    return column;
  }
  FUSED_MEMBER Column<N> column(int q) const { return q >= 0 && q < width ? inside(q) : Column<N>{}; }
};

// The weights and bias of 16 channels.
struct Taps {
  V k[9], bias, cap;

  FUSED_MEMBER Taps(const InferBlock &p, int c) : bias(load(p.depthwise_bias + c)), cap(set1(p.cap)) {
#pragma GCC unroll 9
    for (int i = 0; i < 9; i++) k[i] = load(p.depthwise + size_t(i) * p.in + c);
  }
  // The output whose window begins at row r of the columns.
  template <int N> FUSED_MEMBER V at(int r, const Column<N> &a, const Column<N> &b, const Column<N> &d) const {
    V r0 = multiply_add(a.row[r], k[0], bias), r1 = a.row[r + 1] * k[3];
    r0 = multiply_add(b.row[r], k[1], r0), r1 = multiply_add(b.row[r + 1], k[4], r1);
    r0 = multiply_add(a.row[r + 2], k[6], r0), r1 = multiply_add(d.row[r + 1], k[5], r1);
    r0 = multiply_add(b.row[r + 2], k[7], r0), r1 = multiply_add(d.row[r], k[2], r1);
    r0 = multiply_add(d.row[r + 2], k[8], r0);
    return at_most(at_least(r0 + r1, V{}), cap);
  }
};

// R rows of output for the 16 channels from c. R is 1 where Stride is 2.
template <class S, int Stride, int R>
FUSED_INLINE void infer_convolve(const InferBlock &p, const InputRows<S, R + 2> &rows, int c, Element<S> *a,
                                 size_t stride) {
  typedef Column<R + 2> Inputs;
  const Window &w = p.window;
  const InputColumns<S, R + 2> x(rows, w.width, c);
  const Taps taps(p, c);
  const size_t row = w.out_width * stride;
  const auto output = [&](const Inputs &first, const Inputs &second, const Inputs &third) {
#pragma GCC unroll 3
    for (int r = 0; r < R; r++) store_operand<S>(a + r * row, c, taps.at(r, first, second, third));
    a += stride;
  };
  // Windows whose last column is inside the image.
  const int reach = w.width - 3 + w.left, inside = reach < 0 ? 0 : reach / Stride + 1;
  const int whole = inside < w.out_width ? inside : w.out_width;
  Inputs first = x.column(-w.left), second = x.column(1 - w.left);
  int q = 0, last = 2 - w.left;
#pragma GCC unroll 3
  for (; q < whole; q++, last += Stride) {
    if constexpr (Stride == 2) second = x.inside(last - 1);
    const Inputs third = x.inside(last);
    output(first, second, third);
    if constexpr (Stride == 1)
      first = second, second = third;
    else
      first = third;
  }
  for (; q < w.out_width; q++, last += Stride) {
    if constexpr (Stride == 2) second = x.column(last - 1);
    const Inputs third = x.column(last);
    output(first, second, third);
    if constexpr (Stride == 1)
      first = second, second = third;
    else
      first = third;
  }
}

// R rows of output of one image, all channels.
template <class S, int Stride, int R> void infer_rows(const InferBlock &p, int64_t row, Element<S> *a, size_t stride) {
  const InputRows<S, R + 2> input(p, row);
  for (int c = 0; c < p.in; c += kLanes) infer_convolve<S, Stride, R>(p, input, c, a, stride);
}

// Rows of output from index `row`, as operands (rows*out_width, stride).
template <class S> void infer_depthwise(const InferBlock &p, int64_t row, int rows, Element<S> *a, size_t stride) {
  const int height = p.window.out_height;
  const size_t step = p.window.out_width * stride;
  for (int i = 0; i < rows;) {
    const int in_image = height - int((row + i) % height); // rows up to the end of the image
    const int remaining = in_image < rows - i ? in_image : rows - i;
    Element<S> *to = a + i * step;
    if (p.window.stride == 2)
      infer_rows<S, 2, 1>(p, row + i++, to, stride);
    else if (remaining >= kRowsTogether)
      infer_rows<S, 1, kRowsTogether>(p, row + i, to, stride), i += kRowsTogether;
    else if (remaining == 2)
      infer_rows<S, 1, 2>(p, row + i, to, stride), i += 2;
    else
      infer_rows<S, 1, 1>(p, row + i++, to, stride);
  }
}

} // namespace depthwise::fused::FUSED_ISA
