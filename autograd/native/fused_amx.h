// The matrix products of fused_gemm.h in Intel's matrix extensions (AMX; Sapphire Rapids and later), for pairs of bfloat16.
//
// Eight tile registers hold up to 16 rows of 64 bytes. TDPBF16PS multiplies a tile of A, 16 rows of 16 pairs along the
// reduction, with one of B, 16 steps of 16 columns' pairs, and adds the product to 16x16 sums: 16,384 multiplications and
// additions, one every 16 cycles. That is the layout that rows of operands and panels have for the vector instructions' pairs
// too, so the tiles are loaded from the same memory. Two tiles of A and two of B make four products: 32 rows by 32 columns,
// with as many loads as multiplications.
//
// The tiles multiply while the vector units do what becomes of the sums before (SumsInFlight): one after the other, the pointwise
// layers of a step of 32 took 21.3 and 55.8 ms forward and backward on two cores of a Xeon of 2.6 GHz with 2 MB of second-level
// cache each, and between one another 18.6 and 50.6.
#pragma once
#include "fused_gemm.h"

namespace depthwise::fused::FUSED_ISA {

constexpr int kTile = 16;             // rows of a tile register, and 32-bit elements in each
constexpr int kBlockTile = 2 * kTile; // rows and columns of four products

// The instructions. Those that take memory say so to the compiler, which GCC's intrinsics do not: it might drop or delay the
// stores that made an operand. Numbers of registers are part of the instruction.
template <int kRegister> FUSED_INLINE void tile_zero() { asm volatile("tilezero %%tmm%c0" : : "i"(kRegister)); }
template <int kRegister> FUSED_INLINE void tile_load(const void *p, size_t stride) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(p), "r"(stride), "i"(kRegister) : "memory");
}
template <int kRegister> FUSED_INLINE void tile_store(void *p, size_t stride) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(p), "r"(stride), "i"(kRegister) : "memory");
}
template <int kSum, int kLeft, int kRight> FUSED_INLINE void tile_multiply() {
  asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kSum), "i"(kLeft), "i"(kRight));
}

// The registers: sums of rows r and columns c (0 or 1 each), A of rows r, B of columns c.
constexpr int tile_sums(int r, int c) { return 2 * r + c; }
constexpr int tile_a(int r) { return 4 + r; }
constexpr int tile_b(int c) { return 6 + c; }

// Gives the registers their shapes, for products of so many pairs along the reduction, while it lives. A thread's tiles are
// released with it: those in use cost a context switch 8 KB and the core some of its sleep.
class TileShapes {
public:
  explicit TileShapes(int depth) {
    struct alignas(64) {
      uint8_t palette = 1, start_row = 0, reserved[14] = {};
      uint16_t row_bytes[16] = {};
      uint8_t rows[16] = {};
    } config;
    for (int i = 0; i < 2; i++) {
      for (int c = 0; c < 2; c++) config.rows[tile_sums(i, c)] = kTile, config.row_bytes[tile_sums(i, c)] = kTile * 4;
      config.rows[tile_a(i)] = kTile, config.row_bytes[tile_a(i)] = static_cast<uint16_t>(depth * 4);
      config.rows[tile_b(i)] = static_cast<uint8_t>(depth), config.row_bytes[tile_b(i)] = kTile * 4;
    }
    asm volatile("ldtilecfg %0" : : "m"(config));
  }
  ~TileShapes() { asm volatile("tilerelease"); }
  TileShapes(const TileShapes &) = delete;
  TileShapes &operator=(const TileShapes &) = delete;
};

// A reduction as steps of one tile.
struct TileSteps {
  int count, depth;
};

// The fewest steps of equal depth, so that one set of shapes does for all of them: channels are a multiple of 16 (8 pairs), and
// 48 of them become two steps of 12 pairs.
FUSED_INLINE TileSteps even_steps(int64_t depth) {
  int count = static_cast<int>((depth + kTile - 1) / kTile);
  while (depth % count) count++;
  return {count, static_cast<int>(depth / count)};
}

