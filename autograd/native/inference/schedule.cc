//go:build ignore

#include "inference/schedule.h"
#include <cmath>
#include <cstring>
#include <limits>
#include <omp.h>
#include <stdexcept>

namespace depthwise::fused {

namespace {

// Rows of a band, of the last stage computed in bands: with fewer, more is recomputed at the edges;
// with more, the rows of all stages leave the second-level cache of 2 MB (224x224 images, AMX: 3 to
// 7 rows differ by 3 %).
constexpr int kBandRows = 4;

constexpr size_t kPage = 4096;

size_t aligned(size_t bytes) { return (bytes + 63) / 64 * 64; }

// How members of a team split a block: into parts of the output rows, and each of those into parts
// of the channels. Each member computes the depthwise output of its rows, so parts of channels
// repeat work, and parts of few rows are uneven.
struct Partition {
  int rows, columns;
};

Partition partition(const InferBlock &p, int members, int panel) {
  Partition best{1, members};
  double least = std::numeric_limits<double>::infinity();
  for (int parts = 1; parts <= members; parts++) {
    if (members % parts) continue;
    double rows = std::ceil(double(p.end - p.begin) / parts) * p.window.out_width;
    double columns = std::ceil(double((p.out + panel - 1) / panel) / (members / parts)) * panel;
    constexpr double kDepthwise = 30; // product multiplications in the time of one depthwise output (bfloat16, Zen 5)
    double cost = rows * p.in * (kDepthwise + columns);
    if (cost < least) {
      least = cost;
      best = {parts, members / parts};
    }
  }
  return best;
}

int64_t part(int64_t n, int i, int parts) { return n * i / parts; }

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
      {settings_.threads, nullptr, 0}, {channels(), settings_.classes, head.weight, folded + head_weight_, nullptr});
  if (head.bias) memcpy(folded + head_bias_, head.bias, settings_.classes * sizeof(float));
}

