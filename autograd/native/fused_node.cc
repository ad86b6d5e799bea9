//go:build ignore

// The fused trunk as a node of libtorch's graph: parameters in, pooled features out, and their gradients back.
#include "fused_node.h"
#include "fused_isa.h"
#include "fused_trunk.h"
#include "node.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <atomic>
#include <torch/csrc/autograd/functions/utils.h>

using depthwise::tensor;
using depthwise::tensors;
using torch::autograd::SavedVariable;
using torch::autograd::variable_list;
using namespace depthwise::fused;

namespace {

std::atomic<int64_t> computed{0}; // layers, for dw_trunk_count

at::Tensor bytes(size_t n) { return at::empty({int64_t(n)}, at::kByte); }
char *start(const at::Tensor &t) { return static_cast<char *>(t.data_ptr()); }

// A parameter as the kernels read it: float, and convolution weights with their channels last.
const float *values(const at::Tensor &t) { return t.const_data_ptr<float>(); }

void check_parameter(const at::Tensor &t) {
  TORCH_CHECK(t.scalar_type() == at::kFloat && t.device().is_cpu(), "fused kernels: parameters must be float32 on the CPU, not ", t.scalar_type(),
              " on ", t.device(), "; the torch kernels take others");
}

at::Tensor laid_out(const at::Tensor &t) {
  check_parameter(t);
  return t.contiguous(t.dim() == 4 ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous);
}

// The layers fit together and the images fit the first: kernels trust these numbers with memory.
void check(const dw_trunk &t, const at::Tensor &x) {
  TORCH_CHECK(x.dim() == 4 && x.size(1) == 3 && x.scalar_type() == at::kFloat && x.device().is_cpu(),
              "fused kernels: images must be (N, 3, H, W) float32 on the CPU");
  TORCH_CHECK(t.n > 0 && x.size(0) > 0, "fused kernels: no layers or no images");
  int channels = 3;
  int64_t height = x.size(2), width = x.size(3);
  for (int i = 0; i < t.n; i++) {
    const dw_layer &l = t.layers[i];
    TORCH_CHECK((l.kind == DW_STEM) == (i == 0) && l.in == channels && l.out > 0 && (l.kind != DW_DEPTHWISE || l.in == l.out), "fused kernels: layer ",
                i, " does not follow ", channels, " channels, or is no stem at the start");
    int before = l.kind == DW_POINTWISE ? 0 : 1, kernel = l.kind == DW_POINTWISE ? 1 : 3;
    auto fits = [&](int in, int out, int zeros) {
      int after = (out - 1) * l.stride + kernel - in - zeros; // at most a window's worth of zeros behind the image
      return out > 0 && zeros >= 0 && zeros <= before && after <= 2;
    };
    TORCH_CHECK(l.height == height && l.width == width && (l.stride == 1 || (l.stride == 2 && kernel == 3)) &&
                    fits(l.height, l.out_height, l.top) && fits(l.width, l.out_width, l.left),
                "fused kernels: the window of layer ", i, " does not fit ", height, "x", width);
    TORCH_CHECK(!t.training || x.size(0) * l.out_height * l.out_width > 1, "fused kernels: batch norm of layer ", i,
                " has a single value per channel; training needs more");
    channels = l.out;
    height = l.out_height;
    width = l.out_width;
  }
}

// As many numbers as the kernels will read.
void check_size(const at::Tensor &t, size_t want) {
  TORCH_CHECK(size_t(t.numel()) == want, "fused kernels: a parameter of shape ", t.sizes(), " where ", want, " numbers are expected");
}

Window window(const dw_layer &l, int64_t images) { return {images, l.height, l.width, l.out_height, l.out_width, l.stride, l.top, l.left}; }

// The tensors behind a trunk's layers, laid out as its kernels read them; parameters that already are share their memory.
struct Bound {
  std::vector<Layer> layers;
  std::vector<at::Tensor> held;
};

Bound bind(const dw_trunk &t, int64_t images, const variable_list &parameters, const variable_list &statistics) {
  Bound b;
  size_t next = 0;
  auto take = [&]() -> const float * {
    TORCH_CHECK(next < parameters.size(), "fused kernels: ", parameters.size(), " parameters are too few for the layers");
    b.held.push_back(laid_out(parameters[next++].detach()));
    return values(b.held.back());
  };
  TORCH_CHECK(statistics.size() == 2 * size_t(t.n), "fused kernels: ", statistics.size(), " running statistics for ", t.n, " layers");
  for (int i = 0; i < t.n; i++) {
    const dw_layer &l = t.layers[i];
    Layer layer{Kind(l.kind), l.in, l.out, window(l, images), take(), l.has_bias ? take() : nullptr, {}};
    const float *weight = take(), *bias = take();
    const at::Tensor &mean = statistics[2 * i], &var = statistics[2 * i + 1];
    check_parameter(mean);
    check_parameter(var);
    TORCH_CHECK(mean.is_contiguous() && var.is_contiguous(), "fused kernels: running statistics must be contiguous");
    for (const at::Tensor *s : {&mean, &var})
      check_size(*s, l.out);
    check_size(b.held[b.held.size() - 3 - l.has_bias], layer.weights());
    for (int k = 1; k <= 2 + l.has_bias; k++)
      check_size(b.held[b.held.size() - k], l.out);
    layer.norm = {l.out, weight, bias, mean.data_ptr<float>(), var.data_ptr<float>(), t.eps, t.momentum};
    b.layers.push_back(layer);
  }
  TORCH_CHECK(next == parameters.size(), "fused kernels: ", parameters.size(), " parameters are too many for the layers");
  return b;
}

const KernelSet &kernel_set(bool bf16) { return bf16 ? kernels_here().bfloat16 : kernels_here().float32; }

// The node. It holds the arena between forward and backward, and the parameters to see that nobody changes them meanwhile.
class TrunkBackward : public torch::autograd::Node {
public:
  TrunkBackward(Trunk trunk, at::Tensor arena, Bound bound, bool bf16)
      : trunk_(std::move(trunk)), arena_(std::move(arena)), bound_(std::move(bound)), bf16_(bf16) {}

