// 1x1 convolution: a matrix product of rows of channels. Forward and backward are one pass each
// over blocks of rows.
#pragma once
#include "gemm/rows.h"
#include "isa/transpose.h"

namespace depthwise::fused::FUSED_ISA {

// Panels for a product whose B is (depth, columns):
// [columns/kColumns][depth/kPack][kColumns][kPack], the last panel possibly narrower, both sides
// padded to kLanes.
template <class S> size_t panel_bytes(int in, int out) {
  return size_t(padded(in)) * padded(out) * 4 / kPack<Element<S>>;
}

FUSED_INLINE uint32_t bits(float v) {
  uint32_t u;
  memcpy(&u, &v, sizeof u);
  return u;
}
// The upper half of v, rounded to nearest even; NaN stays NaN.
FUSED_INLINE uint32_t round_bits(float v) {
  uint32_t u = bits(v);
  return v != v ? u >> 16 | 0x40 : (u + 0x7fff + (u >> 16 & 1)) >> 16;
}
// An operand element of v and, where elements are pairs, next.
template <class S> FUSED_INLINE Element<S> element(float v, float next) {
  if constexpr (kPack<Element<S>> == 2) {
    return round_bits(v) | round_bits(next) << 16;
  } else if constexpr (sizeof(S) == sizeof(bf16)) {
    uint32_t u = round_bits(v) << 16;
    memcpy(&v, &u, sizeof v);
    return v;
  } else {
    return v;
  }
}

// A 16x16 block of weights between the weight tensor and the panels.
struct alignas(kCacheLine) WeightBlock {
  float rows[kLanes][kLanes];
};

// Reads the block of weights (outputs, inputs) at `from` with row stride `stride`; missing rows and
// columns are zero.
FUSED_INLINE void read_block(int outputs, int inputs, const float *from, size_t stride, WeightBlock &block) {
  if (outputs < kLanes || inputs < kLanes) memset(&block, 0, sizeof block);
  const int rows = outputs < kLanes ? outputs : kLanes;
  for (int r = 0; r < rows; r++, from += stride)
    if (inputs >= kLanes)
      store(block.rows[r], load(from));
    else
      memcpy(block.rows[r], from, inputs * sizeof(float));
}

// Writes a block, whose rows are steps of the reduction, to its place in the panels: columns from
// `column`, steps from `step`.
template <class S>
FUSED_INLINE void write_block(const WeightBlock &block, int depth, int columns, int column, int step, void *panels) {
  constexpr int kPairs = kPack<Element<S>>;
  const int first = column / kColumns * kColumns, width = columns - first < kColumns ? kLanes : kColumns;
  Element<S> *to = static_cast<Element<S> *>(panels) + size_t(first) * (depth / kPairs) + (column - first) +
                   size_t(step / kPairs) * width;
  for (int k = 0; k < kLanes; k += kPairs, to += width)
    if constexpr (kPairs == 2)
      store_pairs(to, load(block.rows[k]), load(block.rows[k + 1]));
    else
      for (int n = 0; n < kLanes; n++) to[n] = element<S>(block.rows[k][n], 0);
}

// Weights are read once, row by row; a block's rows are steps of the backward product and its
// columns those of the forward product. Reading each side separately, 16 columns after another,
// took 3.6 ms of a step on a Xeon; this takes 1.6 ms.
template <class S> void pack_pointwise(const Workers &w, const PackPointwise &p) {
  const int in = padded(p.in), out = padded(p.out);
  threads::for_each(w.threads, out / kLanes, 1 + (1 << 10) / in, [&](int64_t row) {
    const int o = int(row) * kLanes;
    for (int i = 0; i < in; i += kLanes) {
      WeightBlock block, transposed;
      read_block(p.out - o, p.in - i, p.weight + size_t(o) * p.in + i, p.in, block);
      if (p.backward) write_block<S>(block, out, in, i, o, p.backward);
      transpose(kLanes, block.rows[0], kLanes, transposed.rows[0], kLanes);
      write_block<S>(transposed, in, out, o, i, p.forward);
    }
  });
}

// A part's sums and a thread's block for the forward pass.
template <class S> struct ForwardBlock {
  static constexpr size_t kBytes = kTiled<Element<S>> ? 256 << 10 : 128 << 10; // of a
  RunningSums moments;                                                         // (2, out)
  int rows;
  size_t stride;
  Element<S> *a; // (rows, stride): activations

  template <class Memory> ForwardBlock(Memory &sums, Memory &block, int in, int out) : moments(sums, 2 * size_t(out)) {
    stride = row_stride(in / kPack<Element<S>>);
    rows = block_rows<Element<S>>(kBytes, stride * sizeof(Element<S>));
    a = block.template take<Element<S>>(rows * stride);
  }
};

template <class S> Parts pointwise_forward_parts(int threads, const PointwiseForward &p) {
  ScratchSize sums, block;
  const ForwardBlock<S> size(sums, block, p.in, p.out);
  return {threads, threads::parts_of(threads, p.rows, size.rows), sums.bytes, block.bytes};
}

template <class S> size_t pointwise_forward_scratch(int threads, const PointwiseForward &p) {
  return pointwise_forward_parts<S>(threads, p).bytes();
}

// Applies the activation to rows of x and stores operands along the channels.
template <class S>
void activate_rows(int rows, int channels, const S *x, const Activation &n, Element<S> *a, size_t stride) {
  const V cap = set1(n.cap);
  for (int r = 0; r < rows; r++, x += channels, a += stride)
    for_each_columns(channels, [&]<int C>(std::integral_constant<int, C>, int column) __attribute__((always_inline)) {
      V v[C];
#pragma GCC unroll 4
      for (int i = 0; i < C; i++) {
        const int c = column + i * kLanes;
        v[i] = activate(load(x + c), load(n.scale + c), load(n.shift + c), cap);
      }
      store_operands<S>(a, column, v);
    });
}

// A part of all rows, in whole tiles.
template <class S> threads::Range tile_part(int64_t rows, int number, int parts) {
  constexpr int kUnit = kRowUnit<Element<S>>;
  threads::Range part = threads::range_of((rows + kUnit - 1) / kUnit, number, parts);
  part.begin *= kUnit, part.end *= kUnit;
  return {part.begin < rows ? part.begin : rows, part.end < rows ? part.end : rows};
}

template <class S> void pointwise_forward_part(const PointwiseForward &p, ForwardBlock<S> &block, threads::Range part) {
  const S *x = static_cast<const S *>(p.x);
  S *y = static_cast<S *>(p.y);
  const bool non_temporal = streamed<S>(p.y, p.rows * p.out);
  block.moments.clear();
  for (int64_t begin = part.begin; begin < part.end; begin += block.rows) {
    const int rows = int(part.end - begin < block.rows ? part.end - begin : block.rows);
    activate_rows<S>(rows, p.in, x + begin * p.in, p.activation, block.a, block.stride);
    Prefetcher prefetcher;
    const int64_t next = begin + rows, after = next + block.rows < part.end ? next + block.rows : part.end;
    prefetcher.range(0, x + next * p.in, (after - next) * p.in * sizeof(S));
    OutputTiles<S> tiles{y + begin * p.out, size_t(p.out), p.moments.sum ? p.moments.pivot : nullptr,
                         block.moments.part, non_temporal};
    multiply_block(rows, p.out, p.in / kPack<Element<S>>, block.a, block.stride,
                   static_cast<const Element<S> *>(p.weight), p.bias, prefetcher, tiles);
    block.moments.add_positions(rows);
  }
  block.moments.flush();
  if (non_temporal) stream_fence();
}

template <class S> void pointwise_forward(const Workers &w, const PointwiseForward &p) {
  const Parts parts = pointwise_forward_parts<S>(w.threads, p);
  for_each_part(w.threads, parts.count, [&](int part, int thread) {
    ScratchMemory sums{parts.sums_of(w, part)}, memory{parts.block_of(w, thread)};
    ForwardBlock<S> block(sums, memory, p.in, p.out);
    pointwise_forward_part<S>(p, block, tile_part<S>(p.rows, part, parts.count));
  });
  if (!p.moments.sum) return;
  parts.sum(w, 0, p.out, p.moments.sum);
  parts.sum(w, p.out, p.out, p.moments.square);
}

// A part's sums and a thread's block for the backward pass. Floats need one copy of dy; pairs need one along the
// channels and one along the rows.
template <class S> struct BackwardBlock {
  static constexpr bool kTwice = kPack<Element<S>> == 2;
  // The longest block of operands that fits beside a panel and x in 1 MB of second-level cache.
  // Every block reads and writes the whole weight gradient: where that exceeds the cache (from 512
  // KB on, with tiles and 2 MB), longer blocks pay. Blocks of 416 rows of equal length took 3672 us
  // for 1568 x 1024 x 1024 on a Xeon with two cores, and 3627 us for 6272 x 512 x 512; blocks of
  // 256 rows with a shorter last one took 4080 and 3834 us. They gain nothing where weights are
  // few.
  static int longest(int in, int out, size_t row_bytes) {
    if (!kTiled<Element<S>>) return block_rows<Element<S>>(384 << 10, row_bytes);
    return block_rows<Element<S>>(3 << 20, row_bytes, size_t(in) * out >= 100000 ? kMostRows : 256);
  }
  static constexpr int kMostRows = 416;
  RunningSums sums; // (2, in)
  int rows;
  size_t stride;             // of dy
  size_t dw_offset;          // of dw in the part's sums, in bytes
  Element<S> *dy;            // (rows, stride)
  Outer<S> gradient, inputs; // dy and a(x), along the rows
  size_t dw_stride;          // floats between its rows
  float *dw;                 // (out, in)

  template <class Memory> BackwardBlock(Memory &part, Memory &memory, int in, int out) : sums(part, 2 * size_t(in)) {
    dw_offset = whole_cache_lines(sums.count * sizeof(double)) + whole_cache_lines(sums.count * sizeof(float));
    dw_stride = sum_stride(in);
    dw = part.template take<float>(out * dw_stride);
    stride = row_stride(out / kPack<Element<S>>);
    gradient.stride = row_stride(out);
    inputs.stride = row_stride(in);
    const size_t row = kTwice * stride + (gradient.stride + inputs.stride) / kPack<Element<S>>;
    rows = longest(in, out, row * sizeof(Element<S>));
    gradient.memory = memory.template take<Element<S>>(rows * gradient.stride / kPack<Element<S>>);
    inputs.memory = memory.template take<Element<S>>(rows * inputs.stride / kPack<Element<S>>);
    dy = kTwice ? memory.template take<Element<S>>(rows * stride) : gradient.memory;
  }

  // With tiles, makes blocks equally long.
  void balance(int64_t all) {
    if (!kTiled<Element<S>> || all <= 0) return;
    constexpr int kUnit = kRowUnit<Element<S>>;
    const int64_t blocks = (all + rows - 1) / rows, units = (all + blocks * kUnit - 1) / (blocks * kUnit);
    rows = int(units) * kUnit;
  }
};

// Parts for each thread. Every part has a whole weight gradient, which its blocks read and write, and
// which is read once more for the total.
constexpr int weight_gradient_parts(int in, int out) {
  return size_t(in) * out * sizeof(float) < 256 << 10 ? threads::kPartsPerThread : 1;
}

template <class S> Parts pointwise_backward_parts(int threads, const PointwiseBackward &p) {
  ScratchSize sums, block;
  const BackwardBlock<S> size(sums, block, p.in, p.out);
  return {threads, threads::parts_of(threads, p.rows, size.rows, weight_gradient_parts(p.in, p.out)), sums.bytes,
          block.bytes};
}

template <class S> size_t pointwise_backward_scratch(int threads, const PointwiseBackward &p) {
  return pointwise_backward_parts<S>(threads, p).bytes();
}

// Applies the activation to rows of x and stores operands along the rows.
template <class S> void activate_pairs(int rows, int channels, const S *x, const Activation &n, const Outer<S> &to) {
  const V cap = set1(n.cap);
  for (int r = 0; r < rows; r += 2, x += 2 * channels)
    for (int c = 0; c < channels; c += kLanes) {
      V scale = load(n.scale + c), shift = load(n.shift + c);
      V even = activate(load(x + c), scale, shift, cap), odd{};
      if (r + 1 < rows) odd = activate(load(x + channels + c), scale, shift, cap);
      to.set(r, c, even, odd);
    }
}

// Receives the tiles of the data gradient: masks them by the activation of x, stores them, and
// accumulates GradientSums in sums (2, columns). Between tile-register products there is time for
// a(x) as well, which the weight gradient needs: then it is stored in inputs here, and
// activate_pairs is not called.
template <class S> struct InputGradientTiles {
  static constexpr bool kStoresInputs = kTiled<Element<S>>;
  const S *x; // the block's first row
  S *gx;
  size_t columns;
  const Activation &activation;
  const float *mean;
  float *sums;
  bool non_temporal;
  Outer<S> inputs;

  template <int R, int C> FUSED_MEMBER void operator()(const Tile<R, C> &tile, int row, int column, int rows) const {
    if (non_temporal)
      put<true>(tile, row, column, rows);
    else
      put<false>(tile, row, column, rows);
  }

  template <bool kStream, int R, int C>
  FUSED_MEMBER void put(const Tile<R, C> &tile, int row, int column, int rows) const {
    const V cap = set1(activation.cap);
    V scale[C], shift[C], center[C], sum[C], product[C];
    float *total = sums + column;
#pragma GCC unroll 4
    for (int c = 0; c < C; c++) {
      const int at = column + c * kLanes;
      scale[c] = load(activation.scale + at), shift[c] = load(activation.shift + at), center[c] = load(mean + at);
      sum[c] = load(total + c * kLanes), product[c] = load(total + columns + c * kLanes);
    }
    size_t at = row * columns + column;
    V input[2][C]{};
#pragma GCC unroll kTileUnroll
    for (int r = 0; r < R; r++, at += columns) {
      if (r >= rows) break;
      V g[C];
#pragma GCC unroll 4
      for (int c = 0; c < C; c++) {
        const V value = load(x + at + c * kLanes), z = multiply_add(value, scale[c], shift[c]);
        g[c] = masked(tile.get(r, c), z, cap);
        sum[c] += g[c];
        product[c] = multiply_add(g[c], value - center[c], product[c]);
        if constexpr (kStoresInputs) input[r % 2][c] = at_most(at_least(z, V{}), cap);
      }
      if constexpr (kStream)
        stream_all(gx + at, g);
      else
        store_all(gx + at, g);
      if constexpr (kStoresInputs)
        if (r % 2 || r + 1 == rows) store_inputs(row + r - r % 2, column, input[0], r % 2 ? input[1] : nullptr);
    }
#pragma GCC unroll 4
    for (int c = 0; c < C; c++) {
      store(total + c * kLanes, sum[c]);
      store(total + columns + c * kLanes, product[c]);
    }
  }

  // Stores a row of a(x) and the next one, or null where it is the last.
  template <int C> FUSED_MEMBER void store_inputs(int row, int column, const V (&even)[C], const V *odd) const {
#pragma GCC unroll 4
    for (int c = 0; c < C; c++) inputs.set(row, column + c * kLanes, even[c], odd ? odd[c] : V{});
  }
};

// Fraction of the next block to prefetch while computing dy, and fraction of the rest to prefetch
// during the product, on processors with tiles; what is left is prefetched during the weight
// gradient. With all of it during the product the layers of a step took 50.6 ms backward; split
// like this (and with a(x) stored between the products) 44.8 ms.
constexpr double kGradientPrefetch = 0.3, kProductPrefetch = 0.6;

// One block: rows from begin. end is the end of the part.
template <class S>
void pointwise_backward_block(const PointwiseBackward &p, BackwardBlock<S> &block, int64_t begin, int rows, int64_t end,
                              bool overwrite) {
  using E = Element<S>;
  const S *g = static_cast<const S *>(p.g), *y = static_cast<const S *>(p.y), *x = static_cast<const S *>(p.x);
  Prefetcher prefetcher;
  const int64_t next = begin + rows, count = end - next < block.rows ? end - next : block.rows;
  prefetcher.range(0, g + next * p.out, count * p.out * sizeof(S));
  prefetcher.range(1, y + next * p.out, count * p.out * sizeof(S));
  prefetcher.range(2, x + next * p.in, count * p.in * sizeof(S));
  if constexpr (kTiled<E>) {
    prefetcher.fraction = kGradientPrefetch;
    prefetcher.spread((rows + 1) / 2);
  }
  gradient_rows<S>(rows, p.out, g + begin * p.out, y + begin * p.out, p.norm, block.kTwice ? block.dy : nullptr,
                   block.stride, block.gradient, prefetcher);
  InputGradientTiles<S> tiles{
      x + begin * p.in, static_cast<S *>(p.gx) + begin * p.in, size_t(p.in), p.activation, p.sums.mean,
      block.sums.part,  streamed<S>(p.gx, p.rows * p.in),      block.inputs};
  if constexpr (!tiles.kStoresInputs) activate_pairs<S>(rows, p.in, x + begin * p.in, p.activation, block.inputs);
  if constexpr (kTiled<E>) prefetcher.fraction = kProductPrefetch;
  multiply_block(rows, p.in, p.out / kPack<E>, block.dy, block.stride, static_cast<const E *>(p.weight), nullptr,
                 prefetcher, tiles);
  prefetcher.fraction = 1;
  outer_block(overwrite, p.out, p.in, Outer<S>::depth(rows), block.gradient.memory, block.gradient.stride,
              block.inputs.memory, block.inputs.stride, block.dw, block.dw_stride, prefetcher);
  block.sums.add_positions(rows);
}

template <class S> void pointwise_backward(const Workers &w, const PointwiseBackward &p) {
  const Parts parts = pointwise_backward_parts<S>(w.threads, p);
  for_each_part(w.threads, parts.count, [&](int number, int thread) {
    ScratchMemory sums{parts.sums_of(w, number)}, memory{parts.block_of(w, thread)};
    BackwardBlock<S> block(sums, memory, p.in, p.out);
    const threads::Range part = tile_part<S>(p.rows, number, parts.count);
    block.sums.clear();
    block.balance(part.end - part.begin);
    if (part.begin == part.end) memset(block.dw, 0, p.out * block.dw_stride * sizeof(float));
    for (int64_t begin = part.begin; begin < part.end; begin += block.rows) {
      const int rows = int(part.end - begin < block.rows ? part.end - begin : block.rows);
      pointwise_backward_block<S>(p, block, begin, rows, part.end, begin == part.begin);
    }
    block.sums.flush();
    stream_fence();
  });
  parts.sum(w, 0, p.in, p.sums.g);
  parts.sum(w, p.in, p.in, p.sums.gx);
  ScratchSize sums, memory;
  const BackwardBlock<S> size(sums, memory, p.in, p.out);
  sum_weight_gradients(w, parts, size.dw_offset, size.dw_stride, p.weight_out, p.weight_in, p.dw);
}

} // namespace depthwise::fused::FUSED_ISA
