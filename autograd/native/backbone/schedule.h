// The backbone of a MobileNet, from the images to the pooled features, as a sequence of kernels
// over one arena. Independent of libtorch; backbone/node.cc makes it a node of libtorch's graph.
#pragma once
#include "fused.h"
#include "backbone/norm.h"
#include "backbone/plan.h"
#include "backbone/stopwatch.h"
#include <functional>
#include <limits>
#include <memory>
#include <vector>

namespace depthwise::fused {

enum class Kind { Stem, Depthwise, Pointwise };

// A convolution with its batch norm. Arrays are float, unpadded and laid out as in fused.h.
struct Layer {
  Kind kind;
  int in, out;                // channels
  Window window;              // for a pointwise layer only the sizes matter
  const float *weight, *bias; // bias may be null
  Norm norm;

  int64_t rows() const { return window.images * window.out_height * window.out_width; }
  size_t weights() const {
    return kind == Kind::Depthwise ? 9 * size_t(out) : size_t(out) * in * (kind == Kind::Stem ? 9 : 1);
  }
};

// Destinations of a layer's gradients; each may be null.
struct LayerGradients {
  float *weight, *bias, *norm_weight, *norm_bias;
};

// Adds up batch norm's sums over several processes, the ranks, each of which computes a part of the batch.
class Ranks {
public:
  virtual ~Ranks() = default;

  // Replaces n values of this rank by their sums over all ranks.
  virtual void add_up(double *values, int n) const = 0;

  // Whether this rank's images count in the statistics; what its sums of gradients are multiplied by before they are added
  // up, and the results afterwards (distributed/norm_sync.h).
  virtual bool counts() const = 0;
  virtual double weight() const = 0;
  virtual double returned() const = 0;
};

struct BackboneSettings {
  const KernelSet *kernels;
  int threads;
  float cap;      // of the activation
  bool batch;     // normalize by the batch's statistics, else by the running ones
  bool gradients; // a backward pass follows
  int frozen;     // the first layers, as many as this, use the running statistics
  int first;      // the last layer that the backward pass computes; those before it have no gradients

  std::shared_ptr<const Ranks> ranks = nullptr; // null: the batch is this process' own
};

// One pass through the backbone. The caller provides an arena, which must be preserved between
// forward and backward, and scratch, which need not. Both are 64-byte aligned.
class Backbone {
public:
  Backbone(std::vector<Layer> layers, const BackboneSettings &);

  size_t arena_bytes() const { return arena_bytes_; }
  size_t scratch_bytes() const { return scratch_bytes_; }
  const std::vector<Layer> &layers() const { return layers_; }
  int frozen() const { return settings_.frozen; }
  int first() const { return settings_.first; }

  // input.pixels or input.values are the images; window and image are set here. features is
  // (images, channels). times, if not null, receives the times of the pass, except the whole.
  void forward(char *arena, char *scratch, StemImage input, float *features, Times *times);

  // gradients[i] belongs to layer i; those before settings.first are not computed. Overwrites the arena that forward left, so it runs once. times
  // as in forward, without pack and image. done, if not empty, is called with each layer when its gradients are computed,
  // before those of the layers below it; what it throws ends the pass.
  void backward(char *arena, char *scratch, const float *dfeatures, const std::vector<LayerGradients> &gradients,
                Times *times, const std::function<void(int layer)> &done);

  // After backward: the gradient of the stem's raw output, g*c1 + y*c2 + c3 with the stem's rows g
  // and y in storage type.
  struct StemOutput {
    const void *g, *y;
    const Channels *channels;
  };
  StemOutput stem_output() const { return {g_[0], y_[0], &channels_[0]}; }

private:
  void plan();
  void bind(char *arena);
  void pack(const Workers &);
  void convolve(const Workers &, int i);
  void normalize(int i);
  double add_up(const Ranks &, int i, double factor, double returned);
  void differentiate(const Workers &, int i, const LayerGradients &);
  size_t scratch_for(int i) const;
  bool batch(int i) const { return settings_.batch && i >= settings_.frozen; }
  bool differentiated(int i) const { return settings_.gradients && i >= settings_.first; }
  Activation activation(int i) const { return {channels_[i].scale, channels_[i].shift, settings_.cap}; }
  Moments moments(int i) const;
  GradientSums sums(int i) const { return {channels_[i].mean, channels_[i].sum, channels_[i].square}; }
  NormGradient norm_gradient(int i) const { return {channels_[i].c1, channels_[i].c2, channels_[i].c3}; }
  PointwiseForward pointwise_forward(int i) const;
  PointwiseBackward pointwise_backward(int i) const;
  DepthwiseForward depthwise_forward(int i) const;
  DepthwiseBackward depthwise_backward(int i) const;
  StemForward stem_forward() const;
  StemBackward stem_backward() const;

  std::vector<Layer> layers_;
  BackboneSettings settings_;
  size_t arena_bytes_ = 0, channels_bytes_ = 0, planned_at_ = 0, scratch_bytes_ = 0;
  std::vector<Buffer> buffers_; // the y of each layer, then the g of each layer, then the stem's image
  std::vector<Channels> channels_;
  std::vector<char *> y_, g_, forward_panels_, backward_panels_;
  std::vector<double> rows_; // of each layer in the batch of all ranks, since the forward pass
  char *image_ = nullptr;
};

} // namespace depthwise::fused
