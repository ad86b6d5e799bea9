// The stem for inference with tile registers, which read the windows in place. A pixel of the
// padded image is four values, the last one zero: so a window's row is six whole pairs, and the
// next window starts stride*4 values further. A row of output is the sum of three products, one per
// row of the image under it.
#pragma once
#include "inference/tiles.h"
#include "stem/stem.h"

namespace depthwise::fused::FUSED_ISA {

constexpr int kPixel = 4;                 // values
constexpr int kRowPairs = 3 * kPixel / 2; // of a window's row

inline size_t tile_stem_panel_bytes(int out) { return size_t(3 * kRowPairs) * padded(out) * sizeof(uint32_t); }

// Panels [out/kColumns][3 rows][kRowPairs][kColumns] of pairs.
inline void pack_tile_stem(const PackStem &p) {
  const int all = padded(p.out);
  for (int o = 0; o < all; o++) {
    const int first = o / kColumns * kColumns, width = all - first < kColumns ? kLanes : kColumns;
    uint32_t *to = static_cast<uint32_t *>(p.panels) + size_t(first) * 3 * kRowPairs + (o - first);
    for (int pixel = 0; pixel < 9; pixel++) {
      float taps[kPixel] = {};
      if (o < p.out) memcpy(taps, p.weight + size_t(o) * kTaps + pixel * kColors, kColors * sizeof(float));
      for (int i = 0; i < kPixel; i += 2, to += width) *to = element<bf16>(taps[i], taps[i + 1]);
    }
  }
}

// a / b for many a, rounded like a division. The quotient by way of 1/b is off by a few units in
// the last place at most; each correction by its residual moves it to the nearest value (Markstein,
// "IA-64 and Elementary Functions", chapter 8). A division of 16 floats takes 10 cycles here, these
// four operations 2 or 3.
struct Divisor {
  V b, reciprocal;

  FUSED_MEMBER explicit Divisor(V b) : b(b), reciprocal(set1(1) / b) {}
  FUSED_MEMBER V quotient(V a) const {
    V q = a * reciprocal;
    q = multiply_add(multiply_add(V{} - b, q, a), reciprocal, q);
    return multiply_add(multiply_add(V{} - b, q, a), reciprocal, q);
  }
};

// Reads four pixels of an image at a time as 16 values.
class PixelReader {
public:
  FUSED_MEMBER explicit PixelReader(const StemImage &p)
      : image_(p), byte_max_(set1(255)), mean_(of_colors(p.mean, 0)), std_(of_colors(p.std, 1)) {}

  // Reads n pixels (up to 4) at an offset. The other values are zero: mean and standard deviation
  // are 0 and 1 there, and missing pixels are masked.
  FUSED_MEMBER V read(size_t at, int n) const {
    if (!image_.pixels) return (V)_mm512_maskz_expandloadu_ps(places(n), image_.values + at);
    const __m128i bytes = _mm_maskz_loadu_epi8(static_cast<__mmask16>((1 << n * kColors) - 1), image_.pixels + at);
    const __m128i spread = _mm_shuffle_epi8(bytes, _mm_setr_epi8(0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1));
    const V v = (V)_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(spread));
    return (V)_mm512_maskz_mov_ps(places(n), (__m512)std_.quotient(byte_max_.quotient(v) - mean_));
  }

private:
  static V of_colors(const float *colors, float last) {
    return (V)_mm512_broadcast_f32x4(_mm_setr_ps(colors[0], colors[1], colors[2], last));
  }
  static FUSED_MEMBER __mmask16 places(int n) { return static_cast<__mmask16>(0x7777 & ((1 << n * kPixel) - 1)); }

  const StemImage &image_;
  Divisor byte_max_;
  V mean_;
  Divisor std_;
};

// A thread's memory: the last three rows of the padded image, each of which serves up to three rows
// of the output.
struct TileStemRows {
  const Window &window;
  size_t size;  // values of a row, up to the last window of the last tile
  bf16 *memory; // (3, size)
  int next = 0; // the next row of the padded image to compute

  template <class Memory> TileStemRows(Memory &from, const Window &w) : window(w) {
    const size_t windows = (size_t(w.out_width) + kTile - 1) / kTile * kTile;
    const size_t pixels = (windows - 1) * w.stride + 3, read = size_t(w.width) + w.left;
    size = whole_cache_lines(((pixels > read ? pixels : read) + 4) * kPixel * sizeof(bf16)) / sizeof(bf16);
    memory = from.template take<bf16>(3 * size);
  }
  bf16 *at(int row) const { return memory + row % 3 * size; }

