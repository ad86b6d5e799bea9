//go:build ignore

// A layer in training as a node of libtorch's graph: convolution, batch norm by the batch's statistics, activation.
// A batch of a MobileNet is bound by the memory that it moves, so the kernels do as much as they can in a pass:
// depthwise convolutions sum their output for batch norm, and their backward pass computes the gradient of batch norm
// as it reads. All sums are in a fixed order.
#include "cuda/conv.h"
#include "cuda/kernel_calls.h"
#include "distributed/norm_sync.h"
#include "graph/node.h"
#include "tensors/guard.h"
#include <ATen/core/LegacyTypeDispatch.h>
#include <atomic>
#include <torch/csrc/autograd/functions/utils.h>

using depthwise::tensor;
using torch::autograd::SavedVariable;
using torch::autograd::variable_list;
using namespace depthwise::cuda;
using namespace depthwise::cuda::tensors;

namespace {

std::atomic<int64_t> computed_layers{0};

// What the backward pass needs of the forward pass.
struct Kept {
  dw_cuda_conv conv;
  at::Tensor y, coefficients; // the convolution's output; (4, C): mean, 1/std, scale, shift
  at::Tensor weight;          // as the products read it
  at::Tensor patches;         // of a stem
  depthwise::distributed::NormSync sync;

  // The values of a channel that count in the statistics of all ranks.
  double rows() const { return sync.counts() ? double(y.numel() / y.size(1)) : 0; }
};

// The convolution with the sums of its output. Those of a depthwise convolution come with it; others are summed in a
// pass of their own.
Summed convolve_and_sum(const at::Tensor &x, const at::Tensor &weight, const dw_cuda_conv &c, Kept &kept) {
  const dw_window w = window_of(x.sizes(), weight.sizes(), c);
  switch (kind_of(x.sizes(), weight.sizes(), c)) {
  case Kind::depthwise:
    kept.weight = weight.contiguous(); // these kernels read float32
    return depthwise_forward(x, kept.weight, w);
  case Kind::pointwise:
    kept.weight = weight_matrix(weight).to(type_of(c));
    return moments(image(at::mm(matrix(x), kept.weight.t()), x.sizes()));
  case Kind::stem:
    kept.weight = weight.to(type_of(c));
    kept.patches = patches(x, w);
    return moments(image(at::mm(kept.patches, patch_matrix(weight, type_of(c)).t()), {w.n, w.c, w.out_h, w.out_w}));
  default:
    kept.weight = weight.to(type_of(c));
    return moments(convolve(x, kept.weight, c));
  }
}

class LayerBackward : public torch::autograd::Node {
public:
  LayerBackward(Kept kept, const at::Tensor &x, const at::Tensor &weight, const at::Tensor &gamma)
      : kept_(std::move(kept)), x_(x, false), weight_(weight, false), gamma_(gamma, false) {}

  std::string name() const override { return "CudaLayerBackward"; }

  void release_variables() override {
    std::lock_guard<std::mutex> lock(mutex_);
    for (SavedVariable *v : {&x_, &weight_, &gamma_}) v->reset_data();
    kept_ = {};
  }

  variable_list apply(variable_list &&grads) override;

private:
  // Indices of the inputs.
  enum { kX, kWeight, kGamma, kBeta, kBias, kResidual, kInputs };

  void norm_backward(NormGradient &g, const at::Tensor &gamma, variable_list &out);
  void convolution_backward(const NormGradient &g, const at::Tensor &x, const at::Tensor &weight, variable_list &out);

