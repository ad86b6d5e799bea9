//go:build ignore

// Tests the products of the fused backbone (pointwise/pointwise.h, stem/stem.h, stem/backward.h)
// against loops in double. A standalone program, compiled in autograd/native:
//   g++ -std=c++20 -I. -O2 -pthread -DFUSED_ISA=avx2 -march=x86-64-v3 pointwise/pointwise_test.cc \
//     threads/pool.cc && ./a.out
// Inputs have few bits, so that activations and gradients are exact in float and round to S
// identically in the kernels and here. The remaining difference is the order of the sums.
#include "pointwise/pointwise.h"
#include "stem/backward.h"
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

using namespace depthwise::fused;
using namespace depthwise::fused::FUSED_ISA;

static int failures = 0;
static char name[200];

// Memory of exactly n values, aligned like the library's, so that a sanitizer detects every access
// beyond it.
template <class T> struct Buffer {
  T *p = nullptr;
  size_t n;
  explicit Buffer(size_t n) : n(n) {
    if (posix_memalign(reinterpret_cast<void **>(&p), 64, n * sizeof(T) + 1)) abort();
    memset(static_cast<void *>(p), 0, n * sizeof(T));
  }
  Buffer(const Buffer &) = delete;
  ~Buffer() { free(p); }
  T &operator[](size_t i) { return p[i]; }
  const T &operator[](size_t i) const { return p[i]; }
};

static uint32_t state = 1;
static uint32_t random_bits() {
  state = state * 1664525 + 1013904223;
  return state >> 8;
}
static float random_step(int steps, float unit) { return (int(random_bits() % (2 * steps + 1)) - steps) * unit; }
static int random_between(int low, int high) { return low + int(random_bits() % (high - low + 1)); }

static double value(float v) { return v; }
static double value(bf16 v) {
  uint32_t u = uint32_t(v) << 16;
  float f;
  memcpy(&f, &u, sizeof f);
  return f;
}
static void set(float &to, double v) { to = float(v); }
static void set(bf16 &to, double v) {
  float f = float(v);
  uint32_t u;
  memcpy(&u, &f, sizeof u);
  to = bf16(f != f ? 0x7fc0 : (u + 0x7fff + (u >> 16 & 1)) >> 16);
}
template <class S> double rounded(double v) {
  S s;
  set(s, v);
  return value(s);
}

// Fails unless got equals want within the float rounding error of sums of that magnitude, and half
// a unit of S where the value is stored.
static void check(const char *what, size_t at, double got, double want, double magnitude, double stored = 0) {
  if (std::isnan(got) && std::isnan(want)) return;
  if (got == want || (std::isfinite(want) && std::fabs(got - want) <= 1e-5 * magnitude + stored * std::fabs(want)))
    return;
  if (++failures <= 30) printf("%s: %s[%zu] is %g, want %g\n", name, what, at, got, want);
}
template <class S> constexpr double kStored = sizeof(S) == 2 ? 1.0 / 256 : 1e-7;

static double reference_activation(double x, double scale, double shift, double cap) {
  double z = scale * x + shift;
  return z < 0 ? 0 : z > cap ? cap : z;
}

struct Case {
  int64_t rows;
  int in, out, threads;
  float cap;
  bool moments = true;
  double poison = 0; // replaces one value of x
};

