// A backbone for inference: batch norm folded into weights and biases, and the order in which threads compute stem, blocks and
// pooling (inference/block.h). No libtorch here: inference/api.cc has the C face.
#pragma once
#include "inference/bands.h"
#include "backbone/schedule.h"

namespace depthwise::fused {

struct InferenceSettings {
  const Kernels *isa;
  const KernelSet *kernels; // for the backbone's type
  int threads;
  float cap;       // of the activation
  int classes = 0; // of the head behind the backbone; 0 where there is none
};

// A linear layer from features to classes.
struct Head {
  const float *weight, *bias; // (classes, channels); (classes), null where there is none
};

// The seconds that parts of a call take, of all threads together, divided by their number: several threads are in different
// layers at the same time. All parts add up to the time from the kernels' start to their end.
struct InferTimes {
  double pool = 0, head = 0;
  std::vector<double> layers;
  double waiting = 0; // for other threads, or for work
};

// The layers are a stem and then blocks of a depthwise and a pointwise convolution; others throw std::invalid_argument. The
// caller gives memory, all of it 64-byte aligned; the folded weights depend on the layers' channels and not on their sizes.
class Inference {
public:
  Inference(std::vector<Layer> layers, const InferenceSettings &);

  size_t folded_bytes() const { return folded_bytes_; }
  size_t fold_scratch_bytes() const; // for fold alone
  size_t workspace_bytes() const;    // for forward alone; its content need not last

  // Folds the layers' parameters and running statistics, and packs the head's, which is not read where there is none.
  void fold(char *folded, char *scratch, const Head &);

  // features (images, channels) or logits (images, classes) of input.pixels or input.values, one of which is null. Layers'
  // parameters are not read. The clock is read for times alone, which may be null.
  void forward(const char *folded, char *workspace, StemImage input, float *features, float *logits, InferTimes *times) const;

private:
  // The stem or a block: its folded weights, and its output's size.
  struct Stage {
    Layer depthwise, product; // the stem has only the second
    size_t depthwise_weight, depthwise_bias, product_weight, product_bias; // in folded
    int64_t positions() const { return int64_t(product.window.out_height) * product.window.out_width; }
    size_t values() const { return positions() * padded(product.out); } // of an image's output
  };
  // Stages that are computed for a group of images at a time: those from the level's before it to end. Its outputs alternate between
  // two buffers, the last of them goes to the level behind it.
  struct Level {
    size_t end;
    int64_t group;
    size_t bytes, at; // of a buffer; in a thread's memory
  };
  // A team of threads computes some images together; each of its members a share of every stage.
  struct Team {
    int member, size;
    bool banded; // whether the first stages are computed in bands
    bool meets; // at a barrier after each stage; a thread in no team has size 0 and meets the others
    char *buffers, *bands, *scratch; // the last two the member's own
    double *seconds; // the member's own, where nobody asks null
  };
  struct Call {
    const char *folded;
    StemImage input;
    float *features;
    size_t stride; // floats between images' features
  };
  // Each thread's seconds, of pooling, head and layers, a cache line and more apart.
  struct Clocks {
    size_t layers, stride = layers + 2 + 16;
    std::vector<double> all = {};
    double *of(int thread) { return all.empty() ? nullptr : all.data() + thread * stride; }
    InferTimes sum(double whole, int threads);
  };

  void plan();
  void plan_levels();
  void plan_bands();
  void plan_head();
  int compute_all(const Call &, char *workspace, Clocks &) const;
  void compute_part(const Call &, char *workspace, int thread, int threads, Clocks &) const;
  void fold_layer(const Layer &, size_t weight, size_t bias, char *folded, float *scratch) const;
  const char *compute(const Call &, const Team &, size_t level, int64_t image, int64_t count, char *y) const;
  void compute_image(const Call &, const Team &, int64_t image, char *y) const;
  void compute_bands(const Call &, const Team &, char *y) const;
  void compute_stem(const Call &, const Team &, char *y) const;
  void stem_rows(const Call &, const Team &, char *y, int64_t begin, int64_t end) const;
  void block_rows(const Call &, const Team &, size_t stage, const char *x, char *y, int64_t begin, int64_t end) const;
  void compute_block(const Call &, const Team &, size_t stage, const char *x, char *y, int64_t images) const;
  void classify(const Call &, float *logits, Clocks &) const;
  void pool(const Call &, const Team &, const char *x, int64_t image, int64_t count) const;
  InferStem stem(const Call &, char *y) const;
  InferBlock block(const Call &, size_t stage, const char *x, char *y, int64_t images) const;
  int channels() const { return stages_.back().product.out; }
  size_t layers() const { return 2 * stages_.size() - 1; }
  char *buffer(const Team &team, size_t level, size_t i) const { return team.buffers + levels_[level].at + i % 2 * levels_[level].bytes; }
  size_t image_bytes(size_t stage) const { return stages_[stage].values() * settings_.kernels->element; }

  InferenceSettings settings_;
  std::vector<Stage> stages_;
  int64_t images_;
  size_t folded_bytes_ = 0, ones_ = 0, zeros_ = 0; // the last two: the pooling's activation, which changes nothing
  Bands bands_;         // the stages that are computed in bands of rows, none or more than one, all of the first level
  std::vector<Level> levels_; // the first one's group is one image
  size_t levels_bytes_ = 0;   // of their buffers, of a thread
  size_t scratch_bytes_ = 0;                // of a thread, and all it has
  size_t thread_bytes() const { return levels_bytes_ + bands_.bytes() + scratch_bytes_; }
  size_t head_weight_ = 0, head_bias_ = 0;  // in folded
  size_t features_at_ = 0, features_stride_ = 0, features_bytes_ = 0; // the head's input, in the workspace
};

} // namespace depthwise::fused
