// The stem for inference: training's product (stem/stem.h), directly from the images. The padded
// image never exists as a whole: its rows are computed as the rows of output need them.
#pragma once
#include "stem/stem.h"

namespace depthwise::fused::FUSED_ISA {

// A thread's memory.
template <class S> struct InferStemMemory {
  StemRows<S, true> rows;
  S *line; // one row of the padded image

  template <class Memory>
  InferStemMemory(Memory &memory, const Window &w)
      : rows(memory, w), line(memory.template take<S>(stem_line(w) + kOverread)) {}
};

template <class S> size_t infer_stem_panel_bytes(int out) {
  if constexpr (kTiled<Element<S>>) return tile_stem_panel_bytes(out);
  return stem_panel_bytes<S>(out);
}

template <class S> void infer_pack_stem(const PackStem &p) {
  if constexpr (kTiled<Element<S>>) return pack_tile_stem(p);
  pack_stem<S>(p);
}

template <class S> size_t infer_stem_scratch(const InferStem &p) {
  if constexpr (kTiled<Element<S>>) return tile_stem_scratch(p);
  ScratchSize size;
  InferStemMemory<S>(size, p.image.window);
  return size.bytes;
}

template <class S> void infer_stem(char *scratch, const InferStem &p) {
  if constexpr (kTiled<Element<S>>) return infer_stem_in_tiles(scratch, p);
  const Window &w = p.image.window;
  ScratchMemory from{scratch};
  InferStemMemory<S> memory(from, w);
  const auto line = [&](int64_t image, int row) {
    stem_row<S>(p.image, image, row, memory.line);
    return memory.line;
  };
  const size_t y_row = size_t(w.out_width) * p.out;
  for (int64_t row = p.begin; row < p.end; row++) {
    const auto windows = memory.rows.under(row, row == p.begin, line);
    const InferOutput<S> output{p.bias, set1(p.cap), static_cast<S *>(p.y) + row * y_row, size_t(p.out)};
    auto put = [&](const auto &tile, int at, int column, int count)
                   __attribute__((always_inline)) { output.put(tile, at, column, count); };
    Prefetcher prefetcher;
    for_each_tile(StemProduct<S, decltype(put)>{windows, memory.rows.step, static_cast<const Element<S> *>(p.weight),
                                                p.bias, put},
                  w.out_width, 0, p.out, prefetcher);
  }
}

} // namespace depthwise::fused::FUSED_ISA

#if defined(__AMX_BF16__)
#include "inference/tiles_stem.h"
#endif
