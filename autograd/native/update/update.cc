//go:build ignore

// Runs optimizers' update programs over all parameters in one pass over memory, and computes the
// gradients' norm.
#include "update.h"
#include "graph/callback.h"
#include "isa/select.h"
#include "threads/pool.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <algorithm>
#include <cmath>

using depthwise::tensor;
using namespace depthwise::fused;

static_assert(kOps == DW_AFFINE_SQRT + 1 && kUpdateArrays == DW_UPDATE_ARRAYS &&
              kUpdateTemporaries == DW_UPDATE_TEMPORARIES && kUpdateLength == DW_UPDATE_LENGTH);

namespace {

// Elements that a thread takes at a time and sums by themselves: the norm then does not depend on
// the number of threads.
constexpr int64_t kPiece = 1 << 14;

constexpr int kGradient = 1, kFirstArray = 2; // operands

struct Piece {
  const UpdateProgram *program;
  UpdatePiece at;
};

// Everything that a step runs over.
struct Plan {
  std::vector<UpdateProgram> programs;
  std::vector<Piece> pieces;
  int64_t elements = 0;
};

bool fits(const at::Tensor &t) {
  return t.scalar_type() == at::kFloat && t.device().is_cpu() && t.layout() == at::kStrided &&
         t.is_non_overlapping_and_dense();
}

// The same element at the same place in both.
bool same_layout(const at::Tensor &a, const at::Tensor &b) {
  if (a.sizes() != b.sizes()) return false;
  for (int64_t d = 0; d < a.dim(); d++)
    if (a.size(d) != 1 && a.stride(d) != b.stride(d)) return false;
  return true;
}

bool reads_gradient(const dw_update_group &g) {
  return std::any_of(g.program, g.program + g.length,
                     [](const dw_instruction &x) { return x.a == kGradient || x.b == kGradient || x.c == kGradient; });
}

void check_operand(const dw_update_group &g, int operand) {
  bool array = operand >= 0 && operand < kFirstArray + g.lists;
  bool temporary = operand >= kUpdateArrays && operand < kUpdateArrays + kUpdateTemporaries;
  TORCH_CHECK(array || temporary, "operand ", operand, " of an update program with ", g.lists,
              " arrays beside the parameter");
}

UpdateProgram checked_program(const dw_update_group &g) {
  TORCH_CHECK(g.length >= 0 && g.length <= kUpdateLength, "an update program of ", g.length, " operations; at most ",
              kUpdateLength);
  TORCH_CHECK(g.lists >= 0 && kFirstArray + g.lists <= kUpdateArrays, "an update program with ", g.lists,
              " arrays beside the parameter; at most ", kUpdateArrays - kFirstArray);
  UpdateProgram program{g.length, {}};
  for (int k = 0; k < g.length; k++) {
    const dw_instruction &x = g.program[k];
    TORCH_CHECK(int(x.op) >= 0 && int(x.op) < kOps, "operation ", int(x.op), " of an update program is unknown");
    TORCH_CHECK(x.out != kGradient, "an update program writes to the gradient");
    for (int operand : {x.out, x.a, x.b, x.c}) check_operand(g, operand);
    program.code[k] = {Op(x.op), uint8_t(x.out), uint8_t(x.a), uint8_t(x.b), uint8_t(x.c), x.s, x.t};
  }
  return program;
}

// The floats of a tensor beside a parameter. Backward passes lay out gradients like the parameter,
// and optim its state.
float *data_of(const char *what, const at::Tensor &t, const at::Tensor &parameter) {
  TORCH_CHECK(fits(t) && same_layout(t, parameter), what, " of ", t.sizes(), " ", t.scalar_type(), " on ", t.device(),
              " beside a parameter of ", parameter.sizes(), "; want float32 on the CPU, laid out alike");
  return t.data_ptr<float>();
}

UpdatePiece whole(const dw_update_group &g, int i) {
  const at::Tensor &p = tensor(g.parameters[i]);
  TORCH_CHECK(fits(p), "a parameter of ", p.sizes(), " ", p.scalar_type(), " on ", p.device(),
              "; want float32 on the CPU, without gaps");
  UpdatePiece x{p.numel(), {p.data_ptr<float>()}};
  if (reads_gradient(g)) x.arrays[kGradient] = data_of("a gradient", p.grad(), p);
  for (int k = 0; k < g.lists; k++) x.arrays[kFirstArray + k] = data_of("an array", tensor(g.arrays[k * g.n + i]), p);
  return x;
}

// Appends a parameter to the plan in pieces.
void add(Plan &plan, const UpdateProgram *program, const UpdatePiece &x) {
  for (int64_t from = 0; from < x.n; from += kPiece) {
    Piece piece{program, {std::min(kPiece, x.n - from), {}}};
    for (int k = 0; k < kUpdateArrays; k++) piece.at.arrays[k] = x.arrays[k] ? x.arrays[k] + from : nullptr;
    plan.pieces.push_back(piece);
    plan.elements += piece.at.n;
  }
}

Plan plan_of(const dw_update_group *groups, int n) {
  Plan plan;
  plan.programs.reserve(n); // pieces point to them
  for (int k = 0; k < n; k++) {
    plan.programs.push_back(checked_program(groups[k]));
    for (int i = 0; i < groups[k].n; i++) add(plan, &plan.programs.back(), whole(groups[k], i));
  }
  return plan;
}

// Calls f with each piece's index, on all threads.
template <class F> void each(const Plan &plan, F f) {
  depthwise::threads::run(plan.elements > kPiece ? at::get_num_threads() : 1, int(plan.pieces.size()),
                          [&](int piece, int) { f(piece); });
}

double norm_of(const Plan &plan) {
  std::vector<double> sums(plan.pieces.size());
  auto square_sum = kernels_here().square_sum;
  each(plan, [&](int64_t i) {
    const UpdatePiece &x = plan.pieces[i].at;
    const float *gradient = x.arrays[kGradient];
    sums[i] = gradient ? square_sum(gradient, x.n) : 0;
  });
  double sum = 0;
  for (double s : sums) sum += s;
  return std::sqrt(sum);
}

// Bumps the version counters of the arrays that the group's program writes.
void bump_versions(const dw_update_group &g) {
  bool written[kUpdateArrays + kUpdateTemporaries] = {};
  for (int k = 0; k < g.length; k++) written[g.program[k].out] = true;
  for (int i = 0; i < g.n; i++) {
    if (written[0]) tensor(g.parameters[i]).unsafeGetTensorImpl()->bump_version();
    for (int k = 0; k < g.lists; k++)
      if (written[kFirstArray + k]) tensor(g.arrays[k * g.n + i]).unsafeGetTensorImpl()->bump_version();
  }
}

bool complete(dw_missing *missing, const dw_update_group *groups, int n) {
  *missing = {-1, -1};
  for (int k = 0; k < n; k++)
    for (int i = 0; i < groups[k].n && reads_gradient(groups[k]); i++)
      if (!tensor(groups[k].parameters[i]).grad().defined()) {
        *missing = {k, i};
        return false;
      }
  return true;
}

} // namespace

int dw_update_fits(const dw_tensor *x, int n) {
  for (int i = 0; i < n; i++)
    if (!fits(tensor(x[i]))) return 0;
  return 1;
}

dw_error dw_update_norm(double *norm, dw_missing *missing, const dw_update_group *groups, int n) {
  return depthwise::guard([&] { *norm = complete(missing, groups, n) ? norm_of(plan_of(groups, n)) : 0; });
}

dw_error dw_update_step(dw_missing *missing, const dw_update_group *groups, int n) {
  return depthwise::guard([&] {
    if (!complete(missing, groups, n)) return;
    c10::NoGradGuard no_grad;
    Plan plan = plan_of(groups, n);
    auto update = kernels_here().update;
    each(plan, [&](int64_t i) { update(*plan.pieces[i].program, plan.pieces[i].at); });
    for (int k = 0; k < n; k++) bump_versions(groups[k]);
  });
}
