//go:build ignore

// Tests that the loops timed as the processor's peak (peaks/peaks.h) do the work that they report.
#include "peaks/peaks.h"
#include <cstdio>
#include <cstdlib>
#include <vector>

using namespace depthwise::fused;
using namespace depthwise::fused::FUSED_ISA;

static void expect(bool ok, const char *what) {
  if (ok) return;
  fprintf(stderr, "%s\n", what);
  exit(1);
}

template <class S> void test_products(const Workers &w) {
  constexpr int kPairs = kPack<Element<S>>, kSums = kRows * kVectors;
  V sums[kSums];
  expect(multiply_in_vectors<S>(5, sums) == 5.0 * kSums * kLanes * kPairs, "multiply-adds of a thread");
  for (int s = 0; s < kSums; s++) {
    float values[kLanes];
    store(values, sums[s]);
    for (float v : values) expect(v == s + 5 * kPairs, "a sum of products");
  }
  const double each = kTiled<Element<S>> ? 4.0 * 16 * 16 * 32 : 1.0 * kSums * kLanes * kPairs;
  expect(multiply_in_registers<S>(w, 5) == 5 * each * w.threads, "multiply-adds of all threads");
}

int main() {
  constexpr int kThreads = 3;
  constexpr size_t kStride = kPeakScratch, n = 64 * 11;
  alignas(64) static char scratch[kThreads * kStride];
  const Workers w{kThreads, scratch};
  test_products<float>(w);
  test_products<bf16>(w);
  alignas(64) static float a[n + 1], b[n], c[n];
  for (size_t i = 0; i < n; i++) b[i] = float(i), c[i] = float(2 * i + 1);
  a[n] = -1;
  add_memory(w, a, b, c, n);
  for (size_t i = 0; i < n; i++) expect(a[i] == float(3 * i + 1), "a = b + c");
  expect(a[n] == -1, "memory after a");
  read_memory(w, b, n);
  float total = 0;
  for (int t = 0; t < kThreads; t++)
    for (int i = 0; i < 64; i++) total += reinterpret_cast<float *>(scratch + t * kStride)[i];
  expect(total == float(n * (n - 1) / 2), "every float is read once");
}
