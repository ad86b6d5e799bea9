//go:build ignore

// The C interface of the gradient reducer, and its hooks at the parameters.
#include "gradient_reducer.h"
#include "distributed/handle.h"
#include "distributed/reducer.h"
#include "graph/callback.h"
#include "graph/early_gradient.h"

using depthwise::EarlyGradientHook;
using depthwise::guard;
using depthwise::tensors;
using depthwise::distributed::Reducer;

namespace {

// The reducer holds the parameters, and they hold this.
class ReducerHook : public EarlyGradientHook {
public:
  ReducerHook(std::weak_ptr<Reducer> reducer, int place) : reducer_(std::move(reducer)), place_(place) {}

  void early(const at::Tensor &, const at::Tensor &gradient) override {
    if (auto r = reducer_.lock()) r->early(place_, gradient);
  }
  void operator()(const at::Tensor &) override {
    if (auto r = reducer_.lock()) r->accumulated(place_);
  }
  bool of(const Reducer *reducer) const { return reducer_.lock().get() == reducer; }

private:
  std::weak_ptr<Reducer> reducer_;
  int place_;
};

ReducerHook *hook_of(const at::Tensor &parameter) {
  return dynamic_cast<ReducerHook *>(torch::autograd::impl::post_acc_grad_hooks(parameter).get());
}

} // namespace

struct dw_reducer {
  std::shared_ptr<Reducer> reducer;
  ~dw_reducer() {
    for (const auto &p : reducer->parameters())
      if (auto *hook = hook_of(p); hook && hook->of(reducer.get()))
        torch::autograd::impl::set_post_acc_grad_hooks(p, nullptr);
  }
};

dw_error dw_reducer_new(dw_reducer **out, dw_process_group *group, const dw_reducer_options *o) {
  return guard([&] {
    auto reducer = std::make_shared<Reducer>(
        group->collective, depthwise::distributed::ReducerOptions{tensors(o->parameters, o->n),
                                                                  tensors(o->statistics, o->n_statistics),
                                                                  {o->first, o->middle, o->last},
                                                                  o->summed != 0,
                                                                  o->bf16 != 0,
                                                                  o->deferred != 0});
    const auto &parameters = reducer->parameters();
    for (const auto &p : parameters)
      TORCH_CHECK(hook_of(p) == nullptr, "a parameter of ", p.sizes(), " has a reducer already");
    for (size_t i = 0; i < parameters.size(); i++)
      torch::autograd::impl::set_post_acc_grad_hooks(parameters[i], std::make_unique<ReducerHook>(reducer, int(i)));
    *out = new dw_reducer{std::move(reducer)};
  });
}

void dw_reducer_free(dw_reducer *r) { delete r; }

dw_error dw_reducer_begin(dw_reducer *r, int64_t images, double weight) {
  return guard([&] { r->reducer->begin(images, weight); });
}

dw_error dw_reducer_finish(dw_reducer *r, int *missing, int *n_missing) {
  return guard([&] {
    const auto places = r->reducer->finish();
    std::copy(places.begin(), places.end(), missing);
    *n_missing = int(places.size());
  });
}

int dw_reducer_times(dw_reducer *r, dw_bucket *out, int places, int *bucket_of, double *finish, double *waited) {
  const auto all = r->reducer->times();
  for (int k = 0; k < int(all.size()) && k < places; k++)
    out[k] = {all[k].parameters, all[k].bytes, all[k].begun, all[k].ended};
  for (int i = 0; i < int(r->reducer->parameters().size()); i++) bucket_of[i] = r->reducer->bucket_of(i);
  *finish = r->reducer->finishing(), *waited = r->reducer->waited();
  return int(all.size());
}
