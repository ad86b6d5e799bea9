// The kernels of cuda/kernels on tensors, in the order of a layer's passes. Images are (N, C, H, W) in channels-last
// order, float32 or bfloat16; all other tensors are float32. Sums over a batch are in parts, each a row of `partial`,
// which are then added in a fixed order.
#pragma once
#include "cuda/conv.h"

namespace depthwise::cuda::tensors {

// A layer's output with the sums (parts, 2, C) of its values and of their squares.
struct Summed {
  at::Tensor y, partial;
};

// The depthwise convolution of x.
Summed depthwise_forward(const at::Tensor &x, const at::Tensor &weight, const dw_window &w);

Summed moments(const at::Tensor &y);

// Coefficients (4, C) of batch norm by the batch's statistics: mean, 1/std, scale, shift. Updates the running
// statistics if they are defined.
at::Tensor moments_finish(const Summed &s, float eps, float momentum, const at::Tensor &gamma, const at::Tensor &beta,
                          const at::Tensor &mean, const at::Tensor &var);

// A rank's sums for batch norm over all ranks, (2*C + 1), float64, of (parts, 2, C): the two sums of each channel times
// factor, and n. own (2, C), if defined, gets the sums themselves.
at::Tensor rank_sums(const at::Tensor &partial, double factor, double n, const at::Tensor &own);

// moments_finish of the totals of such sums over all ranks.
at::Tensor moments_finish_ranks(const at::Tensor &sums, float eps, float momentum, const at::Tensor &gamma,
                                const at::Tensor &beta, const at::Tensor &mean, const at::Tensor &var);

// activation(scale*y + shift) + residual.
at::Tensor scale_activate(const at::Tensor &y, const at::Tensor &coefficients, const at::Tensor &residual,
                          int activation);

// What the backward pass of batch norm and activation reads: the gradient of the layer's output, and the forward pass.
struct NormGradient {
  at::Tensor da, y, coefficients;
  int activation;
  at::Tensor dcoefficients; // (3, C), of norm_backward_sums: dy = d0*dz + d1*y + d2
};

// The sums (parts, 2, C) of dz and of dz * xhat.
at::Tensor norm_backward_sums(const NormGradient &g);

// Computes g.dcoefficients from these sums, and the gradients of gamma and beta.
void norm_backward_finish(NormGradient &g, const at::Tensor &partial, const at::Tensor &gamma, const at::Tensor &dgamma,
                          const at::Tensor &dbeta);

// Computes g.dcoefficients from the totals of rank_sums over all ranks, times `returned`.
void norm_backward_finish_ranks(NormGradient &g, const at::Tensor &sums, double returned, const at::Tensor &gamma);

// The gradient of the convolution's output.
at::Tensor norm_backward(const NormGradient &g);

// norm_backward and the depthwise convolution's gradients in one pass: overwrites dx, and returns the sums (parts,
// K*K, C) of the weight's gradient.
at::Tensor depthwise_backward(const NormGradient &g, const at::Tensor &x, const at::Tensor &weight,
                              const at::Tensor &dx, const dw_window &w);

// Finishes these sums: dweight is (C, 1, K, K).
void depthwise_backward_finish(const at::Tensor &partial, const at::Tensor &dweight);

// activation(the depthwise convolution of x, which has had the activation `before`, + bias).
at::Tensor depthwise_inference(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias,
                               const dw_window &w, int before, int activation);

// The patches (rows, kPatch) of images x (N, 3, H, W) under a stem's windows.
at::Tensor patches(const at::Tensor &x, const dw_window &w);

// x (N, 3, H, W) of pixels (N, H, W, 3).
void normalize_images(const at::Tensor &pixels, const at::Tensor &x, const dw_normalization &n);

} // namespace depthwise::cuda::tensors
