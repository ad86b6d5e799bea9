//go:build ignore

// Tests the optimizers' updates (fused_update.h) against the same formulas in double, one element at a time. A program by itself:
//   g++ -std=c++20 -O2 -DFUSED_ISA=avx2 -march=x86-64-v3 fused_update_test.cc && ./a.out
// Pieces begin at odd places and end within a vector; memory ends where they do.
#include "update/kernels.h"
#include <cstdio>
#include <vector>

using namespace depthwise::fused;
using namespace depthwise::fused::FUSED_ISA;

static int failures = 0;
static uint32_t state = 1;
static float noise() {
  state = state * 1664525 + 1013904223;
  return float(int(state >> 8) - (1 << 23)) / (1 << 23);
}

struct Element {
  double p, g, momentum, square, mean, average;
};

static double from_to(double from, double to, double weight) { return from + weight * (to - from); }

// What happens to an element.
static Element reference(const Update &u, const UpdatePiece &x, Element e) {
  double g = double(u.scale) * e.g + double(u.decay) * e.p;
  auto spread = [&] {
    e.mean = from_to(e.mean, g, u.fresh);
    return e.square - (x.mean ? e.mean * e.mean : 0);
  };
  switch (u.rule) {
  case Rule::average_only: break;
  case Rule::sgd: {
    double buffer = u.first ? g : u.momentum * e.momentum + u.present * g;
    e.p -= u.lr * (!x.momentum ? g : u.nesterov ? g + u.momentum * buffer : buffer);
    e.momentum = buffer;
    break;
  }
  case Rule::rmsprop: {
    e.square = u.past * e.square + u.fresh * g * g;
    double move = g / (std::sqrt(spread()) + u.eps) + (x.momentum ? u.momentum * e.momentum : 0);
    e.momentum = move;
    e.p -= u.lr * move;
    break;
  }
  case Rule::rmsprop_tf: {
    e.square = from_to(e.square, g * g, u.fresh);
    double move = u.lr * g / std::sqrt(spread() + u.eps) + (x.momentum ? u.momentum * e.momentum : 0);
    e.momentum = move;
    e.p -= move;
    break;
  }
  case Rule::adamw:
    e.p *= u.keep;
    e.mean = from_to(e.mean, g, u.present);
    e.square = u.past * e.square + u.fresh * g * g;
    e.p -= u.lr * e.mean / (std::sqrt(e.square) * u.correction + u.eps);
  }
  e.average = from_to(e.average, e.p, u.average);
  return e;
}

static void check(const char *what, int rule, int n, int i, double got, double want) {
  // A handful of roundings of 6e-8; roots of differences in the centered forms lose more.
  if (std::fabs(got - want) <= 3e-6 * (1 + std::fabs(want)))
    return;
  if (++failures <= 30)
    printf("rule %d, %d elements: %s[%d] is %.9g, want %.9g\n", rule, n, what, i, got, want);
}

// Kept: which of momentum, square and mean there are, and the average.
static void test(const Update &u, int n, int offset, bool momentum, bool square, bool mean, bool average) {
  auto make = [&](bool there, bool positive) {
    std::vector<float> v(there ? n + offset : 0);
    v.shrink_to_fit();
    for (float &x : v)
      x = positive ? 3 + noise() : noise(); // above the square of any mean
    return v;
  };
  auto p = make(true, false), g = make(true, false), b = make(momentum, false);
  auto v = make(square, true), m = make(mean, false), a = make(average, false);
  auto at = [&](std::vector<float> &x) { return x.empty() ? nullptr : x.data() + offset; };
  UpdatePiece piece{n, at(p), at(g), at(b), at(v), at(m), at(a)};
  auto p0 = p, b0 = b, v0 = v, m0 = m, a0 = a;
  update(u, piece);
  auto value = [&](const std::vector<float> &x, int i) { return x.empty() ? 0.0 : double(x[i]); };
  for (int i = 0; i < n + offset; i++) {
    Element e{value(p0, i), g[i], value(b0, i), value(v0, i), value(m0, i), value(a0, i)};
    if (i >= offset)
      e = reference(u, piece, e); // what lies before stays
    check("p", int(u.rule), n, i, p[i], e.p);
    if (momentum) check("momentum", int(u.rule), n, i, b[i], e.momentum);
    if (square) check("square", int(u.rule), n, i, v[i], e.square);
    if (mean) check("mean", int(u.rule), n, i, m[i], e.mean);
    if (average) check("average", int(u.rule), n, i, a[i], e.average);
  }
}

static void test_sum(int n) {
  std::vector<float> x(n);
  double want = 0;
  for (float &v : x) {
    v = noise() * 1e25f; // the square is no float
    want += double(v) * v;
  }
  if (std::fabs(square_sum(x.data(), n) - want) > 1e-12 * want && ++failures)
    printf("sum of %d squares is %g, want %g\n", n, square_sum(x.data(), n), want);
}

int main() {
  const int sizes[] = {1, 5, 15, 16, 17, 32, 100};
  for (int n : sizes) {
    test_sum(n);
    for (int choice = 0; choice < 32; choice++) {
      bool momentum = choice & 1, mean = choice & 2, average = choice & 4, short_memory = choice & 8;
      Update u{};
      u.scale = 0.5f, u.decay = 0.125f, u.keep = 0.75f, u.lr = 0.25f, u.momentum = 0.875f, u.present = 0.5f;
      u.past = short_memory ? 0.25f : 0.75f, u.fresh = 1 - u.past, u.eps = 0.5f, u.correction = 1.5f;
      u.average = choice & 16 ? 1 : 0.125f;
      u.first = choice & 16, u.nesterov = choice & 8;
      for (Rule rule : {Rule::average_only, Rule::sgd, Rule::rmsprop, Rule::rmsprop_tf, Rule::adamw}) {
        u.rule = rule;
        if (rule == Rule::average_only)
          test(u, n, choice % 3, false, false, false, true);
        else if (rule == Rule::sgd)
          test(u, n, choice % 3, momentum, false, false, average);
        else if (rule == Rule::adamw)
          test(u, n, choice % 3, false, true, true, average);
        else
          test(u, n, choice % 3, momentum, true, mean, average);
      }
    }
  }
  if (failures)
    printf("%d failures\n", failures);
  return failures != 0;
}
