// Inference: the stem, and a block's two convolutions in one tile. Rows of the depthwise convolution's output are made as
// operands of the 1x1 convolution in scratch memory, where the matrix product finds them in the cache; its epilogue adds the
// bias, activates and stores. Each output depends on its own inputs alone, in an order that is the same whatever tile, thread
// or batch it is computed in.
#pragma once
#include "fused_infer_depthwise.h"
#include "fused_pool.h"
#include "fused_stem.h"

namespace depthwise::fused::FUSED_ISA {

// The last rows of a block that fill no tile are computed in tiles of a third or two thirds the height: 49 rows, those of a 7x7
// layer, take the time of 52 and not of 60.
constexpr int kThird = kRows / 3;

// Rows past the last position that a product may read.
template <class S> constexpr int kReadRows = kTiled<Element<S>> ? kBlockRows<Element<S>> : kThird;

// y = activation(A B + bias) for a block of rows: A (rows, depth), readable up to a multiple of kReadRows rows.
template <class S> struct InferProduct {
  const Element<S> *a;
  size_t stride; // elements between the rows of A
  int64_t depth; // elements
  const Element<S> *panels;
  const float *bias;
  V cap;
  S *y; // the block's first row
  size_t columns;

  template <int R, int C> FUSED_MEMBER void tile(int row, int column, int rows) const {
    Tile<R, C> tile;
#pragma GCC unroll 4
    for (int c = 0; c < C; c++) {
      V start = load(bias + column + c * kLanes);
#pragma GCC unroll 16
      for (int r = 0; r < R; r++) tile.set(r, c, start);
    }
    multiply<true>(tile, depth, a + row * stride, stride, panels + column * depth, C * kLanes);
    put(tile, row, column, rows);
  }

  template <int R, int C> FUSED_MEMBER void put(const Tile<R, C> &tile, int row, int column, int rows) const {
    S *to = y + row * columns + column;
#pragma GCC unroll 16
    for (int r = 0; r < R; r++) {
      if (r >= rows) break;
#pragma GCC unroll 4
      for (int c = 0; c < C; c++) store(to + r * columns + c * kLanes, at_most(at_least(tile.get(r, c), V{}), cap));
    }
  }

  template <int C> FUSED_MEMBER void panel(int rows, int column, Ahead &ahead) const {
    int r = 0;
    for (; rows - r > 2 * kThird; r += kRows) {
      ahead.fetch();
      tile<kRows, C>(r, column, rows - r);
    }
    if (rows - r > kThird)
      tile<2 * kThird, C>(r, column, rows - r);
    else if (rows > r)
      tile<kThird, C>(r, column, rows - r);
  }

  // Takes the sums of tile registers.
  template <int R, int C> FUSED_MEMBER void operator()(const Tile<R, C> &tile, int row, int column, int rows) const {
    put(tile, row, column, rows);
  }

  // Columns first to last of all rows.
  void multiply_columns(int rows, int first, int last, Ahead &ahead) const {
    if constexpr (kTiled<Element<S>>) {
      InferProduct part = *this;
      part.y += first;
      return multiply_block_in_tiles(rows, last - first, depth, a, stride, panels + first * depth, bias + first, ahead, part);
    }
    ahead.spread(static_cast<int64_t>((rows + kRows - 1) / kRows) * ((last - first + kColumns - 1) / kColumns));
    int column = first;
    for (; column + kColumns <= last; column += kColumns) panel<kVectors>(rows, column, ahead);
    for (; column < last; column += kLanes) panel<1>(rows, column, ahead);
  }
};

// A thread's tile: whole rows of output, as many as make a good block of positions.
template <class S> struct InferTile {
  static constexpr size_t kBytes = 384 << 10; // of operands
  int rows;                                   // of output
  size_t stride;                              // elements between positions
  Element<S> *a;                              // (positions, stride)

  template <class Memory> InferTile(Memory &memory, int depth, int out_width) {
    stride = row_stride(depth / kPack<Element<S>>);
    rows = block_rows<Element<S>>(kBytes, stride * sizeof(Element<S>)) / out_width;
    if (rows < 1) rows = 1;
    const size_t positions = static_cast<size_t>(rows) * out_width + kReadRows<S>;
    a = memory.template take<Element<S>>(positions * stride);
  }

  // Gives the rows that a product reads past the last position values that cost it no time.
  void end_at(int positions) const {
    for (int r = positions; r % kThird != 0; r++) memset(static_cast<void *>(a + r * stride), 0, stride * sizeof *a);
  }
};

// Hands out a thread's scratch memory.
struct InferMemory {
  char *at;
  template <class T> T *take(size_t n) {
    T *p = reinterpret_cast<T *>(at);
    at += whole_cache_lines(n * sizeof(T));
    return p;
  }
};

template <class S> void infer_pack_pointwise(const Workers &w, const PackPointwise &p) {
  pack_panels<S>(w, p.in, p.out, p.weight, 1, p.in, p.forward);
}

template <class S> size_t infer_block_scratch(const InferBlock &p) {
  ScratchSize size;
  InferTile<S>(size, p.in, p.window.out_width);
  return size.bytes;
}

// Asks for the rows of x under rows of output from `begin`, as far as they exist.
template <class S> FUSED_INLINE void fetch_inputs(const InferBlock &p, int64_t begin, int64_t rows, Ahead &ahead) {
  const Window &w = p.window;
  const int64_t end = begin + rows < p.end ? begin + rows : p.end;
  if (begin >= end) return;
  const int64_t all = w.images * w.height, row_bytes = static_cast<int64_t>(w.width) * p.in * sizeof(S);
  int64_t from = begin / w.out_height * w.height + begin % w.out_height * w.stride;
  int64_t to = (end - 1) / w.out_height * w.height + (end - 1) % w.out_height * w.stride + 2;
  if (to > all) to = all;
  if (from < to) ahead.range(0, static_cast<const char *>(p.x) + from * row_bytes, (to - from) * row_bytes);
}

template <class S> void infer_block(char *scratch, const InferBlock &p) {
  InferMemory memory{scratch};
  InferTile<S> tile(memory, p.in, p.window.out_width);
  const size_t y_row = static_cast<size_t>(p.window.out_width) * p.out;
  for (int64_t row = p.begin; row < p.end; row += tile.rows) {
    const int rows = static_cast<int>(p.end - row < tile.rows ? p.end - row : tile.rows), positions = rows * p.window.out_width;
    infer_depthwise<S>(p, row, rows, tile.a, tile.stride);
    tile.end_at(positions);
    Ahead ahead;
    fetch_inputs<S>(p, row + rows, tile.rows, ahead);
    InferProduct<S>{tile.a,
                    tile.stride,
                    p.in / kPack<Element<S>>,
                    static_cast<const Element<S> *>(p.pointwise),
                    p.pointwise_bias,
                    set1(p.cap),
                    static_cast<S *>(p.y) + row * y_row,
                    static_cast<size_t>(p.out)}
        .multiply_columns(positions, p.first, p.last, ahead);
  }
}

// A thread's memory for the stem: a tile, and the last three rows of the padded image.
template <class S> struct InferStemTile {
  InferTile<S> tile;
  size_t line;
  S *lines;     // (3, line)
  int next = 0; // the padded image's row to be made next

  template <class Memory>
  InferStemTile(Memory &memory, const Window &w) : tile(memory, kTapLanes, w.out_width), line(stem_line(w)), lines(memory.template take<S>(3 * line)) {}

  // Makes the rows under one row of output, as far as they are not there.
  void make(const StemImage &p, int64_t row, bool fresh) {
    const int out_row = static_cast<int>(row % p.window.out_height), first = out_row * p.window.stride;
    if (fresh || out_row == 0) next = first;
    for (; next < first + 3; next++) stem_row<S>(p, row / p.window.out_height, next, lines + next % 3 * line);
  }

  // The windows of one row of output as operands.
  void copy_windows(const Window &w, int64_t row, Element<S> *a) const {
    const int first = static_cast<int>(row % w.out_height) * w.stride;
    const S *at[3];
    for (int i = 0; i < 3; i++) at[i] = lines + (first + i) % 3 * line;
    S taps[kTapLanes] = {};
    for (int q = 0; q < w.out_width; q++, a += tile.stride) {
      const size_t column = static_cast<size_t>(q) * w.stride * kColours;
      for (int i = 0; i < 3; i++) memcpy(taps + i * kRun, at[i] + column, kRun * sizeof(S));
      for (int c = 0; c < kTapLanes; c += kLanes) store_operand<S>(a, c, load(taps + c));
    }
  }
};

template <class S> size_t infer_stem_scratch(const InferStem &p) {
  ScratchSize size;
  InferStemTile<S>(size, p.image.window);
  return size.bytes;
}

template <class S> void infer_stem(char *scratch, const InferStem &p) {
  const Window &w = p.image.window;
  InferMemory memory{scratch};
  InferStemTile<S> stem(memory, w);
  const InferTile<S> &tile = stem.tile;
  const size_t y_row = static_cast<size_t>(w.out_width) * p.out;
  for (int64_t row = p.begin; row < p.end; row += tile.rows) {
    const int rows = static_cast<int>(p.end - row < tile.rows ? p.end - row : tile.rows), positions = rows * w.out_width;
    for (int i = 0; i < rows; i++) {
      stem.make(p.image, row + i, row == p.begin && i == 0);
      stem.copy_windows(w, row + i, tile.a + static_cast<size_t>(i) * w.out_width * tile.stride);
    }
    tile.end_at(positions);
    Ahead ahead;
    InferProduct<S>{tile.a, tile.stride, kTapDepth / kPack<Element<S>>, static_cast<const Element<S> *>(p.weight), p.bias, set1(p.cap),
                    static_cast<S *>(p.y) + row * y_row, static_cast<size_t>(p.out)}
        .multiply_columns(positions, 0, p.out, ahead);
  }
}

// The average of one image's values; p.activation changes none that is activated.
template <class S> void infer_pool(const PoolForward &p, int64_t image) {
  for (int c = 0; c < p.channels; c += kLanes) pool_forward_block<S>(p, image, c);
}

} // namespace depthwise::fused::FUSED_ISA
