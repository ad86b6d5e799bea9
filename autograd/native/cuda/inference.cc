//go:build ignore

// A layer in inference: batch norm is folded into the convolution, whose output is the only one that is stored.
#include "cuda/conv.h"
#include "cuda/kernel_calls.h"
#include "graph/callback.h"
#include "tensors/guard.h"
#include <c10/core/GradMode.h>

using depthwise::tensor;
using namespace depthwise::cuda;
using namespace depthwise::cuda::tensors;

namespace {

// Stores t where *out is, or makes *out: captured graphs read the same memory after weights have changed.
void keep(dw_tensor *out, const at::Tensor &t) {
  if (*out)
    static_cast<at::Tensor *>(*out)->copy_(t);
  else
    *out = new at::Tensor(t);
}

// Folds as PyTorch's fuse_conv_bn_weights does, in float32.
void fold(dw_tensor *scaled, dw_tensor *shift, dw_tensor *typed, const at::Tensor &weight, const at::Tensor &bias,
          const dw_batch_norm &n, const dw_cuda_conv &c) {
  const at::Tensor factor = tensor(n.weight).detach() * at::rsqrt(tensor(n.var).detach() + n.eps);
  const at::Tensor w = weight.detach().contiguous() * factor.reshape({-1, 1, 1, 1});
  at::Tensor mean = tensor(n.mean).detach();
  if (bias.defined()) mean = mean - bias.detach();
  const at::Tensor b = tensor(n.bias).detach() - mean * factor;
  const bool filters = c.groups > 1; // depthwise kernels read float32
  keep(scaled, filters ? w : w.to(type_of(c)));
  at::Tensor coefficients = at::ones({4, b.size(0)}, b.options()); // of scale_activate, which adds the last row
  coefficients.select(0, 3).copy_(b);
  keep(shift, coefficients);
  keep(typed, b.to(type_of(c)));
}

at::Tensor pointwise(const at::Tensor &x, const at::Tensor &scaled, const at::Tensor &shift, const at::Tensor &typed,
                     const at::Tensor &residual, const dw_cuda_conv &c) {
  const at::Tensor m = matrix(x), w = weight_matrix(scaled).t();
  if (!residual.defined() && c.activation == 0) return image(at::addmm(typed, m, w), x.sizes());
  if (!residual.defined() && c.activation == 1) return image(at::_addmm_activation(typed, m, w), x.sizes());
  return scale_activate(image(at::mm(m, w), x.sizes()), shift, residual, c.activation);
}

at::Tensor infer(const at::Tensor &given, int before, const at::Tensor &scaled, const at::Tensor &shift,
                 const at::Tensor &typed, const at::Tensor &given_residual, const dw_cuda_conv &c) {
  TORCH_CHECK(given.dim() == 4 && scaled.dim() == 4 && given.size(1) == c.groups * scaled.size(1),
              "the CUDA layer: x must be (N, C, H, W) and the weight (O, C/groups, K, K), not ", given.sizes(), " and ",
              scaled.sizes(), " in ", c.groups, " groups");
  auto converted = [&](const at::Tensor &t) { return t.defined() ? channels_last(t.detach().to(type_of(c))) : t; };
  const at::Tensor x = converted(given), residual = converted(given_residual);
  const Kind kind = kind_of(x.sizes(), scaled.sizes(), c);
  TORCH_CHECK(before == 0 || kind == Kind::depthwise,
              "the CUDA layer: only depthwise convolutions apply an activation to their input");
  count_layer();
  switch (kind) {
  case Kind::depthwise: {
    const dw_window w = window_of(x.sizes(), scaled.sizes(), c);
    const at::Tensor y = depthwise_inference(x, scaled, shift.select(0, 3), w, before, c.activation);
    return residual.defined() ? y + residual : y;
  }
  case Kind::pointwise:
    return pointwise(x, scaled, shift, typed, residual, c);
  case Kind::stem: {
    const dw_window w = window_of(x.sizes(), scaled.sizes(), c);
    const at::Tensor y = at::mm(patches(x, w), patch_matrix(scaled, type_of(c)).t());
    return scale_activate(image(y, {w.n, w.c, w.out_h, w.out_w}), shift, residual, c.activation);
  }
  default:
    return scale_activate(convolve(x, scaled.to(type_of(c)), c), shift, residual, c.activation);
  }
}

} // namespace

dw_error dw_cuda_fold(dw_tensor *scaled, dw_tensor *shift, dw_tensor *typed, dw_tensor weight, dw_tensor bias,
                      const dw_batch_norm *norm, const dw_cuda_conv *conv) {
  return depthwise::guard([&] {
    c10::NoGradGuard no_grad;
    fold(scaled, shift, typed, tensor(weight), bias ? tensor(bias) : at::Tensor(), *norm, *conv);
  });
}

dw_error dw_cuda_infer(dw_tensor *out, dw_tensor x, int before, dw_tensor scaled, dw_tensor shift, dw_tensor typed,
                       dw_tensor residual, const dw_cuda_conv *conv) {
  return depthwise::guard([&] {
    c10::NoGradGuard no_grad;
    *out = new at::Tensor(infer(tensor(x), before, tensor(scaled), tensor(shift), tensor(typed),
                                residual ? tensor(residual) : at::Tensor(), *conv));
  });
}
