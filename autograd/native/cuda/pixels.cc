//go:build ignore

// Normalization of images on the device: the bytes cross the bus, a quarter of the floats.
#include "cuda/conv.h"
#include "cuda/kernel_calls.h"
#include "graph/callback.h"
#include "tensors/guard.h"

dw_error dw_cuda_normalize(dw_tensor *out, dw_tensor pixels, const double *mean, const double *std, int bf16) {
  return depthwise::guard([&] {
    const at::Tensor &p = depthwise::tensor(pixels);
    TORCH_CHECK(p.dim() == 4 && p.size(3) == 3 && p.scalar_type() == at::kByte,
                "pixels must be (N, H, W, 3) uint8, not ", p.scalar_type(), " ", p.sizes());
    const at::Tensor values = p.contiguous();
    at::Tensor x = depthwise::cuda::empty_image({p.size(0), 3, p.size(1), p.size(2)},
                                                p.options().dtype(bf16 ? at::kBFloat16 : at::kFloat));
    dw_normalization n;
    for (int i = 0; i < 3; i++) n.mean[i] = float(mean[i]), n.std[i] = float(std[i]);
    if (p.numel() > 0) depthwise::cuda::tensors::normalize_images(values, x, n);
    *out = new at::Tensor(x);
  });
}
