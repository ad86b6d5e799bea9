// The matrix products of the convolutions: tiles of C = A B in registers, and the loops over tiles.
//
// The reduction advances by 32-bit elements: a float, or, where the processor multiplies pairs of
// bfloat16, two values adjacent along the reduction. One step of a tile broadcasts an element of
// each row of A and multiplies it by vectors of elements of B, one per 16 columns; so floats and
// pairs differ in one instruction. Without that instruction bfloat16 operands are rounded but kept
// as floats.
#pragma once
#include "isa/simd.h"

namespace depthwise::fused::FUSED_ISA {

// Element<S>: the operand type of a product of values in S. kPack<E>: values of the reduction per
// element.
#if defined(__AVX512BF16__)
template <class S> struct ElementOf {
  using type = uint32_t;
};
template <> struct ElementOf<float> {
  using type = float;
};
#else
template <class S> struct ElementOf {
  using type = float;
};
#endif
template <class S> using Element = typename ElementOf<S>::type;
template <class E> constexpr int kPack = 1;
template <> inline constexpr int kPack<uint32_t> = 2;

// A tile is kRows x kVectors*16: as many accumulators as leave room for the operands, since a step
// loads kRows elements and kVectors*16 columns for kRows*kVectors multiplications. Twelve rows by
// two vectors keep a panel of B of 256 elements in half of a 48 KB first-level cache, which six by
// four would not. Weight gradients have channels as rows, which 12 and 6 do not divide, hence
// kChannelRows.
#if defined(__AVX512F__) // 32 registers
constexpr int kRows = 12, kChannelRows = 8, kVectors = 2;
#elif defined(__AVX2__)    // 16 registers, two to a V
constexpr int kRows = 6, kChannelRows = 6, kVectors = 1;
#elif defined(__aarch64__) // 32 registers, four to a V
constexpr int kRows = 6, kChannelRows = 4, kVectors = 1;
#else                      // 16 registers
constexpr int kRows = 3, kChannelRows = 2, kVectors = 1;
#endif
constexpr int kColumns = kVectors * kLanes; // per tile, and per panel

// kTiled<E>: whether products of E use tile registers (gemm/amx.h), 32 rows and columns at a time.
// kBlockRows<E>: a block of A is readable up to a multiple of this many rows.
template <class E> constexpr bool kTiled = false;
#if defined(__AMX_BF16__)
template <> inline constexpr bool kTiled<uint32_t> = true;
#endif
template <class E> constexpr int kBlockRows = kTiled<E> ? 32 : kRows;

// sum + a*b, where a is the same element for all columns.
FUSED_INLINE N accumulate(N sum, const float *a, N b) { return multiply_add(broadcast(*a), b, sum); }
#if defined(__AVX512BF16__)
FUSED_INLINE N accumulate(N sum, const uint32_t *a, N b) {
  return (N)_mm512_dpbf16_ps((__m512)sum, (__m512bh)_mm512_set1_epi32(int(*a)), (__m512bh)b);
}
#endif
template <class T> FUSED_INLINE Pair<T> accumulate(Pair<T> sum, const float *a, Pair<T> b) {
  return {accumulate(sum.low, a, b.low), accumulate(sum.high, a, b.high)};
}

// The sums of R rows and C vectors of 16 columns.
template <int R, int C> struct Tile {
  V sums[R][C];

  // Uses load, for tiles in memory: GCC 12 copies a Pair by quarters, which stalls store
  // forwarding.
  FUSED_MEMBER V get(int row, int column) const { return load(reinterpret_cast<const float *>(&sums[row][column])); }
  FUSED_MEMBER void set(int row, int column, V v) { sums[row][column] = v; }
};

// tile += A B over depth elements. With kRowMajor, rows of A are `row` elements apart and
// consecutive elements follow the reduction; otherwise consecutive elements are rows and steps of
// the reduction are `row` elements apart. B's steps are step elements apart.
template <bool kRowMajor, class E, int R, int C>
FUSED_INLINE void multiply(Tile<R, C> &tile, int64_t depth, const E *a, size_t row, const E *b, size_t step) {
  // Three rows share a pointer (base, base + row, base + 2*row): twelve pointers would be spilled.
  constexpr int kPointers = (R + 2) / 3;
  const E *base[kPointers];
#pragma GCC unroll 8
  for (int i = 0; i < kPointers; i++) base[i] = a + i * 3 * (kRowMajor ? row : 1);
  for (int64_t k = 0; k < depth; k++) {
    V columns[C];
#pragma GCC unroll 8
    for (int c = 0; c < C; c++) columns[c] = load(reinterpret_cast<const float *>(b + c * kLanes));
#pragma GCC unroll 16
    for (int r = 0; r < R; r++) {
      const E *element = kRowMajor ? base[r / 3] + r % 3 * row : a + r;
#pragma GCC unroll 8
      for (int c = 0; c < C; c++) tile.sums[r][c] = accumulate(tile.sums[r][c], element, columns[c]);
    }
    b += step;
    if constexpr (kRowMajor) {
#pragma GCC unroll 8
      for (int i = 0; i < kPointers; i++) base[i]++;
    } else {
      a += row;
    }
  }
}

// Prefetches the next block of rows, a few cache lines per tile, so that memory transfers overlap
// with the arithmetic.
struct Prefetcher {
  const char *next[3] = {}, *end[3] = {};
  double fraction = 1; // of the remaining bytes, to prefetch during the next product
  int lines = 0;       // per tile and range

