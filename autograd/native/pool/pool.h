// Global average pooling of the activations, and its gradient.
#pragma once
#include "depthwise/lines.h"

namespace depthwise::fused::FUSED_ISA {

// Adds 16 float sums to double ones.
FUSED_INLINE void add_lanes(double *to, V v) {
  float lanes[kLanes];
  store(lanes, v);
  for (int i = 0; i < kLanes; i++) to[i] += lanes[i];
}

// How many of the 16 channels from c are within the unpadded channels.
FUSED_INLINE int channels_used(int channels, int c) {
  int used = channels - c;
  return used < 0 ? 0 : used < kLanes ? used : kLanes;
}

// The average of one image's activations for the 16 channels from c.
template <class S> FUSED_INLINE void pool_forward_block(const PoolForward &p, int64_t image, int c) {
  const S *x = static_cast<const S *>(p.x) + image * p.positions * p.channels + c;
  const V scale = load(p.activation.scale + c), shift = load(p.activation.shift + c), cap = set1(p.activation.cap);
  double total[kLanes] = {};
  for (int64_t k = 0; k < p.positions;) {
    const int64_t end = k + kFloatPositions < p.positions ? k + kFloatPositions : p.positions;
    V sum{};
    for (; k < end; k++, x += p.channels) sum += at_most(at_least(load(x) * scale + shift, V{}), cap);
    add_lanes(total, sum);
  }
  float *features = p.features + image * p.features_channels + c;
  for (int i = 0; i < channels_used(p.features_channels, c); i++) features[i] = float(total[i] / double(p.positions));
}

// Parts consist of blocks of 16 channels of all images, so that a single image is split as well.
template <class S> void pool_forward(const Workers &w, const PoolForward &p) {
  const int64_t blocks = p.channels / kLanes;
  threads::for_each(w.threads, p.images * blocks, 8,
                    [&](int64_t i) { pool_forward_block<S>(p, i / blocks, int(i % blocks) * kLanes); });
}

// The gradient of one image's activations for the 16 channels from c: the same value at each
// position where the activation passes the gradient.
template <class S> FUSED_INLINE void pool_backward_block(const PoolBackward &p, int64_t image, int c) {
  float dfeatures[kLanes] = {};
  memcpy(dfeatures, p.dfeatures + image * p.features_channels + c,
         channels_used(p.features_channels, c) * sizeof(float));
  const V share = load(dfeatures) / set1(float(p.positions)), cap = set1(p.activation.cap);
  const V scale = load(p.activation.scale + c), shift = load(p.activation.shift + c), mean = load(p.sums.mean + c);
  const size_t at = image * p.positions * p.channels + c;
  const S *x = static_cast<const S *>(p.x) + at;
  S *gx = static_cast<S *>(p.gx) + at;
  for (int64_t k = 0; k < p.positions;) {
    const int64_t end = k + kFloatPositions < p.positions ? k + kFloatPositions : p.positions;
    V sum{}, product{};
    for (; k < end; k++, x += p.channels, gx += p.channels) {
      V v = load(x), g = masked(share, v * scale + shift, cap);
      store(gx, g);
      sum += g, product = g * (v - mean) + product;
    }
    add_lanes(p.sums.g + c, sum), add_lanes(p.sums.gx + c, product);
  }
}

// Parts consist of channels, so that every sum belongs to one part.
template <class S> void pool_backward(const Workers &w, const PoolBackward &p) {
  const int parts = threads::parts_of(w.threads, p.channels / kLanes, 1);
  threads::run(w.threads, parts, [&](int part, int) {
    const threads::Range blocks = threads::range_of(p.channels / kLanes, part, parts);
    for (int c = int(blocks.begin) * kLanes; c < blocks.end * kLanes; c++) p.sums.g[c] = p.sums.gx[c] = 0;
    for (int64_t image = 0; image < p.images; image++)
      for (int c = int(blocks.begin) * kLanes; c < blocks.end * kLanes; c += kLanes)
        pool_backward_block<S>(p, image, c);
  });
}

} // namespace depthwise::fused::FUSED_ISA
