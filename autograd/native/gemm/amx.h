// The matrix products of gemm/gemm.h in Intel's matrix extensions (AMX; Sapphire Rapids and later),
// for pairs of bfloat16.
//
// Eight tile registers hold up to 16 rows of 64 bytes. TDPBF16PS multiplies a tile of A (16 rows of
// 16 pairs along the reduction) by one of B (16 steps of 16 columns' pairs) and adds the product to
// 16x16 sums: 16,384 multiplications and additions, one instruction every 16 cycles. Operands and
// panels already have that layout for the vector instructions' pairs, so tiles are loaded from the
// same memory. Two tiles of A and two of B make four products: 32 rows by 32 columns, with as many
// loads as multiplications.
//
// The tiles multiply while the vector units post-process the previous sums (SumsInFlight). One
// after the other, the pointwise layers of a step of 32 images took 21.3 and 55.8 ms forward and
// backward on two cores of a 2.6 GHz Xeon with 2 MB of second-level cache each; interleaved, 18.6
// and 50.6 ms.
#pragma once
#include "gemm/gemm.h"
#include "isa/transpose.h"

namespace depthwise::fused::FUSED_ISA {

constexpr int kTile = 16;             // rows of a tile register, and 32-bit elements in each
constexpr int kBlockTile = 2 * kTile; // rows and columns of four products

// The instructions. Those with a memory operand declare it to the compiler, which GCC's intrinsics
// do not: otherwise it might drop or delay the stores that produced an operand. Register numbers
// are part of the instruction.
template <int kRegister> FUSED_INLINE void tile_zero() { asm volatile("tilezero %%tmm%c0" : : "i"(kRegister)); }
template <int kRegister> FUSED_INLINE void tile_load(const void *p, size_t stride) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(p), "r"(stride), "i"(kRegister) : "memory");
}
// Loads with a hint to bypass the first-level cache, for data that is not reused soon.
template <int kRegister> FUSED_INLINE void tile_load_t1(const void *p, size_t stride) {
  asm volatile("tileloaddt1 (%0,%1,1), %%tmm%c2" : : "r"(p), "r"(stride), "i"(kRegister) : "memory");
}
template <int kRegister> FUSED_INLINE void tile_store(void *p, size_t stride) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(p), "r"(stride), "i"(kRegister) : "memory");
}
template <int kSum, int kLeft, int kRight> FUSED_INLINE void tile_multiply() {
  asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kSum), "i"(kLeft), "i"(kRight));
}

// Register assignment: sums of row tile r and column tile c (0 or 1 each), A of rows r, B of
// columns c.
constexpr int tile_sums(int r, int c) { return 2 * r + c; }
constexpr int tile_a(int r) { return 4 + r; }
constexpr int tile_b(int c) { return 6 + c; }

// While an object lives, the thread's tiles stay configured; the outermost one releases them, since
// live tiles cost a context switch 8 KB and keep the core from deep sleep. Configuring and
// releasing takes about 1200 cycles: the stem's weight gradient of 32 images took 3.3 ms with one
// configuration per row, and 2.7 ms with one per kernel.
class TilesInUse {
public:
  TilesInUse() { users()++; }
  ~TilesInUse() {
    if (--users() > 0) return;
    asm volatile("tilerelease");
    depth() = 0;
  }
  TilesInUse(const TilesInUse &) = delete;
  TilesInUse &operator=(const TilesInUse &) = delete;

  // The depth that the thread's tiles are configured for; 0 if they are not.
  static int &depth() {
    static thread_local int shaped = 0;
    return shaped;
  }

private:
  static int &users() {
    static thread_local int count = 0;
    return count;
  }
};

// Configures the registers for products of `depth` pairs along the reduction.
class TileShapes {
public:
  explicit TileShapes(int depth) {
    if (in_use_.depth() == depth) return;
    struct alignas(64) {
      uint8_t palette = 1, start_row = 0, reserved[14] = {};
      uint16_t row_bytes[16] = {};
      uint8_t rows[16] = {};
    } config;
    for (int i = 0; i < 2; i++) {
      for (int c = 0; c < 2; c++) config.rows[tile_sums(i, c)] = kTile, config.row_bytes[tile_sums(i, c)] = kTile * 4;
      config.rows[tile_a(i)] = kTile, config.row_bytes[tile_a(i)] = uint16_t(depth * 4);
      config.rows[tile_b(i)] = uint8_t(depth), config.row_bytes[tile_b(i)] = kTile * 4;
    }
    asm volatile("ldtilecfg %0" : : "m"(config));
    in_use_.depth() = depth;
  }

private:
  TilesInUse in_use_;
};

// A reduction in steps of one tile.
struct TileSteps {
  int count, depth;
};

// The fewest steps of equal depth, so that one configuration serves all of them: channels are a
// multiple of 16 (8 pairs), and 48 of them become two steps of 12 pairs.
FUSED_INLINE TileSteps even_steps(int64_t depth) {
  int count = int((depth + kTile - 1) / kTile);
  while (depth % count) count++;
  return {count, int(depth / count)};
}