template <class S> struct Problem {
  Case c;
  int in, out; // padded
  Buffer<float> weight, bias, scale, shift, pivot, mean, c1, c2, c3;
  Buffer<S> x, g, y0;
  std::vector<double> w_, a_, dy_; // (out, in), (rows, in), (rows, out): the operands of the loops below
  explicit Problem(const Case &c)
      : c(c), in(padded(c.in)), out(padded(c.out)), weight(size_t(c.in) * c.out), bias(out), scale(in), shift(in),
        pivot(out), mean(in), c1(out), c2(out), c3(out), x(c.rows * in), g(c.rows * out), y0(c.rows * out) {
    for (size_t i = 0; i < weight.n; i++) weight[i] = random_step(400, 1.0f / 512);
    for (int i = 0; i < c.in; i++) {
      scale[i] = random_step(8, 0.125f), shift[i] = random_step(16, 0.0625f), mean[i] = random_step(8, 0.25f);
      for (int64_t r = 0; r < c.rows; r++) set(x[r * in + i], random_step(32, 0.125f) * (random_bits() % 4 ? 1 : 4));
    }
    for (int i = 0; i < c.out; i++) {
      bias[i] = random_step(16, 0.25f), pivot[i] = random_step(16, 0.25f);
      c1[i] = random_step(8, 0.125f), c2[i] = random_step(8, 0.0625f), c3[i] = random_step(8, 0.125f);
      for (int64_t r = 0; r < c.rows; r++)
        set(g[r * out + i], random_step(32, 0.125f)), set(y0[r * out + i], random_step(32, 0.125f));
    }
    if (c.poison != 0) set(x[(c.rows / 2) * in + c.in / 2], c.poison), scale[c.in / 2] = 1;
    for (int o = 0; o < out; o++)
      for (int i = 0; i < in; i++) w_.push_back(o < c.out && i < c.in ? rounded<S>(weight[size_t(o) * c.in + i]) : 0);
    for (int64_t r = 0; r < c.rows; r++) {
      for (int i = 0; i < in; i++)
        a_.push_back(rounded<S>(reference_activation(value(x[r * in + i]), scale[i], shift[i], c.cap)));
      for (int o = 0; o < out; o++)
        dy_.push_back(rounded<S>(c1[o] * value(g[r * out + o]) + (c2[o] * value(y0[r * out + o]) + c3[o])));
    }
  }
  double w(int o, int i) const { return w_[size_t(o) * in + i]; }
  double a(int64_t r, int i) const { return a_[r * in + i]; }
  double dy(int64_t r, int o) const { return dy_[r * out + o]; }
};

template <class S> struct Result {
  Buffer<S> y, gx;
  Buffer<double> sum, square, sum_g, sum_gx;
  Buffer<float> dw;
  explicit Result(const Problem<S> &p)
      : y(p.c.rows * p.out), gx(p.c.rows * p.in), sum(p.out), square(p.out), sum_g(p.in), sum_gx(p.in),
        dw(size_t(p.c.in) * p.c.out) {}
};

// Runs both passes with scratch memory filled with the given byte, and regions of `more` bytes more than
// the kernels need.
template <class S> void compute(const Problem<S> &p, Result<S> &r, int garbage, size_t more) {
  Buffer<char> forward(panel_bytes<S>(p.c.in, p.c.out)), backward(panel_bytes<S>(p.c.in, p.c.out));
  memset(forward.p, garbage, forward.n);
  memset(backward.p, garbage, backward.n);
  PointwiseForward f{p.c.rows,
                     p.in,
                     p.out,
                     p.x.p,
                     {p.scale.p, p.shift.p, p.c.cap},
                     forward.p,
                     p.bias.p,
                     r.y.p,
                     {p.pivot.p, r.sum.p, r.square.p}};
  if (!p.c.moments) f.moments = {};
  PointwiseBackward b{p.c.rows,
                      p.in,
                      p.out,
                      p.c.in,
                      p.c.out,
                      p.g.p,
                      p.y0.p,
                      {p.c1.p, p.c2.p, p.c3.p},
                      backward.p,
                      p.x.p,
                      {p.scale.p, p.shift.p, p.c.cap},
                      r.gx.p,
                      {p.mean.p, r.sum_g.p, r.sum_gx.p},
                      r.dw.p};
  size_t bytes = pointwise_forward_scratch<S>(p.c.threads, f), other = pointwise_backward_scratch<S>(p.c.threads, b);
  if (other > bytes) bytes = other;
  const size_t region = bytes / p.c.threads + more;
  Buffer<char> scratch(region * p.c.threads);
  memset(scratch.p, garbage, scratch.n);
  Workers w{p.c.threads, scratch.p, region};
  pack_pointwise<S>(w, {p.c.in, p.c.out, p.weight.p, forward.p, backward.p});
  pointwise_forward<S>(w, f);
  memset(scratch.p, garbage, scratch.n);
  pointwise_backward<S>(w, b);
}

