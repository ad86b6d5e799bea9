//go:build ignore

// The fully connected layer of the fused kernels as a node of libtorch's graph.
#include "fused_linear.h"
#include "graph/node.h"
#include "isa/select.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/functions/utils.h>

using depthwise::tensor;
using torch::autograd::SavedVariable;
using torch::autograd::variable_list;
using namespace depthwise::fused;

namespace {

at::Tensor scratch_of(int threads, const LinearSize &size) {
  return at::empty({int64_t(kernels_here().linear_scratch(threads, size))}, at::kByte);
}
Workers workers(int threads, const at::Tensor &scratch) { return {threads, static_cast<char *>(scratch.data_ptr())}; }

const float *values(const at::Tensor &t) { return t.defined() ? t.const_data_ptr<float>() : nullptr; }
float *destination(const at::Tensor &t) { return t.defined() ? t.data_ptr<float>() : nullptr; }

LinearSize size_of(const at::Tensor &x, const at::Tensor &w) {
  return {int(x.size(0)), int(x.size(1)), int(w.size(0))};
}

// The graph node.
class LinearNode : public torch::autograd::Node {
public:
  LinearNode(const at::Tensor &x, const at::Tensor &w, bool bias) : x_(x, false), w_(w, false), bias_(bias) {}

  std::string name() const override { return "FusedLinearBackward"; }

  void release_variables() override {
    std::lock_guard<std::mutex> lock(mutex_);
    x_.reset_data();
    w_.reset_data();
    released_ = true;
  }

  variable_list apply(variable_list &&grads) override {
    std::lock_guard<std::mutex> lock(mutex_);
    TORCH_CHECK(!c10::GradMode::is_enabled(), "the fused linear layer has no second derivatives; Scope.Linear does");
    TORCH_CHECK(!released_, torch::autograd::ERR_BACKWARD_TWICE);
    variable_list out(3);
    if (!grads[0].defined()) return out;
    const at::Tensor x = x_.unpack().contiguous(), w = w_.unpack().contiguous(), dy = grads[0].contiguous();
    const LinearSize size = size_of(x, w);
    if (task_should_compute_output(0)) out[0] = at::empty(x.sizes(), x.options());
    if (task_should_compute_output(1) || task_should_compute_output(2)) out[1] = at::empty(w.sizes(), w.options());
    if (bias_ && task_should_compute_output(2)) out[2] = at::empty({size.out}, w.options());
    const int threads = at::get_num_threads();
    const at::Tensor scratch = scratch_of(threads, size);
    kernels_here().linear_backward(
        workers(threads, scratch),
        {size, values(x), values(w), values(dy), destination(out[0]), destination(out[1]), destination(out[2])});
    return out;
  }

private:
  std::mutex mutex_;
  SavedVariable x_, w_;
  bool bias_, released_ = false;
};

void check(const at::Tensor &x, const at::Tensor &w, const at::Tensor &b) {
  for (const at::Tensor *t : {&x, &w, &b})
    TORCH_CHECK(!t->defined() || (t->scalar_type() == at::kFloat && t->device().is_cpu()),
                "the fused linear layer computes in float32 on the CPU, not in ", t->scalar_type(), " on ", t->device(),
                "; Scope.Linear accepts others");
  TORCH_CHECK(x.dim() == 2 && w.dim() == 2 && x.size(1) == w.size(1) &&
                  (!b.defined() || b.sizes() == w.sizes().slice(0, 1)),
              "the fused linear layer: x must be (N, in) and the weight (out, in), not ", x.sizes(), " and ", w.sizes(),
              "; the bias (out)");
  for (int64_t n : {x.size(0), x.size(1), w.size(0)})
    TORCH_CHECK(n > 0 && n < 1 << 24, "the fused linear layer: sizes must be from 1 to 16777215, not ", x.sizes(),
                " and ", w.sizes());
}

at::Tensor linear(const at::Tensor &x, const at::Tensor &w, const at::Tensor &b) {
  check(x, w, b);
  const bool record = c10::GradMode::is_enabled() && torch::autograd::compute_requires_grad(x, w, b);
  const LinearSize size = size_of(x, w);
  const at::Tensor from = x.detach().contiguous(), weight = w.detach().contiguous();
  const at::Tensor bias = b.defined() ? b.detach().contiguous() : b;
  at::Tensor y = at::empty({size.rows, size.out}, from.options());
  const int threads = at::get_num_threads();
  const at::Tensor scratch = scratch_of(threads, size);
  kernels_here().linear_forward(workers(threads, scratch),
                                {size, values(from), values(weight), values(bias), y.data_ptr<float>()});
  if (record) {
    auto node = depthwise::make_node<LinearNode>(x, w, b.defined());
    node->set_next_edges(torch::autograd::collect_next_edges(x, w, b));
    torch::autograd::set_history(y, node);
  }
  return y;
}

} // namespace

dw_error dw_linear(dw_tensor *y, dw_tensor x, dw_tensor w, dw_tensor b) {
  return depthwise::guard([&] { *y = new at::Tensor(linear(tensor(x), tensor(w), b ? tensor(b) : at::Tensor())); });
}
