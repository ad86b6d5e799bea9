// Blocks of rows before and after the matrix products (gemm/gemm.h), shared by the pointwise
// convolutions and the stem. A block's operands are made in scratch memory that fits the
// second-level cache, and never leave it.
#pragma once
#include "gemm/gemm.h"
#include "depthwise/lines.h"
#include <type_traits>
#include <vector>

namespace depthwise::fused::FUSED_ISA {

// Runs body(part, thread) for all parts, with tiles that stay configured during a part.
template <class Body> void for_each_part(int threads, int parts, Body body) {
  threads::run(threads, parts, [&](int part, int thread) {
    const TilesInUse tiles;
    body(part, thread);
  });
}

// Row stride of a block in elements: one cache line more than the row, since rows a power of two
// apart would fall into the same sets of the first-level cache.
constexpr size_t row_stride(int elements) { return elements + kLanes; }

// Row stride of a weight gradient in floats: one cache line more where all rows would otherwise
// fall into one set. 1568 x 1024 x 1024 in bfloat16 took 7.0 ms backward with it and 7.8 without (2
// Zen 5 cores, medians of six runs).
constexpr size_t sum_stride(int columns) { return columns % 1024 ? columns : columns + kLanes; }

// Blocks and parts consist of whole tiles and whole pairs of rows.
template <class E> constexpr int kRowUnit = kBlockRows<E> % 2 ? 2 * kBlockRows<E> : kBlockRows<E>;

// Rows of a block of at most `bytes` bytes and `most` rows. The default is 192: 401408 x 32 x 64 in
// bfloat16 took 4.8 and 11.9 ms forward and backward on a Zen 5 core, and 6.5 and 14.6 with 480
// rows, whose narrow rows leave the first-level cache. With tiles it is 256.
template <class E> int block_rows(size_t bytes, size_t row_bytes, int most = kTiled<E> ? 256 : 192) {
  const size_t kMost = most / kRowUnit<E>, kLeast = (kTiled<E> ? 64 : 48) / kRowUnit<E>;
  const size_t units = bytes / row_bytes / kRowUnit<E>;
  return kRowUnit<E> * int(units < kLeast ? kLeast : units > kMost ? kMost : units);
}

FUSED_INLINE V activate(V y, V scale, V shift, V cap) {
  return at_most(at_least(multiply_add(y, scale, shift), V{}), cap);
}

// Stores 16 values of a row, rounded to S, as operands along the row.
template <class S> FUSED_INLINE void store_operand(Element<S> *row, int column, V v) {
  if constexpr (kPack<Element<S>> == 2) {
    store(reinterpret_cast<bf16 *>(row) + column, v);
  } else if constexpr (sizeof(S) == sizeof(bf16)) {
    bf16 rounded[kLanes];
    store(rounded, v);
    store(row + column, load(rounded));
  } else {
    store(row + column, v);
  }
}

// The same for C adjacent vectors.
template <class S, int C> FUSED_INLINE void store_operands(Element<S> *row, int column, const V (&v)[C]) {
  if constexpr (kPack<Element<S>> == 2)
    store_all(reinterpret_cast<bf16 *>(row) + column, v);
  else
    for (int c = 0; c < C; c++) store_operand<S>(row, column + c * kLanes, v[c]);
}

#if defined(__AVX512BF16__)
// Stores 16 values of each of two rows as pairs along the rows.
FUSED_INLINE void store_pairs(uint32_t *to, V even, V odd) {
  const U pairs = pair_bf16(even, odd);
  memcpy(to, &pairs, sizeof pairs);
}
#endif

// One operand of a block's weight gradient, (rows, channels) with the reduction along the rows: for
// floats the rows themselves, for pairs two rows each; the last odd row is paired with zeros.
template <class S> struct Outer {
  Element<S> *memory;
  size_t stride; // elements between rows, or between pairs of them

  FUSED_MEMBER void set(int row, int column, V even, V odd) const {
    if constexpr (kPack<Element<S>> == 2) {
      store_pairs(memory + row / 2 * stride + column, even, odd);
    } else {
      store_operand<S>(memory + row * stride, column, even);
      store_operand<S>(memory + (row + 1) * stride, column, odd);
    }
  }
  static int64_t depth(int rows) { return (rows + kPack<Element<S>> - 1) / kPack<Element<S>>; }
};

// Calls body(C, column) for all channels, 32 at a time (C is 2) where that many pairs of bfloat16
// are rounded at once, else 16.
template <class Body> FUSED_INLINE void for_each_columns(int channels, Body body) {
#if defined(__AVX512BF16__)
  constexpr int kWide = 2;
#else
  constexpr int kWide = 1;
#endif
  int column = 0;
  for (; column + kWide * kLanes <= channels; column += kWide * kLanes)
    body(std::integral_constant<int, kWide>{}, column);
  for (; column < channels; column += kLanes) body(std::integral_constant<int, 1>{}, column);
}

// The gradient of a layer's raw output for rows of g and y, as operands along the channels (null
// where there is no data gradient; floats need no second copy and pass null too) and along the
// rows.
template <class S>
void gradient_rows(int rows, int channels, const S *g, const S *y, const NormGradient &n, Element<S> *along,
                   size_t stride, const Outer<S> &across, Prefetcher &prefetcher) {
  for (int r = 0; r < rows; r += 2) {
    prefetcher.fetch();
    const bool pair = r + 1 < rows;
    const size_t even = size_t(r) * channels, odd = pair ? even + channels : even;
    for_each_columns(channels, [&]<int C>(std::integral_constant<int, C>, int column) __attribute__((always_inline)) {
      V first[C], second[C];
#pragma GCC unroll 4
      for (int i = 0; i < C; i++) {
        const int c = column + i * kLanes;
        const V c1 = load(n.c1 + c), c2 = load(n.c2 + c), c3 = load(n.c3 + c);
        first[i] = multiply_add(load(g + even + c), c1, multiply_add(load(y + even + c), c2, c3));
        second[i] = multiply_add(load(g + odd + c), c1, multiply_add(load(y + odd + c), c2, c3));
        if (!pair) second[i] = V{};
        across.set(r, c, first[i], second[i]);
      }
      if (along) {
        store_operands<S>(along + r * stride, column, first);
        store_operands<S>(along + (r + 1) * stride, column, second);
      }
    });
  }
}

// Non-temporal store of 16 values of a row; rows of bfloat16 start at multiples of 32 bytes.
FUSED_INLINE void stream(float *p, V v) {
#if defined(__AVX512F__)
  _mm512_stream_ps(p, (__m512)v);
#elif defined(__AVX2__)
  _mm256_stream_ps(p, (__m256)v.low);
  _mm256_stream_ps(p + kLanes / 2, (__m256)v.high);
#else
  stream_copy(p, &v, sizeof v);
#endif
}
FUSED_INLINE void stream(bf16 *p, V v) {
#if defined(__AVX512F__)
  _mm256_stream_si256(reinterpret_cast<__m256i *>(p), (__m256i)round_bf16(v));
#else
  store(p, v);
#endif
}

// Non-temporal store of adjacent vectors.
template <class S, int C> FUSED_INLINE void stream_all(S *p, const V (&v)[C]) {
#pragma GCC unroll 4
  for (int c = 0; c < C; c++) stream(p + c * kLanes, v[c]);
}
#if defined(__AVX512BF16__)
FUSED_INLINE void stream_all(bf16 *p, const V (&v)[2]) {
  const __m512bh both = _mm512_cvtne2ps_pbh((__m512)v[1], (__m512)v[0]);
  if (reinterpret_cast<uintptr_t>(p) % kCacheLine == 0)
    _mm512_stream_si512(reinterpret_cast<__m512i *>(p), (__m512i)both);
  else
    memcpy(p, &both, sizeof both);
}
#endif

// Whether a tensor is written with non-temporal stores.
template <class S> bool streamed(const void *p, size_t values) {
  return values * sizeof(S) > kStreamedBytes && reinterpret_cast<uintptr_t>(p) % kCacheLine == 0;
}

// Receives the tiles of a convolution's output: stores them, and accumulates Moments in sums.part
// (2, columns).
template <class S> struct OutputTiles {
  S *y; // the block's first row
  size_t columns;
  const float *pivot; // null where moments are not needed
  float *sums;
  bool non_temporal;

  template <int R, int C> FUSED_MEMBER void operator()(const Tile<R, C> &tile, int row, int column, int rows) const {
    if (non_temporal)
      put<true>(tile, row, column, rows);
    else
      put<false>(tile, row, column, rows);
  }

  template <bool kStream, int R, int C>
  FUSED_MEMBER void put(const Tile<R, C> &tile, int row, int column, int rows) const {
    V center[C], sum[C], square[C];
    float *total = sums + column;
#pragma GCC unroll 4
    for (int c = 0; c < C; c++) {
      center[c] = pivot ? load(pivot + column + c * kLanes) : V{};
      sum[c] = load(total + c * kLanes), square[c] = load(total + columns + c * kLanes);
    }
    S *to = y + row * columns + column;
#pragma GCC unroll kTileUnroll
    for (int r = 0; r < R; r++, to += columns) {
      if (r >= rows) break;
      V v[C];
#pragma GCC unroll 4
      for (int c = 0; c < C; c++) {
        v[c] = tile.get(r, c);
        const V d = v[c] - center[c];
        sum[c] += d;
        square[c] = multiply_add(d, d, square[c]);
      }
      if constexpr (kStream)
        stream_all(to, v);
      else
        store_all(to, v);
    }
#pragma GCC unroll 4
    for (int c = 0; c < C; c++) {
      store(total + c * kLanes, sum[c]);
      store(total + columns + c * kLanes, square[c]);
    }
  }
};

// dw (weight_rows, weight_columns) = the total of the parts' sums, whose rows are stride apart, at an
// offset in each part's sums.
static void sum_weight_gradients(const Workers &w, const Parts &parts, size_t offset, size_t stride, int weight_rows,
                                 int weight_columns, float *dw) {
  std::vector<const float *> sums(parts.count);
  for (int part = 0; part < parts.count; part++)
    sums[part] = reinterpret_cast<const float *>(parts.sums_of(w, part) + offset);
  threads::for_each(w.threads, weight_rows, 1 + (1 << 14) / weight_columns, [&](int64_t r) {
    for (int c = 0; c < weight_columns; c += kLanes) {
      V sum{};
      for (const float *part : sums) sum += load(part + r * stride + c);
      const int n = weight_columns - c < kLanes ? weight_columns - c : kLanes;
      memcpy(dw + size_t(r) * weight_columns + c, &sum, n * sizeof(float));
    }
  });
}

} // namespace depthwise::fused::FUSED_ISA
