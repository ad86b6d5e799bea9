// 3x3 depthwise convolution, forward: the state of a part, and its memory.
#pragma once
#include "depthwise/backward.h"
#include "depthwise/lines.h"

namespace depthwise::fused::FUSED_ISA {

// Whether inputs are activated where they are read (depthwise/forward_direct.h), or once for the three rows of output over
// them (depthwise/forward_lines.h). Fewer than 32 registers do not hold what the first way needs.
#if defined(__AVX512F__)
constexpr bool kDirect = true;
#else
constexpr bool kDirect = false;
#endif
constexpr int kRowsStaged = kDirect ? 2 : 1; // rows of output that are computed at once

// Zero columns before the image in a line; a window that starts at the image's first column skips
// it.
constexpr int kColumnsBefore = 1;

// One zero column, the image, and zeros up to the last window's end.
static int forward_columns(const Window &w) {
  int end = (w.out_width - 1) * w.stride - w.left + 3;
  return kColumnsBefore + (end > w.width ? end : w.width);
}

// The state of a part.
template <class S> struct ForwardThread {
  const DepthwiseForward &p;
  RunningSums moments; // (2, channels): of y - pivot, of its square
  Lines lines;         // not with kDirect
  S *stage;            // (kRowsStaged, out_width, channels): rows of y before their non-temporal store

  template <class Memory>
  ForwardThread(Memory &sums, Memory &block, const DepthwiseForward &p) : p(p), moments(sums, 2 * size_t(p.channels)) {
    if constexpr (!kDirect) {
      const int columns = forward_columns(p.window);
      lines = {block.template take<float>(line_bytes(p.channels, columns) / sizeof(float)), p.channels, columns};
    }
    stage = block.template take<S>(kRowsStaged * size_t(p.window.out_width) * p.channels);
  }
};

template <class S> Parts depthwise_forward_parts(int threads, const DepthwiseForward &p) {
  ScratchSize sums, block;
  ForwardThread<S>(sums, block, p);
  return {threads, depthwise_parts(threads, p.window.images * p.window.out_height), sums.bytes, block.bytes};
}

template <class S> size_t depthwise_forward_scratch(int threads, const DepthwiseForward &p) {
  return depthwise_forward_parts<S>(threads, p).bytes();
}

} // namespace depthwise::fused::FUSED_ISA
