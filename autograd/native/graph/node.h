// Base class of the project's own nodes of libtorch's graph.
#pragma once
#include "graph/callback.h"
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/saved_variable.h>

namespace depthwise {

// libtorch's pointer to nodes: intrusive_ptr in 2.15, shared_ptr before.
using NodePointer = decltype(torch::autograd::Edge::function);

template <class T, class... Args> auto make_node(Args &&...args) {
  if constexpr (std::is_same_v<NodePointer, std::shared_ptr<torch::autograd::Node>>)
    return std::make_shared<T>(std::forward<Args>(args)...);
  else
    return c10::make_intrusive<T>(std::forward<Args>(args)...);
}

// A node that calls Go and saves tensors; libtorch detects in-place changes of saved tensors before
// their use.
class SavingNode : public torch::autograd::Node {
public:
  explicit SavingNode(std::shared_ptr<GoHandle> go) : go_(std::move(go)) {}

  void save(std::vector<torch::autograd::SavedVariable> tensors) { saved_ = std::move(tensors); }

  void release_variables() override {
    std::lock_guard<std::mutex> lock(mutex_);
    released_ = !saved_.empty();
    saved_.clear();
  }

protected:
  const GoHandle &go() const { return *go_; }

  torch::autograd::variable_list unpack() {
    std::lock_guard<std::mutex> lock(mutex_);
    TORCH_CHECK(!released_, torch::autograd::ERR_BACKWARD_TWICE);
    torch::autograd::variable_list tensors;
    for (auto &s : saved_) tensors.push_back(s.unpack(getptr()));
    return tensors;
  }

private:
  std::shared_ptr<GoHandle> go_;
  std::vector<torch::autograd::SavedVariable> saved_;
  bool released_ = false;
};

} // namespace depthwise
