//go:build ignore

// Batch norm by the statistics of all ranks' batches as a node of libtorch's graph: torch.nn.SyncBatchNorm, on any device.
// The sums of a layer travel in one small all-reduce, forward and backward.
#include "batch_norm.h"
#include "distributed/channel_sums.h"
#include "distributed/norm_sync.h"
#include "graph/node.h"
#include "tensors/guard.h"
#include "tensors/handle.h"
#include <ATen/ATen.h>
#include <torch/csrc/autograd/functions/utils.h>

using depthwise::tensor;
using torch::autograd::SavedVariable;
using torch::autograd::variable_list;
using namespace depthwise::distributed;

namespace {

// The statistics of all ranks' batches: mean and 1/std (C), and the number of values of a channel (1), all float64.
struct Statistics {
  at::Tensor mean, inverse, variance, rows;
};

struct Norm {
  at::Tensor weight, bias, running_mean, running_var; // (C)
  double eps, momentum;
};

// t * by + to, in t's type and layout.
at::Tensor scaled(const at::Tensor &t, const at::Tensor &by, const at::Tensor &to) {
  const at::Tensor add = extend(to, t);
  at::Tensor out = at::empty_like(t, t.options().dtype(add.scalar_type()));
  at::addcmul_out(out, add, t.to(add.scalar_type()), extend(by, t));
  return out;
}

// The sums are about the running mean, which all ranks share, so that they do not cancel where the mean is large.
Statistics statistics(const at::Tensor &x, const Norm &n, const NormSync &sync) {
  const int64_t c = x.size(1);
  const at::Tensor pivot = n.running_mean.to(at::kDouble);
  at::Tensor sums = at::cat({channel_sums(x, pivot, x, pivot), at::full({1}, double(x.numel() / c), pivot.options())});
  if (!sync.counts()) sums.zero_();
  sync.add_up(sums);
  const at::Tensor rows = sums.narrow(0, 2 * c, 1);
  TORCH_CHECK(!x.is_cpu() || rows.item<double>() > 1, "synchronized batch norm: ", rows.item<double>(),
              " values per channel over all ranks; training needs more than one");
  const at::Tensor shifted = sums.narrow(0, 0, c) / rows;
  const at::Tensor variance = (sums.narrow(0, c, c) / rows - shifted * shifted).clamp_min(0); // below by rounding
  return {pivot + shifted, (variance + n.eps).rsqrt(), variance, rows};
}

void update_running(const Norm &n, const Statistics &s) {
  const at::Tensor unbiased = s.variance * s.rows / (s.rows - 1).clamp_min(1);
  n.running_mean.copy_(n.running_mean.to(at::kDouble) * (1 - n.momentum) + s.mean * n.momentum);
  n.running_var.copy_(n.running_var.to(at::kDouble) * (1 - n.momentum) + unbiased * n.momentum);
}

class SyncBatchNormBackward : public torch::autograd::Node {
public:
  SyncBatchNormBackward(const at::Tensor &x, const at::Tensor &weight, Statistics statistics, NormSync sync)
      : x_(x, false), weight_(weight, false), statistics_(std::move(statistics)), sync_(std::move(sync)) {}

  std::string name() const override { return "SyncBatchNormBackward"; }

  void release_variables() override {
    std::lock_guard<std::mutex> lock(mutex_);
    x_.reset_data();
    weight_.reset_data();
    statistics_ = {};
  }

  variable_list apply(variable_list &&grads) override;

private:
  std::mutex mutex_;
  SavedVariable x_, weight_;
  Statistics statistics_;
  NormSync sync_;
};

// With dy of this rank's loss, g and h the sums of dy and of dy * (x - mean), and G and H those of all ranks, weighted as
// in norm_sync.h: the gradients of weight and bias are h/std and g, and
//   dx = weight/std * (dy - (G + (x - mean) * H/std^2) / rows).
variable_list SyncBatchNormBackward::apply(variable_list &&grads) {
  std::lock_guard<std::mutex> lock(mutex_);
  TORCH_CHECK(!c10::GradMode::is_enabled(), "synchronized batch norm has no second derivatives");
  TORCH_CHECK(statistics_.mean.defined(), torch::autograd::ERR_BACKWARD_TWICE);
  variable_list out(3);
  if (!grads[0].defined()) return out;
  const at::Tensor x = x_.unpack(), weight = weight_.unpack(), &dy = grads[0];
  const auto &[mean, inverse, variance, rows] = statistics_;
  const int64_t c = x.size(1);
  at::Tensor sums = channel_sums(dy, at::zeros_like(mean), x, mean);
  out[1] = (sums.narrow(0, c, c) * inverse).to(weight.scalar_type());
  out[2] = sums.narrow(0, 0, c).to(weight.scalar_type());
  if (!task_should_compute_output(0)) return out; // on no rank
  at::Tensor all = sync_.weight() != 0 ? sums * sync_.weight() : at::zeros_like(sums);
  sync_.add_up(all);
  all = all * sync_.returned() / rows;
  const at::Tensor c1 = weight.to(at::kDouble) * inverse, c2 = -c1 * inverse * inverse * all.narrow(0, c, c);
  at::Tensor dx = scaled(x, c2, -c1 * all.narrow(0, 0, c) - c2 * mean);
  out[0] = dx.addcmul_(dy.to(dx.scalar_type()), extend(c1, x)).to(x.scalar_type());
  return out;
}

void check(const at::Tensor &x, const Norm &n) {
  TORCH_CHECK(x.dim() >= 2 && x.numel() > 0 && x.is_floating_point(), "batch norm: x must be (N, C, ...), not ",
              x.sizes());
  for (const at::Tensor *t : {&n.weight, &n.bias, &n.running_mean, &n.running_var})
    TORCH_CHECK(t->dim() == 1 && t->size(0) == x.size(1) && t->device() == x.device() && t->is_floating_point(),
                "batch norm: parameters and running statistics must be (", x.size(1), ") on ", x.device(), ", not ",
                t->sizes(), " on ", t->device());
}

at::Tensor forward(const at::Tensor &x, const Norm &n, bool keep, const NormSync &sync) {
  check(x, n);
  const bool record = c10::GradMode::is_enabled() && torch::autograd::compute_requires_grad(x, n.weight, n.bias);
  Statistics s;
  at::Tensor y;
  {
    c10::NoGradGuard no_grad;
    s = statistics(x.detach(), n, sync);
    const at::Tensor scale = n.weight.to(at::kDouble) * s.inverse;
    y = scaled(x, scale, n.bias.to(at::kDouble) - s.mean * scale).to(x.scalar_type());
    if (!keep) update_running(n, s);
  }
  if (!record) return y;
  auto node = depthwise::make_node<SyncBatchNormBackward>(x, n.weight, std::move(s), sync);
  node->set_next_edges(torch::autograd::collect_next_edges(x, n.weight, n.bias));
  torch::autograd::set_history(y, node);
  return y;
}

} // namespace

dw_error dw_sync_batch_norm(dw_tensor *out, dw_tensor x, const dw_batch_norm *n) {
  return depthwise::guard([&] {
    const Norm norm{tensor(n->weight), tensor(n->bias), tensor(n->mean), tensor(n->var), n->eps, n->momentum};
    *out = new at::Tensor(forward(tensor(x), norm, n->keep != 0, NormSync(n->sync)));
  });
}
