// The C interface of a layer (convolution, batch norm, activation) as one operation by the kernels of
// cuda/kernels, on a GPU, and on the CPU by their emulation. Conventions are those of native.h.
#pragma once
#include "batch_norm.h"

#ifdef __cplusplus
extern "C" {
#endif

// A convolution over x (N, C, H, W) with square windows, and what follows it.
typedef struct {
  int stride, groups;
  int top, bottom, left, right; // zeros around x
  int activation;               // 0: none, 1: ReLU, 2: ReLU6
  int bf16;                     // stores and multiplies in bfloat16, else in float32
} dw_cuda_conv;

// cuda/layer.cc: *out = activation(norm(convolution(x, weight) + bias)) + residual; recorded in the graph. bias and
// residual may be NULL. x and residual are converted to the type and to channels-last order where they are not.
dw_error dw_cuda_layer(dw_tensor *out, dw_tensor x, dw_tensor weight, dw_tensor bias, const dw_batch_norm *norm,
                       dw_tensor residual, const dw_cuda_conv *conv);

// Which kernels compute the layer of x and weight of these shapes. 0: none; 1: batch norm and activation, after
// libtorch's convolution; 2: the depthwise convolution too.
int dw_cuda_supports(const int64_t *x, const int64_t *weight, const dw_cuda_conv *conv);

// The number of layers that the kernels have computed since the process started; forward and backward count
// separately, and so does inference.
int64_t dw_cuda_count(void);

// cuda/inference.cc: folds the running statistics into a convolution's weight (O, C/groups, K, K) and bias (may be
// NULL): scaled = weight * norm.weight / sqrt(norm.var + eps). *scaled (in the type; float32 of depthwise convolutions),
// *shift (4, O; float32, the last row) and *typed (O; the shift in the type) are made, or overwritten where they are not
// NULL.
dw_error dw_cuda_fold(dw_tensor *scaled, dw_tensor *shift, dw_tensor *typed, dw_tensor weight, dw_tensor bias,
                      const dw_batch_norm *norm, const dw_cuda_conv *conv);

// *out = activation(convolution(before(x), scaled) + shift) + residual, which may be NULL, without a graph. before
// is an activation of x that only a depthwise convolution applies, else 0.
dw_error dw_cuda_infer(dw_tensor *out, dw_tensor x, int before, dw_tensor scaled, dw_tensor shift, dw_tensor typed,
                       dw_tensor residual, const dw_cuda_conv *conv);

// cuda/pixels.cc: *out (N, 3, H, W), channels-last, of pixels (N, H, W, 3) uint8 on the device: (v/255 - mean)/std
// with the bits of dw_normalize_images, in bfloat16 rounded from there.
dw_error dw_cuda_normalize(dw_tensor *out, dw_tensor pixels, const double *mean, const double *std, int bf16);

// cuda/driver.cc: an error that says why the kernels do not run on a GPU, or NULL.
dw_error dw_cuda_check(int device);

// cuda/nvrtc.cc: compiles the kernels for a compute capability, such as 90, and returns the number of bytes of
// machine code. It needs NVRTC, and no GPU. *found is 0 where there is no NVRTC.
dw_error dw_cuda_compile(int64_t *bytes, int *found, int capability);

#ifdef __cplusplus
}
#endif
