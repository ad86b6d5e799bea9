//go:build ignore

// Updates of whole lists of tensors: PyTorch's _foreach_ operations, which its optimizers are
// written in.
#include "lists.h"
#include "tensors/guard.h"
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

using depthwise::guard;

namespace {

std::vector<at::Tensor> list(const dw_tensor *xs, int n) {
  std::vector<at::Tensor> tensors;
  tensors.reserve(n);
  for (int i = 0; i < n; i++) tensors.push_back(*static_cast<at::Tensor *>(xs[i]));
  return tensors;
}

// guard without recording a graph: the lists hold parameters and optimizer state.
template <class F> dw_error update(F &&f) {
  return guard([&] {
    c10::NoGradGuard no_grad;
    f();
  });
}

// The L2 norm over all elements of all tensors, as torch.nn.utils.get_total_norm: the norm of the
// tensors' norms.
at::Tensor total_norm(const dw_tensor *x, int n) {
  return at::linalg_vector_norm(at::stack(at::_foreach_norm(list(x, n), 2)));
}

// Hands a new list to the caller.
void give(dw_tensor *out, const std::vector<at::Tensor> &tensors) {
  for (const auto &t : tensors) *out++ = new at::Tensor(t);
}

} // namespace

dw_error dw_list_scale(const dw_tensor *x, int n, double c) {
  return update([&] { at::_foreach_mul_(list(x, n), c); });
}

dw_error dw_list_add_scalar(const dw_tensor *x, int n, double c) {
  return update([&] { at::_foreach_add_(list(x, n), c); });
}

dw_error dw_list_add_scaled(const dw_tensor *x, const dw_tensor *y, int n, double alpha) {
  return update([&] { at::_foreach_add_(list(x, n), list(y, n), alpha); });
}

dw_error dw_list_add_product(const dw_tensor *x, const dw_tensor *a, const dw_tensor *b, int n, double alpha) {
  return update([&] { at::_foreach_addcmul_(list(x, n), list(a, n), list(b, n), alpha); });
}

dw_error dw_list_add_quotient(const dw_tensor *x, const dw_tensor *a, const dw_tensor *b, int n, double alpha) {
  return update([&] { at::_foreach_addcdiv_(list(x, n), list(a, n), list(b, n), alpha); });
}

dw_error dw_list_sqrt(const dw_tensor *x, int n) {
  return update([&] { at::_foreach_sqrt_(list(x, n)); });
}

dw_error dw_list_lerp(const dw_tensor *x, const dw_tensor *y, int n, double weight) {
  return update([&] { at::_foreach_lerp_(list(x, n), list(y, n), weight); });
}

dw_error dw_list_copy(const dw_tensor *x, const dw_tensor *y, int n) {
  return update([&] { at::_foreach_copy_(list(x, n), list(y, n)); });
}

dw_error dw_list_zero(const dw_tensor *x, int n) {
  return update([&] { at::_foreach_zero_(list(x, n)); });
}

dw_error dw_list_norm(const dw_tensor *x, int n, double *norm) {
  return update([&] { *norm = n == 0 ? 0 : total_norm(x, n).item<double>(); });
}

dw_error dw_list_norm_tensor(dw_tensor *norm, const dw_tensor *x, int n) {
  return update([&] { *norm = new at::Tensor(total_norm(x, n)); });
}

dw_error dw_list_plus(dw_tensor *out, const dw_tensor *x, const dw_tensor *y, int n, double alpha) {
  return update([&] { give(out, at::_foreach_add(list(x, n), list(y, n), alpha)); });
}

dw_error dw_list_times(dw_tensor *out, const dw_tensor *x, int n, dw_tensor scalar) {
  return update([&] { give(out, at::_foreach_mul(list(x, n), *static_cast<at::Tensor *>(scalar))); });
}

dw_error dw_list_clone(dw_tensor *out, const dw_tensor *x, int n) {
  return update([&] {
    const auto from = list(x, n);
    std::vector<at::Tensor> to;
    for (const auto &t : from) to.push_back(at::empty_like(t));
    at::_foreach_copy_(to, from);
    give(out, to);
  });
}

dw_error dw_list_roots(dw_tensor *out, const dw_tensor *x, int n) {
  return update([&] { give(out, at::_foreach_sqrt(list(x, n))); });
}

// A finite sum has finite terms only, which settles the usual case; finite terms can overflow, so
// the others are examined.
dw_error dw_list_all_finite(const dw_tensor *x, int n, int *finite) {
  return update([&] {
    *finite = 1;
    for (const auto &t : list(x, n))
      if (!std::isfinite(t.sum().item<double>()) && !at::isfinite(t).all().item<bool>()) *finite = 0;
  });
}
