//go:build ignore

// Gradients of leaves and of chosen inputs, hooks, and requires_grad.
#include "graph/callback.h"
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>

using depthwise::guard;
using depthwise::guard_calls;
using depthwise::tensor;
using depthwise::tensors;

int dw_grad_mode(void) { return c10::GradMode::is_enabled(); }

int dw_requires_grad(dw_tensor x) { return tensor(x).requires_grad(); }

int dw_is_leaf(dw_tensor x) { return tensor(x).is_leaf(); }

dw_error dw_set_requires_grad(dw_tensor x, int on) {
  return guard([&] { tensor(x).requires_grad_(on != 0); });
}

dw_error dw_backward(const dw_tensor *outputs, const dw_tensor *weights, int n, int retain, int create,
                     uintptr_t *failure) {
  return guard_calls(failure, [&] {
    torch::autograd::backward(tensors(outputs, n), tensors(weights, n), retain != 0 || create != 0, create != 0);
  });
}

dw_error dw_grad(dw_tensor *grads, const dw_tensor *outputs, const dw_tensor *weights, int n, const dw_tensor *inputs,
                 int n_inputs, int retain, int create, int unused, uintptr_t *failure) {
  return guard_calls(failure, [&] {
    auto found = torch::autograd::grad(tensors(outputs, n), tensors(inputs, n_inputs), tensors(weights, n),
                                       retain != 0 || create != 0, create != 0, unused != 0);
    for (int i = 0; i < n_inputs; i++) grads[i] = found[i].defined() ? new at::Tensor(found[i]) : nullptr;
  });
}

dw_error dw_register_hook(unsigned *position, dw_tensor x, uintptr_t handle) {
  auto go = std::make_shared<depthwise::GoHandle>(handle);
  return guard([&] {
    *position = tensor(x).register_hook(
        [go](const at::Tensor &grad) -> at::Tensor { return depthwise::call(*go, {grad}, 1)[0]; });
  });
}

dw_error dw_remove_hook(dw_tensor x, unsigned position) {
  return guard([&] { tensor(x).remove_hook(position); });
}
