// Converts libtorch's tensors to the kernels' layers; shared by both C interfaces of the backbone
// (backbone/node.cc, inference/api.cc).
#pragma once
#include "isa/select.h"
#include "backbone.h"
#include "backbone/schedule.h"
#include <ATen/ATen.h>
#include <algorithm>
#include <atomic>

namespace depthwise::fused {

static_assert(kLanes == DW_LANES, "Go reads the lane count from backbone.h");

extern std::atomic<int64_t> computed_layers; // for dw_backbone_count

inline const KernelSet &kernel_set(bool bf16) { return bf16 ? kernels_here().bfloat16 : kernels_here().float32; }

inline at::Tensor bytes(size_t n) { return at::empty({int64_t(n)}, at::kByte); }
inline char *start(const at::Tensor &t) { return static_cast<char *>(t.data_ptr()); }

// A parameter as the kernels read it: float, convolution weights in channels-last order.
inline const float *values(const at::Tensor &t) { return t.const_data_ptr<float>(); }

inline void check_parameter(const at::Tensor &t) {
  TORCH_CHECK(t.scalar_type() == at::kFloat && t.device().is_cpu(),
              "fused kernels: parameters must be float32 on the CPU, not ", t.scalar_type(), " on ", t.device(),
              "; --kernels torch accepts others");
}

inline at::Tensor laid_out(const at::Tensor &t) {
  check_parameter(t);
  return t.contiguous(t.dim() == 4 ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous);
}

// The input of a backbone: a tensor, or pixels, which have no gradient.
struct Images {
  at::Tensor given;  // undefined for pixels
  at::Tensor values; // the same in the kernels' layout
  StemImage input;   // points at values or pixels
  int64_t n, height, width;
};

inline Images images_of(const at::Tensor &x) {
  TORCH_CHECK(x.dim() == 4 && x.size(1) == 3 && x.scalar_type() == at::kFloat && x.device().is_cpu(),
              "fused kernels: images must be (N, 3, H, W) float32 on the CPU");
  Images i{x, x.detach().contiguous(at::MemoryFormat::ChannelsLast), {}, x.size(0), x.size(2), x.size(3)};
  i.input.values = values(i.values);
  return i;
}

inline Images images_of(const dw_pixels &p) {
  Images i{{}, {}, {}, p.n, p.height, p.width};
  i.input.pixels = p.values;
  std::copy_n(p.mean, 3, i.input.mean);
  std::copy_n(p.std, 3, i.input.std);
  return i;
}

// Checks that the layers fit together and that the images fit the first: the kernels trust these
// sizes.
inline void check_layers(const dw_backbone &t, int64_t images, int64_t height, int64_t width) {
  TORCH_CHECK(t.n > 0 && images > 0, "fused kernels: no layers or no images");
  int channels = 3;
  for (int i = 0; i < t.n; i++) {
    const dw_layer &l = t.layers[i];
    TORCH_CHECK(
        (l.kind == DW_STEM) == (i == 0) && l.in == channels && l.out > 0 && (l.kind != DW_DEPTHWISE || l.in == l.out),
        "fused kernels: layer ", i, " does not follow ", channels, " channels, or the first layer is not a stem");
    int before = l.kind == DW_POINTWISE ? 0 : 1, kernel = l.kind == DW_POINTWISE ? 1 : 3;
    auto fits = [&](int in, int out, int zeros) {
      int after = (out - 1) * l.stride + kernel - in - zeros; // at most a window of zeros after the image
      return out > 0 && zeros >= 0 && zeros <= before && after <= 2;
    };
    TORCH_CHECK(l.height == height && l.width == width && (l.stride == 1 || (l.stride == 2 && kernel == 3)) &&
                    fits(l.height, l.out_height, l.top) && fits(l.width, l.out_width, l.left),
                "fused kernels: the window of layer ", i, " does not fit ", height, "x", width);
    TORCH_CHECK(!t.training || t.sync.group || images * l.out_height * l.out_width > 1,
                "fused kernels: batch norm of layer ", i, " has a single value per channel; training needs more");
    channels = l.out;
    height = l.out_height;
    width = l.out_width;
  }
}

inline void check_statistic(const at::Tensor &t) {
  check_parameter(t);
  TORCH_CHECK(t.is_contiguous(), "fused kernels: running statistics must be contiguous");
}

// Checks that a parameter has as many values as the kernels read.
inline void check_size(const at::Tensor &t, size_t want) {
  TORCH_CHECK(size_t(t.numel()) == want, "fused kernels: a parameter of shape ", t.sizes(), " where ", want,
              " values are expected");
}

inline Window window(const dw_layer &l, int64_t images) {
  return {images, l.height, l.width, l.out_height, l.out_width, l.stride, l.top, l.left};
}

// The tensors of a backbone's layers, in the layout that its kernels read; parameters already in
// that layout share their memory.
struct BoundLayers {
  std::vector<Layer> layers;
  std::vector<at::Tensor> held;
};

inline BoundLayers bind_layers(const dw_backbone &t, int64_t images, const std::vector<at::Tensor> &parameters,
                               const std::vector<at::Tensor> &statistics) {
  BoundLayers b;
  size_t next = 0;
  auto take = [&]() -> const float * {
    TORCH_CHECK(next < parameters.size(), "fused kernels: ", parameters.size(),
                " parameters are too few for the layers");
    b.held.push_back(laid_out(parameters[next++].detach()));
    return values(b.held.back());
  };
  TORCH_CHECK(statistics.size() == 2 * size_t(t.n), "fused kernels: ", statistics.size(), " running statistics for ",
              t.n, " layers");
  for (int i = 0; i < t.n; i++) {
    const dw_layer &l = t.layers[i];
    Layer layer{Kind(l.kind), l.in, l.out, window(l, images), take(), l.has_bias ? take() : nullptr, {}};
    const float *weight = take(), *bias = take();
    const at::Tensor &mean = statistics[2 * i], &var = statistics[2 * i + 1];
    for (const at::Tensor *s : {&mean, &var}) {
      check_statistic(*s);
      check_size(*s, l.out);
    }
    check_size(b.held[b.held.size() - 3 - l.has_bias], layer.weights());
    for (int k = 1; k <= 2 + l.has_bias; k++) check_size(b.held[b.held.size() - k], l.out);
    layer.norm = {l.out, weight, bias, mean.data_ptr<float>(), var.data_ptr<float>(), t.eps, t.momentum};
    b.layers.push_back(layer);
  }
  TORCH_CHECK(next == parameters.size(), "fused kernels: ", parameters.size(),
              " parameters are too many for the layers");
  return b;
}

} // namespace depthwise::fused
