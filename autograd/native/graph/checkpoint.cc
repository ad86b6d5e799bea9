//go:build ignore

// Gradient checkpointing: torch.utils.checkpoint. A part of the graph is discarded after the
// forward pass and recomputed by the backward pass (Chen et al. 2016,
// https://arxiv.org/abs/1604.06174).
#include "graph/node.h"
#include <ATen/SequenceNumber.h>
#include <ATen/record_function.h>
#include <c10/core/GradMode.h>
#include <algorithm>
#include <limits>
#include <torch/csrc/autograd/engine.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <unordered_set>

using depthwise::tensor;
using torch::autograd::Edge;
using torch::autograd::edge_list;
using torch::autograd::Engine;
using torch::autograd::Node;
using torch::autograd::variable_list;

// State recorded before the function runs.
struct dw_checkpoint_state {
  uint64_t mark = 0;
  std::vector<std::pair<at::Generator, at::Tensor>> generator_states; // each generator with its state
};

namespace {

// Whether this thread made the node since the mark. Leaves do not count: they have the largest
// sequence number.
bool made_since(const Node &node, uint64_t mark) {
  return node.sequence_nr() >= mark && node.sequence_nr() != std::numeric_limits<uint64_t>::max() &&
         node.thread_id() == at::RecordFunction::currentThreadId();
}

// The edges from the part of y's graph made since the mark to leaves and older parts.
edge_list boundary(const at::Tensor &y, uint64_t mark) {
  edge_list found;
  std::unordered_set<Edge> listed;
  std::unordered_set<Node *> seen;
  std::vector<Edge> open;
  if (y.requires_grad()) open.push_back(torch::autograd::impl::gradient_edge(y));
  while (!open.empty()) {
    Edge edge = open.back();
    open.pop_back();
    if (!edge.is_valid()) continue;
    if (!made_since(*edge.function, mark)) {
      if (listed.insert(edge).second) found.push_back(edge);
    } else if (seen.insert(edge.function.get()).second) {
      for (const auto &next : edge.function->next_edges()) open.push_back(next);
    }
  }
  return found;
}

// Detaches the graph at the boundary while it lives. The inner backward pass must not traverse
// older parts, even where they lead to a parameter that the checkpoint uses too; and the boundary's
// hooks run when gradients leave the checkpoint, so they must not run inside it as well.
class DetachedBoundary {
public:
  explicit DetachedBoundary(const edge_list &edges) {
    std::unordered_set<Node *> nodes;
    for (const auto &e : edges)
      if (nodes.insert(e.function.get()).second) saved_.push_back({e.function.get(), {}, {}, {}});
    swap();
  }
  ~DetachedBoundary() { swap(); }
  DetachedBoundary(const DetachedBoundary &) = delete;

private:
  struct Saved {
    Node *node;
    edge_list next;
    std::remove_reference_t<decltype(std::declval<Node>().tensor_pre_hooks())> hooks;
    std::remove_reference_t<decltype(std::declval<Node>().retains_grad_hooks())> retains;
  };
  void swap() {
    for (auto &t : saved_) {
      std::swap(t.next, t.node->next_edges());
      std::swap(t.hooks, t.node->tensor_pre_hooks());
      std::swap(t.retains, t.node->retains_grad_hooks());
    }
  }
  std::vector<Saved> saved_;
};

// Restores generators to recorded states while it lives, and afterwards to what they were.
class RestoreGenerators {
public:
  explicit RestoreGenerators(std::vector<std::pair<at::Generator, at::Tensor>> generator_states)
      : states_(std::move(generator_states)) {
    swap();
  }
  ~RestoreGenerators() { swap(); }
  RestoreGenerators(const RestoreGenerators &) = delete;

private:
  void swap() {
    for (auto &[generator, state] : states_) {
      auto now = generator.get_state();
      generator.set_state(state);
      state = now;
    }
  }
  std::vector<std::pair<at::Generator, at::Tensor>> states_;
};

// The node that replaces the discarded part; its next edges are that part's boundary.
class Checkpoint : public depthwise::SavingNode {
public:
  Checkpoint(std::shared_ptr<depthwise::GoHandle> go, const dw_checkpoint_state &b)
      : SavingNode(std::move(go)), generator_states_(b.generator_states) {}

  std::string name() const override { return "checkpoint"; }

  variable_list apply(variable_list &&grads) override {
    bool create = c10::GradMode::is_enabled();
    auto inputs = unpack();
    uint64_t mark = at::sequence_number::peek();
    at::Tensor y;
    {
      c10::AutoGradMode record(true);
      RestoreGenerators restored(generator_states_);
      y = depthwise::call(go(), inputs, 1)[0];
    }
    check(y, mark);
    if (!grads[0].defined()) grads[0] = input_metadata(0).zeros_like();
    DetachedBoundary detached(next_edges());
    return Engine::get_default_engine().execute({torch::autograd::impl::gradient_edge(y)}, {grads[0]}, create, create,
                                                false, next_edges());
  }

private:
  void check(const at::Tensor &y, uint64_t mark) {
    auto again = boundary(y, mark);
    std::unordered_set<Edge> edges(again.begin(), again.end());
    bool same = edges.size() == next_edges().size() && input_metadata(0).is_same_shape(y);
    for (const auto &e : next_edges()) same = same && edges.count(e) > 0;
    TORCH_CHECK(same, "the checkpointed function built a different graph when it was recomputed: it must depend on its "
                      "inputs and on nothing that changes");
  }

  std::vector<std::pair<at::Generator, at::Tensor>> generator_states_;
};

} // namespace

dw_error dw_checkpoint_begin(dw_checkpoint_state **out, const dw_tensor *inputs, int n) {
  return depthwise::guard([&] {
    auto begun = std::make_unique<dw_checkpoint_state>();
    begun->mark = at::sequence_number::peek();
    std::vector<at::Device> devices = {at::kCPU};
    for (const auto &t : depthwise::tensors(inputs, n))
      if (std::find(devices.begin(), devices.end(), t.device()) == devices.end()) devices.push_back(t.device());
    for (const auto &d : devices) {
      auto generator = at::globalContext().defaultGenerator(d);
      begun->generator_states.emplace_back(generator, generator.get_state());
    }
    *out = begun.release();
  });
}

void dw_checkpoint_end(dw_checkpoint_state *b) { delete b; }

dw_error dw_checkpoint(dw_tensor *out, dw_tensor y, const dw_tensor *inputs, int n, const dw_checkpoint_state *b,
                       uintptr_t handle) {
  auto go = std::make_shared<depthwise::GoHandle>(handle);
  return depthwise::guard([&] {
    at::Tensor result = tensor(y).detach();
    auto edges = boundary(tensor(y), b->mark);
    if (!edges.empty()) {
      auto node = depthwise::make_node<Checkpoint>(std::move(go), *b);
      node->set_next_edges(std::move(edges));
      torch::autograd::set_history(result, node);
      std::vector<torch::autograd::SavedVariable> kept;
      for (const auto &t : depthwise::tensors(inputs, n)) kept.emplace_back(t, false);
      node->save(std::move(kept));
    }
    *out = new at::Tensor(result);
  });
}
