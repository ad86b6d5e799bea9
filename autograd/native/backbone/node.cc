//go:build ignore

// The fused backbone as a node of libtorch's graph: parameters in, pooled features out, and
// gradients back.
#include "backbone.h"
#include "backbone/bind.h"
#include "distributed/norm_sync.h"
#include "graph/early_gradient.h"
#include "graph/node.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <optional>
#include <torch/csrc/autograd/functions/utils.h>

using depthwise::tensor;
using depthwise::tensors;
using torch::autograd::SavedVariable;
using torch::autograd::variable_list;
using namespace depthwise::fused;

std::atomic<int64_t> depthwise::fused::computed_layers{0};

namespace {

dw_report_times report_times = nullptr;

// Measures one pass and reports it to the Go value of the handle; does nothing without a handle.
class PassReport {
public:
  explicit PassReport(std::shared_ptr<depthwise::GoHandle> go) : go_(std::move(go)) {
    if (go_) watch_.emplace();
  }

  Times *times() { return go_ ? &times_ : nullptr; }
  const std::shared_ptr<depthwise::GoHandle> &go() const { return go_; }

  void finish(bool backward) {
    if (!go_) return;
    std::vector<double> seconds{watch_->lap(), times_.pack, times_.image, times_.pool};
    seconds.insert(seconds.end(), times_.layers.begin(), times_.layers.end());
    report_times(go_->handle(), backward, seconds.data(), int(seconds.size()));
  }

private:
  std::shared_ptr<depthwise::GoHandle> go_;
  Times times_;
  std::optional<Stopwatch> watch_;
};

// Batch norm's sums over the ranks of a group.
class SyncedRanks : public Ranks {
public:
  explicit SyncedRanks(depthwise::distributed::NormSync sync) : sync_(std::move(sync)) {}

  void add_up(double *values, int n) const override {
    const at::Tensor sums = at::empty({n}, at::kDouble); // a thread of the group may hold it longer than this call
    std::copy_n(values, n, sums.data_ptr<double>());
    sync_.add_up(sums);
    std::copy_n(sums.const_data_ptr<double>(), n, values);
  }
  bool counts() const override { return sync_.counts(); }
  double weight() const override { return sync_.weight(); }
  double returned() const override { return sync_.returned(); }

private:
  depthwise::distributed::NormSync sync_;
};

std::shared_ptr<const Ranks> ranks_of(const dw_backbone &t) {
  depthwise::distributed::NormSync sync(t.sync);
  return sync && t.training ? std::make_shared<SyncedRanks>(std::move(sync)) : nullptr;
}

// The graph node. It holds the arena between forward and backward, and the parameters to detect
// in-place changes in between.
class BackboneBackward : public torch::autograd::Node {
public:
  BackboneBackward(Backbone backbone, at::Tensor arena, BoundLayers bound, bool bf16,
                   std::shared_ptr<depthwise::GoHandle> times)
      : backbone_(std::move(backbone)), arena_(std::move(arena)), bound_(std::move(bound)), bf16_(bf16),
        times_(std::move(times)) {}

  std::string name() const override { return "FusedBackboneBackward"; }
  void save(const variable_list &inputs) {
    for (const auto &t : inputs) saved_.emplace_back(t, false);
  }
  void release_variables() override {
    std::lock_guard<std::mutex> lock(mutex_);
    saved_.clear();
    arena_.reset();
  }

  variable_list apply(variable_list &&grads) override;

private:
  std::vector<LayerGradients> allocate(variable_list &grads, const variable_list &inputs) const;
  std::function<void(int)> early(const variable_list &inputs, const variable_list &grads) const;
  at::Tensor input_gradient(const at::Tensor &x) const;