  std::mutex mutex_;
  Kept kept_;
  SavedVariable x_, weight_, gamma_;
};

// The gradients of batch norm's parameters, and g.dcoefficients.
void LayerBackward::norm_backward(NormGradient &g, const at::Tensor &gamma, variable_list &out) {
  const depthwise::distributed::NormSync &sync = kept_.sync;
  const at::Tensor partial = norm_backward_sums(g);
  if (!sync) {
    for (int i : {int(kGamma), int(kBeta)}) out[i] = at::empty(gamma.sizes(), gamma.options());
    return norm_backward_finish(g, partial, gamma, out[kGamma], out[kBeta]);
  }
  const at::Tensor own = at::empty({2, gamma.size(0)}, gamma.options());
  const at::Tensor sums = rank_sums(partial, sync.weight(), kept_.rows(), own);
  sync.add_up(sums);
  norm_backward_finish_ranks(g, sums, sync.returned(), gamma);
  out[kBeta] = own[0], out[kGamma] = own[1];
}

// A gradient in the strides of its parameter, so that libtorch keeps it as it is.
at::Tensor laid_out_as(const at::Tensor &gradient, const at::Tensor &parameter) {
  return gradient.as_strided(parameter.sizes(), parameter.strides());
}

// The product a' b of bfloat16 matrices in float32. On the CPU, libtorch has it only for float32 ones.
at::Tensor float_product(const at::Tensor &a, const at::Tensor &b) {
  if (a.scalar_type() == at::kFloat) return at::mm(a.t(), b);
  if (a.is_cuda()) return at::mm(a.t(), b, at::kFloat);
  return at::mm(a.to(at::kFloat).t(), b.to(at::kFloat));
}

void LayerBackward::convolution_backward(const NormGradient &g, const at::Tensor &x, const at::Tensor &weight,
                                         variable_list &out) {
  const bool want_x = task_should_compute_output(kX), want_weight = task_should_compute_output(kWeight);
  if (!want_x && !want_weight) return;
  const dw_cuda_conv &c = kept_.conv;
  const Kind kind = kind_of(x.sizes(), weight.sizes(), c);
  if (kind == Kind::depthwise) {
    const at::Tensor dx = empty_image(x.sizes(), x.options());
    const at::Tensor partial = depthwise_backward(g, x, kept_.weight, dx, window_of(x.sizes(), weight.sizes(), c));
    if (want_x) out[kX] = dx;
    if (!want_weight) return;
    out[kWeight] = at::empty_strided(weight.sizes(), weight.strides(), weight.options());
    depthwise_backward_finish(partial, out[kWeight]);
    return;
  }
  const at::Tensor dy = tensors::norm_backward(g);
  if (kind == Kind::pointwise) {
    if (want_x) out[kX] = image(at::mm(matrix(dy), kept_.weight), x.sizes());
    if (want_weight) out[kWeight] = laid_out_as(float_product(matrix(dy), matrix(x)), weight);
    return;
  }
  const bool stem = kind == Kind::stem;
  if (stem && want_weight) out[kWeight] = patch_weight(float_product(matrix(dy), kept_.patches), weight);
  if (stem && !want_x) return;
  const Padded p = pad(x, c);
  auto [dx, dw, db] =
      at::convolution_backward(dy, p.x, kept_.weight, c10::nullopt, {c.stride, c.stride}, {p.rows, p.columns}, {1, 1},
                               false, {0, 0}, c.groups, {want_x, want_weight && !stem, false});
  if (want_x && p.x.sizes() != x.sizes()) dx = dx.narrow(2, c.top, x.size(2)).narrow(3, c.left, x.size(3));
  if (want_x) out[kX] = dx;
  if (dw.defined()) out[kWeight] = dw.to(weight.scalar_type());
}

variable_list LayerBackward::apply(variable_list &&grads) {
  std::lock_guard<std::mutex> lock(mutex_);
  TORCH_CHECK(!c10::GradMode::is_enabled(), "the CUDA kernels have no second derivatives; --backend torch has them");
  TORCH_CHECK(kept_.y.defined(), torch::autograd::ERR_BACKWARD_TWICE);
  variable_list out(kInputs);
  if (!grads[0].defined()) return out;
  const at::Tensor x = x_.unpack(), weight = weight_.unpack(), gamma = gamma_.unpack();
  if (task_should_compute_output(kResidual)) out[kResidual] = grads[0];
  if (task_should_compute_output(kBias)) out[kBias] = at::zeros(gamma.sizes(), gamma.options()); // the mean removes it
  NormGradient g{channels_last(grads[0]), kept_.y, kept_.coefficients, kept_.conv.activation, {}};
  norm_backward(g, gamma, out);
  convolution_backward(g, x, weight, out);
  count_layer();
  return out;
}

// Batch norm's tensors.
struct Norm {
  at::Tensor gamma, beta, mean, var;
  at::Tensor bias; // of the convolution; may be undefined
};

void check(const at::Tensor &x, const at::Tensor &weight, const Norm &n, const at::Tensor &residual,
           const dw_cuda_conv &c, bool synced) {
  TORCH_CHECK(x.dim() == 4 && weight.dim() == 4 && c.groups > 0 && c.stride > 0 && x.numel() > 0 &&
                  x.size(1) == c.groups * weight.size(1) && weight.size(0) % c.groups == 0,
              "the CUDA layer: x must be (N, C, H, W) and the weight (O, C/groups, K, K), not ", x.sizes(), " and ",
              weight.sizes(), " in ", c.groups, " groups");
  const at::IntArrayRef xs = x.sizes(), ws = weight.sizes();
  const int64_t h = out_size(xs[2], c.top, c.bottom, ws[2], c.stride),
                w = out_size(xs[3], c.left, c.right, ws[3], c.stride);
  TORCH_CHECK(dw_cuda_supports(xs.data(), ws.data(), &c), "the CUDA layer computes channels in multiples of 8, not ",
              xs, " with a weight ", ws, "; libtorch's operations compute others");
  TORCH_CHECK(synced || xs[0] * h * w > 1,
              "the CUDA layer: batch norm has a single value per channel; training needs more");
  for (const at::Tensor *t : {&weight, &n.gamma, &n.beta, &n.mean, &n.var})
    TORCH_CHECK(t->scalar_type() == at::kFloat && t->device() == x.device() && t->size(0) == ws[0] &&
                    (t == &weight || (t->dim() == 1 && t->is_contiguous())),
                "the CUDA layer: parameters must be float32 on ", x.device(), " with ", ws[0], " channels, not ",
                t->scalar_type(), " ", t->sizes(), " on ", t->device());
  TORCH_CHECK(!n.bias.defined() || n.bias.sizes() == n.beta.sizes(), "the CUDA layer: the bias must have ", ws[0],
              " channels, not ", n.bias.sizes());
  TORCH_CHECK(!residual.defined() || residual.sizes() == at::IntArrayRef({xs[0], ws[0], h, w}),
              "the CUDA layer: the residual must have the output's shape, not ", residual.sizes());
}

// The coefficients of batch norm; updates the running statistics.
at::Tensor coefficients(const Summed &s, const Norm &n, const dw_batch_norm &settings, const Kept &kept) {
  const float eps = float(settings.eps), momentum = float(settings.momentum);
  const at::Tensor none, &mean = settings.keep ? none : n.mean, &var = settings.keep ? none : n.var;
  if (!kept.sync) return moments_finish(s, eps, momentum, n.gamma, n.beta, mean, var);
  const at::Tensor sums = rank_sums(s.partial, kept.sync.counts() ? 1 : 0, kept.rows(), none);
  kept.sync.add_up(sums);
  TORCH_CHECK(!sums.is_cpu() || sums[-1].item<double>() > 1,
              "the CUDA layer: batch norm has a single value per channel over all ranks; training needs more");
  return moments_finish_ranks(sums, eps, momentum, n.gamma, n.beta, mean, var);
}

// The layer without the graph.
at::Tensor compute(const at::Tensor &x, const at::Tensor &weight, const Norm &n, const at::Tensor &residual,
                   const dw_cuda_conv &c, const dw_batch_norm &settings, Kept &kept) {
  kept.conv = c;
  const Summed s = convolve_and_sum(x, weight, c, kept);
  kept.y = s.y;
  kept.sync = depthwise::distributed::NormSync(settings.sync);
  kept.coefficients = coefficients(s, n, settings, kept);
  at::Tensor a = scale_activate(s.y, kept.coefficients, residual, c.activation);
  if (!settings.keep) {
    if (n.bias.defined()) n.mean.add_(n.bias.detach(), settings.momentum);
    for (const at::Tensor &t : {n.mean, n.var}) t.unsafeGetTensorImpl()->bump_version();
  }
  count_layer();
  return a;
}

at::Tensor layer(const at::Tensor &given, const at::Tensor &weight, const Norm &n, const at::Tensor &given_residual,
                 const dw_cuda_conv &c, const dw_batch_norm &settings) {
  check(given, weight, n, given_residual, c, settings.sync.group != nullptr);
  // Conversions are in the graph, before the node.
  auto converted = [&](const at::Tensor &t) { return t.defined() ? channels_last(t.to(type_of(c))) : t; };
  const at::Tensor x = converted(given), residual = converted(given_residual);
  const variable_list inputs{x, weight, n.gamma, n.beta, n.bias, residual};
  const bool record = c10::GradMode::is_enabled() && torch::autograd::any_variable_requires_grad(inputs);
  Kept kept;
  at::Tensor a;
  {
    c10::NoGradGuard no_grad;
    a = compute(x.detach(), weight.detach(), n, residual.defined() ? residual.detach() : residual, c, settings, kept);
  }
  if (!record) return a;
  auto node = depthwise::make_node<LayerBackward>(std::move(kept), x, weight, n.gamma);
  node->set_next_edges(torch::autograd::collect_next_edges(inputs));
  torch::autograd::set_history(a, node);
  return a;
}

} // namespace

