//go:build ignore

// Tests the operations of update programs (update/kernels.h) against the same formulas in double, one element at a time. A
// standalone program, compiled in autograd/native:
//   g++ -std=c++20 -I. -O2 -DFUSED_ISA=avx2 -march=x86-64-v3 update/kernels_test.cc && ./a.out
// Arrays start at odd addresses and end within a vector; memory ends where they do.
#include "update/kernels.h"
#include <cstdio>
#include <vector>

using namespace depthwise::fused;
using namespace depthwise::fused::FUSED_ISA;

static int failures = 0;
static uint32_t state = 1;
static float noise() { // between 0.5 and 2.5: under a root and as a divisor as well
  state = state * 1664525 + 1013904223;
  return 1.5f + float(int(state >> 8) - (1 << 23)) / (1 << 23);
}

static double formula(const Instruction &x, double a, double b, double c) {
  const double s = x.s, t = x.t;
  switch (x.op) {
  case Op::scale:
    return s * a;
  case Op::add_scaled:
    return s * a + b;
  case Op::sum_scaled:
    return s * a + t * b;
  case Op::lerp_from_a:
    return a + s * (b - a);
  case Op::lerp_from_b:
    return b + s * (b - a);
  case Op::mul:
    return a * b;
  case Op::add_product:
    return s * a * b + t * c;
  case Op::add_rounded_product:
    return s * a * b + t * c;
  case Op::quotient:
    return s * a / b;
  case Op::add_quotient:
    return s * a / b + t * c;
  case Op::sqrt:
    return std::sqrt(a + t);
  case Op::affine_sqrt:
    return s * std::sqrt(a) + t;
  }
  return NAN;
}

// Every array of a piece, of n floats from an offset on.
struct Arrays {
  std::vector<float> data[kUpdateArrays];
  UpdatePiece piece;

  Arrays(int n, int offset, int count) : piece{n, {}} {
    for (int k = 0; k < count; k++) {
      data[k].resize(n + offset);
      data[k].shrink_to_fit();
      for (float &v : data[k]) v = noise();
      piece.arrays[k] = data[k].data() + offset;
    }
  }
};

// Runs a program on arrays, and the same operations in double on every element.
static void check(const char *what, const UpdateProgram &p, int n, int offset, int count) {
  Arrays x(n, offset, count);
  std::vector<float> before[kUpdateArrays];
  for (int k = 0; k < count; k++) before[k] = x.data[k];
  update(p, x.piece);
  for (int i = 0; i < n + offset; i++) {
    double value[kUpdateArrays + kUpdateTemporaries] = {};
    for (int k = 0; k < count; k++) value[k] = before[k][i];
    for (int k = 0; k < p.length && i >= offset; k++) { // elements before the offset must not change
      const Instruction &o = p.code[k];
      value[o.out] = formula(o, value[o.a], value[o.b], value[o.c]);
    }
    for (int k = 0; k < count; k++) {
      double got = x.data[k][i], want = value[k];
      if (!(std::fabs(got - want) <= 1e-6 * (1 + std::fabs(want))) && ++failures <= 30) // some roundings of 6e-8
        printf("%s, %d elements: array %d[%d] is %.9g, want %.9g\n", what, n, k, i, got, want);
    }
  }
}

// Each operation: from arrays to an array, in place, and through temporaries.
static void test_operations(int n, int offset) {
  const uint8_t t0 = kUpdateArrays, last = kUpdateArrays + kUpdateTemporaries - 1;
  for (int op = 0; op < kOps; op++) {
    auto of = [&](uint8_t out, uint8_t a, uint8_t b, uint8_t c) {
      return Instruction{Op(op), out, a, b, c, 0.375f, 0.75f};
    };
    char what[32];
    snprintf(what, sizeof what, "operation %d", op);
    check(what, {1, {of(3, 0, 1, 2)}}, n, offset, 4);
    check(what, {1, {of(0, 0, 0, 0)}}, n, offset, 1);
    check(what, {1, {of(2, 1, 2, 2)}}, n, offset, 3);
    check(what, {3, {of(t0, 0, 1, 2), of(last, t0, 1, t0), of(7, 2, last, t0)}}, n, offset, kUpdateArrays);
  }
}

// Whether a product and a sum are rounded once. The portable set leaves it to the compiler.
static void test_rounding() {
#if defined(__AVX2__)
  const float e = 1.0f / 4096; // (1+e)*(1+e) = 1 + 2e + e*e, and the last term is below a float's precision
  float a = 1 + e, c = -(1 + 2 * e);
  for (int n : {1, kUpdateBlock}) {
    std::vector<float> x(n, a), y(n, c), out(n);
    auto run = [&](Instruction o) {
      o.out = 2;
      update({1, {o}}, {n, {x.data(), y.data(), out.data()}});
      return out[n - 1];
    };
    const struct {
      const char *name;
      Instruction code;
      float want;
    } cases[] = {{"add_scaled", {Op::add_scaled, 0, 0, 1, 0, a, 0}, e * e},
                 {"add_product", {Op::add_product, 0, 0, 0, 1, 1, 1}, e * e},
                 {"add_rounded_product", {Op::add_rounded_product, 0, 0, 0, 1, 1, 1}, 0}};
    for (const auto &test : cases)
      if (float got = run(test.code); got != test.want && ++failures)
        printf("%s of %d elements gives %g, want %g\n", test.name, n, got, test.want);
  }
#endif
}

static void test_sum(int n) {
  std::vector<float> x(n);
  double want = 0;
  for (float &v : x) {
    v = noise() * 1e25f; // the square overflows a float
    want += double(v) * v;
  }
  if (std::fabs(square_sum(x.data(), n) - want) > 1e-12 * want && ++failures)
    printf("sum of %d squares is %g, want %g\n", n, square_sum(x.data(), n), want);
}

int main() {
  const int sizes[] = {1, 5, 15, 16, 17, 100, kUpdateBlock, kUpdateBlock + 1, 3 * kUpdateBlock - 1};
  for (int n : sizes) {
    test_sum(n);
    for (int offset = 0; offset < 3; offset++) test_operations(n, offset);
  }
  test_rounding();
  if (failures) printf("%d failures\n", failures);
  return failures != 0;
}