  std::mutex mutex_;
  Backbone backbone_;
  at::Tensor arena_;
  BoundLayers bound_;
  bool bf16_;
  std::shared_ptr<depthwise::GoHandle> times_; // null: not measured
  std::vector<SavedVariable> saved_;           // the images (undefined for pixels), then the parameters
};

// Allocates the gradients, one per parameter, in the parameter's layout, of the layers that the backward pass computes.
std::vector<LayerGradients> BackboneBackward::allocate(variable_list &grads, const variable_list &inputs) const {
  std::vector<LayerGradients> out;
  size_t next = 1;
  auto make = [&]() -> float * {
    auto format = inputs[next].dim() == 4 ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
    grads[next] = at::empty(inputs[next].sizes(), inputs[next].options(), format);
    return grads[next++].data_ptr<float>();
  };
  for (size_t i = 0; i < backbone_.layers().size(); i++) {
    const Layer &l = backbone_.layers()[i];
    LayerGradients g{};
    if (int(i) < backbone_.first()) {
      next += l.bias ? 4 : 3;
    } else {
      g.weight = make();
      g.bias = l.bias ? make() : nullptr;
      g.norm_weight = make();
      g.norm_bias = make();
    }
    out.push_back(g);
  }
  return out;
}

// Passes the gradients of each finished layer to the parameters that take them early; empty if none does.
std::function<void(int)> BackboneBackward::early(const variable_list &inputs, const variable_list &grads) const {
  std::vector<depthwise::EarlyGradientHook *> hooks;
  for (size_t k = 0; k < inputs.size(); k++)
    hooks.push_back(k > 0 && task_should_compute_output(k) ? depthwise::early_gradient_hook(inputs[k]) : nullptr);
  if (std::all_of(hooks.begin(), hooks.end(), [](auto *hook) { return hook == nullptr; })) return {};
  std::vector<size_t> first{1}; // the place of each layer's first parameter
  for (const Layer &l : backbone_.layers()) first.push_back(first.back() + (l.bias ? 4 : 3));
  return [=, this, &inputs, &grads](int layer) {
    for (size_t k = first[layer]; layer >= backbone_.frozen() && k < first[layer + 1]; k++)
      if (hooks[k]) hooks[k]->early(inputs[k], grads[k]);
  };
}

variable_list BackboneBackward::apply(variable_list &&grads) {
  std::lock_guard<std::mutex> lock(mutex_);
  TORCH_CHECK(!c10::GradMode::is_enabled(), "the fused kernels have no second derivatives; --kernels torch has them");
  TORCH_CHECK(arena_.defined(),
              "the fused backbone's activations are released by its first backward pass; --kernels torch "
              "can retain the graph");
  PassReport report(times_);
  variable_list inputs, out(saved_.size());
  for (auto &s : saved_) inputs.push_back(s.unpack());
  if (!grads[0].defined()) return out;
  auto gradients = allocate(out, inputs);
  at::Tensor dfeatures = grads[0].to(at::kFloat).contiguous(), scratch = bytes(backbone_.scratch_bytes());
  backbone_.backward(start(arena_), start(scratch), values(dfeatures), gradients, report.times(), early(inputs, out));
  if (task_should_compute_output(0)) out[0] = input_gradient(inputs[0]);
  size_t next = 1;
  for (int i = 0; i < backbone_.frozen(); i++) // computed on the way to the images' gradient
    for (int n = backbone_.layers()[i].bias ? 4 : 3; n > 0; n--) out[next++].reset();
  arena_.reset();
  computed_layers += int64_t(backbone_.layers().size());
  report.finish(true);
  return out;
}

// The gradient of the images, which training does not need: libtorch's convolution, from the stem's
// own gradient.
at::Tensor BackboneBackward::input_gradient(const at::Tensor &x) const {
  const Layer &l = backbone_.layers()[0];
  const Window &w = l.window;
  auto stem = backbone_.stem_output();
  int channels = padded(l.out);
  auto type = bf16_ ? at::kBFloat16 : at::kFloat;
  auto stored = [&](const void *p) {
    return at::from_blob(const_cast<void *>(p), {w.images, w.out_height, w.out_width, channels}, type).to(at::kFloat);
  };
  auto coefficient = [&](float *p) { return at::from_blob(p, {channels}, at::kFloat); };
  at::Tensor dy = stored(stem.g) * coefficient(stem.channels->c1) + stored(stem.y) * coefficient(stem.channels->c2) +
                  coefficient(stem.channels->c3);
  dy = dy.narrow(3, 0, l.out).permute({0, 3, 1, 2});
  int bottom = std::max(0, (w.out_height - 1) * w.stride + 3 - w.height - w.top),
      right = std::max(0, (w.out_width - 1) * w.stride + 3 - w.width - w.left);
  at::Tensor around = at::constant_pad_nd(x, {w.left, right, w.top, bottom});
  auto [dx, dw, db] = at::convolution_backward(dy, around, bound_.held[0], c10::nullopt, {w.stride, w.stride}, {0, 0},
                                               {1, 1}, false, {0, 0}, 1, {true, false, false});
  return dx.narrow(2, w.top, w.height).narrow(3, w.left, w.width).contiguous(at::MemoryFormat::ChannelsLast);
}

// Bumps the version counters of updated running statistics, two for each layer, for nodes that saved them.
void changed(const variable_list &statistics, int frozen) {
  for (size_t i = 2 * size_t(frozen); i < statistics.size(); i++) statistics[i].unsafeGetTensorImpl()->bump_version();
}

at::Tensor forward(const dw_backbone &t, const Images &x, const variable_list &parameters,
                   const variable_list &statistics, std::shared_ptr<depthwise::GoHandle> times) {
  PassReport report(std::move(times));
  check_layers(t, x.n, x.height, x.width);
  variable_list inputs{x.given};
  inputs.insert(inputs.end(), parameters.begin(), parameters.end());
  bool record = c10::GradMode::is_enabled() && torch::autograd::any_variable_requires_grad(inputs);
  BoundLayers bound = bind_layers(t, x.n, parameters, statistics);
  bool whole = x.given.defined() && x.given.requires_grad(); // the images' gradient needs every layer's
  Backbone backbone(bound.layers, {&kernel_set(t.bf16), at::get_num_threads(), float(t.cap), t.training != 0, record,
                                   t.frozen, whole ? 0 : t.frozen, ranks_of(t)});
  at::Tensor arena = bytes(backbone.arena_bytes()), scratch = bytes(backbone.scratch_bytes());
  at::Tensor features = at::empty({x.n, bound.layers.back().out}, at::kFloat);
  backbone.forward(start(arena), start(scratch), x.input, features.data_ptr<float>(), report.times());
  if (t.training) changed(statistics, t.frozen);
  computed_layers += int64_t(bound.layers.size());
  if (record) {
    auto node = depthwise::make_node<BackboneBackward>(std::move(backbone), std::move(arena), std::move(bound),
                                                       t.bf16 != 0, report.go());
    node->set_next_edges(torch::autograd::collect_next_edges(inputs));
    torch::autograd::set_history(features, node);
    node->save(inputs);
  }
  report.finish(false);
  return features;
}

} // namespace

dw_error dw_backbone_isa(const char **name) {
  return depthwise::guard([&] { *name = kernels_here().name; });
}

int64_t dw_backbone_count(void) { return computed_layers; }

void dw_set_report_times(dw_report_times report) { report_times = report; }

dw_error dw_backbone_forward(dw_tensor *features, const dw_backbone *t, dw_tensor x, const dw_pixels *pixels,
                             const dw_tensor *parameters, int n_parameters, const dw_tensor *statistics,
                             int n_statistics, uintptr_t times) {
  return depthwise::guard([&] {
    auto held = times ? std::make_shared<depthwise::GoHandle>(times) : nullptr;
    const Images images = x ? images_of(tensor(x)) : images_of(*pixels);
    *features = new at::Tensor(
        forward(*t, images, tensors(parameters, n_parameters), tensors(statistics, n_statistics), std::move(held)));
  });
}