void depthwise::cuda::count_layer() { computed_layers++; }
int64_t dw_cuda_count(void) { return computed_layers; }

int dw_cuda_supports(const int64_t *x, const int64_t *weight, const dw_cuda_conv *c) {
  const at::IntArrayRef xs(x, 4), ws(weight, 4);
  const int64_t h = out_size(xs[2], c->top, c->bottom, ws[2], c->stride),
                w = out_size(xs[3], c->left, c->right, ws[3], c->stride);
  if (h < 1 || w < 1 || !rows_supported({xs[0] * h * w, int(ws[0])})) return 0;
  return kind_of(xs, ws, *c) == Kind::depthwise ? 2 : 1;
}

dw_error dw_cuda_layer(dw_tensor *out, dw_tensor x, dw_tensor weight, dw_tensor bias, const dw_batch_norm *norm,
                       dw_tensor residual, const dw_cuda_conv *conv) {
  return depthwise::guard([&] {
    auto optional = [](dw_tensor t) { return t ? tensor(t) : at::Tensor(); };
    const Norm n{tensor(norm->weight), tensor(norm->bias), tensor(norm->mean), tensor(norm->var), optional(bias)};
    *out = new at::Tensor(layer(tensor(x), tensor(weight), n, optional(residual), *conv, *norm));
  });
}