  void range(int i, const void *begin, size_t bytes) {
    next[i] = static_cast<const char *>(begin);
    end[i] = next[i] + bytes;
  }
  // Spreads its fraction of the ranges over the given number of tiles.
  void spread(int64_t tiles) {
    int64_t most = 0;
    for (int i = 0; i < 3; i++)
      if (end[i] - next[i] > most) most = end[i] - next[i];
    lines = int((int64_t(most * fraction) / 64 + tiles - 1) / tiles);
  }
  FUSED_MEMBER void fetch() {
    for (int i = 0; i < 3; i++)
      for (int n = 0; n < lines && next[i] < end[i]; n++, next[i] += 64) __builtin_prefetch(next[i], 0, 2);
  }
};

// The same with tile registers (gemm/amx.h).
template <class Finish>
void multiply_block_in_tiles(int rows, int columns, int64_t depth, const uint32_t *a, size_t stride,
                             const uint32_t *panels, const float *start, Prefetcher &prefetcher, Finish &finish);
void outer_block_in_tiles(bool overwrite, int rows, int columns, int64_t depth, const uint32_t *a, size_t a_step,
                          const uint32_t *b, size_t b_step, float *sums, size_t stride, Prefetcher &prefetcher);

// Post-processing handles kTileUnroll rows of a tile at a time: all, from registers, or one, from
// memory, where the sums and the post-processing do not fit 16 registers together. That makes
// AVX2's pointwise backward passes in float 3 % faster, those of 64 channels 9 %; but with 32
// registers 200704 x 32 x 64 took 4.6 ms forward on a Zen 5 core through memory, and 4.1 ms
// without.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kTileUnroll = 16;
#else
constexpr int kTileUnroll = 1;
#endif

// C = A B + start for a block of rows: A (rows, depth) has row stride `stride` and is readable up
// to a multiple of kBlockRows<E>; panels are [columns/kColumns][depth][kColumns], the last one
// possibly narrower. start is per column, or null for zero. Each tile goes to finish(tile, row,
// column, valid rows). Not inlined, or GCC 12 takes registers from the sums for the caller's
// values.
template <int C, class E, class Finish>
__attribute__((noinline)) void multiply_panel(int rows, int column, int64_t depth, const E *a, size_t stride,
                                              const E *panel, const float *start, Prefetcher &prefetcher,
                                              Finish &finish) {
  for (int r = 0; r < rows; r += kRows) {
    Tile<kRows, C> tile;
#pragma GCC unroll 4
    for (int c = 0; c < C; c++) {
      V first = start ? load(start + column + c * kLanes) : V{};
#pragma GCC unroll 16
      for (int i = 0; i < kRows; i++) tile.set(i, c, first);
    }
    prefetcher.fetch();
    multiply<true>(tile, depth, a + r * stride, stride, panel, C * kLanes);
    finish(tile, r, column, rows - r < kRows ? rows - r : kRows);
  }
}

template <class E, class Finish>
void multiply_block(int rows, int columns, int64_t depth, const E *a, size_t stride, const E *panels,
                    const float *start, Prefetcher &prefetcher, Finish &finish) {
  if constexpr (kTiled<E>)
    return multiply_block_in_tiles(rows, columns, depth, a, stride, panels, start, prefetcher, finish);
  prefetcher.spread(int64_t((rows + kRows - 1) / kRows) * ((columns + kColumns - 1) / kColumns));
  int column = 0;
  for (; column + kColumns <= columns; column += kColumns)
    multiply_panel<kVectors>(rows, column, depth, a, stride, panels + column * depth, start, prefetcher, finish);
  for (; column < columns; column += kLanes)
    multiply_panel<1>(rows, column, depth, a, stride, panels + column * depth, start, prefetcher, finish);
}

// C (+)= A^T B for a block's weight gradient: the steps of A [depth][rows] and B [depth][columns]
// are a_step and b_step elements apart; the rows of C (rows, columns) are stride apart. With
// overwrite, C starts at zero.
template <int R, int C, class E>
FUSED_INLINE void outer_tile(bool overwrite, int64_t depth, const E *a, size_t a_step, const E *b, size_t b_step,
                             float *to, size_t stride) {
  Tile<R, C> tile;
#pragma GCC unroll 8
  for (int i = 0; i < R; i++)
#pragma GCC unroll 4
    for (int c = 0; c < C; c++) tile.set(i, c, overwrite ? V{} : load(to + i * stride + c * kLanes));
  multiply<false>(tile, depth, a, a_step, b, b_step);
#pragma GCC unroll 8
  for (int i = 0; i < R; i++)
#pragma GCC unroll 4
    for (int c = 0; c < C; c++) store(to + i * stride + c * kLanes, tile.get(i, c));
}

template <int C, class E>
FUSED_INLINE void outer_columns(bool overwrite, int rows, int column, int64_t depth, const E *a, size_t a_step,
                                const E *b, size_t b_step, float *sums, size_t stride) {
  constexpr int kRest = kChannelRows == 6 ? 4 : kChannelRows; // 16 rows are 6 + 6 + 4, 32 rows are 4 x 6 + 2 x 4
  float *to = sums + column;
  int r = 0;
  for (; rows - r > 2 * kRest || rows - r == kChannelRows; r += kChannelRows)
    outer_tile<kChannelRows, C>(overwrite, depth, a + r, a_step, b + column, b_step, to + r * stride, stride);
  for (; r < rows; r += kRest)
    outer_tile<kRest, C>(overwrite, depth, a + r, a_step, b + column, b_step, to + r * stride, stride);
}

// Not inlined, for the same reason as multiply_panel: with AVX2 the layers of a step took 490 ms
// backward instead of 360.
template <class E>
__attribute__((noinline)) void outer_block(bool overwrite, int rows, int columns, int64_t depth, const E *a,
                                           size_t a_step, const E *b, size_t b_step, float *sums, size_t stride,
                                           Prefetcher &prefetcher) {
  if constexpr (kTiled<E>)
    return outer_block_in_tiles(overwrite, rows, columns, depth, a, a_step, b, b_step, sums, stride, prefetcher);
  int column = 0;
  for (; column + kColumns <= columns; column += kColumns)
    outer_columns<kVectors>(overwrite, rows, column, depth, a, a_step, b, b_step, sums, stride);
  for (; column < columns; column += kLanes)
    outer_columns<1>(overwrite, rows, column, depth, a, a_step, b, b_step, sums, stride);
}

} // namespace depthwise::fused::FUSED_ISA

#if defined(__AMX_BF16__)
#include "gemm/amx.h"
#else
namespace depthwise::fused::FUSED_ISA {
// Without tiles there is nothing to release.
struct TilesInUse {
  TilesInUse() {} // not trivial, so that compilers do not warn about unused variables
};
} // namespace depthwise::fused::FUSED_ISA
#endif