  std::string name() const override { return "FusedTrunkBackward"; }
  void save(const variable_list &inputs) {
    for (const auto &t : inputs)
      saved_.emplace_back(t, false);
  }
  void release_variables() override {
    std::lock_guard<std::mutex> lock(mutex_);
    saved_.clear();
    arena_.reset();
  }

  variable_list apply(variable_list &&grads) override;

private:
  std::vector<LayerGradients> allocate(variable_list &grads, const variable_list &inputs) const;
  at::Tensor input_gradient(const at::Tensor &x) const;

  std::mutex mutex_;
  Trunk trunk_;
  at::Tensor arena_;
  Bound bound_;
  bool bf16_;
  std::vector<SavedVariable> saved_; // the images, then the parameters
};

// The gradients' tensors, one for each parameter in its own layout.
std::vector<LayerGradients> TrunkBackward::allocate(variable_list &grads, const variable_list &inputs) const {
  std::vector<LayerGradients> out;
  size_t next = 1;
  auto make = [&]() -> float * {
    auto format = inputs[next].dim() == 4 ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
    grads[next] = at::empty(inputs[next].sizes(), inputs[next].options(), format);
    return grads[next++].data_ptr<float>();
  };
  for (const Layer &l : trunk_.layers()) {
    LayerGradients g{};
    g.weight = make();
    g.bias = l.bias ? make() : nullptr;
    g.norm_weight = make();
    g.norm_bias = make();
    out.push_back(g);
  }
  return out;
}

variable_list TrunkBackward::apply(variable_list &&grads) {
  std::lock_guard<std::mutex> lock(mutex_);
  TORCH_CHECK(!c10::GradMode::is_enabled(), "fused kernels have no second derivatives; the torch kernels do (--kernels torch)");
  TORCH_CHECK(arena_.defined(), "the fused trunk's values are gone after one backward pass; the torch kernels keep them on request "
                                "(--kernels torch with Retain)");
  variable_list inputs, out(saved_.size());
  for (auto &s : saved_)
    inputs.push_back(s.unpack());
  if (!grads[0].defined())
    return out;
  auto gradients = allocate(out, inputs);
  at::Tensor dfeatures = grads[0].to(at::kFloat).contiguous(), scratch = bytes(trunk_.scratch_bytes());
  trunk_.backward(start(arena_), start(scratch), values(dfeatures), gradients);
  computed += int64_t(trunk_.layers().size());
  if (task_should_compute_output(0))
    out[0] = input_gradient(inputs[0]);
  arena_.reset();
  return out;
}

// The gradient of the images, which training does not need: libtorch's convolution, from the stem's own gradient.
at::Tensor TrunkBackward::input_gradient(const at::Tensor &x) const {
  const Layer &l = trunk_.layers()[0];
  const Window &w = l.window;
  auto stem = trunk_.stem_output();
  int channels = padded(l.out);
  auto type = bf16_ ? at::kBFloat16 : at::kFloat;
  auto stored = [&](const void *p) {
    return at::from_blob(const_cast<void *>(p), {w.images, w.out_height, w.out_width, channels}, type).to(at::kFloat);
  };
  auto coefficient = [&](float *p) { return at::from_blob(p, {channels}, at::kFloat); };
  at::Tensor dy = stored(stem.g) * coefficient(stem.channels->c1) + stored(stem.y) * coefficient(stem.channels->c2) + coefficient(stem.channels->c3);
  dy = dy.narrow(3, 0, l.out).permute({0, 3, 1, 2});
  int bottom = std::max(0, (w.out_height - 1) * w.stride + 3 - w.height - w.top), right = std::max(0, (w.out_width - 1) * w.stride + 3 - w.width - w.left);
  at::Tensor around = at::constant_pad_nd(x, {w.left, right, w.top, bottom});
  auto [dx, dw, db] = at::convolution_backward(dy, around, bound_.held[0], c10::nullopt, {w.stride, w.stride}, {0, 0}, {1, 1}, false, {0, 0}, 1,
                                               {true, false, false});
  return dx.narrow(2, w.top, w.height).narrow(3, w.left, w.width).contiguous(at::MemoryFormat::ChannelsLast);
}

// Running statistics have changed: libtorch tells those who saved them.
void changed(const variable_list &statistics) {
  for (const auto &t : statistics)
    t.unsafeGetTensorImpl()->bump_version();
}

at::Tensor forward(const dw_trunk &t, const at::Tensor &x, const variable_list &parameters, const variable_list &statistics) {
  check(t, x);
  variable_list inputs{x};
  inputs.insert(inputs.end(), parameters.begin(), parameters.end());
  bool record = c10::GradMode::is_enabled() && torch::autograd::any_variable_requires_grad(inputs);
  Bound bound = bind(t, x.size(0), parameters, statistics);
  Trunk trunk(bound.layers, {&kernel_set(t.bf16), at::get_num_threads(), float(t.cap), t.training != 0, record});
  at::Tensor arena = bytes(trunk.arena_bytes()), scratch = bytes(trunk.scratch_bytes());
  at::Tensor images = x.detach().contiguous(at::MemoryFormat::ChannelsLast);
  at::Tensor features = at::empty({x.size(0), bound.layers.back().out}, at::kFloat);
  StemImage input{};
  input.values = values(images);
  trunk.forward(start(arena), start(scratch), input, features.data_ptr<float>());
  computed += t.n;
  if (t.training)
    changed(statistics);
  if (record) {
    auto node = depthwise::makeNode<TrunkBackward>(std::move(trunk), std::move(arena), std::move(bound), t.bf16 != 0);
    node->set_next_edges(torch::autograd::collect_next_edges(inputs));
    torch::autograd::set_history(features, node);
    node->save(inputs);
  }
  return features;
}

} // namespace

dw_error dw_trunk_isa(const char **name) {
  return depthwise::guard([&] { *name = kernels_here().name; });
}

int64_t dw_trunk_count(void) { return computed; }

dw_error dw_trunk_forward(dw_tensor *features, const dw_trunk *t, dw_tensor x, const dw_tensor *parameters, int n_parameters,
                          const dw_tensor *statistics, int n_statistics) {
  return depthwise::guard([&] {
    *features = new at::Tensor(forward(*t, tensor(x), tensors(parameters, n_parameters), tensors(statistics, n_statistics)));
  });
}