// The sums of R x C tiles (1 or 2 each) as a matrix of floats at p with row stride `stride`.
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

// sums += A B: rows of A are a_stride elements apart, steps of B b_stride. Calls between() after
// each step's products, which occupy the tiles for 64 cycles that the vector units can use.
template <int R, int C, class Between>
FUSED_INLINE void multiply_tiles(TileSteps steps, const uint32_t *a, size_t a_stride, const uint32_t *b,
                                 size_t b_stride, Between between) {
  for (int s = 0; s < steps.count; s++, a += steps.depth, b += steps.depth * b_stride) {
    tile_load_t1<tile_b(0)>(b, b_stride * 4);
    tile_load<tile_a(0)>(a, a_stride * 4);
    if constexpr (C == 2) tile_load_t1<tile_b(1)>(b + kTile, b_stride * 4);
    if constexpr (R == 2) tile_load<tile_a(1)>(a + kTile * a_stride, a_stride * 4);
    tile_multiply<tile_sums(0, 0), tile_a(0), tile_b(0)>();
    if constexpr (C == 2) tile_multiply<tile_sums(0, 1), tile_a(0), tile_b(1)>();
    if constexpr (R == 2) tile_multiply<tile_sums(1, 0), tile_a(1), tile_b(0)>();
    if constexpr (R == 2 && C == 2) tile_multiply<tile_sums(1, 1), tile_a(1), tile_b(1)>();
    between();
  }
}

// Sums between the tiles and finish (multiply_panel, gemm/gemm.h). The sums of 32 rows and P panels
// of C tiles stay in the first-level cache, and are finished part by part between the products of
// the next ones. Parts of neighboring panels alternate, so that adjacent cache lines are written
// close together: non-temporal stores reach 48 GB/s that way, and 26 GB/s where one panel's rows
// are written before the next one's.
template <int P, int C, class Finish> struct SumsInFlight {
  static constexpr int kPart = 4; // rows
  static constexpr int kParts = P * kBlockTile / kPart;
  alignas(64) float sums[2][P][kBlockTile * C * kTile]; // being computed, and
  int current = 0;                                      // the index of those being finished:
  int row = 0, column = 0, rows = 0;                    // position in the matrix; valid rows
  int parts = 0, done = 0;
  Prefetcher &prefetcher;
  Finish &finish;

  SumsInFlight(Prefetcher &prefetcher, Finish &finish) : prefetcher(prefetcher), finish(finish) {}

  FUSED_MEMBER void finish_parts(int count) {
    for (; count > 0 && done < parts; count--, done++) {
      const int panel = done % P, first = done / P * kPart;
      prefetcher.fetch();
      finish(*reinterpret_cast<const Tile<kPart, C> *>(sums[current][panel] + first * C * kTile), row + first,
             column + panel * C * kTile, rows - first < kPart ? rows - first : kPart);
    }
  }

  // Multiplies R tiles of rows by the panels from panel; the sums start at `start`, or at zero
  // where it is null.
  template <int R>
  FUSED_MEMBER void multiply(TileSteps steps, const uint32_t *a, size_t stride, const uint32_t *panel,
                             const float *start) {
    const int products = P * steps.count, each = (kParts + products - 1) / products;
#pragma GCC unroll 2
    for (int p = 0; p < P; p++, panel += size_t(C) * kTile * steps.count * steps.depth) {
      if (start)
        load_sums<R, C>(start + p * C * kTile, 0); // the same for every row
      else
        zero_sums<R, C>();
      multiply_tiles<R, C>(steps, a, stride, panel, C * kTile,
                           [&]() __attribute__((always_inline)) { finish_parts(each); });
      store_sums<R, C>(sums[1 - current][p], C * kTile);
    }
  }
  void next(int next_row, int next_column, int count) {
    row = next_row, column = next_column, rows = count;
    parts = P * ((rows + kPart - 1) / kPart), done = 0;
    current = 1 - current;
  }
};

// 32 rows of A of this many elements, 32 KB, stay in the first-level cache while all panels stream
// past: 512 channels take 12.5 cycles (at 2.6 GHz) per instruction this way and 16.5 otherwise (the
// peak is 11.5). For longer rows each panel is multiplied by all rows before the next panel: 18
// cycles, against 32 the other way around.
constexpr int64_t kLongestRow = 256;

