//go:build ignore

// Compares the depthwise and pooling kernels with plain loops in double, for one ISA variant.
// Prints differences, and exits with 1 if there are any. A standalone program, compiled in
// autograd/native:
//   g++ -std=c++20 -I. -O2 -pthread -march=x86-64-v4 -mavx512bf16 -DFUSED_ISA=avx512bf16 \
//     depthwise/depthwise_test.cc threads/pool.cc -o test && ./test
#include "depthwise/depthwise.h"
#include "pool/pool.h"
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <limits>
#include <random>
#include <vector>

using namespace depthwise::fused;
using namespace depthwise::fused::FUSED_ISA;
using Doubles = std::vector<double>;

constexpr float kInfinity = std::numeric_limits<float>::infinity(), kNaN = std::numeric_limits<float>::quiet_NaN();

static int failures = 0;
static std::mt19937 generator(1);
static double uniform(double low, double high) { return std::uniform_real_distribution<double>(low, high)(generator); }
static int between(int low, int high) { return std::uniform_int_distribution<int>(low, high)(generator); }

static float widen(float v) { return v; }
static float widen(bf16 v) {
  uint32_t u = uint32_t(v) << 16;
  float f;
  memcpy(&f, &u, sizeof f);
  return f;
}
static void narrow(float &to, float v) { to = v; }
static void narrow(bf16 &to, float v) {
  uint32_t u;
  memcpy(&u, &v, sizeof u);
  to = bf16(v != v ? (u >> 16) | 0x40 : (u + 0x7fff + ((u >> 16) & 1)) >> 16);
}
// Relative error of a value rounded to S.
template <class S> constexpr double rounding = sizeof(S) == 2 ? 1.0 / 256 : 1e-6;

// Memory of exactly the requested size, filled with NaN, so that unwritten values are never
// mistaken for results.
template <class T> struct Buffer {
  size_t n;
  T *p;
  explicit Buffer(size_t n) : n(n), p(static_cast<T *>(aligned_alloc(64, whole_cache_lines(n * sizeof(T)) + 64))) {
    memset(p, 0xff, n * sizeof(T));
  }
  Buffer(const Buffer &) = delete;
  ~Buffer() { free(p); }
  T &operator[](size_t i) const { return p[i]; }
};

struct Case {
  const char *name;
  Window window;
  int channels, threads = 1;
  float cap = kInfinity;
  bool exact = false; // small whole numbers, so that values fall on 0 and on the cap
  bool moments = true;
  float special = 0; // replaces a value of x, g and y
};

static Case shaped(const char *name, int images, int height, int width, int stride, int top, int left, int channels,
                   int threads) {
  Case c{name, {images, height, width, 0, 0, stride, top, left}, channels, threads};
  // Padding of 1 on both sides if it is 1 before, else as needed on the right ("same").
  c.window.out_height = (height - 1) / stride + 1, c.window.out_width = (width - 1) / stride + 1;
  return c;
}

// Checks that a value is within the tolerance, or that both are NaN or the same infinity.
static void check(const Case &c, const char *what, size_t i, double got, double want, double tolerance) {
  if (std::isnan(want) ? std::isnan(got) : std::isinf(want) ? got == want : std::fabs(got - want) <= tolerance) return;
  if (failures++ < 20) {
    const Window &w = c.window;
    printf(
        "%s (%ldx%dx%dx%d to %dx%d, stride %d, top %d, left %d, %d threads): %s[%zu] is %.9g, want %.9g within %.3g\n",
        c.name, long(w.images), w.height, w.width, c.channels, w.out_height, w.out_width, w.stride, w.top, w.left,
        c.threads, what, i, got, want, tolerance);
  }
}

// For sums with non-finite terms: accepts any non-finite value.
static void check_sum(const Case &c, const char *what, size_t i, double got, double want, double tolerance) {
  if (!std::isfinite(want) && !std::isfinite(got)) return;
  check(c, what, i, got, want, tolerance);
}

static Buffer<float> *channel_values(const Case &c, double low, double high, double padding = 0) {
  auto *b = new Buffer<float>(padded(c.channels));
  for (int i = 0; i < padded(c.channels); i++)
    (*b)[i] = float(i >= c.channels ? padding : c.exact ? between(int(low), int(high)) : uniform(low, high));
  return b;
}

template <class S> static void fill_rows(const Case &c, const Buffer<S> &b, size_t rows) {
  int padded_channels = padded(c.channels);
  for (size_t r = 0; r < rows; r++)
    for (int i = 0; i < padded_channels; i++)
      narrow(b[r * padded_channels + i], i >= c.channels ? 0 : float(c.exact ? between(-3, 9) : uniform(-4, 4)));
  if (c.special != 0)
    narrow(b[size_t(between(0, int(rows) - 1)) * padded_channels + between(0, c.channels - 1)], c.special);
}