// y = gamma*(w*x + b - mean)/sqrt(var + eps) + beta, in double until rounded to float; packing may
// round once more.
void Inference::fold_layer(const Layer &l, size_t weight, size_t bias, char *folded, float *scratch) const {
  const KernelSet &k = *settings_.kernels;
  const size_t each = l.weights() / l.out;
  const Norm &n = l.norm;
  float *biases = reinterpret_cast<float *>(folded + bias);
#pragma omp parallel for num_threads(settings_.threads) schedule(static)
  for (int o = 0; o < l.out; o++) {
    const double scale = n.weight[o] / std::sqrt(n.running_var[o] + n.eps);
    for (size_t i = o * each; i < (o + 1) * each; i++) scratch[i] = float(l.weight[i] * scale);
    biases[o] = float(n.bias[o] + ((l.bias ? l.bias[o] : 0.0) - n.running_mean[o]) * scale);
  }
  switch (l.kind) {
  case Kind::Stem:
    return k.infer_pack_stem({l.out, scratch, folded + weight});
  case Kind::Depthwise:
    return k.pack_depthwise({l.out, scratch, reinterpret_cast<float *>(folded + weight)});
  case Kind::Pointwise:
    return k.infer_pack_pointwise({settings_.threads, nullptr, 0}, {l.in, l.out, scratch, folded + weight, nullptr});
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
  const int threads = compute_all(call, workspace, clocks);
  if (logits) classify(call, logits, clocks);
  if (times) *times = clocks.sum(watch.lap(), threads);
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

// Each thread computes the same number of whole images, in groups; teams compute the rest. Returns
// the number of threads.
int Inference::compute_all(const Call &call, char *workspace, Clocks &clocks) const {
  int used = 1;
#pragma omp parallel num_threads(settings_.threads)
  {
    const int threads = omp_get_num_threads(), thread = omp_get_thread_num();
    if (thread == 0) used = threads;
    auto work = [&] { compute_part(call, workspace, thread, threads, clocks); };
    settings_.kernels->infer_thread([](void *w) { (*static_cast<decltype(work) *>(w))(); }, &work);
  }
  return used;
}

void Inference::compute_part(const Call &call, char *workspace, int thread, int threads, Clocks &clocks) const {
  const size_t stride = thread_bytes();
  char *own = workspace + thread * stride;
  char *scratch = own + stride - scratch_bytes_, *bands = scratch - bands_.bytes();
  const int64_t each = images_ / threads, rest = images_ - each * threads;
  const size_t last = levels_.size() - 1;
  const bool banded = bands_.stages() > 0;
  const Team alone{0, 1, banded, false, own, bands, scratch, clocks.of(thread)};
  const int64_t group = levels_[last].group;
  for (int64_t i = 0; i < each; i += group) {
    const int64_t image = thread * each + i, count = std::min(group, each - i);
    pool(call, alone, compute(call, alone, last, image, count, nullptr), image, count);
  }
  if (rest == 0) return;
#pragma omp barrier // teams use the buffers of threads that are done
  const int size = int(threads / rest), number = thread / size;
  const bool enough = banded && stages_[bands_.stages() - 1].product.window.out_height >= size * kBandRows;
  Team team{thread % size, size, enough, true, workspace + number * size * stride, bands, scratch, clocks.of(thread)};
  if (number >= rest) team.size = 0;
  pool(call, team, compute(call, team, last, each * threads + number, 1, nullptr), each * threads + number, 1);
}

// Computes the stages of the levels up to this one, for some images of a group. The last output
// goes to y, or if that is null to one of the level's buffers; returns its address.
const char *Inference::compute(const Call &call, const Team &team, size_t level, int64_t image, int64_t count,
                               char *y) const {
  const Level &l = levels_[level];
  if (level == 0) {
    y = y ? y : buffer(team, 0, l.end - 1);
    compute_image(call, team, image, y);
    return y;
  }
  const Level &before = levels_[level - 1];
  char *x = buffer(team, level, 0);
  for (int64_t i = 0; i < count; i += before.group)
    compute(call, team, level - 1, image + i, std::min(before.group, count - i), x + i * image_bytes(before.end - 1));
  for (size_t s = before.end; s < l.end; s++) {
    char *to = s + 1 == l.end && y ? y : buffer(team, level, s + 1 - before.end);
    compute_block(call, team, s, x, to, count);
    x = to;
  }
  return x;
}

// Computes the first level's stages.
void Inference::compute_image(const Call &call, const Team &team, int64_t image, char *y) const {
  Call one = call;
  if (team.size > 0) {
    const Window &w = call.input.window;
    const size_t offset = image * int64_t(w.height) * w.width * 3;
    one.input.pixels = call.input.pixels ? call.input.pixels + offset : nullptr;
    one.input.values = call.input.values ? call.input.values + offset : nullptr;
  }
  const size_t end = levels_[0].end;
  const auto output = [&](size_t stage) { return stage + 1 == end ? y : buffer(team, 0, stage); };
  size_t s = 1;
  if (team.banded) {
    s = bands_.stages();
    compute_bands(one, team, output(s - 1));
  } else {
    compute_stem(one, team, output(0));
  }
  for (; s < end; s++) compute_block(call, team, s, output(s - 1), output(s), 1);
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

// Members of a team compute the overlapping rows of their bands redundantly, and need not wait for
// each other.
void Inference::compute_bands(const Call &call, const Team &team, char *y) const {
  if (team.size > 0) {
    const int rows = stages_[bands_.stages() - 1].product.window.out_height;
    bands_.compute(team.bands, y, int(part(rows, team.member, team.size)), int(part(rows, team.member + 1, team.size)),
                   [&](size_t stage, const char *x, char *to, int begin, int end) {
                     if (stage == 0)
                       stem_rows(call, team, to, begin, end);
                     else
                       block_rows(call, team, stage, x, to, begin, end);
                   });
  }
  if (team.meets) {
#pragma omp barrier
  }
}

void Inference::stem_rows(const Call &call, const Team &team, char *y, int64_t begin, int64_t end) const {
  InferStem p = stem(call, y);
  p.begin = begin, p.end = end;
  timed(team.seconds ? team.seconds + 2 : nullptr, [&] { settings_.kernels->infer_stem(team.scratch, p); });
}

// All channels of some rows of one image.
void Inference::block_rows(const Call &call, const Team &team, size_t stage, const char *x, char *y, int64_t begin,
                           int64_t end) const {
  InferBlock p = block(call, stage, x, y, 1);
  p.begin = begin, p.end = end;
  p.seconds = team.seconds ? team.seconds + 2 * stage + 1 : nullptr;
  settings_.kernels->infer_block(team.scratch, p);
}

void Inference::compute_stem(const Call &call, const Team &team, char *y) const {
  const int64_t rows = stages_[0].product.window.out_height;
  if (team.size > 0) {
    const int64_t begin = part(rows, team.member, team.size), end = part(rows, team.member + 1, team.size);
    if (begin < end) stem_rows(call, team, y, begin, end);
  }
  if (team.meets) {
#pragma omp barrier
  }
}

void Inference::compute_block(const Call &call, const Team &team, size_t stage, const char *x, char *y,
                              int64_t images) const {
  if (team.size > 0) {
    InferBlock p = block(call, stage, x, y, images);
    const int panel = settings_.kernels->infer_columns;
    const Partition split = partition(p, team.size, panel);
    const int row = team.member / split.columns, column = team.member % split.columns;
    const int64_t rows = p.end, panels = (p.out + panel - 1) / panel;
    p.begin = part(rows, row, split.rows);
    p.end = part(rows, row + 1, split.rows);
    p.first = int(part(panels, column, split.columns)) * panel;
    p.last = std::min(p.out, int(part(panels, column + 1, split.columns)) * panel);
    p.seconds = team.seconds ? team.seconds + 2 * stage + 1 : nullptr;
    if (p.first < p.last && p.begin < p.end) settings_.kernels->infer_block(team.scratch, p);
  }
  if (team.meets) {
#pragma omp barrier
  }
}

void Inference::pool(const Call &call, const Team &team, const char *x, int64_t image, int64_t count) const {
  if (team.member > 0 || team.size == 0) return;
  const size_t last = stages_.size() - 1;
  auto floats = [&](size_t at) { return reinterpret_cast<const float *>(call.folded + at); };
  const Activation none{floats(ones_), floats(zeros_), settings_.cap};
  timed(team.seconds, [&] {
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
#pragma omp parallel for num_threads(settings_.threads) schedule(static, 1)
  for (int i = 0; i < columns * rows; i++) {
    const int64_t begin = part(images, i / columns, rows), end = part(images, i / columns + 1, rows);
    InferHead p{int(end - begin),
                in,
                classes,
                call.features + begin * call.stride,
                call.stride,
                call.folded + head_weight_,
                reinterpret_cast<const float *>(call.folded + head_bias_),
                logits + begin * classes,
                0,
                0};
    p.first = int(part(panels, i % columns, columns)) * k.infer_columns;
    p.last = std::min(padded(classes), int(part(panels, i % columns + 1, columns)) * k.infer_columns);
    double *seconds = clocks.of(omp_get_thread_num());
    timed(seconds ? seconds + 1 : nullptr, [&] { settings_.isa->infer_head(p); });
  }
}

} // namespace depthwise::fused