// Multiplies as many columns from `column` on as form whole groups of P panels of C tiles; returns
// the first column that is left.
template <int P, int C, class Finish>
int multiply_panels(int rows, int column, int columns, TileSteps steps, const uint32_t *a, size_t stride,
                    const uint32_t *panels, const float *start, Prefetcher &prefetcher, Finish &finish) {
  constexpr int kWidth = P * C * kTile;
  SumsInFlight<P, C, Finish> sums(prefetcher, finish);
  const int tiles = (rows + kBlockTile - 1) / kBlockTile, groups = (columns - column) / kWidth;
  const bool rows_first = steps.count * steps.depth <= kLongestRow;
  for (int i = 0; i < tiles * groups; i++) {
    const int r = (rows_first ? i / groups : i % tiles) * kBlockTile,
              c = column + (rows_first ? i % groups : i / tiles) * kWidth;
    const int count = rows - r < kBlockTile ? rows - r : kBlockTile;
    const uint32_t *panel = panels + size_t(c) * steps.count * steps.depth;
    if (count > kTile)
      sums.template multiply<2>(steps, a + r * stride, stride, panel, start ? start + c : nullptr);
    else
      sums.template multiply<1>(steps, a + r * stride, stride, panel, start ? start + c : nullptr);
    sums.next(r, c, count);
  }
  sums.finish_parts(sums.kParts);
  return column + groups * kWidth;
}

// multiply_block with tiles.
template <class Finish>
void multiply_block_in_tiles(int rows, int columns, int64_t depth, const uint32_t *a, size_t stride,
                             const uint32_t *panels, const float *start, Prefetcher &prefetcher, Finish &finish) {
  const TileSteps steps = even_steps(depth);
  const TileShapes shapes(steps.depth);
  constexpr int kPart = SumsInFlight<1, 1, Finish>::kPart;
  prefetcher.spread(int64_t((rows + kPart - 1) / kPart) * ((columns + kBlockTile - 1) / kBlockTile));
  int column = multiply_panels<2, 2>(rows, 0, columns, steps, a, stride, panels, start, prefetcher, finish);
  column = multiply_panels<1, 2>(rows, column, columns, steps, a, stride, panels, start, prefetcher, finish);
  multiply_panels<1, 1>(rows, column, columns, steps, a, stride, panels, start, prefetcher, finish);
}

// 32 rows of a weight gradient's left operand, transposed to run along the reduction: 29 KB of the
// first-level cache, which the right operand bypasses.
constexpr int kStripDepth = 208; // pairs: blocks of 416 rows
struct alignas(64) Strip {
  static constexpr size_t kStride = kStripDepth + kTile; // one extra cache line, as in row_stride
  uint32_t elements[kBlockTile * kStride];
};

template <int R, int C>
FUSED_INLINE void outer_tile(bool overwrite, TileSteps steps, const Strip &a, const uint32_t *b, size_t b_step,
                             float *sums, size_t stride, Prefetcher &prefetcher) {
  if (overwrite)
    zero_sums<R, C>();
  else
    load_sums<R, C>(sums, stride);
  multiply_tiles<R, C>(steps, a.elements, Strip::kStride, b, b_step,
                       [&]() __attribute__((always_inline)) { prefetcher.fetch(); });
  store_sums<R, C>(sums, stride);
}

// R tiles of rows from a, all columns.
template <int R>
void outer_rows(bool overwrite, int columns, TileSteps steps, const uint32_t *a, size_t a_step, const uint32_t *b,
                size_t b_step, float *sums, size_t stride, Prefetcher &prefetcher) {
  Strip strip;
  for (int r = 0; r < R; r++)
    for (int s = 0; s < steps.count; s++)
      transpose(steps.depth, a + s * kTile * a_step + r * kTile, a_step,
                strip.elements + r * kTile * Strip::kStride + s * kTile, Strip::kStride);
  int column = 0;
  for (; column + kBlockTile <= columns; column += kBlockTile)
    outer_tile<R, 2>(overwrite, steps, strip, b + column, b_step, sums + column, stride, prefetcher);
  if (column < columns)
    outer_tile<R, 1>(overwrite, steps, strip, b + column, b_step, sums + column, stride, prefetcher);
}

// outer_block with tiles: whole tiles first, then the rest of the reduction with a shape of its
// own.
inline void outer_block_in_tiles(bool overwrite, int rows, int columns, int64_t depth, const uint32_t *a, size_t a_step,
                                 const uint32_t *b, size_t b_step, float *sums, size_t stride, Prefetcher &prefetcher) {
  prefetcher.spread((depth + kTile - 1) / kTile * ((rows + kBlockTile - 1) / kBlockTile) *
                    ((columns + kBlockTile - 1) / kBlockTile));
  while (depth > 0) {
    const int most = int(depth < kStripDepth ? depth : kStripDepth);
    const TileSteps steps = most < kTile ? TileSteps{1, most} : TileSteps{most / kTile, kTile};
    const TileShapes shapes(steps.depth);
    int r = 0;
    for (; r + kBlockTile <= rows; r += kBlockTile)
      outer_rows<2>(overwrite, columns, steps, a + r, a_step, b, b_step, sums + r * stride, stride, prefetcher);
    if (r < rows)
      outer_rows<1>(overwrite, columns, steps, a + r, a_step, b, b_step, sums + r * stride, stride, prefetcher);
    const int done = steps.count * steps.depth;
    a += done * a_step, b += done * b_step, depth -= done, overwrite = false;
  }
}

} // namespace depthwise::fused::FUSED_ISA
