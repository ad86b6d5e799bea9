//go:build ignore

// The order of the backbone's kernels, and the memory that they use.
#include "backbone/schedule.h"
#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>

namespace depthwise::fused {

namespace {

// Splits an arena into pieces of whole cache lines. Without an arena it only counts bytes.
class Cutter {
public:
  explicit Cutter(char *arena) : arena_(arena) {}

  template <class T> T *cut(size_t n) {
    T *piece = arena_ ? reinterpret_cast<T *>(arena_ + used_) : nullptr;
    used_ += (n * sizeof(T) + 63) / 64 * 64;
    return piece;
  }

  size_t used() const { return used_; }

private:
  char *arena_;
  size_t used_ = 0;
};

Channels cut_channels(Cutter &c, int n) {
  return {c.cut<float>(n), c.cut<float>(n), c.cut<float>(n), c.cut<float>(n),  c.cut<float>(n), c.cut<float>(n),
          c.cut<float>(n), c.cut<float>(n), c.cut<float>(n), c.cut<double>(n), c.cut<double>(n)};
}

} // namespace

Backbone::Backbone(std::vector<Layer> layers, const BackboneSettings &settings)
    : layers_(std::move(layers)), settings_(settings) {
  size_t n = layers_.size();
  channels_.resize(n);
  rows_.resize(n);
  y_.resize(n);
  g_.resize(n);
  forward_panels_.resize(n);
  backward_panels_.resize(n);
  plan();
  for (int i = 0; i < int(n); i++) scratch_bytes_ = std::max(scratch_bytes_, scratch_for(i));
}

// Layer i runs at step i forward and at step 2n-i backward; y_i is read by the next layer and in
// both layers' backward steps, g_i is written in the step of layer i+1 and read in that of layer i.
// The backward step of settings.first still writes the g below it.
void Backbone::plan() {
  int n = int(layers_.size());
  const KernelSet &k = *settings_.kernels;
  auto back = [&](int i) { return 2 * n - i; };
  for (int i = 0; i < n; i++)
    buffers_.push_back(
        {layers_[i].rows() * padded(layers_[i].out) * k.element, i, differentiated(i + 1) ? back(i) : i + 1});
  for (int i = 0; i < n && settings_.gradients; i++)
    buffers_.push_back({differentiated(i + 1) ? buffers_[i].bytes : 0, back(i + 1), back(i)});
  buffers_.push_back({k.stem_image_bytes(layers_[0].window), 0, differentiated(0) ? back(0) : 0});
  size_t planned = place(buffers_);
  bind(nullptr);
  arena_bytes_ = planned_at_ + planned;
}

// Sets all pointers into the arena: per-channel values and packed weights, then the planned
// buffers.
void Backbone::bind(char *arena) {
  const KernelSet &k = *settings_.kernels;
  int n = int(layers_.size());
  Cutter cutter(arena);
  for (int i = 0; i < n; i++) channels_[i] = cut_channels(cutter, padded(layers_[i].out));
  channels_bytes_ = cutter.used();
  for (int i = 0; i < n; i++) {
    const Layer &l = layers_[i];
    switch (l.kind) {
    case Kind::Stem:
      forward_panels_[i] = cutter.cut<char>(k.stem_panel_bytes(l.out));
      break;
    case Kind::Depthwise:
      forward_panels_[i] = cutter.cut<char>(9 * padded(l.out) * sizeof(float));
      break;
    case Kind::Pointwise:
      forward_panels_[i] = cutter.cut<char>(k.panel_bytes(l.in, l.out));
      backward_panels_[i] = differentiated(i) ? cutter.cut<char>(k.panel_bytes(l.in, l.out)) : nullptr;
    }
  }
  planned_at_ = (cutter.used() + 4095) / 4096 * 4096;
  if (!arena) return;
  for (int i = 0; i < n; i++) {
    y_[i] = arena + planned_at_ + buffers_[i].offset;
    g_[i] = settings_.gradients ? arena + planned_at_ + buffers_[n + i].offset : nullptr;
  }
  image_ = arena + planned_at_ + buffers_.back().offset;
}

void Backbone::pack(const Workers &w) {
  const KernelSet &k = *settings_.kernels;
  memset(channels_[0].bias, 0,
         channels_bytes_); // zeroes the padding of all channels; panels are overwritten completely
  for (size_t i = 0; i < layers_.size(); i++) {
    const Layer &l = layers_[i];
    if (l.bias) memcpy(channels_[i].bias, l.bias, l.out * sizeof(float));
    memcpy(channels_[i].pivot, l.norm.running_mean, l.out * sizeof(float));
    switch (l.kind) {
    case Kind::Stem:
      k.pack_stem({l.out, l.weight, forward_panels_[i]});
      break;
    case Kind::Depthwise:
      k.pack_depthwise({l.out, l.weight, reinterpret_cast<float *>(forward_panels_[i])});
      break;
    case Kind::Pointwise:
      k.pack_pointwise(w, {l.in, l.out, l.weight, forward_panels_[i], backward_panels_[i]});
    }
  }
}

void Backbone::forward(char *arena, char *scratch, StemImage input, float *features, Times *times) {
  PassStopwatch watch(times, layers_.size());
  Workers w{settings_.threads, scratch, scratch_bytes_ / settings_.threads};
  const KernelSet &k = *settings_.kernels;
  bind(arena);
  pack(w);
  watch.lap(&Times::pack);
  input.window = layers_[0].window;
  input.image = image_;
  k.stem_image(w, input);
  watch.lap(&Times::image);
  int n = int(layers_.size());
  for (int i = 0; i < n; i++) {
    convolve(w, i);
    normalize(i);
    watch.lap_layer(i);
  }
  const Layer &last = layers_.back();
  k.pool_forward(w, {last.window.images, last.rows() / last.window.images, padded(last.out), last.out, y_[n - 1],
                     activation(n - 1), features});
  watch.lap(&Times::pool);
}

void Backbone::convolve(const Workers &w, int i) {
  const KernelSet &k = *settings_.kernels;
  switch (layers_[i].kind) {
  case Kind::Stem:
    return k.stem_forward(w, stem_forward());
  case Kind::Depthwise:
    return k.depthwise_forward(w, depthwise_forward(i));
  case Kind::Pointwise:
    return k.pointwise_forward(w, pointwise_forward(i));
  }
}

void Backbone::normalize(int i) {
  if (!batch(i)) return use_running(layers_[i].norm, channels_[i]);
  rows_[i] = double(layers_[i].rows());
  if (const Ranks *ranks = settings_.ranks.get()) rows_[i] = add_up(*ranks, i, ranks->counts() ? 1 : 0, 1);
  if (rows_[i] <= 1)
    throw std::invalid_argument("fused kernels: batch norm of layer " + std::to_string(i) +
                                " has a single value per channel over all ranks; training needs more");
  use_batch(layers_[i].norm, channels_[i], rows_[i]);
}

// Replaces a layer's sums by those over all ranks, of sums times `factor`, times `returned`. Returns the sum of the rows
// of ranks whose images count.
double Backbone::add_up(const Ranks &ranks, int i, double factor, double returned) {
  const int n = layers_[i].out;
  const Channels &c = channels_[i];
  std::vector<double> values(2 * n + 1);
  for (int k = 0; k < n && factor != 0; k++) { // 0 also in place of an infinity
    values[k] = c.sum[k] * factor;
    values[n + k] = c.square[k] * factor;
  }
  values[2 * n] = ranks.counts() ? double(layers_[i].rows()) : 0;
  ranks.add_up(values.data(), int(values.size()));
  for (int k = 0; k < n; k++) {
    c.sum[k] = values[k] * returned;
    c.square[k] = values[n + k] * returned;
  }
  return values[2 * n];
}

void Backbone::backward(char *arena, char *scratch, const float *dfeatures,
                        const std::vector<LayerGradients> &gradients, Times *times,
                        const std::function<void(int layer)> &done) {
  PassStopwatch watch(times, layers_.size());
  Workers w{settings_.threads, scratch, scratch_bytes_ / settings_.threads};
  bind(arena);
  int n = int(layers_.size());
  const Layer &last = layers_.back();
  settings_.kernels->pool_backward(w, {last.window.images, last.rows() / last.window.images, padded(last.out), last.out,
                                       dfeatures, y_[n - 1], activation(n - 1), g_[n - 1], sums(n - 1)});
  watch.lap(&Times::pool);
  for (int i = n - 1; i >= settings_.first; i--) {
    differentiate(w, i, gradients[i]);
    watch.lap_layer(i);
    if (done) done(i);
  }
}

// One layer's backward step: its batch norm's gradients from the sums of the layer above, then its
// weight's gradient, and the gradient and sums for the layer below.
void Backbone::differentiate(const Workers &w, int i, const LayerGradients &out) {
  const KernelSet &k = *settings_.kernels;
  const Layer &l = layers_[i];
  differentiate_parameters(l.norm, channels_[i], out.norm_weight, out.norm_bias);
  if (const Ranks *ranks = settings_.ranks.get(); ranks && batch(i))
    add_up(*ranks, i, ranks->weight(), ranks->returned());
  differentiate_values(l.norm, channels_[i], rows_[i], batch(i));
  for (int c = 0; c < l.out && out.bias; c++) // batch norm subtracts the batch's mean, and with it any bias
    out.bias[c] = batch(i) ? 0 : float(channels_[i].c1[c] * channels_[i].sum[c]);
  switch (l.kind) {
  case Kind::Stem: {
    auto b = stem_backward();
    b.dw = out.weight;
    return k.stem_backward(w, b);
  }
  case Kind::Depthwise: {
    auto b = depthwise_backward(i);
    b.dw = out.weight;
    return k.depthwise_backward(w, b);
  }
  case Kind::Pointwise: {
    auto b = pointwise_backward(i);
    b.dw = out.weight;
    return k.pointwise_backward(w, b);
  }
  }
}

size_t Backbone::scratch_for(int i) const {
  const KernelSet &k = *settings_.kernels;
  const int t = settings_.threads;
  size_t bytes = 0;
  switch (layers_[i].kind) {
  case Kind::Stem:
    bytes = std::max(bytes, k.stem_forward_scratch(t, stem_forward()));
    return settings_.gradients ? std::max(bytes, k.stem_backward_scratch(t, stem_backward())) : bytes;
  case Kind::Depthwise:
    bytes = std::max(bytes, k.depthwise_forward_scratch(t, depthwise_forward(i)));
    return settings_.gradients ? std::max(bytes, k.depthwise_backward_scratch(t, depthwise_backward(i))) : bytes;
  case Kind::Pointwise:
    bytes = std::max(bytes, k.pointwise_forward_scratch(t, pointwise_forward(i)));
    return settings_.gradients ? std::max(bytes, k.pointwise_backward_scratch(t, pointwise_backward(i))) : bytes;
  }
  return bytes;
}

Moments Backbone::moments(int i) const {
  if (!batch(i)) return {channels_[i].pivot, nullptr, nullptr};
  return {channels_[i].pivot, channels_[i].sum, channels_[i].square};
}

PointwiseForward Backbone::pointwise_forward(int i) const {
  const Layer &l = layers_[i];
  return {l.rows(),           padded(l.in),      padded(l.out), y_[i - 1], activation(i - 1),
          forward_panels_[i], channels_[i].bias, y_[i],         moments(i)};
}

PointwiseBackward Backbone::pointwise_backward(int i) const {
  const Layer &l = layers_[i];
  return {l.rows(),
          padded(l.in),
          padded(l.out),
          l.in,
          l.out,
          g_[i],
          y_[i],
          norm_gradient(i),
          backward_panels_[i],
          y_[i - 1],
          activation(i - 1),
          g_[i - 1],
          sums(i - 1),
          nullptr};
}

DepthwiseForward Backbone::depthwise_forward(int i) const {
  const Layer &l = layers_[i];
  auto *weight = reinterpret_cast<const float *>(forward_panels_[i]);
  return {l.window, padded(l.out), y_[i - 1], activation(i - 1), weight, channels_[i].bias, y_[i], moments(i)};
}

DepthwiseBackward Backbone::depthwise_backward(int i) const {
  const Layer &l = layers_[i];
  auto *weight = reinterpret_cast<const float *>(forward_panels_[i]);
  return {l.window,  padded(l.out),     l.out,     g_[i],       y_[i],  norm_gradient(i), weight,
          y_[i - 1], activation(i - 1), g_[i - 1], sums(i - 1), nullptr};
}

StemForward Backbone::stem_forward() const {
  return {layers_[0].window, padded(layers_[0].out), image_, forward_panels_[0], channels_[0].bias, y_[0], moments(0)};
}

StemBackward Backbone::stem_backward() const {
  return {layers_[0].window, padded(layers_[0].out), layers_[0].out, g_[0], y_[0], norm_gradient(0), image_, nullptr};
}

} // namespace depthwise::fused
