// How a node that computes gradients of many leaves passes each on before all are computed.
#pragma once
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

namespace depthwise {

// A hook of a leaf, called as other such hooks after the gradient is accumulated, that takes the gradient earlier too.
class EarlyGradientHook : public torch::autograd::PostAccumulateGradHook {
public:
  // The gradient of one backward pass, complete and before it is accumulated. The node must compute this leaf's whole
  // gradient of the pass.
  virtual void early(const at::Tensor &leaf, const at::Tensor &gradient) = 0;
};

// The leaf's hook, or null. A leaf whose other hooks may replace the gradient has none.
inline EarlyGradientHook *early_gradient_hook(const at::Tensor &leaf) {
  namespace impl = torch::autograd::impl;
  if (!leaf.defined() || !leaf.requires_grad() || !leaf.is_leaf() || !impl::hooks(leaf).empty()) return nullptr;
  return dynamic_cast<EarlyGradientHook *>(impl::post_acc_grad_hooks(leaf).get());
}

} // namespace depthwise