template <class S> void check_forward(const Problem<S> &p, const Result<S> &r) {
  for (int o = 0; o < p.out; o++) {
    double sum = 0, square = 0, sum_size = 0, square_size = 0;
    for (int64_t row = 0; row < p.c.rows; row++) {
      double y = p.bias[o], size = std::fabs(y);
      for (int i = 0; i < p.in; i++) {
        double term = p.a(row, i) * p.w(o, i);
        y += term, size += std::fabs(term);
      }
      check("y", row * p.out + o, value(r.y[row * p.out + o]), y, size, kStored<S>);
      if (o >= p.c.out && p.c.poison == 0) check("y's padding", row * p.out + o, value(r.y[row * p.out + o]), 0, 0);
      double d = y - p.pivot[o];
      sum += d, square += d * d, sum_size += std::fabs(d) + size, square_size += d * d + size * std::fabs(d);
    }
    check("sum", o, r.sum[o], p.c.moments ? sum : 0, sum_size);
    check("square", o, r.square[o], p.c.moments ? square : 0, square_size);
  }
}

template <class S> void check_input_gradient(const Problem<S> &p, const Result<S> &r) {
  for (int i = 0; i < p.in; i++) {
    double sum = 0, product = 0, sum_size = 0, product_size = 0;
    for (int64_t row = 0; row < p.c.rows; row++) {
      const double x = value(p.x[row * p.in + i]), z = p.scale[i] * x + p.shift[i];
      const bool stop = z <= 0 || z >= p.c.cap;
      double gx = 0, size = 0;
      for (int o = 0; o < p.out && !stop; o++) {
        double term = p.dy(row, o) * p.w(o, i);
        gx += term, size += std::fabs(term);
      }
      check("gx", row * p.in + i, value(r.gx[row * p.in + i]), gx, size, kStored<S>);
      if (i >= p.c.in) check("gx's padding", row * p.in + i, value(r.gx[row * p.in + i]), 0, 0);
      const double d = x - p.mean[i];
      sum += gx, sum_size += size, product += gx * d, product_size += size * std::fabs(d);
    }
    check("sum of g", i, r.sum_g[i], sum, sum_size);
    check("sum of g*x", i, r.sum_gx[i], product, product_size);
  }
}

template <class S> void check_weight_gradient(const Problem<S> &p, const Result<S> &r) {
  for (int o = 0; o < p.c.out; o++)
    for (int i = 0; i < p.c.in; i++) {
      double dw = 0, size = 0;
      for (int64_t row = 0; row < p.c.rows; row++) {
        double term = p.dy(row, o) * p.a(row, i);
        dw += term, size += std::fabs(term);
      }
      check("dw", size_t(o) * p.c.in + i, r.dw[size_t(o) * p.c.in + i], dw, size);
    }
}

template <class T> void check_same(const char *what, const Buffer<T> &a, const Buffer<T> &b) {
  if (memcmp(a.p, b.p, a.n * sizeof(T)) && ++failures <= 30) printf("%s: %s differs between equal runs\n", name, what);
}

template <class S> void test_pointwise(const char *title, const Case &c) {
  snprintf(name, sizeof name, "pointwise %s, %d bytes: %ld x %d x %d, %d threads, cap %g", title, int(sizeof(S)),
           long(c.rows), c.in, c.out, c.threads, c.cap);
  Problem<S> p(c);
  Result<S> first(p), second(p);
  compute(p, first, 0xff, 0); // NaN, so that reads of unwritten memory are detected
  compute(p, second, 0x3c, 320);
  check_forward(p, first);
  check_input_gradient(p, first);
  check_weight_gradient(p, first);
  check_same("y", first.y, second.y), check_same("gx", first.gx, second.gx), check_same("dw", first.dw, second.dw);
  check_same("sum", first.sum, second.sum), check_same("square", first.square, second.square);
  check_same("sum of g", first.sum_g, second.sum_g), check_same("sum of g*x", first.sum_gx, second.sum_gx);
}

struct StemCase {
  Window window;
  int out, threads;
  bool pixels;
  double poison = 0; // replaces one of the values
};