// The sums of R x C tiles (1 or 2 each) as a matrix of floats at p, whose rows are stride floats apart.
template <int R, int C> FUSED_INLINE void zero_sums() {
  tile_zero<tile_sums(0, 0)>();
  if constexpr (C == 2) tile_zero<tile_sums(0, 1)>();
  if constexpr (R == 2) tile_zero<tile_sums(1, 0)>();
  if constexpr (R == 2 && C == 2) tile_zero<tile_sums(1, 1)>();
}
template <int R, int C> FUSED_INLINE void load_sums(const float *p, size_t stride) {
  const float *below = p + kTile * stride;
  tile_load<tile_sums(0, 0)>(p, stride * 4);
  if constexpr (C == 2) tile_load<tile_sums(0, 1)>(p + kTile, stride * 4);
  if constexpr (R == 2) tile_load<tile_sums(1, 0)>(below, stride * 4);
  if constexpr (R == 2 && C == 2) tile_load<tile_sums(1, 1)>(below + kTile, stride * 4);
}
template <int R, int C> FUSED_INLINE void store_sums(float *p, size_t stride) {
  float *below = p + kTile * stride;
  tile_store<tile_sums(0, 0)>(p, stride * 4);
  if constexpr (C == 2) tile_store<tile_sums(0, 1)>(p + kTile, stride * 4);
  if constexpr (R == 2) tile_store<tile_sums(1, 0)>(below, stride * 4);
  if constexpr (R == 2 && C == 2) tile_store<tile_sums(1, 1)>(below + kTile, stride * 4);
}

// sums += A B: rows of A are a_stride elements apart, steps of B b_stride. between() is called after each step's products, which
// take the tiles 64 cycles that the vector units can use.
template <int R, int C, class Between>
FUSED_INLINE void multiply_tiles(TileSteps steps, const uint32_t *a, size_t a_stride, const uint32_t *b, size_t b_stride,
                                 Between between) {
  for (int s = 0; s < steps.count; s++, a += steps.depth, b += steps.depth * b_stride) {
    tile_load<tile_b(0)>(b, b_stride * 4);
    tile_load<tile_a(0)>(a, a_stride * 4);
    if constexpr (C == 2) tile_load<tile_b(1)>(b + kTile, b_stride * 4);
    if constexpr (R == 2) tile_load<tile_a(1)>(a + kTile * a_stride, a_stride * 4);
    tile_multiply<tile_sums(0, 0), tile_a(0), tile_b(0)>();
    if constexpr (C == 2) tile_multiply<tile_sums(0, 1), tile_a(0), tile_b(1)>();
    if constexpr (R == 2) tile_multiply<tile_sums(1, 0), tile_a(1), tile_b(0)>();
    if constexpr (R == 2 && C == 2) tile_multiply<tile_sums(1, 1), tile_a(1), tile_b(1)>();
    between();
  }
}

// Sums on their way from the tiles to finish (multiply_panel, fused_gemm.h): they lie in the first-level cache and are finished a
// part at a time between the products of the sums that follow.
template <int C, class Finish> struct SumsInFlight {
  static constexpr int kPart = 4; // rows
  static constexpr int kParts = kBlockTile / kPart;
  alignas(64) float sums[kBlockTile * C * kTile];
  Ahead &ahead;
  Finish &finish;
  int row = 0, column = 0, rows = 0, done = 0; // of the block; how many count, how many are finished

  SumsInFlight(Ahead &ahead, Finish &finish) : ahead(ahead), finish(finish) {}

  FUSED_MEMBER void finish_parts(int parts) {
    for (; parts > 0 && done < rows; parts--, done += kPart) {
      ahead.fetch();
      finish(*reinterpret_cast<const Tile<kPart, C> *>(sums + done * C * kTile), row + done, column, rows - done < kPart ? rows - done : kPart);
    }
  }

  // The product of R tiles of rows from row.
  template <int R>
  FUSED_MEMBER void multiply_rows(int count, int next_row, int next_column, TileSteps steps, const uint32_t *a, size_t stride,
                                  const uint32_t *panel, const float *start) {
    if (start)
      load_sums<R, C>(start + next_column, 0); // the same for every row
    else
      zero_sums<R, C>();
    const int parts = (kParts + steps.count - 1) / steps.count;
    multiply_tiles<R, C>(steps, a, stride, panel, C * kTile, [&]() __attribute__((always_inline)) { finish_parts(parts); });
    store_sums<R, C>(sums, C * kTile);
    row = next_row, column = next_column, rows = count < R * kTile ? count : R * kTile, done = 0;
  }
};