  // Computes the missing rows under a row of the output.
  void make(const StemImage &p, const PixelReader &reader, int64_t row, bool restart) {
    const int out_row = int(row % window.out_height), first = out_row * window.stride;
    if (restart || out_row == 0) next = first;
    for (; next < first + 3; next++) make_row(p, reader, row / window.out_height, next - window.top, at(next));
  }

  void make_row(const StemImage &p, const PixelReader &reader, int64_t image, int row, bf16 *to) const {
    memset(to, 0, size * sizeof(bf16));
    if (row < 0 || row >= window.height) return;
    const size_t from = (image * window.height + row) * size_t(window.width) * kColors;
    to += window.left * kPixel;
    int q = 0;
    for (; q + 4 <= window.width; q += 4) store(to + q * kPixel, reader.read(from + q * kColors, 4));
    if (q < window.width) store(to + q * kPixel, reader.read(from + q * kColors, window.width - q));
  }
};

inline size_t tile_stem_scratch(const InferStem &p) {
  ScratchSize size;
  TileStemRows(size, p.image.window);
  return size.bytes;
}

// The product of a row of output, in blocks like TileProduct's.
template <bool kCapped> struct TileStemProduct {
  const bf16 *rows[3];
  size_t apart;                // bytes between windows
  TileProduct<kCapped> output; // its operands are unused

  template <int R, int C>
  FUSED_MEMBER void multiply(int window, int column, float *sums, const TileSums &before, Prefetcher &) const {
    constexpr size_t kRowBytes = C * kTile * sizeof(uint32_t);
    const uint32_t *b = output.panels + size_t(column) * 3 * kRowPairs;
    load_sums<R, C>(output.bias + column, 0);
    const bool between = R == 2 && C == 2 && before.whole();
    if (!between) output.finish(before);
    int done = 0;
    const auto finish = [&]() __attribute__((always_inline)) {
      constexpr int kRows = 4; // after each of the first eight of twelve products
      if (!between || done == kBlockTile) return;
      output.template finish_rows<kRows>(sums + done * kBlockTile, before.y + done * output.channels, output.channels);
      done += kRows;
    };
#pragma GCC unroll 3
    for (int i = 0; i < 3; i++, b += kRowPairs * C * kTile) {
      const char *left = reinterpret_cast<const char *>(rows[i]) + window * apart;
      tile_load<tile_b(0)>(b, kRowBytes);
      tile_load<tile_a(0)>(left, apart);
      if constexpr (C == 2) tile_load<tile_b(1)>(b + kTile, kRowBytes);
      if constexpr (R == 2) tile_load<tile_a(1)>(left + kTile * apart, apart);
      tile_multiply<tile_sums(0, 0), tile_a(0), tile_b(0)>(), finish();
      if constexpr (C == 2) tile_multiply<tile_sums(0, 1), tile_a(0), tile_b(1)>(), finish();
      if constexpr (R == 2) tile_multiply<tile_sums(1, 0), tile_a(1), tile_b(0)>(), finish();
      if constexpr (R == 2 && C == 2) tile_multiply<tile_sums(1, 1), tile_a(1), tile_b(1)>(), finish();
    }
    store_sums<R, C>(sums, kBlockTile);
  }
};

template <bool kCapped> void infer_tile_stem(char *scratch, const InferStem &p) {
  const Window &w = p.image.window;
  ScratchMemory memory{scratch};
  TileStemRows rows(memory, w);
  const PixelReader reader(p.image);
  const size_t y_row = size_t(w.out_width) * p.out, apart = w.stride * kPixel * sizeof(bf16);
  const TileShapes shapes(kRowPairs);
  Prefetcher prefetcher;
  for (int64_t row = p.begin; row < p.end; row++) {
    rows.make(p.image, reader, row, row == p.begin);
    const int first = int(row % w.out_height) * w.stride;
    const TileProduct<kCapped> output{{},
                                      static_cast<const uint32_t *>(p.weight),
                                      p.bias,
                                      {set1(p.cap)},
                                      static_cast<bf16 *>(p.y) + row * y_row,
                                      size_t(p.out)};
    const TileStemProduct<kCapped> product{{rows.at(first), rows.at(first + 1), rows.at(first + 2)}, apart, output};
    for_each_block(product, output, w.out_width, 0, p.out, prefetcher);
  }
}

inline void infer_stem_in_tiles(char *scratch, const InferStem &p) {
  std::isinf(p.cap) ? infer_tile_stem<false>(scratch, p) : infer_tile_stem<true>(scratch, p);
}

} // namespace depthwise::fused::FUSED_ISA
