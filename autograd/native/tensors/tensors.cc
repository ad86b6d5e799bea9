//go:build ignore

// Layout, copies between host and device, gradients.
#include "stream.h"
#include "tensors/guard.h"
#include "tensors/handle.h"
#include "threads/pool.h"
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <ATen/Parallel.h>
#include <array>

using depthwise::guard;
using depthwise::tensor;

dw_error dw_channels_last(dw_tensor *out, dw_tensor x) {
  return guard([&] { *out = new at::Tensor(tensor(x).contiguous(at::MemoryFormat::ChannelsLast)); });
}

dw_error dw_copy(dw_tensor dst, dw_tensor src) {
  return guard([&] {
    c10::NoGradGuard no_grad;
    tensor(dst).copy_(tensor(src));
  });
}

dw_error dw_from_host(dw_tensor *out, const void *data, const int64_t *shape, int ndim, int dtype) {
  return guard([&] {
    auto t = at::empty(at::IntArrayRef(shape, ndim), static_cast<at::ScalarType>(dtype));
    if (t.nbytes() > 0) std::memcpy(t.data_ptr(), data, t.nbytes());
    *out = new at::Tensor(std::move(t));
  });
}

dw_error dw_to_host(void *data, dw_tensor x) {
  return guard([&] {
    auto t = tensor(x).detach().to(at::kCPU).contiguous();
    if (t.nbytes() > 0) std::memcpy(data, t.data_ptr(), t.nbytes());
  });
}

dw_error dw_gradient(dw_tensor *out, dw_tensor x) {
  return guard([&] {
    const auto &g = tensor(x).grad();
    *out = g.defined() ? new at::Tensor(g) : nullptr;
  });
}

dw_error dw_set_gradient(dw_tensor x, dw_tensor gradient) {
  return guard([&] { tensor(x).mutable_grad() = tensor(gradient); });
}

dw_error dw_clear_gradients(const dw_tensor *xs, int n) {
  return guard([&] {
    for (int i = 0; i < n; i++) tensor(xs[i]).mutable_grad().reset();
  });
}

// pixels: n x h x w x 3 bytes. out: (n, 3, h, w) float32 in channels-last order, (pixel / 255 -
// mean) / std, from a table of the 3 x 256 values, each computed in float32 as torchvision's
// ToTensor and Normalize do.
dw_error dw_normalize_images(dw_tensor *out, const uint8_t *pixels, int64_t n, int64_t h, int64_t w, const double *mean,
                             const double *std) {
  return guard([&] {
    std::array<std::array<float, 3>, 256> table;
    for (int v = 0; v < 256; v++)
      for (int c = 0; c < 3; c++) table[v][c] = (float(v) / 255.0f - float(mean[c])) / float(std[c]);
    auto t =
        at::empty({n, 3, h, w}, at::TensorOptions().dtype(at::kFloat).memory_format(at::MemoryFormat::ChannelsLast));
    float *to = t.data_ptr<float>();
    constexpr int64_t kPixels = 1 << 14; // below which another thread does not pay
    depthwise::threads::for_each(at::get_num_threads(), n * h * w, kPixels, [&](int64_t i) {
      to[3 * i] = table[pixels[3 * i]][0];
      to[3 * i + 1] = table[pixels[3 * i + 1]][1];
      to[3 * i + 2] = table[pixels[3 * i + 2]][2];
    });
    *out = new at::Tensor(std::move(t));
  });
}

// In libtorch's operations, for any device. The divisors are tensors: CUDA's kernels replace a
// division by a number by a multiplication with its inverse, which gives other bits. They are
// filled on the device, because a CUDA graph cannot copy them from the host.
dw_error dw_normalize_pixels(dw_tensor *out, dw_tensor pixels, const double *mean, const double *std) {
  return guard([&] {
    const auto &p = tensor(pixels);
    const auto floats = p.options().dtype(at::kFloat);
    auto means = at::empty({3}, floats), stds = at::empty({3}, floats);
    for (int c = 0; c < 3; c++) {
      means.select(0, c).fill_(mean[c]);
      stds.select(0, c).fill_(std[c]);
    }
    auto x = p.to(at::kFloat).div_(at::full({1}, 255, floats)).sub_(means).div_(stds);
    *out = new at::Tensor(x.permute({0, 3, 1, 2}));
  });
}
