//go:build ignore

#include "inference/schedule.h"
#include "threads/pool.h"
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>

namespace depthwise::fused {

namespace {

// Rows of a band, of the last stage computed in bands: with fewer, more is recomputed at the edges;
// with more, the rows of all stages leave the second-level cache of 2 MB (224x224 images, AMX: 3 to
// 7 rows differ by 3 %).
constexpr int kBandRows = 4;

constexpr size_t kPage = 4096;

size_t aligned(size_t bytes) { return (bytes + 63) / 64 * 64; }

// How a block of one image is split: into parts of the output rows, and each of those into parts of
// the channels. Each part computes the depthwise output of its rows, so parts of channels repeat
// work, and parts of few rows are uneven.
struct Partition {
  int rows, columns;
};

Partition partition(const InferBlock &p, int pieces, int panel) {
  Partition best{1, pieces};
  double least = std::numeric_limits<double>::infinity();
  for (int parts = 1; parts <= pieces; parts++) {
    if (pieces % parts) continue;
    double rows = std::ceil(double(p.end - p.begin) / parts) * p.window.out_width;
    double columns = std::ceil(double((p.out + panel - 1) / panel) / (pieces / parts)) * panel;
    constexpr double kDepthwise = 30; // product multiplications in the time of one depthwise output (bfloat16, Zen 5)
    double cost = rows * p.in * (kDepthwise + columns);
    if (cost < least) {
      least = cost;
      best = {parts, pieces / parts};
    }
  }
  return best;
}

// Calls f and adds its time to seconds, unless that is null.
template <class F> void timed(double *seconds, F f) {
  if (!seconds) return f();
  Stopwatch watch;
  f();
  *seconds += watch.lap();
}

} // namespace

Inference::Inference(std::vector<Layer> layers, const InferenceSettings &settings) : settings_(settings) {
  auto refuse = [] {
    throw std::invalid_argument(
        "inference supports a stem followed by blocks of a depthwise and a pointwise convolution only");
  };
  if (layers.empty() || layers.size() % 2 == 0 || layers[0].kind != Kind::Stem) refuse();
  images_ = layers[0].window.images;
  stages_.push_back({{}, layers[0]});
  for (size_t i = 1; i < layers.size(); i += 2) {
    if (layers[i].kind != Kind::Depthwise || layers[i + 1].kind != Kind::Pointwise) refuse();
    stages_.push_back({layers[i], layers[i + 1]});
  }
  plan();
}

// Computes the offsets of the folded weights and the sizes of a thread's memory.
void Inference::plan() {
  const KernelSet &k = *settings_.kernels;
  auto cut = [&](size_t bytes) {
    size_t at = folded_bytes_;
    folded_bytes_ += aligned(bytes);
    return at;
  };
  for (size_t i = 0; i < stages_.size(); i++) {
    Stage &s = stages_[i];
    int in = padded(s.product.in), out = padded(s.product.out);
    if (i > 0) {
      s.depthwise_weight = cut(9 * in * sizeof(float));
      s.depthwise_bias = cut(in * sizeof(float));
    }
    s.product_weight =
        cut(i > 0 ? k.infer_panel_bytes(s.product.in, s.product.out) : k.infer_stem_panel_bytes(s.product.out));
    s.product_bias = cut(out * sizeof(float));
  }
  ones_ = cut(padded(channels()) * sizeof(float));
  zeros_ = cut(padded(channels()) * sizeof(float));
  if (settings_.classes > 0) {
    head_weight_ = cut(settings_.isa->float32.infer_panel_bytes(channels(), settings_.classes));
    head_bias_ = cut(padded(settings_.classes) * sizeof(float));
  }

  plan_levels();
  Call call{};
  scratch_bytes_ = k.infer_stem_scratch(stem(call, nullptr));
  for (size_t i = 1; i < stages_.size(); i++)
    scratch_bytes_ = std::max(scratch_bytes_, k.infer_block_scratch(block(call, i, nullptr, nullptr, 1)));
  scratch_bytes_ = aligned(scratch_bytes_) + kPage + 832;
  plan_bands();
  if (settings_.classes > 0) plan_head();
}

// A stage's group has about as many positions as make a good block for a matrix product, so that
// weights are read once for the group.
void Inference::plan_levels() {
  const int64_t each = std::max<int64_t>(1, images_ / settings_.threads), good = settings_.kernels->infer_positions;
  for (size_t i = 0; i < stages_.size(); i++) {
    int64_t group = i == 0 ? 1 : std::clamp<int64_t>(good / stages_[i].positions(), 1, each);
    if (i > 0) group = std::max(group, levels_.back().group);
    if (i == 0 || group > levels_.back().group) levels_.push_back({i, group, 0, 0});
    Level &l = levels_.back();
    if (levels_.size() > 1 && l.bytes == 0) l.bytes = group * image_bytes(i - 1);
    l.bytes = std::max(l.bytes, group * image_bytes(i));
    l.end = i + 1;
  }
  for (Level &l : levels_) {
    // One extra page, and not a power of two apart, so that buffers do not share cache sets.
    l.bytes = (l.bytes + kPage - 1) / kPage * kPage + kPage + 832;
    l.at = levels_bytes_;
    levels_bytes_ += 2 * l.bytes;
  }
}

// Computed in bands are the stages up to the last large one, and the next stage, whose output is
// complete.
void Inference::plan_bands() {
  size_t large = 0;
  for (size_t i = 0; i + 1 < levels_[0].end; i++)
    if (image_bytes(i) > settings_.kernels->infer_band_bytes) large = i + 1;
  std::vector<Bands::Stage> stages;
  for (size_t i = 0; large > 0 && i <= large; i++) {
    const Window &w = stages_[i].depthwise.window;
    stages.push_back(
        {stages_[i].product.window.out_height, image_bytes(i) / stages_[i].product.window.out_height, w.stride, w.top});
  }
  if (large > 0) bands_ = Bands(std::move(stages), kBandRows);
}

// The head's input is read in whole groups of rows, which do not start in the same cache set.
void Inference::plan_head() {
  features_at_ = settings_.threads * thread_bytes();
  features_stride_ = padded(channels()) + kLanes;
  features_bytes_ = (images_ + settings_.isa->infer_head_rows) * features_stride_ * sizeof(float);
}

size_t Inference::workspace_bytes() const { return settings_.threads * thread_bytes() + features_bytes_; }

size_t Inference::fold_scratch_bytes() const {
  size_t most = 0;
  for (const Stage &s : stages_) most = std::max({most, s.product.weights(), s.depthwise.weights()});
  return most * sizeof(float);
}

void Inference::fold(char *folded, char *scratch, const Head &head) {
  memset(folded, 0, folded_bytes_); // the padding of biases; panels are overwritten
  for (size_t i = 0; i < stages_.size(); i++) {
    const Stage &s = stages_[i];
    if (i > 0)
      fold_layer(s.depthwise, s.depthwise_weight, s.depthwise_bias, folded, reinterpret_cast<float *>(scratch));
    fold_layer(s.product, s.product_weight, s.product_bias, folded, reinterpret_cast<float *>(scratch));
  }
  for (int c = 0; c < padded(channels()); c++) reinterpret_cast<float *>(folded + ones_)[c] = 1;
  if (settings_.classes == 0) return;
  settings_.isa->float32.infer_pack_pointwise(
      {settings_.threads, nullptr}, {channels(), settings_.classes, head.weight, folded + head_weight_, nullptr});
  if (head.bias) memcpy(folded + head_bias_, head.bias, settings_.classes * sizeof(float));
}

// y = gamma*(w*x + b - mean)/sqrt(var + eps) + beta, in double until rounded to float; packing may
// round once more.
void Inference::fold_layer(const Layer &l, size_t weight, size_t bias, char *folded, float *scratch) const {
  const KernelSet &k = *settings_.kernels;
  const size_t each = l.weights() / l.out;
  const Norm &n = l.norm;
  float *biases = reinterpret_cast<float *>(folded + bias);
  threads::for_each(settings_.threads, l.out, 1 + (1 << 14) / int64_t(each), [&](int64_t o) {
    const double scale = n.weight[o] / std::sqrt(n.running_var[o] + n.eps);
    for (size_t i = o * each; i < (o + 1) * each; i++) scratch[i] = float(l.weight[i] * scale);
    biases[o] = float(n.bias[o] + ((l.bias ? l.bias[o] : 0.0) - n.running_mean[o]) * scale);
  });
  switch (l.kind) {
  case Kind::Stem:
    return k.infer_pack_stem({l.out, scratch, folded + weight});
  case Kind::Depthwise:
    return k.pack_depthwise({l.out, scratch, reinterpret_cast<float *>(folded + weight)});
  case Kind::Pointwise:
    return k.infer_pack_pointwise({settings_.threads, nullptr}, {l.in, l.out, scratch, folded + weight, nullptr});
  }
}

void Inference::forward(const char *folded, char *workspace, StemImage input, float *features, float *logits,
                        InferTimes *times) const {
  input.window = stages_[0].product.window;
  Call call{folded, input, features, size_t(channels())};
  if (logits) {
    call.features = reinterpret_cast<float *>(workspace + features_at_);
    call.stride = features_stride_;
  }
  Clocks clocks{layers()};
  if (times) clocks.all.resize(settings_.threads * clocks.stride);
  Stopwatch watch;
  const Work work{call, workspace, clocks};
  in_tiles([&] {
    const int64_t shared = images_ % settings_.threads;
    compute_groups(work, images_ - shared);
    if (shared > 0) compute_shared(work, images_ - shared, int(shared));
  });
  if (logits) classify(call, logits, clocks);
  if (times) *times = clocks.sum(watch.lap(), settings_.threads);
}

// Sums up the times of all threads; whole is the time from the kernels' start to their end.
InferTimes Inference::Clocks::sum(double whole, int threads) {
  InferTimes times;
  times.waiting = whole;
  times.layers.resize(layers);
  for (int t = 0; t < threads; t++)
    for (size_t i = 0; i < layers + 2; i++) {
      const double seconds = of(t)[i] / threads;
      (i == 0 ? times.pool : i == 1 ? times.head : times.layers[i - 2]) += seconds;
      times.waiting -= seconds;
    }
  return times;
}

// Calls f with the thread's tiles configured from one kernel to the next.
template <class F> void Inference::in_tiles(F f) const {
  settings_.kernels->infer_thread([](void *context) { (*static_cast<F *>(context))(); }, &f);
}

Inference::Memory Inference::memory_of(const Work &work, int thread) const {
  const size_t stride = thread_bytes();
  char *own = work.workspace + thread * stride, *scratch = own + stride - scratch_bytes_;
  return {own, scratch - bands_.bytes(), scratch, work.clocks.of(thread)};
}

// The first images, a multiple of the number of threads, in as many groups for each thread. Any
// thread computes a group.
void Inference::compute_groups(const Work &work, int64_t images) const {
  const size_t last = levels_.size() - 1;
  const int64_t each = images / settings_.threads, group = levels_[last].group;
  const int groups = int((each + group - 1) / group) * settings_.threads;
  threads::run(settings_.threads, groups, [&](int part, int thread) {
    const threads::Range range = threads::range_of(images, part, groups);
    const int64_t count = range.end - range.begin;
    const Memory memory = memory_of(work, thread);
    in_tiles([&] {
      pool(work.call, memory, compute(work.call, memory, last, range.begin, count, nullptr), range.begin, count);
    });
  });
}

// Fewer images than threads: each stage is split into parts of all of them, which any thread
// computes. An image's activations are in the memory of the thread of its number.
void Inference::compute_shared(const Work &work, int64_t first, int count) const {
  const int pieces = settings_.threads % count ? settings_.threads : settings_.threads / count;
  const auto output = [&](size_t stage, int image) { return shared_output(memory_of(work, image), stage); };
  // Calls f(memory, call of the image, its number, piece) for all pieces of all images.
  const auto split = [&](auto f) {
    threads::run(settings_.threads, count * pieces, [&](int part, int thread) {
      const int image = part / pieces;
      in_tiles([&] { f(memory_of(work, thread), image_of(work.call, first + image), image, part % pieces); });
    });
  };
  size_t s = 1;
  if (bands_.stages() > 0 && stages_[bands_.stages() - 1].product.window.out_height >= pieces * kBandRows) {
    s = bands_.stages();
    split([&](const Memory &m, const Call &c, int image, int piece) {
      const threads::Range rows = threads::range_of(stages_[s - 1].product.window.out_height, piece, pieces);
      compute_bands(c, m, output(s - 1, image), int(rows.begin), int(rows.end));
    });
  } else {
    split([&](const Memory &m, const Call &c, int image, int piece) {
      const threads::Range rows = threads::range_of(stages_[0].product.window.out_height, piece, pieces);
      if (rows.begin < rows.end) stem_rows(c, m, output(0, image), rows.begin, rows.end);
    });
  }
  for (; s < stages_.size(); s++) {
    split([&](const Memory &m, const Call &c, int image, int piece) {
      compute_piece(c, m, s, output(s - 1, image), output(s, image), piece, pieces);
    });
  }
  for (int i = 0; i < count; i++) pool(work.call, memory_of(work, 0), output(stages_.size() - 1, i), first + i, 1);
}

// The output of a stage of one image, where compute would have it.
char *Inference::shared_output(const Memory &memory, size_t stage) const {
  size_t level = 0;
  while (levels_[level].end <= stage) level++;
  const size_t begin = level > 0 ? levels_[level - 1].end - 1 : 0; // in the level's first buffer
  return stage + 1 == levels_[level].end && level + 1 < levels_.size() ? buffer(memory, level + 1, 0)
                                                                       : buffer(memory, level, stage - begin);
}

// A part of the rows and channels of a block of one image.
void Inference::compute_piece(const Call &call, const Memory &memory, size_t stage, const char *x, char *y, int piece,
                              int pieces) const {
  InferBlock p = block(call, stage, x, y, 1);
  const int panel = settings_.kernels->infer_columns, panels = (p.out + panel - 1) / panel;
  const Partition split = partition(p, pieces, panel);
  const threads::Range rows = threads::range_of(p.end, piece / split.columns, split.rows);
  const threads::Range columns = threads::range_of(panels, piece % split.columns, split.columns);
  p.begin = rows.begin, p.end = rows.end;
  p.first = int(columns.begin) * panel, p.last = std::min(p.out, int(columns.end) * panel);
  p.seconds = memory.seconds ? memory.seconds + 2 * stage + 1 : nullptr;
  if (p.first < p.last && p.begin < p.end) settings_.kernels->infer_block(memory.scratch, p);
}

// Computes the stages of the levels up to this one, for some images of a group. The last output
// goes to y, or if that is null to one of the level's buffers; returns its address.
const char *Inference::compute(const Call &call, const Memory &memory, size_t level, int64_t image, int64_t count,
                               char *y) const {
  const Level &l = levels_[level];
  if (level == 0) {
    y = y ? y : buffer(memory, 0, l.end - 1);
    compute_image(image_of(call, image), memory, y);
    return y;
  }
  const Level &before = levels_[level - 1];
  char *x = buffer(memory, level, 0);
  for (int64_t i = 0; i < count; i += before.group)
    compute(call, memory, level - 1, image + i, std::min(before.group, count - i), x + i * image_bytes(before.end - 1));
  for (size_t s = before.end; s < l.end; s++) {
    char *to = s + 1 == l.end && y ? y : buffer(memory, level, s + 1 - before.end);
    compute_block(call, memory, s, x, to, count);
    x = to;
  }
  return x;
}

// The call with the input of one image.
Inference::Call Inference::image_of(const Call &call, int64_t image) const {
  Call one = call;
  const Window &w = call.input.window;
  const size_t offset = image * int64_t(w.height) * w.width * 3;
  one.input.pixels = call.input.pixels ? call.input.pixels + offset : nullptr;
  one.input.values = call.input.values ? call.input.values + offset : nullptr;
  return one;
}

// Computes the first level's stages of the call's first image.
void Inference::compute_image(const Call &call, const Memory &memory, char *y) const {
  const size_t end = levels_[0].end;
  const auto output = [&](size_t stage) { return stage + 1 == end ? y : buffer(memory, 0, stage); };
  size_t s = 1;
  if (bands_.stages() > 0) {
    s = bands_.stages();
    compute_bands(call, memory, output(s - 1), 0, stages_[s - 1].product.window.out_height);
  } else {
    stem_rows(call, memory, output(0), 0, stages_[0].product.window.out_height);
  }
  for (; s < end; s++) compute_block(call, memory, s, output(s - 1), output(s), 1);
}

InferStem Inference::stem(const Call &call, char *y) const {
  const Stage &s = stages_[0];
  InferStem p{call.input,
              padded(s.product.out),
              call.folded + s.product_weight,
              reinterpret_cast<const float *>(call.folded + s.product_bias),
              settings_.cap,
              y,
              0,
              s.product.window.out_height};
  p.image.window = s.product.window;
  p.image.window.images = 1;
  return p;
}

InferBlock Inference::block(const Call &call, size_t stage, const char *x, char *y, int64_t images) const {
  const Stage &s = stages_[stage];
  auto floats = [&](size_t at) { return reinterpret_cast<const float *>(call.folded + at); };
  InferBlock p{s.depthwise.window,
               padded(s.product.in),
               padded(s.product.out),
               x,
               floats(s.depthwise_weight),
               floats(s.depthwise_bias),
               call.folded + s.product_weight,
               floats(s.product_bias),
               settings_.cap,
               y,
               0,
               images * s.product.window.out_height,
               0,
               padded(s.product.out),
               nullptr};
  p.window.images = images;
  return p;
}

// Rows of the last stage in bands. Parts of an image compute the overlapping rows of their bands
// redundantly, and need not wait for each other.
void Inference::compute_bands(const Call &call, const Memory &memory, char *y, int begin, int end) const {
  bands_.compute(memory.bands, y, begin, end, [&](size_t stage, const char *x, char *to, int first, int last) {
    if (stage == 0)
      stem_rows(call, memory, to, first, last);
    else
      block_rows(call, memory, stage, x, to, first, last);
  });
}

void Inference::stem_rows(const Call &call, const Memory &memory, char *y, int64_t begin, int64_t end) const {
  InferStem p = stem(call, y);
  p.begin = begin, p.end = end;
  timed(memory.seconds ? memory.seconds + 2 : nullptr, [&] { settings_.kernels->infer_stem(memory.scratch, p); });
}

// All channels of some rows of one image.
void Inference::block_rows(const Call &call, const Memory &memory, size_t stage, const char *x, char *y, int64_t begin,
                           int64_t end) const {
  InferBlock p = block(call, stage, x, y, 1);
  p.begin = begin, p.end = end;
  p.seconds = memory.seconds ? memory.seconds + 2 * stage + 1 : nullptr;
  settings_.kernels->infer_block(memory.scratch, p);
}

// All channels of all rows of some images.
void Inference::compute_block(const Call &call, const Memory &memory, size_t stage, const char *x, char *y,
                              int64_t images) const {
  InferBlock p = block(call, stage, x, y, images);
  p.last = p.out;
  p.seconds = memory.seconds ? memory.seconds + 2 * stage + 1 : nullptr;
  settings_.kernels->infer_block(memory.scratch, p);
}

void Inference::pool(const Call &call, const Memory &memory, const char *x, int64_t image, int64_t count) const {
  const size_t last = stages_.size() - 1;
  auto floats = [&](size_t at) { return reinterpret_cast<const float *>(call.folded + at); };
  const Activation none{floats(ones_), floats(zeros_), settings_.cap};
  timed(memory.seconds, [&] {
    for (int64_t i = 0; i < count; i++) {
      const PoolForward p{1,
                          stages_[last].positions(),
                          padded(channels()),
                          channels(),
                          x + i * image_bytes(last),
                          none,
                          call.features + (image + i) * call.stride};
      settings_.kernels->infer_pool(p);
    }
  });
}

// Threads split the classes, which have their own weights, and also the images where there are more
// threads than panels.
void Inference::classify(const Call &call, float *logits, Clocks &clocks) const {
  const KernelSet &k = settings_.isa->float32;
  const int in = padded(channels()), classes = settings_.classes, images = int(images_);
  for (int64_t i = 0; i < images; i++) // zero weights times uninitialized memory could be NaN
    std::fill(call.features + i * call.stride + channels(), call.features + i * call.stride + in, 0.0f);
  std::fill(call.features + images * call.stride,
            call.features + (images + settings_.isa->infer_head_rows) * call.stride, 0.0f);
  const int panels = (classes + k.infer_columns - 1) / k.infer_columns;
  const int columns = std::min(settings_.threads, panels), rows = std::min(settings_.threads / columns, images);
  threads::run(settings_.threads, columns * rows, [&](int part, int thread) {
    const threads::Range some = threads::range_of(images, part / columns, rows);
    const threads::Range panel = threads::range_of(panels, part % columns, columns);
    const int64_t begin = some.begin;
    InferHead p{int(some.end - begin),
                in,
                classes,
                call.features + begin * call.stride,
                call.stride,
                call.folded + head_weight_,
                reinterpret_cast<const float *>(call.folded + head_bias_),
                logits + begin * classes,
                0,
                0};
    p.first = int(panel.begin) * k.infer_columns;
    p.last = std::min(padded(classes), int(panel.end) * k.infer_columns);
    double *seconds = clocks.of(thread);
    timed(seconds ? seconds + 1 : nullptr, [&] { settings_.isa->infer_head(p); });
  });
}

} // namespace depthwise::fused
