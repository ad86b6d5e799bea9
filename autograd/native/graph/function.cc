//go:build ignore

// Operations whose backward pass is Go code: torch.autograd.Function.
#include "graph/node.h"
#include <climits>
#include <torch/csrc/autograd/functions/utils.h>

using depthwise::tensor;
using torch::autograd::SavedVariable;
using torch::autograd::variable_list;

namespace {

// The node of one application of such an operation.
class GoFunction : public depthwise::SavingNode {
public:
  GoFunction(std::string name, std::shared_ptr<depthwise::GoHandle> go)
      : SavingNode(std::move(go)), name_(std::move(name)) {}

  std::string name() const override { return name_; }

  variable_list apply(variable_list &&grads) override {
    variable_list in;
    for (size_t i = 0; i < grads.size(); i++)
      in.push_back(grads[i].defined() ? grads[i] : input_metadata(i).zeros_like());
    for (auto &t : unpack()) in.push_back(std::move(t));
    return depthwise::call(go(), in, num_outputs());
  }

private:
  std::string name_;
};

} // namespace

dw_error dw_apply(dw_tensor *out, const dw_tensor *raw, int n_out, const dw_tensor *inputs, int n_in,
                  const dw_tensor *saved, const int *source, int n_saved, const char *name, uintptr_t handle,
                  int record) {
  auto go = std::make_shared<depthwise::GoHandle>(handle);
  return depthwise::guard([&] {
    auto given = depthwise::tensors(inputs, n_in);
    variable_list results;
    for (int i = 0; i < n_out; i++) results.push_back(tensor(raw[i]).detach());
    bool needed = false;
    for (const auto &t : given) needed = needed || t.requires_grad();
    if (record != 0 && needed) {
      auto node = depthwise::make_node<GoFunction>(name, std::move(go));
      node->set_next_edges(torch::autograd::collect_next_edges(given));
      torch::autograd::set_history(results, node);
      std::vector<SavedVariable> kept;
      for (int i = 0; i < n_saved; i++) {
        if (source[i] >= 0)
          kept.emplace_back(given[source[i]], false);
        else if (source[i] == INT_MIN)
          kept.emplace_back(tensor(saved[i]), false);
        else
          kept.emplace_back(results[-1 - source[i]], true);
      }
      node->save(std::move(kept));
    }
    for (int i = 0; i < n_out; i++) out[i] = new at::Tensor(results[i]);
  });
}
