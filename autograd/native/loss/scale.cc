//go:build ignore

// Loss scaling by the operations of torch.amp.GradScaler.
#include "loss_scale.h"
#include "tensors/guard.h"
#include "tensors/handle.h"
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

using depthwise::guard;
using depthwise::tensor;

namespace {

std::vector<at::Tensor> list(const dw_tensor *xs, int n) {
  std::vector<at::Tensor> tensors;
  for (int i = 0; i < n; i++) tensors.push_back(tensor(xs[i]));
  return tensors;
}

// The integer type with as many bits.
at::ScalarType bits_of(const at::Tensor &x) {
  TORCH_CHECK(x.scalar_type() == at::kFloat || x.scalar_type() == at::kDouble, "float32 or float64 is expected, not ",
              x.scalar_type());
  return x.scalar_type() == at::kDouble ? at::kLong : at::kInt;
}

std::vector<at::Tensor> as_bits(const dw_tensor *xs, int n, at::ScalarType type) {
  auto tensors = list(xs, n);
  for (auto &x : tensors) x = x.view(type);
  return tensors;
}

} // namespace

dw_error dw_list_unscale(const dw_tensor *gradients, int n, dw_tensor found, dw_tensor inverse) {
  return guard([&] {
    c10::NoGradGuard no_grad;
    at::_amp_foreach_non_finite_check_and_unscale_(list(gradients, n), tensor(found), tensor(inverse));
  });
}

// x + when * (kept - x) on the bits as integers, where it is exact and 0 times anything is 0; of NaN it
// is NaN. A few launches for all tensors, where a selection would be one for each.
dw_error dw_list_restore(const dw_tensor *x, const dw_tensor *kept, int n, dw_tensor when) {
  return guard([&] {
    if (n == 0) return;
    c10::NoGradGuard no_grad;
    const auto type = bits_of(tensor(x[0]));
    const auto to = as_bits(x, n, type);
    const auto difference = at::_foreach_sub(as_bits(kept, n, type), to);
    at::_foreach_mul_(difference, tensor(when).to(type));
    at::_foreach_add_(to, difference);
  });
}

dw_error dw_update_loss_scale(dw_tensor scale, dw_tensor growth_tracker, dw_tensor found, double growth, double backoff,
                              int64_t interval) {
  return guard([&] {
    c10::NoGradGuard no_grad;
    at::_amp_update_scale_(tensor(scale), tensor(growth_tracker), tensor(found), growth, backoff, interval);
  });
}
