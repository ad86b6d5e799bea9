// A block's two convolutions for inference with tile registers: inference/block.h over operands in
// tile layout.
#pragma once
#include "inference/tiles_depthwise.h"

namespace depthwise::fused::FUSED_ISA {

// A thread's memory.
struct InferTileBlock {
  // Positions of the operands: 14 tiles, which are two rows of 112 positions, four of 56, eight of
  // 28 or 16 of 14, so that no tile is partly empty. At 512 channels they take 229 KB of a
  // second-level cache of 2 MB.
  static constexpr int kPositions = 224;

  int rows; // maximum, of output
  TileOperands a;
  bf16 *zeros; // a row of the input

  template <class Memory> InferTileBlock(Memory &memory, const InferBlock &p) {
    rows = kPositions / p.window.out_width;
    if (rows < 1) rows = 1;
    a.pitch = TileOperands::pitch_of(size_t(rows) * p.window.out_width);
    a.steps = whole_steps(p.in) / kStep;
    a.at = memory.template take<bf16>(a.steps * a.pitch * kStep);
    zeros = memory.template take<bf16>(size_t(p.window.width) * p.in);
  }
};

inline size_t tile_block_scratch(const InferBlock &p) {
  ScratchSize size;
  InferTileBlock(size, p);
  return size.bytes;
}

template <bool kCapped> void multiply_block_of(const InferBlock &p, const InferTileBlock &tile, int64_t row, int rows) {
  const TileProduct<kCapped> product{tile.a,
                                     static_cast<const uint32_t *>(p.pointwise),
                                     p.pointwise_bias,
                                     {set1(p.cap)},
                                     static_cast<bf16 *>(p.y) + row * p.window.out_width * p.out,
                                     size_t(p.out)};
  Prefetcher prefetcher;
  prefetch_inputs<bf16>(p, row + rows, tile.rows, prefetcher);
  if (row == p.begin) product.prefetch_panels(p.first, p.last, prefetcher);
  product.multiply_columns(rows * p.window.out_width, p.first, p.last, prefetcher);
}

template <bool kCapped> void infer_tile_block(char *scratch, const InferBlock &p) {
  ScratchMemory memory{scratch};
  TileClock clock{p.seconds};
  const InferTileBlock tile(memory, p);
  memset(tile.zeros, 0, size_t(p.window.width) * p.in * sizeof(bf16));
  if (p.in % kStep)
    memset(tile.a.step(tile.a.steps - 1), 0,
           tile.a.pitch * kStep * sizeof(bf16)); // the second half of the last step has no channels
  const TileShapes shapes(kTile);
  for (int64_t row = p.begin; row < p.end; row += tile.rows) {
    const int rows = int(p.end - row < tile.rows ? p.end - row : tile.rows);
    if (p.window.stride == 1)
      depthwise_in_tiles<kCapped, 1>(p, row, rows, tile.zeros, tile.a);
    else
      depthwise_in_tiles<kCapped, 2>(p, row, rows, tile.zeros, tile.a);
    clock.lap(0);
    multiply_block_of<kCapped>(p, tile, row, rows);
    clock.lap(1);
  }
}

inline void infer_block_in_tiles(char *scratch, const InferBlock &p) {
  std::isinf(p.cap) ? infer_tile_block<false>(scratch, p) : infer_tile_block<true>(scratch, p);
}

} // namespace depthwise::fused::FUSED_ISA
