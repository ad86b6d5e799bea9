// All kernels of one ISA variant, collected in its table. Included once by each isa/NAME.cc, which
// defines FUSED_ISA.
#pragma once
#include "depthwise/depthwise.h"
#include "inference/block.h"
#include "inference/head.h"
#include "inference/stem.h"
#include "linear/linear.h"
#include "peaks/peaks.h"
#include "pointwise/pointwise.h"
#include "pool/pool.h"
#include "isa/simd.h"
#include "stem/backward.h"
#include "update/kernels.h"

#define FUSED_NAME_OF(isa) #isa
#define FUSED_NAME(isa) FUSED_NAME_OF(isa)

namespace depthwise::fused::FUSED_ISA {

template <class S> constexpr KernelSet kernel_set() {
  return {
      .element = sizeof(S),
      .panel_bytes = panel_bytes<S>,
      .pack_pointwise = pack_pointwise<S>,
      .pointwise_forward_scratch = pointwise_forward_scratch<S>,
      .pointwise_forward = pointwise_forward<S>,
      .pointwise_backward_scratch = pointwise_backward_scratch<S>,
      .pointwise_backward = pointwise_backward<S>,
      .stem_image_bytes = stem_image_bytes<S>,
      .stem_image = stem_image<S>,
      .stem_panel_bytes = stem_panel_bytes<S>,
      .pack_stem = pack_stem<S>,
      .stem_forward_scratch = stem_forward_scratch<S>,
      .stem_forward = stem_forward<S>,
      .stem_backward_scratch = stem_backward_scratch<S>,
      .stem_backward = stem_backward<S>,
      .pack_depthwise = pack_depthwise,
      .depthwise_forward_scratch = depthwise_forward_scratch<S>,
      .depthwise_forward = depthwise_forward<S>,
      .depthwise_backward_scratch = depthwise_backward_scratch<S>,
      .depthwise_backward = depthwise_backward<S>,
      .pool_forward = pool_forward<S>,
      .pool_backward = pool_backward<S>,
      .infer_columns = kColumns,
      .infer_positions = kInferPositions<Element<S>>,
      .infer_band_bytes = kInferBandBytes<Element<S>>,
      .infer_panel_bytes = infer_panel_bytes<S>,
      .infer_pack_pointwise = infer_pack_pointwise<S>,
      .infer_stem_panel_bytes = infer_stem_panel_bytes<S>,
      .infer_pack_stem = infer_pack_stem<S>,
      .infer_thread = infer_thread,
      .infer_stem_scratch = infer_stem_scratch<S>,
      .infer_stem = infer_stem<S>,
      .infer_block_scratch = infer_block_scratch<S>,
      .infer_block = infer_block<S>,
      .infer_pool = infer_pool<S>,
      .multiply_in_registers = multiply_in_registers<S>,
  };
}

static constexpr Kernels kernels = {FUSED_NAME(FUSED_ISA), update,          square_sum,  kernel_set<float>(),
                                    kernel_set<bf16>(),    kTailRows,       infer_head,  linear_scratch,
                                    linear_forward,        linear_backward, read_memory, add_memory};

} // namespace depthwise::fused::FUSED_ISA
