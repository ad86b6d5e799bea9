// A backbone for inference: batch norm folded into weights and biases, and the order in which
// threads compute stem, blocks and pooling (inference/block.h). Independent of libtorch;
// inference/api.cc is the C interface.
#pragma once
#include "inference/bands.h"
#include "backbone/schedule.h"

namespace depthwise::fused {

struct InferenceSettings {
  const Kernels *isa;
  const KernelSet *kernels; // for the backbone's type
  int threads;
  float cap;       // of the activation
  int classes = 0; // of the head after the backbone; 0: no head
};

// A linear layer from features to classes.
struct Head {
  const float *weight, *bias; // (classes, channels); (classes), null where there is none
};

// The times of a call's parts in seconds, summed over all threads and divided by their number:
// several threads are in different layers at the same time. All parts add up to the time from the
// kernels' start to their end.
struct InferTimes {
  double pool = 0, head = 0;
  std::vector<double> layers;
  double waiting = 0; // for other threads or for work
};

// The layers are a stem followed by blocks of a depthwise and a pointwise convolution; others throw
// std::invalid_argument. The caller provides memory, all of it 64-byte aligned. The folded weights
// depend on the layers' channels, not on their sizes.
class Inference {
public:
  Inference(std::vector<Layer> layers, const InferenceSettings &);

  size_t folded_bytes() const { return folded_bytes_; }
  size_t fold_scratch_bytes() const; // for fold only
  size_t workspace_bytes() const;    // for forward only; its content need not persist

  // Folds the layers' parameters and running statistics, and packs the head's weights, which are
  // not read without a head.
  void fold(char *folded, char *scratch, const Head &);

  // Computes features (images, channels) or logits (images, classes) of input.pixels or
  // input.values; in both pairs one is null. Layers' parameters are not read. The clock is read
  // only if times is not null.
  void forward(const char *folded, char *workspace, StemImage input, float *features, float *logits,
               InferTimes *times) const;

private:
  // The stem or a block: its folded weights, and its output's size.
  struct Stage {
    Layer depthwise, product;                                              // the stem has only product
    size_t depthwise_weight, depthwise_bias, product_weight, product_bias; // in folded
    int64_t positions() const { return int64_t(product.window.out_height) * product.window.out_width; }
    size_t values() const { return positions() * padded(product.out); } // of an image's output
  };
  // Stages that are computed for a group of images at a time: those from the previous level's end
  // to this one's. Outputs alternate between two buffers; the last one goes to the next level.
  struct Level {
    size_t end;
    int64_t group;
    size_t bytes, at; // of a buffer; in a thread's memory
  };
  // A thread's memory.
  struct Memory {
    char *buffers, *bands, *scratch;
    double *seconds; // null: not measured
  };
  struct Call {
    const char *folded;
    StemImage input;
    float *features;
    size_t stride; // floats between images' features
  };
  // Each thread's times of pooling, head and layers in seconds, more than a cache line apart.
  struct Clocks {
    size_t layers, stride = layers + 2 + 16;
    std::vector<double> all = {};
    double *of(int thread) { return all.empty() ? nullptr : all.data() + thread * stride; }
    InferTimes sum(double whole, int threads);
  };
  struct Work {
    const Call &call;
    char *workspace;
    Clocks &clocks;
  };

  void plan();
  void plan_levels();
  void plan_bands();
  void plan_head();
  template <class F> void in_tiles(F f) const;
  Memory memory_of(const Work &, int thread) const;
  Call image_of(const Call &, int64_t image) const;
  void compute_groups(const Work &, int64_t images) const;
  void compute_shared(const Work &, int64_t first, int count) const;
  void compute_piece(const Call &, const Memory &, size_t stage, const char *x, char *y, int piece, int pieces) const;
  char *shared_output(const Memory &, size_t stage) const;
  void fold_layer(const Layer &, size_t weight, size_t bias, char *folded, float *scratch) const;
  const char *compute(const Call &, const Memory &, size_t level, int64_t image, int64_t count, char *y) const;
  void compute_image(const Call &, const Memory &, char *y) const;
  void compute_bands(const Call &, const Memory &, char *y, int begin, int end) const;
  void stem_rows(const Call &, const Memory &, char *y, int64_t begin, int64_t end) const;
  void block_rows(const Call &, const Memory &, size_t stage, const char *x, char *y, int64_t begin, int64_t end) const;
  void compute_block(const Call &, const Memory &, size_t stage, const char *x, char *y, int64_t images) const;
  void classify(const Call &, float *logits, Clocks &) const;
  void pool(const Call &, const Memory &, const char *x, int64_t image, int64_t count) const;
  InferStem stem(const Call &, char *y) const;
  InferBlock block(const Call &, size_t stage, const char *x, char *y, int64_t images) const;
  int channels() const { return stages_.back().product.out; }
  size_t layers() const { return 2 * stages_.size() - 1; }
  char *buffer(const Memory &memory, size_t level, size_t i) const {
    return memory.buffers + levels_[level].at + i % 2 * levels_[level].bytes;
  }
  size_t image_bytes(size_t stage) const { return stages_[stage].values() * settings_.kernels->element; }

  InferenceSettings settings_;
  std::vector<Stage> stages_;
  int64_t images_;
  size_t folded_bytes_ = 0, ones_ = 0, zeros_ = 0; // the last two: the identity as pooling's activation
  Bands bands_;               // the stages that are computed in bands of rows: none, or several of the first level
  std::vector<Level> levels_; // the first one's group is one image
  size_t levels_bytes_ = 0;   // of a thread's buffers
  size_t scratch_bytes_ = 0;  // of a thread
  size_t thread_bytes() const { return levels_bytes_ + bands_.bytes() + scratch_bytes_; }
  size_t head_weight_ = 0, head_bias_ = 0;                            // in folded
  size_t features_at_ = 0, features_stride_ = 0, features_bytes_ = 0; // the head's input, in the workspace
};

} // namespace depthwise::fused