// The columns from column on that make whole panels of C tiles; returns the first that do not.
template <int C, class Finish>
int multiply_panels(int rows, int column, int columns, TileSteps steps, const uint32_t *a, size_t stride, const uint32_t *panels,
                    const float *start, Ahead &ahead, Finish &finish) {
  SumsInFlight<C, Finish> sums(ahead, finish);
  for (; column + C * kTile <= columns; column += C * kTile) {
    const uint32_t *panel = panels + static_cast<size_t>(column) * steps.count * steps.depth;
    int r = 0;
    for (; rows - r > kTile; r += kBlockTile)
      sums.template multiply_rows<2>(rows - r, r, column, steps, a + r * stride, stride, panel, start);
    if (r < rows) sums.template multiply_rows<1>(rows - r, r, column, steps, a + r * stride, stride, panel, start);
  }
  sums.finish_parts(sums.kParts);
  return column;
}

// multiply_block in tiles.
template <class Finish>
void multiply_block_in_tiles(int rows, int columns, int64_t depth, const uint32_t *a, size_t stride, const uint32_t *panels,
                             const float *start, Ahead &ahead, Finish &finish) {
  const TileSteps steps = even_steps(depth);
  const TileShapes shapes(steps.depth);
  using Sums = SumsInFlight<2, Finish>;
  ahead.spread(static_cast<int64_t>((rows + Sums::kPart - 1) / Sums::kPart) * ((columns + kBlockTile - 1) / kBlockTile));
  const int column = multiply_panels<2>(rows, 0, columns, steps, a, stride, panels, start, ahead, finish);
  multiply_panels<1>(rows, column, columns, steps, a, stride, panels, start, ahead, finish);
}

