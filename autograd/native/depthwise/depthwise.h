// 3x3 depthwise convolution. Threads take contiguous parts of all rows of all images; every y is written once.
#pragma once
#include "depthwise/backward.h"
#include "depthwise/forward.h"
#if defined(__AVX512F__)
#include "depthwise/forward_direct.h"
#else
#include "depthwise/forward_lines.h"
#endif

namespace depthwise::fused::FUSED_ISA {

static void pack_depthwise(const PackDepthwise &p) {
  int channels = padded(p.channels);
  for (int tap = 0; tap < 9; tap++)
    for (int c = 0; c < channels; c++) p.packed[tap * channels + c] = c < p.channels ? p.weight[c * 9 + tap] : 0;
}

template <class S> void depthwise_forward(const Workers &w, const DepthwiseForward &p) {
  const int64_t rows = p.window.images * p.window.out_height;
  const Parts parts = depthwise_forward_parts<S>(w.threads, p);
  threads::run(w.threads, parts.count, [&](int part, int thread) {
    ScratchMemory sums{parts.sums_of(w, part)}, block{parts.block_of(w, thread)};
    ForwardThread<S> t(sums, block, p);
    const threads::Range range = threads::range_of(rows, part, parts.count);
#if defined(__AVX512F__)
    direct_forward_rows(t, range);
#else
    if (p.window.stride == 1)
      depthwise_forward_rows<S, 1>(t, range);
    else
      depthwise_forward_rows<S, 2>(t, range);
#endif
  });
  if (!p.moments.sum) return;
  parts.sum(w, 0, p.channels, p.moments.sum);
  parts.sum(w, p.channels, p.channels, p.moments.square);
}

} // namespace depthwise::fused::FUSED_ISA