// All data of one case, owned.
template <class S> struct Data {
  Case c;
  int padded_channels;
  size_t in_rows, out_rows;
  Buffer<float> *scale, *shift, *bias, *pivot, *c1, *c2, *c3, *mean;
  Buffer<float> weight, packed, dw;
  Buffer<S> x, y, g, gx;
  Buffer<double> sum, square, sum_g, sum_gx;

  explicit Data(const Case &c)
      : c(c), padded_channels(padded(c.channels)), in_rows(size_t(c.window.images) * c.window.height * c.window.width),
        out_rows(size_t(c.window.images) * c.window.out_height * c.window.out_width), weight(c.channels * 9),
        packed(padded_channels * 9), dw(c.channels * 9), x(in_rows * padded_channels), y(out_rows * padded_channels),
        g(out_rows * padded_channels), gx(in_rows * padded_channels), sum(padded_channels), square(padded_channels),
        sum_g(padded_channels), sum_gx(padded_channels) {
    scale = channel_values(c, c.exact ? 1 : 0.5, c.exact ? 1 : 2),
    shift = channel_values(c, c.exact ? 0 : -1, c.exact ? 0 : 2);
    bias = channel_values(c, -2, 2), pivot = channel_values(c, -2, 2), mean = channel_values(c, -2, 2);
    c1 = channel_values(c, 1, 2), c2 = channel_values(c, -1, 1), c3 = channel_values(c, -1, 1);
    for (size_t i = 0; i < weight.n; i++) weight[i] = float(c.exact ? between(-2, 2) : uniform(-1, 1));
    fill_rows(c, x, in_rows), fill_rows(c, g, out_rows), fill_rows(c, y, out_rows);
    pack_depthwise({c.channels, weight.p, packed.p});
  }
  ~Data() {
    for (auto *b : {scale, shift, bias, pivot, c1, c2, c3, mean}) delete b;
  }
  Activation activation() const { return {scale->p, shift->p, c.cap}; }
  double z(size_t row, int i) const { return double(widen(x[row * padded_channels + i])) * (*scale)[i] + (*shift)[i]; }
  double a(size_t row, int i) const {
    double v = z(row, i);
    return v != v ? v : v < 0 ? 0 : v > c.cap ? c.cap : v;
  }
  bool stopped(size_t row, int i) const { return z(row, i) <= 0 || z(row, i) >= c.cap; }
  double dy(size_t row, int i) const {
    size_t at = row * padded_channels + i;
    return double(widen(g[at])) * (*c1)[i] + double(widen(y[at])) * (*c2)[i] + (*c3)[i];
  }
};

// Visits every pair of an output position and an input position under it, with the tap of the
// weights.
static void for_each_tap(const Window &w, const std::function<void(size_t out, size_t in, int tap)> &visit) {
  for (int64_t n = 0; n < w.images; n++)
    for (int o = 0; o < w.out_height; o++)
      for (int q = 0; q < w.out_width; q++)
        for (int tap = 0; tap < 9; tap++) {
          int h = o * w.stride + tap / 3 - w.top, v = q * w.stride + tap % 3 - w.left;
          if (h < 0 || h >= w.height || v < 0 || v >= w.width) continue;
          visit(size_t((n * w.out_height + o) * w.out_width + q), size_t((n * w.height + h) * w.width + v), tap);
        }
}

// Runs a kernel with scratch memory of exactly its size, and again with larger regions; the second run
// must give the same bits.
template <class K, class P, class T>
static void run_twice(const Case &c, size_t scratch_bytes, K kernel, const P &p,
                      std::initializer_list<const Buffer<T> *> outputs) {
  Buffer<char> scratch(scratch_bytes);
  Workers w{c.threads, scratch.p};
  kernel(w, p);
  std::vector<std::vector<char>> first;
  for (auto *b : outputs)
    first.emplace_back(reinterpret_cast<char *>(b->p), reinterpret_cast<char *>(b->p + b->n)),
        memset(b->p, 0xff, b->n * sizeof(T));
  w.region = scratch_bytes / c.threads + 192;
  Buffer<char> larger(w.region * c.threads);
  w.scratch = larger.p;
  memset(larger.p, 0xff, larger.n);
  kernel(w, p);
  size_t i = 0;
  for (auto *b : outputs) {
    bool same = memcmp(first[i].data(), b->p, b->n * sizeof(T)) == 0;
    check(c, "same bits of output", i++, same, true, 0);
  }
}

