//go:build ignore

// Tests the schedule of bands (inference/bands.h) with stages whose rows are numbers: each is a sum
// over the rows in its window, so that a missing or wrong row shows. A standalone program, compiled
// in autograd/native:
//   g++ -std=c++20 -I. -O2 -DFUSED_ISA=portable inference/bands_test.cc && ./a.out
#include "inference/bands.h"
#include <cstdio>
#include <cstdlib>

using depthwise::fused::Bands;

static uint32_t state = 7;
static int random_between(int low, int high) {
  state = state * 1664525 + 1013904223;
  return low + int((state >> 8) % (high - low + 1));
}

// Row `row` of a stage, from the rows of the previous stage at x.
static uint64_t value(const std::vector<Bands::Stage> &stages, size_t stage, const uint64_t *x, int row) {
  if (stage == 0) return 1000003ull * (row + 1);
  const Bands::Stage &s = stages[stage];
  uint64_t sum = stage;
  for (int i = 0; i < 3; i++) {
    const int at = row * s.stride - s.top + i;
    if (at >= 0 && at < stages[stage - 1].rows) sum += (i + 3) * (x[at] * 31 + stage);
  }
  return sum;
}

static bool test(int rows, int count, int band, int parts) {
  std::vector<Bands::Stage> stages{{rows, sizeof(uint64_t), 0, 0}};
  for (int i = 1; i < count; i++) {
    const int stride = random_between(1, 2);
    stages.push_back({(stages.back().rows - 1) / stride + 1, sizeof(uint64_t), stride, random_between(0, 1)});
  }
  std::vector<uint64_t> want(rows), next;
  for (int r = 0; r < rows; r++) want[r] = value(stages, 0, nullptr, r);
  for (size_t s = 1; s < stages.size(); s++, want = next) {
    next.resize(stages[s].rows);
    for (int r = 0; r < stages[s].rows; r++) next[r] = value(stages, s, want.data(), r);
  }
  const Bands bands(stages, band);
  std::vector<uint64_t> got(want.size());
  for (int p = 0; p < parts; p++) {
    char *buffers = static_cast<char *>(
        malloc(bands.bytes() + 1)); // of the exact size, so that a sanitizer detects every access beyond it
    memset(buffers, 0xff, bands.bytes());
    const int n = int(want.size());
    bands.compute(buffers, reinterpret_cast<char *>(got.data()), n * p / parts, n * (p + 1) / parts,
                  [&](size_t stage, const char *x, char *y, int begin, int end) {
                    for (int r = begin; r < end; r++)
                      reinterpret_cast<uint64_t *>(y)[r] =
                          value(stages, stage, reinterpret_cast<const uint64_t *>(x), r);
                  });
    free(buffers);
  }
  if (got == want) return true;
  printf("%d rows, %d stages, bands of %d, %d parts: wrong output\n", rows, count, band, parts);
  return false;
}

int main() {
  bool ok = test(112, 5, 4, 1) && test(112, 5, 4, 2) && test(1, 2, 4, 1);
  for (int i = 0; i < 500; i++)
    ok = test(random_between(1, 60), random_between(2, 7), random_between(1, 9), random_between(1, 4)) && ok;
  return !ok;
}
