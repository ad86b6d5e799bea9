//go:build ignore

// Optimizers' updates in one pass over memory, with the limit of the gradients' norm and the weight average in it.
#include "update.h"
#include "graph/callback.h"
#include "isa/select.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <algorithm>
#include <cmath>

using depthwise::tensor;
using namespace depthwise::fused;

namespace {

// Elements that one thread takes at a time, and that are summed by themselves: the norm then does not depend on the threads.
constexpr int64_t kPiece = 1 << 14;
constexpr double kClipEps = 1e-6; // of torch.nn.utils.clip_grad_norm_

struct Piece {
  int64_t start; // counted over all pieces
  const Update *update;
  UpdatePiece at;
};

// All that a step goes over.
struct Plan {
  std::vector<Update> updates;
  std::vector<Piece> pieces;
  int64_t elements = 0;
};

bool fits(const at::Tensor &t) {
  return t.scalar_type() == at::kFloat && t.device().is_cpu() && t.layout() == at::kStrided && t.is_non_overlapping_and_dense();
}

// The same element at the same place in both.
bool laid_out_alike(const at::Tensor &a, const at::Tensor &b) {
  if (a.sizes() != b.sizes())
    return false;
  for (int64_t d = 0; d < a.dim(); d++)
    if (a.size(d) != 1 && a.stride(d) != b.stride(d))
      return false;
  return true;
}

// The numbers as the kernels take them: reckoned in double, as libtorch does, and rounded once.
Update numbers(const dw_update_group &g, double average) {
  Update u{};
  u.rule = Rule(g.rule);
  u.average = float(average);
  u.lr = float(g.lr);
  u.momentum = float(g.momentum);
  u.present = float(1 - g.dampening);
  u.past = float(g.past);
  u.fresh = float(1 - g.past);
  u.eps = float(g.eps);
  u.first = g.step == 1;
  u.nesterov = g.nesterov != 0;
  if (u.rule == Rule::adamw) {
    u.present = float(1 - g.momentum);
    u.keep = float(1 - g.lr * g.decay);
    u.lr = float(g.lr / (1 - std::pow(g.momentum, double(g.step))));
    u.correction = float(1 / std::sqrt(1 - std::pow(g.past, double(g.step))));
  } else {
    u.decay = float(g.decay);
  }
  return u;
}

// The numbers of a tensor that stands beside a parameter. Backward passes lay gradients out so, and optim what it keeps.
float *data_of(const char *what, const at::Tensor &t, const at::Tensor &parameter) {
  TORCH_CHECK(fits(t) && laid_out_alike(t, parameter), "a ", what, " of ", t.sizes(), " ", t.scalar_type(), " on ", t.device(),
              " beside a parameter of ", parameter.sizes(), "; want float32 on the CPU, laid out alike");
  return t.data_ptr<float>();
}

float *kept(const char *what, const dw_tensor *list, int i, const at::Tensor &parameter) {
  return list ? data_of(what, tensor(list[i]), parameter) : nullptr;
}

UpdatePiece whole(const dw_update_group &group, int i) {
  const at::Tensor &p = tensor(group.parameters[i]);
  TORCH_CHECK(fits(p), "a parameter of ", p.sizes(), " ", p.scalar_type(), " on ", p.device(), "; want float32 on the CPU, without gaps");
  UpdatePiece x{};
  x.n = p.numel();
  x.p = p.data_ptr<float>();
  x.g = group.rule == DW_AVERAGE_ONLY ? nullptr : data_of("gradient", p.grad(), p);
  x.momentum = kept("momentum", group.momenta, i, p);
  x.square = kept("square average", group.squares, i, p);
  x.mean = kept("mean", group.means, i, p);
  x.average = kept("weight average", group.averages, i, p);
  return x;
}

void cut(Plan &plan, const Update *u, UpdatePiece x) {
  auto on = [](auto *p, int64_t by) { return p ? p + by : p; };
  for (int64_t from = 0; from < x.n; from += kPiece) {
    int64_t n = std::min(kPiece, x.n - from);
    UpdatePiece part{n, on(x.p, from), on(x.g, from), on(x.momentum, from), on(x.square, from), on(x.mean, from), on(x.average, from)};
    plan.pieces.push_back({plan.elements, u, part});
    plan.elements += n;
  }
}

// Calls f with each piece's index, on all threads: neighbors on the same one.
template <class F> void each(const Plan &plan, F f) {
  at::parallel_for(0, plan.elements, kPiece, [&](int64_t begin, int64_t end) {
    auto before = [](const Piece &p, int64_t start) { return p.start < start; };
    auto i = std::lower_bound(plan.pieces.begin(), plan.pieces.end(), begin, before) - plan.pieces.begin();
    for (; i < int64_t(plan.pieces.size()) && plan.pieces[i].start < end; i++)
      f(i);
  });
}

double norm_of(const Plan &plan) {
  std::vector<double> sums(plan.pieces.size());
  auto square_sum = kernels_here().square_sum;
  each(plan, [&](int64_t i) {
    const UpdatePiece &x = plan.pieces[i].at;
    sums[i] = x.g ? square_sum(x.g, x.n) : 0;
  });
  double sum = 0;
  for (double s : sums)
    sum += s;
  return std::sqrt(sum);
}

// What libtorch is to know of as changed in place.
void changed(const dw_tensor *list, int n) {
  for (int i = 0; list && i < n; i++)
    tensor(list[i]).unsafeGetTensorImpl()->bump_version();
}

bool complete(dw_updated *out, const dw_update *u) {
  for (int k = 0; k < u->n; k++)
    for (int i = 0; i < u->groups[k].n; i++)
      if (u->groups[k].rule != DW_AVERAGE_ONLY && !tensor(u->groups[k].parameters[i]).grad().defined()) {
        out->missing_group = k;
        out->missing = i;
        return false;
      }
  return true;
}

void step(dw_updated *out, const dw_update *u) {
  *out = {0, -1, -1};
  if (!complete(out, u))
    return;
  Plan plan;
  plan.updates.reserve(u->n); // pieces point at them
  for (int k = 0; k < u->n; k++) {
    plan.updates.push_back(numbers(u->groups[k], u->average_weight));
    for (int i = 0; i < u->groups[k].n; i++)
      cut(plan, &plan.updates.back(), whole(u->groups[k], i));
  }
  double scale = u->scale;
  if (u->max_norm > 0) {
    out->norm = std::abs(scale) * norm_of(plan);
    if (!std::isfinite(out->norm))
      return;
    scale *= std::min(1.0, u->max_norm / (out->norm + kClipEps));
  }
  for (Update &update : plan.updates)
    update.scale = float(scale);
  auto update = kernels_here().update;
  each(plan, [&](int64_t i) { update(*plan.pieces[i].update, plan.pieces[i].at); });
  for (int k = 0; k < u->n; k++) {
    const dw_update_group &g = u->groups[k];
    for (const dw_tensor *list : {g.rule == DW_AVERAGE_ONLY ? nullptr : g.parameters, g.momenta, g.squares, g.means, g.averages})
      changed(list, g.n);
  }
}

} // namespace

int dw_update_fits(const dw_tensor *x, int n) {
  for (int i = 0; i < n; i++)
    if (!fits(tensor(x[i])))
      return 0;
  return 1;
}

dw_error dw_update_step(dw_updated *out, const dw_update *u) {
  return depthwise::guard([&] {
    c10::NoGradGuard no_grad;
    step(out, u);
  });
}