template <class S> struct StemProblem {
  StemCase c;
  int out;
  int64_t rows;
  Buffer<uint8_t> pixels;
  Buffer<float> values, weight, bias, pivot, c1, c2, c3;
  Buffer<S> g, y0;
  float mean[3] = {0.485f, 0.456f, 0.406f}, std[3] = {0.229f, 0.224f, 0.225f};
  explicit StemProblem(const StemCase &c)
      : c(c), out(padded(c.out)), rows(c.window.images * c.window.out_height * c.window.out_width),
        pixels(c.window.images * c.window.height * c.window.width * 3), values(pixels.n), weight(c.out * 27), bias(out),
        pivot(out), c1(out), c2(out), c3(out), g(rows * out), y0(rows * out) {
    for (size_t i = 0; i < pixels.n; i++) pixels[i] = random_bits() & 255, values[i] = random_step(500, 0.0078125f);
    if (c.poison != 0) set(values[values.n / 2], c.poison);
    for (size_t i = 0; i < weight.n; i++) weight[i] = random_step(400, 1.0f / 512);
    for (int i = 0; i < c.out; i++) {
      bias[i] = random_step(16, 0.25f), pivot[i] = random_step(16, 0.25f);
      c1[i] = random_step(8, 0.125f), c2[i] = random_step(8, 0.0625f), c3[i] = random_step(8, 0.125f);
      for (int64_t r = 0; r < rows; r++)
        set(g[r * out + i], random_step(32, 0.125f)), set(y0[r * out + i], random_step(32, 0.125f));
    }
  }
  // The value under tap (row, column, color) of the window of an output row.
  double tap(int64_t r, int t) const {
    const Window &w = c.window;
    const int64_t image = r / w.out_width / w.out_height;
    const int row = int(r / w.out_width % w.out_height) * w.stride + t / 9 - w.top;
    const int column = int(r % w.out_width) * w.stride + t / 3 % 3 - w.left;
    if (row < 0 || row >= w.height || column < 0 || column >= w.width) return 0;
    const size_t at = ((image * w.height + row) * w.width + column) * 3 + t % 3;
    return rounded<S>(c.pixels ? (float(pixels[at]) / 255.0f - mean[t % 3]) / std[t % 3] : values[at]);
  }
};

template <class S> void test_stem(const char *title, const StemCase &c) {
  const Window &v = c.window;
  snprintf(name, sizeof name,
           "stem %s, %d bytes: %ld images %dx%d to %dx%dx%d, stride %d, %d and %d before, %d threads", title,
           int(sizeof(S)), long(v.images), v.height, v.width, v.out_height, v.out_width, c.out, v.stride, v.top, v.left,
           c.threads);
  StemProblem<S> p(c);
  Buffer<char> image(stem_image_bytes<S>(v)), panels(stem_panel_bytes<S>(c.out));
  memset(image.p, 0xff, image.n);
  Buffer<S> y(p.rows * p.out);
  Buffer<double> sum(p.out), square(p.out);
  Buffer<float> dw(c.out * 27), again(c.out * 27);
  StemForward f{v, p.out, image.p, panels.p, p.bias.p, y.p, {p.pivot.p, sum.p, square.p}};
  StemBackward b{v, p.out, c.out, p.g.p, p.y0.p, {p.c1.p, p.c2.p, p.c3.p}, image.p, dw.p};
  size_t bytes = stem_forward_scratch<S>(c.threads, f), other = stem_backward_scratch<S>(c.threads, b);
  if (other > bytes) bytes = other;
  Buffer<char> scratch(bytes);
  memset(scratch.p, 0xff, scratch.n);
  Workers w{c.threads, scratch.p};
  StemImage s{v, c.pixels ? p.pixels.p : nullptr, c.pixels ? nullptr : p.values.p, {}, {}, image.p};
  memcpy(s.mean, p.mean, sizeof s.mean), memcpy(s.std, p.std, sizeof s.std);
  stem_image<S>(w, s);
  pack_stem<S>({c.out, p.weight.p, panels.p});
  stem_forward<S>(w, f);
  stem_backward<S>(w, b);
  memset(scratch.p, 0x3c, scratch.n);
  b.dw = again.p;
  stem_backward<S>(w, b);
  check_same("dw", dw, again);
  for (int o = 0; o < p.out; o++) {
    double want_sum = 0, want_square = 0, sum_size = 0, square_size = 0, gradient[27] = {}, gradient_size[27] = {};
    for (int64_t r = 0; r < p.rows; r++) {
      double want = p.bias[o], size = std::fabs(want);
      const double dy =
          rounded<S>(p.c1[o] * value(p.g[r * p.out + o]) + (p.c2[o] * value(p.y0[r * p.out + o]) + p.c3[o]));
      for (int t = 0; t < 27; t++) {
        const double x = p.tap(r, t), term = o < c.out ? x * rounded<S>(p.weight[o * 27 + t]) : 0;
        want += term, size += std::fabs(term);
        gradient[t] += dy * x, gradient_size[t] += std::fabs(dy * x);
      }
      check("y", r * p.out + o, value(y[r * p.out + o]), want, size, kStored<S>);
      const double d = want - p.pivot[o];
      want_sum += d, want_square += d * d, sum_size += std::fabs(d) + size, square_size += d * d + size * std::fabs(d);
    }
    check("sum", o, sum[o], want_sum, sum_size);
    check("square", o, square[o], want_square, square_size);
    for (int t = 0; t < 27 && o < c.out; t++) check("dw", o * 27 + t, dw[o * 27 + t], gradient[t], gradient_size[t]);
  }
}