// Transposes 16x16 elements: rows of so many that count, the rest zero, from `from`, step elements apart, to `to`, stride apart.
FUSED_INLINE void transpose_tile(int rows, const uint32_t *from, size_t step, uint32_t *to, size_t stride) {
  __m512i v[kTile], t[kTile];
#pragma GCC unroll 16
  for (int i = 0; i < kTile; i++) v[i] = i < rows ? _mm512_loadu_si512(from + i * step) : _mm512_setzero_si512();
#pragma GCC unroll 8
  for (int i = 0; i < kTile; i += 2) { // pairs of rows, then fours, within quarters of registers
    t[i] = _mm512_unpacklo_epi32(v[i], v[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(v[i], v[i + 1]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < kTile; i += 4)
#pragma GCC unroll 2
    for (int j = 0; j < 2; j++) {
      v[i + 2 * j] = _mm512_unpacklo_epi64(t[i + j], t[i + 2 + j]);
      v[i + 2 * j + 1] = _mm512_unpackhi_epi64(t[i + j], t[i + 2 + j]);
    }
#pragma GCC unroll 4
  for (int j = 0; j < 4; j++) { // quarters: column 4q + j of rows 0 to 15 lies in quarter q of v[j], v[4 + j], v[8 + j], v[12 + j]
    const __m512i even = _mm512_shuffle_i32x4(v[j], v[4 + j], 0x88), odd = _mm512_shuffle_i32x4(v[j], v[4 + j], 0xdd);
    const __m512i even8 = _mm512_shuffle_i32x4(v[8 + j], v[12 + j], 0x88), odd8 = _mm512_shuffle_i32x4(v[8 + j], v[12 + j], 0xdd);
    _mm512_storeu_si512(to + j * stride, _mm512_shuffle_i32x4(even, even8, 0x88));
    _mm512_storeu_si512(to + (4 + j) * stride, _mm512_shuffle_i32x4(odd, odd8, 0x88));
    _mm512_storeu_si512(to + (8 + j) * stride, _mm512_shuffle_i32x4(even, even8, 0xdd));
    _mm512_storeu_si512(to + (12 + j) * stride, _mm512_shuffle_i32x4(odd, odd8, 0xdd));
  }
}

// 32 rows of a weight gradient's left side, transposed to lie along the reduction: 18 KB of the first-level cache.
constexpr int kStripDepth = 128; // pairs: blocks of 256 rows
struct alignas(64) Strip {
  static constexpr size_t kStride = kStripDepth + kTile; // a cache line more, as in row_stride
  uint32_t elements[kBlockTile * kStride];
};

template <int R, int C>
FUSED_INLINE void outer_tile(bool fresh, TileSteps steps, const Strip &a, const uint32_t *b, size_t b_step, float *sums, size_t stride,
                             Ahead &ahead) {
  if (fresh)
    zero_sums<R, C>();
  else
    load_sums<R, C>(sums, stride);
  multiply_tiles<R, C>(steps, a.elements, Strip::kStride, b, b_step, [&]() __attribute__((always_inline)) { ahead.fetch(); });
  store_sums<R, C>(sums, stride);
}

// R tiles of rows from a, all columns.
template <int R>
void outer_rows(bool fresh, int columns, TileSteps steps, const uint32_t *a, size_t a_step, const uint32_t *b, size_t b_step, float *sums,
                size_t stride, Ahead &ahead) {
  Strip strip;
  for (int r = 0; r < R; r++)
    for (int s = 0; s < steps.count; s++)
      transpose_tile(steps.depth, a + s * kTile * a_step + r * kTile, a_step, strip.elements + r * kTile * Strip::kStride + s * kTile,
                     Strip::kStride);
  int column = 0;
  for (; column + kBlockTile <= columns; column += kBlockTile)
    outer_tile<R, 2>(fresh, steps, strip, b + column, b_step, sums + column, stride, ahead);
  if (column < columns) outer_tile<R, 1>(fresh, steps, strip, b + column, b_step, sums + column, stride, ahead);
}

// outer_block in tiles: whole ones first, then what is left of the reduction as one of its own shape.
inline void outer_block_in_tiles(bool fresh, int rows, int columns, int64_t depth, const uint32_t *a, size_t a_step, const uint32_t *b,
                                 size_t b_step, float *sums, size_t stride, Ahead &ahead) {
  ahead.spread((depth + kTile - 1) / kTile * ((rows + kBlockTile - 1) / kBlockTile) * ((columns + kBlockTile - 1) / kBlockTile));
  while (depth > 0) {
    const int most = static_cast<int>(depth < kStripDepth ? depth : kStripDepth);
    const TileSteps steps = most < kTile ? TileSteps{1, most} : TileSteps{most / kTile, kTile};
    const TileShapes shapes(steps.depth);
    int r = 0;
    for (; r + kBlockTile <= rows; r += kBlockTile)
      outer_rows<2>(fresh, columns, steps, a + r, a_step, b, b_step, sums + r * stride, stride, ahead);
    if (r < rows) outer_rows<1>(fresh, columns, steps, a + r, a_step, b, b_step, sums + r * stride, stride, ahead);
    const int done = steps.count * steps.depth;
    a += done * a_step, b += done * b_step, depth -= done, fresh = false;
  }
}

} // namespace depthwise::fused::FUSED_ISA
