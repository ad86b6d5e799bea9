// Optimizers' updates: one pass over parameters, gradients, what the optimizer keeps, and the weight average. A plain loop
// with the formula in the middle reaches memory's speed, because each number is read and written once.
#pragma once
#include "isa/simd.h"

namespace depthwise::fused::FUSED_ISA {

// from + weight*(to - from), reckoned from the nearer end as libtorch does, so that a weight of 1 gives `to` itself.
FUSED_INLINE V lerp(V from, V to, float weight) {
  return weight < 0.5f ? from + set1(weight) * (to - from) : to - set1(1 - weight) * (to - from);
}

// Sixteen elements of an UpdatePiece.
struct Lanes {
  V p, g, momentum, square, mean;
};

FUSED_INLINE void sgd(const Update &u, const UpdatePiece &x, Lanes &v) {
  V move = v.g;
  if (x.momentum) {
    v.momentum = u.first ? v.g : set1(u.momentum) * v.momentum + set1(u.present) * v.g; // PyTorch's first buffer is not dampened
    move = u.nesterov ? v.g + set1(u.momentum) * v.momentum : v.momentum;
  }
  v.p -= set1(u.lr) * move;
}

// The square average, less the square of the mean where one is kept.
FUSED_INLINE V variance(const Update &u, const UpdatePiece &x, Lanes &v) {
  if (!x.mean)
    return v.square;
  v.mean = lerp(v.mean, v.g, u.fresh);
  return v.square - v.mean * v.mean;
}

FUSED_INLINE void rmsprop(const Update &u, const UpdatePiece &x, Lanes &v) {
  v.square = set1(u.past) * v.square + set1(u.fresh) * v.g * v.g;
  V move = v.g / (root(variance(u, x, v)) + set1(u.eps));
  if (x.momentum)
    move = v.momentum = set1(u.momentum) * v.momentum + move;
  v.p -= set1(u.lr) * move;
}

FUSED_INLINE void rmsprop_tf(const Update &u, const UpdatePiece &x, Lanes &v) {
  v.square = lerp(v.square, v.g * v.g, u.fresh);
  V move = set1(u.lr) * v.g / root(variance(u, x, v) + set1(u.eps));
  if (x.momentum)
    move = v.momentum = set1(u.momentum) * v.momentum + move;
  v.p -= move;
}

FUSED_INLINE void adamw(const Update &u, const UpdatePiece &, Lanes &v) {
  v.p *= set1(u.keep);
  v.mean = lerp(v.mean, v.g, u.present);
  v.square = set1(u.past) * v.square + set1(u.fresh) * v.g * v.g;
  v.p -= set1(u.lr) * v.mean / (root(v.square) * set1(u.correction) + set1(u.eps));
}

// n elements from i on; n is kLanes but at the end. Null stands for nothing.
FUSED_INLINE V take(const float *p, int64_t i, int n) {
  if (!p) return V{};
  if (n == kLanes) return load(p + i);
  float some[kLanes] = {};
  memcpy(some, p + i, n * sizeof(float));
  return load(some);
}
FUSED_INLINE void give(float *p, int64_t i, int n, V v) {
  if (!p) return;
  if (n == kLanes) return store(p + i, v);
  float some[kLanes];
  store(some, v);
  memcpy(p + i, some, n * sizeof(float));
}

template <void (*rule)(const Update &, const UpdatePiece &, Lanes &)>
FUSED_INLINE void update_lanes(const Update &u, const UpdatePiece &x, int64_t i, int n) {
  Lanes v{take(x.p, i, n), set1(u.scale) * take(x.g, i, n), take(x.momentum, i, n), take(x.square, i, n), take(x.mean, i, n)};
  v.g += set1(u.decay) * v.p;
  rule(u, x, v);
  give(x.p, i, n, v.p);
  give(x.momentum, i, n, v.momentum);
  give(x.square, i, n, v.square);
  give(x.mean, i, n, v.mean);
  if (x.average)
    give(x.average, i, n, lerp(take(x.average, i, n), v.p, u.average));
}

template <void (*rule)(const Update &, const UpdatePiece &, Lanes &)> static void update_by(const Update &u, const UpdatePiece &x) {
  int64_t i = 0;
  for (; i + kLanes <= x.n; i += kLanes)
    update_lanes<rule>(u, x, i, kLanes);
  if (i < x.n)
    update_lanes<rule>(u, x, i, int(x.n - i));
}

static void update_average(const Update &u, const UpdatePiece &x) {
  for (int64_t i = 0; i < x.n; i += kLanes) {
    int n = x.n - i < kLanes ? int(x.n - i) : kLanes;
    give(x.average, i, n, lerp(take(x.average, i, n), take(x.p, i, n), u.average));
  }
}

static void update(const Update &u, const UpdatePiece &x) {
  switch (u.rule) {
  case Rule::average_only: return update_average(u, x);
  case Rule::sgd: return update_by<sgd>(u, x);
  case Rule::rmsprop: return update_by<rmsprop>(u, x);
  case Rule::rmsprop_tf: return update_by<rmsprop_tf>(u, x);
  case Rule::adamw: return update_by<adamw>(u, x);
  }
}

// The sum of squares of n floats, in double: no float's square overflows there.
static double square_sum(const float *x, int64_t n) {
  double sums[kLanes] = {}, total = 0;
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
#pragma omp simd
    for (int k = 0; k < kLanes; k++)
      sums[k] += double(x[i + k]) * x[i + k];
  for (; i < n; i++)
    sums[i % kLanes] += double(x[i]) * x[i];
  for (double sum : sums)
    total += sum;
  return total;
}

} // namespace depthwise::fused::FUSED_ISA