template <class S> static void test_forward(const Case &c) {
  Data<S> d(c);
  const int n = d.padded_channels;
  DepthwiseForward p{c.window,   n,         d.x.p, d.activation(),
                     d.packed.p, d.bias->p, d.y.p, {d.pivot->p, d.sum.p, d.square.p}};
  if (!c.moments) p.moments = {nullptr, nullptr, nullptr};
  run_twice<void (*)(const Workers &, const DepthwiseForward &), DepthwiseForward, S>(
      c, depthwise_forward_scratch<S>(c.threads, p), depthwise_forward<S>, p, {&d.y});
  Doubles want(d.out_rows * n), size(d.out_rows * n), sum(n), square(n), sum_size(n), square_size(n);
  for (size_t r = 0; r < d.out_rows; r++)
    for (int i = 0; i < n; i++) want[r * n + i] = (*d.bias)[i], size[r * n + i] = std::fabs((*d.bias)[i]);
  for_each_tap(c.window, [&](size_t out, size_t in, int tap) {
    for (int i = 0; i < c.channels; i++) {
      double v = d.a(in, i) * d.weight[i * 9 + tap];
      want[out * n + i] += v, size[out * n + i] += std::fabs(v);
    }
  });
  for (size_t k = 0; k < want.size(); k++) {
    int i = int(k % n);
    check(c, "y", k, widen(d.y[k]), want[k], size[k] * 1e-6 + std::fabs(want[k]) * rounding<S>);
    double off = want[k] - (*d.pivot)[i];
    sum[i] += off, square[i] += off * off;
    sum_size[i] += size[k] + std::fabs(off), square_size[i] += (size[k] + std::fabs(off)) * (size[k] + std::fabs(off));
  }
  for (int i = 0; i < n && c.moments; i++) {
    check_sum(c, "moments.sum", i, d.sum[i], sum[i], sum_size[i] * 1e-5);
    check_sum(c, "moments.square", i, d.square[i], square[i], square_size[i] * 2e-6);
  }
}

// Checks gradients of x, given before the mask, and their sums.
template <class S> static void check_gradients(const Data<S> &d, const Doubles &gradient, const Doubles &size) {
  const int n = d.padded_channels;
  Doubles sum(n), product(n), sum_size(n), product_size(n);
  for (size_t r = 0; r < d.in_rows; r++)
    for (int i = 0; i < n; i++) {
      size_t k = r * n + i;
      const bool stopped = d.stopped(r, i);
      double want = stopped ? 0 : gradient[k], off = widen(d.x[k]) - (*d.mean)[i];
      check(d.c, "gx", k, widen(d.gx[k]), want, stopped ? 0 : size[k] * 2e-6 + std::fabs(want) * rounding<S>);
      sum[i] += want, product[i] += want * off;
      sum_size[i] += size[k], product_size[i] += size[k] * std::fabs(off);
    }
  for (int i = 0; i < n; i++) {
    check_sum(d.c, "sums.g", i, d.sum_g[i], sum[i], sum_size[i] * 1e-5);
    check_sum(d.c, "sums.gx", i, d.sum_gx[i], product[i], product_size[i] * 1e-5);
  }
}

template <class S> static void test_backward(const Case &c) {
  Data<S> d(c);
  const int n = d.padded_channels;
  DepthwiseBackward p{c.window,
                      n,
                      c.channels,
                      d.g.p,
                      d.y.p,
                      {d.c1->p, d.c2->p, d.c3->p},
                      d.packed.p,
                      d.x.p,
                      d.activation(),
                      d.gx.p,
                      {d.mean->p, d.sum_g.p, d.sum_gx.p},
                      d.dw.p};
  run_twice<void (*)(const Workers &, const DepthwiseBackward &), DepthwiseBackward, S>(
      c, depthwise_backward_scratch<S>(c.threads, p), depthwise_backward<S>, p, {&d.gx});
  Doubles gradient(d.in_rows * n), size(d.in_rows * n), dw(c.channels * 9), dw_size(c.channels * 9);
  for_each_tap(c.window, [&](size_t out, size_t in, int tap) {
    for (int i = 0; i < c.channels; i++) {
      double dy = d.dy(out, i), a = d.a(in, i), v = dy * d.weight[i * 9 + tap];
      gradient[in * n + i] += v, size[in * n + i] += std::fabs(v) + 8 * std::fabs(d.weight[i * 9 + tap]);
      dw[i * 9 + tap] += dy * a, dw_size[i * 9 + tap] += (std::fabs(dy) + 8) * (a + 1);
    }
  });
  check_gradients(d, gradient, size);
  for (size_t k = 0; k < dw.size(); k++) {
    // A gradient outside the image is zero here and absent in the kernel: zero times infinity may
    // add a NaN.
    if (c.special != 0 && !std::isfinite(d.dw[k])) continue;
    check_sum(c, "dw", k, d.dw[k], dw[k], dw_size[k] * 2e-6);
  }
}

