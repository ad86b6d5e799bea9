// What the tests of the kernels share: memory, random values, comparison.
#pragma once
#include "cuda/kernels/all.h"
#include "cuda/kernels/geometry.h"
#include <functional>
#include <limits>
#include <random>
#include <string>

namespace depthwise::cuda {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

inline int failures = 0;
inline std::mt19937 generator(1);
inline float uniform(double low, double high) {
  return float(std::uniform_real_distribution<double>(low, high)(generator));
}
inline int between(int low, int high) { return std::uniform_int_distribution<int>(low, high)(generator); }

inline float widen(float v) { return v; }
inline float widen(bf16 v) { return as_float(unsigned(v.bits) << 16); }
inline void narrow(float &to, float v) { to = v; }
inline void narrow(bf16 &to, float v) { to.bits = (unsigned short)round_bits(v); }

// Relative error of a value rounded to T; for float, of a sum of some terms.
template <class T> constexpr double kRounding = sizeof(T) == 2 ? 1.0 / 256 : 2e-6;

// Memory of exactly the requested size, filled with NaN, so that values that a kernel does not write
// are never mistaken for results.
template <class T> struct Buffer {
  size_t n;
  T *p;
  explicit Buffer(size_t n) : n(n), p(static_cast<T *>(malloc(n * sizeof(T)))) { poison(); }
  Buffer(const Buffer &) = delete;
  ~Buffer() { free(p); }
  void poison() const { memset(static_cast<void *>(p), 0xff, n * sizeof(T)); }
  T &operator[](size_t i) const { return p[i]; }
  double value(size_t i) const { return double(widen(p[i])); }
  void fill(const std::function<float()> &next) {
    for (size_t i = 0; i < n; i++) narrow(p[i], next());
  }
  bool operator==(const Buffer &b) const { return n == b.n && memcmp(p, b.p, n * sizeof(T)) == 0; }
};

// Runs again with the threads in the other order.
template <class Run> void in_reverse(Run run) {
  emulation::reversed = true;
  run();
  emulation::reversed = false;
}

// Checks that a value is within the tolerance, or that both are NaN.
inline void check(const std::string &what, size_t i, double got, double want, double tolerance) {
  if (std::isnan(want) ? std::isnan(got) : std::fabs(got - want) <= tolerance) return;
  if (failures++ < 20) printf("%s[%zu] is %.9g, want %.9g within %.3g\n", what.c_str(), i, got, want, tolerance);
}

inline void check_true(const std::string &what, bool ok) {
  if (!ok && failures++ < 20) printf("%s\n", what.c_str());
}

// libtorch's definitions of the activation functions, 0 none, 1 ReLU, 2 ReLU6, and of their slopes.
inline double activate(double z, int activation) {
  if (z != z || activation == 0) return z;
  return z < 0 ? 0 : activation == 2 && z > 6 ? 6 : z;
}
inline bool passes(double z, int activation) {
  return activation == 0 || z != z || (z > 0 && (activation == 1 || z < 6));
}

// Per-channel coefficients of batch norm: coef (4, c) and dcoef (3, c). Exact ones are whole numbers,
// so that z of whole numbers falls on the bounds of the activation functions.
inline void fill_coefficients(const Buffer<float> &coef, const Buffer<float> &dcoef, int c, bool exact) {
  for (int i = 0; i < c; i++) {
    coef[kMean * c + i] = exact ? 1 : uniform(-1, 1), coef[kInverse * c + i] = uniform(0.5, 2);
    coef[kScale * c + i] = exact ? 1 : uniform(0.5, 2) * (i % 3 == 0 ? -1 : 1);
    coef[kShift * c + i] = exact ? 0 : uniform(-1, 3);
    for (int k = 0; k < 3; k++) dcoef[k * c + i] = uniform(-1, 1);
  }
}

// z as the kernels compute it, so that both are on the same side of a bound.
inline float z_of(float y, const Buffer<float> &coef, int c, int channel) {
  return fmaf(y, coef[kScale * c + channel], coef[kShift * c + channel]);
}

// Adds the parts of partial (parts, quantities): the totals.
inline std::vector<double> totals(const Buffer<float> &partial, int parts) {
  std::vector<double> sums(partial.n / parts);
  for (size_t i = 0; i < partial.n; i++) sums[i % sums.size()] += partial[i];
  return sums;
}

} // namespace depthwise::cuda