template <class S> void test_all() {
  const float relu = INFINITY, relu6 = 6;
  const struct {
    const char *title;
    Case c;
  } cases[] = {
      {"one row", {1, 16, 16, 1, relu}},
      {"fewer rows than threads", {1, 32, 16, 3, relu6}},
      {"one tile", {12, 32, 64, 1, relu}},
      {"odd rows", {49, 64, 32, 2, relu6}},
      {"a narrow panel", {37, 48, 80, 2, relu}},
      {"unpadded channels", {53, 8, 24, 2, relu6}},
      {"no moments", {30, 24, 40, 2, relu, false}},
      {"several blocks", {1201, 144, 96, 2, relu6}},
      {"several blocks of many weights", {901, 320, 336, 1, relu}},
      {"non-temporal stores", {9001, 64, 64, 2, relu}},
      {"non-temporal stores, narrow", {22003, 16, 48, 2, relu}},
      {"the widest layer", {25, 1024, 1024, 2, relu}},
      {"NaN", {100, 32, 32, 2, relu6, true, NAN}},
      {"infinity", {100, 32, 48, 1, relu, true, INFINITY}},
  };
  for (const auto &t : cases) test_pointwise<S>(t.title, t.c);
  for (int i = 0; i < 40; i++) {
    const int widest = i % 8 ? 100 : 300;
    test_pointwise<S>("random", {random_between(1, 300), random_between(1, widest), random_between(1, widest),
                                 random_between(1, 3), i % 2 ? relu : relu6});
  }
  const struct {
    const char *title;
    StemCase c;
  } stems[] = {
      {"symmetric", {{2, 16, 16, 8, 8, 2, 1, 1}, 32, 2, true}},
      {"same", {{2, 16, 18, 8, 9, 2, 0, 0}, 24, 2, true}},
      {"odd sides", {{3, 17, 33, 9, 17, 2, 1, 1}, 8, 3, true}},
      {"stride 1", {{2, 9, 11, 9, 11, 1, 1, 1}, 16, 2, false}},
      {"more image than windows", {{1, 20, 70, 9, 34, 2, 0, 0}, 40, 1, false}},
      {"one window", {{1, 3, 3, 1, 1, 2, 0, 0}, 16, 2, true}},
      {"one pixel", {{2, 1, 1, 1, 1, 2, 1, 1}, 48, 1, false}},
      {"wide rows", {{1, 40, 130, 20, 65, 2, 1, 1}, 32, 2, true}},
      {"more windows than a strip", {{1, 5, 900, 3, 450, 2, 1, 1}, 48, 1, true}},
      {"non-temporal stores", {{2, 224, 224, 112, 112, 2, 0, 0}, 32, 2, false}},
      {"NaN", {{2, 17, 30, 9, 15, 2, 1, 1}, 32, 2, false, NAN}},
      {"infinity", {{1, 12, 13, 12, 13, 1, 1, 1}, 16, 1, false, INFINITY}},
  };
  for (const auto &t : stems) test_stem<S>(t.title, t.c);
  for (int i = 0; i < 24; i++) {
    const int stride = random_between(1, 2), height = random_between(1, 9), width = random_between(1, i % 4 ? 30 : 90);
    const int out_height = (height - 1) / stride + 1, out_width = (width - 1) / stride + 1;
    test_stem<S>("random", {{random_between(1, 3), height, width, random_between(1, out_height),
                             random_between(1, out_width), stride, random_between(0, 1), random_between(0, 1)},
                            8 * random_between(1, 10),
                            random_between(1, 3),
                            i % 2 == 0});
  }
}

int main() {
  if (!kTiled<Element<bf16>>) test_all<float>(); // the amx variant shares avx512bf16's float kernels
  test_all<bf16>();
  if (failures) printf("%d failures\n", failures);
  return failures != 0;
}