template <class S> static void test_pool(const Case &c) {
  Data<S> d(c);
  const int n = d.padded_channels;
  const int64_t images = c.window.images, positions = int64_t(c.window.height) * c.window.width;
  Buffer<float> features(images * c.channels), dfeatures(images * c.channels);
  for (size_t i = 0; i < dfeatures.n; i++) dfeatures[i] = float(uniform(-1, 1));
  PoolForward f{images, positions, n, c.channels, d.x.p, d.activation(), features.p};
  run_twice<void (*)(const Workers &, const PoolForward &), PoolForward, float>(c, 0, pool_forward<S>, f, {&features});
  PoolBackward b{
      images, positions, n, c.channels, dfeatures.p, d.x.p, d.activation(), d.gx.p, {d.mean->p, d.sum_g.p, d.sum_gx.p}};
  run_twice<void (*)(const Workers &, const PoolBackward &), PoolBackward, S>(c, 0, pool_backward<S>, b, {&d.gx});
  Doubles gradient(d.in_rows * n), size(d.in_rows * n);
  for (int64_t image = 0; image < images; image++)
    for (int i = 0; i < c.channels; i++) {
      double sum = 0, share = double(dfeatures[image * c.channels + i]) / double(positions);
      for (int64_t r = image * positions; r < (image + 1) * positions; r++) {
        sum += d.a(r, i);
        gradient[r * n + i] = share, size[r * n + i] = std::fabs(share);
      }
      check(c, "features", image * c.channels + i, features[image * c.channels + i], sum / positions,
            (sum + 8) / positions * 4e-6);
    }
  check_gradients(d, gradient, size);
}

static void test(const Case &c) {
  test_forward<float>(c), test_forward<bf16>(c);
  test_backward<float>(c), test_backward<bf16>(c);
  test_pool<float>(c), test_pool<bf16>(c);
}

static std::vector<Case> named_cases() {
  std::vector<Case> cases = {
      shaped("one position", 1, 1, 1, 1, 1, 1, 16, 1),
      shaped("one position, stride 2", 1, 1, 1, 2, 1, 1, 16, 2),
      shaped("one position, nothing before", 2, 1, 1, 2, 0, 0, 16, 3),
      shaped("2x2", 3, 2, 2, 1, 1, 1, 32, 2),
      shaped("2x2, stride 2, nothing before", 1, 2, 2, 2, 0, 0, 16, 2),
      shaped("one row", 2, 1, 9, 2, 1, 0, 16, 1),
      shaped("one column", 2, 9, 1, 2, 0, 1, 16, 2),
      shaped("more threads than rows", 1, 2, 5, 1, 1, 1, 16, 5),
      shaped("one image, two threads", 1, 14, 14, 1, 1, 1, 64, 2),
      shaped("same padding", 2, 8, 8, 2, 0, 0, 24, 2),
      shaped("eight channels", 2, 7, 6, 1, 1, 1, 8, 2),
  };
  Case streamed = shaped("non-temporal stores", 3, 101, 103, 1, 1, 1, 40, 2);
  cases.push_back(streamed);
  streamed = shaped("non-temporal stores, stride 2", 3, 201, 199, 2, 1, 0, 40, 2);
  cases.push_back(streamed);
  Case relu6 = shaped("on zero and on the cap of ReLU6", 2, 9, 8, 1, 1, 1, 24, 2);
  relu6.cap = 6, relu6.exact = true;
  cases.push_back(relu6);
  relu6.window.stride = 2, relu6.window.out_height = 5, relu6.window.out_width = 4;
  cases.push_back(relu6);
  Case valid = shaped("window inside the image", 2, 9, 8, 1, 0, 0, 16, 2);
  valid.window.out_height = 7, valid.window.out_width = 6;
  cases.push_back(valid);
  Case quiet = shaped("without moments", 2, 9, 8, 2, 1, 1, 16, 2);
  quiet.moments = false;
  cases.push_back(quiet);
  for (int stride = 1; stride <= 2; stride++)
    for (float special : {kNaN, kInfinity, -kInfinity}) {
      Case c = shaped("not finite", 2, 8, 7, stride, 1, 1, 16, 2);
      c.special = special;
      cases.push_back(c);
    }
  return cases;
}

int main() {
  for (const Case &c : named_cases()) test(c);
  for (int i = 0; i < 150; i++) {
    Case c = shaped("random", between(1, 5), between(1, 30), between(1, 30), between(1, 2), between(0, 1),
                    between(0, 1), between(1, 8) * 8, between(1, 3));
    if (between(0, 1)) c.cap = float(uniform(1, 6));
    test(c);
  }
  if (failures) printf("%d values differ\n", failures);
  return failures != 0;
}
