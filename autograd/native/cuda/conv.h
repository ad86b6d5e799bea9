// What a layer's convolution is, for training (cuda/layer.cc) and inference (cuda/inference.cc).
#pragma once
#include "cuda/kernels/geometry.h"
#include "cuda_layer.h"
#include <ATen/ATen.h>
#include <array>

namespace depthwise::cuda {

inline at::ScalarType type_of(const dw_cuda_conv &c) { return c.bf16 ? at::kBFloat16 : at::kFloat; }

inline int64_t out_size(int64_t in, int before, int after, int64_t kernel, int stride) {
  return (in + before + after - kernel) / stride + 1;
}

inline dw_window window_of(at::IntArrayRef x, at::IntArrayRef weight, const dw_cuda_conv &c) {
  return {int(x[0]),
          int(x[2]),
          int(x[3]),
          int(x[1]),
          int(out_size(x[2], c.top, c.bottom, weight[2], c.stride)),
          int(out_size(x[3], c.left, c.right, weight[3], c.stride)),
          int(weight[2]),
          c.stride,
          c.top,
          c.left};
}

// The pixels and channels of a tensor (N, C, H, W), which is in channels-last order.
inline dw_rows rows_of(const at::Tensor &t) { return {t.size(0) * t.size(2) * t.size(3), int(t.size(1))}; }

enum class Kind { depthwise, pointwise, stem, other };

// How the convolution is computed: by the kernels, as a matrix product, as one of the patches under its windows, or by
// libtorch.
inline Kind kind_of(at::IntArrayRef x, at::IntArrayRef weight, const dw_cuda_conv &c) {
  const bool padded = c.top || c.bottom || c.left || c.right;
  if (weight[2] == 1 && weight[3] == 1 && c.groups == 1 && c.stride == 1 && !padded) return Kind::pointwise;
  if (c.groups > 1 && c.groups == x[1] && weight[0] == x[1] && weight[2] == weight[3] &&
      depthwise_supported(window_of(x, weight, c)))
    return Kind::depthwise;
  if (c.groups == 1 && weight[2] == weight[3] && patches_supported(window_of(x, weight, c))) return Kind::stem;
  return Kind::other;
}

// A tensor (N, C, H, W) in channels-last order as a matrix (N*H*W, C), and back.
inline at::Tensor matrix(const at::Tensor &t) {
  return t.as_strided({t.size(0) * t.size(2) * t.size(3), t.size(1)}, {t.size(1), 1});
}
inline at::Tensor image(const at::Tensor &m, at::IntArrayRef like) {
  const int64_t n = like[0], h = like[2], w = like[3], c = m.size(1);
  return m.as_strided({n, c, h, w}, {h * w * c, 1, w * c, c});
}

// An uninitialized tensor in channels-last order, whatever its sizes.
inline at::Tensor empty_image(at::IntArrayRef sizes, const at::TensorOptions &options) {
  const int64_t n = sizes[0], c = sizes[1], h = sizes[2], w = sizes[3];
  return at::empty_strided({n, c, h, w}, {h * w * c, 1, w * c, c}, options);
}

// t in channels-last order with the strides of that order. libtorch calls sizes of 1 contiguous with any stride.
// Only such a tensor is restrided: the backward pass of as_strided copies the gradient into zeros.
inline at::Tensor channels_last(const at::Tensor &t) {
  at::Tensor ordered = t.contiguous(at::MemoryFormat::ChannelsLast);
  const int64_t c = t.size(1), h = t.size(2), w = t.size(3);
  const std::array<int64_t, 4> strides{h * w * c, 1, w * c, c};
  if (ordered.strides() == at::IntArrayRef(strides)) return ordered;
  return ordered.as_strided(t.sizes(), strides);
}

// A weight (O, I, 1, 1), in either order, as a matrix (O, I).
inline at::Tensor weight_matrix(const at::Tensor &w) { return w.reshape({w.size(0), w.size(1)}); }

// A stem's weight (O, 3, 3, 3) as a matrix (O, kPatch) for patches, in a type; the columns behind the 27 are zeros.
inline at::Tensor patch_matrix(const at::Tensor &w, at::ScalarType type) {
  const at::Tensor rows = w.permute({0, 2, 3, 1}).reshape({w.size(0), -1});
  return at::constant_pad_nd(rows.to(type), {0, kPatch - rows.size(1)});
}

// The gradient of a stem's weight from that of its matrix.
inline at::Tensor patch_weight(const at::Tensor &m, const at::Tensor &weight) {
  at::Tensor w = at::empty_strided(weight.sizes(), weight.strides(), weight.options());
  const int64_t colors = weight.size(1), k = weight.size(2);
  return w.copy_(m.narrow(1, 0, colors * k * k).reshape({m.size(0), k, k, colors}).permute({0, 3, 1, 2}));
}

// x with the convolution's zeros around it, where libtorch's convolution does not add them itself because they
// differ, and what that adds.
struct Padded {
  at::Tensor x;
  int64_t rows, columns;
};
inline Padded pad(const at::Tensor &x, const dw_cuda_conv &c) {
  if (c.top == c.bottom && c.left == c.right) return {x, c.top, c.left};
  return {at::constant_pad_nd(x, {c.left, c.right, c.top, c.bottom}), 0, 0};
}

inline at::Tensor convolve(const at::Tensor &x, const at::Tensor &weight, const dw_cuda_conv &c) {
  const Padded p = pad(x, c);
  return channels_last(
      at::convolution(p.x, weight, {}, {c.stride, c.stride}, {p.rows, p.columns}, {1, 1}, false, {0, 0}, c.groups));
}

// Counts layers for dw_cuda_count.
void count_layer();

} // namespace depthwise::cuda
