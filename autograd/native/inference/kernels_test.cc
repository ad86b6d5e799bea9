//go:build ignore

// Tests the inference kernels (inference/block.h, inference/stem.h, inference/head.h) against loops
// in double. A standalone program, compiled in autograd/native:
//   g++ -std=c++20 -I. -O2 -pthread -DFUSED_ISA=avx2 -march=x86-64-v3 inference/kernels_test.cc \
//     threads/pool.cc && ./a.out
// Inputs and depthwise weights have few bits, so that the depthwise values are exact in float and
// round to S identically in the kernels and here. The remaining differences are the order of the
// product's sums and the rounding of stored values.
#include "depthwise/depthwise.h"
#include "inference/block.h"
#include "inference/head.h"
#include "inference/stem.h"
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <vector>

using namespace depthwise::fused;
using namespace depthwise::fused::FUSED_ISA;

static int failures = 0;
static char name[200];

// Memory of exactly n values, initially all bytes 0xff (NaN), so that a sanitizer detects every
// access beyond it, and a test detects reads of unwritten values.
template <class T> struct Buffer {
  T *p = nullptr;
  size_t n;
  explicit Buffer(size_t n) : n(n) {
    if (posix_memalign(reinterpret_cast<void **>(&p), 64, n * sizeof(T) + 1)) abort();
    memset(static_cast<void *>(p), 0xff, n * sizeof(T));
  }
  Buffer(const Buffer &) = delete;
  ~Buffer() { free(p); }
  T &operator[](size_t i) const { return p[i]; }
};

static uint32_t state = 7;
static uint32_t random_bits() {
  state = state * 1664525 + 1013904223;
  return state >> 8;
}
static float random_step(int steps, float unit) { return (int(random_bits() % (2 * steps + 1)) - steps) * unit; }
static int random_between(int low, int high) { return low + int(random_bits() % (high - low + 1)); }

static double value(float v) { return v; }
static double value(bf16 v) {
  const uint32_t u = uint32_t(v) << 16;
  float f;
  memcpy(&f, &u, sizeof f);
  return f;
}
static void set(float &to, double v) { to = float(v); }
static void set(bf16 &to, double v) { to = bf16(round_bits(float(v))); }
template <class S> double rounded(double v) {
  S s;
  set(s, v);
  return value(s);
}
static double activation(double v, double cap) { return v != v ? v : v < 0 ? 0 : v > cap ? cap : v; }

// Fails unless got equals want within the float rounding error of sums of that magnitude, and half
// a unit of S where the value is stored.
template <class S> void check(const char *what, size_t at, double got, double want, double magnitude) {
  const double stored = sizeof(S) == 2 ? 1.0 / 256 : 1e-7;
  if (std::isnan(got) && std::isnan(want)) return;
  if (got == want || (std::isfinite(want) && std::fabs(got - want) <= 1e-5 * magnitude + stored * std::fabs(want)))
    return;
  if (++failures <= 30) printf("%s: %s[%zu] is %g, want %g\n", name, what, at, got, want);
}

// A case for both kernels; the output's rows and channels are computed in several parts.
struct Case {
  Window window;
  int in, out; // unpadded; the stem's in is 3
  float cap = std::numeric_limits<float>::infinity();
  int row_parts = 1, column_parts = 1;
  float poison = 0; // replaces one value of the input
};

static Window window(int images, int height, int width, int stride, int top, int left) {
  return {images, height, width, (height - 1) / stride + 1, (width - 1) / stride + 1, stride, top, left};
}

// Visits the inputs under each output position: (output position, input position, tap).
template <class Visit> void for_each_tap(const Window &w, Visit visit) {
  for (int64_t n = 0; n < w.images; n++)
    for (int o = 0; o < w.out_height; o++)
      for (int q = 0; q < w.out_width; q++)
        for (int tap = 0; tap < 9; tap++) {
          const int h = o * w.stride + tap / 3 - w.top, v = q * w.stride + tap % 3 - w.left;
          if (h >= 0 && h < w.height && v >= 0 && v < w.width)
            visit(size_t((n * w.out_height + o) * w.out_width + q), size_t((n * w.height + h) * w.width + v), tap);
        }
}
static size_t positions(const Window &w) { return size_t(w.images) * w.out_height * w.out_width; }

// Checks y, the product of operands (positions, in), rounded to S, and weights (out, in).
template <class S>
void check_product(const Case &c, const Buffer<S> &y, const std::vector<double> &operands, size_t in,
                   const Buffer<float> &weight, const Buffer<float> &bias) {
  const int columns = padded(c.out);
  for (size_t r = 0; r < positions(c.window); r++)
    for (int o = 0; o < columns; o++) {
      double sum = bias[o], size = std::fabs(sum);
      for (size_t i = 0; i < in && o < c.out; i++) {
        const double term = operands[r * in + i] * rounded<S>(weight[o * in + i]);
        sum += term, size += std::fabs(term);
      }
      check<S>("y", r * columns + o, value(y[r * columns + o]), activation(sum, c.cap), size);
    }
}

static void fill(const Buffer<float> &b, size_t n, int steps, float unit) {
  for (size_t i = 0; i < b.n; i++) b[i] = i < n ? random_step(steps, unit) : 0;
}

template <class S> void test_block(const Case &c) {
  const Window &w = c.window;
  snprintf(name, sizeof name, "block, %d bytes: %ldx%dx%dx%d to %d, stride %d, top %d, left %d, %dx%d parts, cap %g",
           int(sizeof(S)), long(w.images), w.height, w.width, c.in, c.out, w.stride, w.top, w.left, c.row_parts,
           c.column_parts, c.cap);
  const int in = padded(c.in), out = padded(c.out);
  Buffer<S> x(size_t(w.images) * w.height * w.width * in), y(positions(w) * out);
  Buffer<float> depthwise(c.in * 9), packed(in * 9), depthwise_bias(in), weight(size_t(c.out) * c.in), bias(out);
  for (size_t i = 0; i < x.n; i++) set(x[i], int(i % in) < c.in ? std::fabs(random_step(32, 0.125f)) : 0);
  if (c.poison != 0) set(x[x.n / in / 2 * in + c.in / 2], c.poison);
  fill(depthwise, depthwise.n, 16, 1.0f / 16), fill(depthwise_bias, c.in, 16, 0.25f);
  fill(weight, weight.n, 400, 1.0f / 512), fill(bias, c.out, 16, 0.25f);
  Buffer<char> panels(infer_panel_bytes<S>(c.in, c.out));
  pack_depthwise({c.in, depthwise.p, packed.p});
  infer_pack_pointwise<S>({1, nullptr}, {c.in, c.out, weight.p, panels.p, nullptr});
  InferBlock p{w, in, out, x.p, packed.p, depthwise_bias.p, panels.p, bias.p, c.cap, y.p, 0, 0, 0, 0};
  double seconds[2] = {};
  if (c.row_parts == 2) p.seconds = seconds; // measuring must not change the values
  const int all_panels = (out + kColumns - 1) / kColumns;
  const int64_t rows = w.images * w.out_height;
  for (int i = 0; i < c.row_parts * c.column_parts; i++) {
    const depthwise::threads::Range part = depthwise::threads::range_of(rows, i / c.column_parts, c.row_parts),
                                    columns =
                                        depthwise::threads::range_of(all_panels, i % c.column_parts, c.column_parts);
    p.begin = part.begin, p.end = part.end, p.first = int(columns.begin) * kColumns,
    p.last = int(columns.end) * kColumns;
    if (p.last > out) p.last = out;
    if (p.first >= p.last || p.begin == p.end) continue; // more parts than panels or rows
    Buffer<char> scratch(infer_block_scratch<S>(p));
    infer_block<S>(scratch.p, p);
  }
  if (p.seconds && !(seconds[0] > 0 && seconds[1] > 0) && ++failures <= 30)
    printf("%s: %g and %g seconds\n", name, seconds[0], seconds[1]);
  std::vector<double> middle(positions(w) * c.in);
  for (size_t i = 0; i < middle.size(); i++) middle[i] = depthwise_bias[i % c.in];
  for_each_tap(w, [&](size_t to, size_t from, int tap) {
    for (int i = 0; i < c.in; i++) middle[to * c.in + i] += value(x[from * in + i]) * depthwise[i * 9 + tap];
  });
  for (double &v : middle) v = rounded<S>(activation(v, c.cap));
  check_product<S>(c, y, middle, c.in, weight, bias);
}

template <class S> void test_stem(const Case &c, bool bytes) {
  const Window &w = c.window;
  snprintf(name, sizeof name, "stem of %s, %d bytes: %ldx%dx%d to %d, stride %d, top %d, left %d, %d parts, cap %g",
           bytes ? "pixels" : "values", int(sizeof(S)), long(w.images), w.height, w.width, c.out, w.stride, w.top,
           w.left, c.row_parts, c.cap);
  const size_t n = size_t(w.images) * w.height * w.width * 3;
  const int out = padded(c.out);
  Buffer<uint8_t> pixels(n);
  Buffer<float> values(n), weight(c.out * 27), bias(out);
  StemImage image{w,
                  bytes ? pixels.p : nullptr,
                  bytes ? nullptr : values.p,
                  {0.485f, 0.456f, 0.406f},
                  {0.229f, 0.224f, 0.225f},
                  nullptr};
  for (size_t i = 0; i < n; i++) pixels[i] = uint8_t(random_bits()), values[i] = random_step(32, 0.125f);
  if (c.poison != 0) values[n / 2] = c.poison;
  fill(weight, weight.n, 400, 1.0f / 512), fill(bias, c.out, 16, 0.25f);
  Buffer<char> panels(infer_stem_panel_bytes<S>(c.out));
  infer_pack_stem<S>({c.out, weight.p, panels.p});
  Buffer<S> y(positions(w) * out);
  InferStem p{image, out, panels.p, bias.p, c.cap, y.p, 0, 0};
  for (int i = 0; i < c.row_parts; i++) {
    const depthwise::threads::Range part = depthwise::threads::range_of(w.images * w.out_height, i, c.row_parts);
    p.begin = part.begin, p.end = part.end;
    Buffer<char> scratch(infer_stem_scratch<S>(p));
    infer_stem<S>(scratch.p, p);
  }
  std::vector<double> taps(positions(w) * 27);
  for_each_tap(w, [&](size_t to, size_t from, int tap) {
    for (int color = 0; color < 3; color++) {
      const size_t at = from * 3 + color;
      taps[to * 27 + tap * 3 + color] =
          rounded<S>(bytes ? (float(pixels[at]) / 255.0f - image.mean[color]) / image.std[color] : values[at]);
    }
  });
  check_product<S>(c, y, taps, 27, weight, bias);
}

// Checks logits of several images, with the classes split into parts. Each has the same bits as for
// the image alone.
static void test_head(int images, int in, int classes, int parts) {
  snprintf(name, sizeof name, "head: %d images of %d to %d, %d parts", images, in, classes, parts);
  const int all = padded(classes), depth = padded(in), all_panels = (all + kColumns - 1) / kColumns;
  const size_t stride = depth + kLanes;
  Buffer<float> x((images + kTailRows) * stride), weight(size_t(classes) * in), bias(all);
  Buffer<float> y(size_t(images) * classes);
  Buffer<char> panels(infer_panel_bytes<float>(in, classes));
  for (int r = 0; r < images + kTailRows; r++)
    for (int i = 0; i < depth; i++)
      x[r * stride + i] = i < in && r < images ? random_step(1 << 20, 1.0f / (1 << 18)) : 0;
  fill(weight, weight.n, 1 << 20, 1.0f / (1 << 20)), fill(bias, classes, 16, 0.25f);
  infer_pack_pointwise<float>({1, nullptr}, {in, classes, weight.p, panels.p, nullptr});
  InferHead p{images, depth, classes, x.p, stride, panels.p, bias.p, y.p, 0, 0};
  for (int i = 0; i < parts; i++) {
    const depthwise::threads::Range columns = depthwise::threads::range_of(all_panels, i, parts);
    p.first = int(columns.begin) * kColumns, p.last = int(columns.end) * kColumns;
    if (p.last > all) p.last = all;
    if (p.first < p.last) infer_head(p);
  }
  Buffer<float> alone(classes);
  for (int r = 0; r < images; r++) {
    p.images = 1, p.features = x.p + r * stride, p.logits = alone.p, p.first = 0, p.last = all;
    infer_head(p);
    for (int o = 0; o < classes; o++) {
      double sum = bias[o], size = std::fabs(sum);
      for (int i = 0; i < in; i++) {
        const double term = double(x[r * stride + i]) * weight[o * in + i];
        sum += term, size += std::fabs(term);
      }
      const size_t at = size_t(r) * classes + o;
      // Each partial sum of kDepth products, and the sum of them, rounds by 2^-24 of the current
      // value.
      if (!(std::fabs(y[at] - sum) <= 1e-6 * size) && ++failures <= 30)
        printf("%s: y[%zu] is %g, want %g\n", name, at, y[at], sum);
      if (y[at] != alone[o] && ++failures <= 30) printf("%s: y[%zu] is %g, alone %g\n", name, at, y[at], alone[o]);
    }
  }
}

#if defined(__AMX_BF16__)
// Every pixel's value has the same bits as with divisions.
static void test_pixels(const float *mean, const float *std) {
  uint8_t pixels[4 * 3];
  StemImage image{{}, pixels, nullptr, {mean[0], mean[1], mean[2]}, {std[0], std[1], std[2]}, nullptr};
  const PixelReader reader(image);
  for (int v = 0; v < 256; v++) {
    for (uint8_t &p : pixels) p = uint8_t(v);
    for (int n = 1; n <= 4; n++) {
      const V got = reader.read(0, n);
      for (int i = 0; i < kLanes; i++) {
        const bool inside = i % 4 < 3 && i / 4 < n;
        volatile float share = float(v) / 255.0f, centered = share - mean[i % 4 % 3],
                       want = inside ? centered / std[i % 4 % 3] : 0;
        if (got[i] != want && ++failures <= 30)
          printf("pixel %d of mean %g, std %g is %.9g, want %.9g\n", v, mean[i % 3], std[i % 3], got[i], want);
      }
    }
  }
}
#endif

static void test(const Case &c) {
  test_block<float>(c), test_block<bf16>(c);
  Case stem = c;
  stem.out = c.out < 100 ? c.out : 32;
  for (bool bytes : {false, true})
    if (!bytes || c.poison == 0) test_stem<float>(stem, bytes), test_stem<bf16>(stem, bytes);
}

int main() {
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  const Case named[] = {
      {window(1, 1, 1, 1, 1, 1), 16, 16},
      {window(3, 1, 1, 2, 0, 0), 8, 24},
      {window(2, 2, 2, 2, 1, 1), 16, 48},
      {window(1, 1, 9, 2, 1, 0), 24, 32},
      {window(1, 9, 1, 2, 0, 1), 24, 32},
      {window(1, 14, 14, 1, 1, 1), 40, 96, 6, 3, 2},
      {window(2, 15, 13, 2, 1, 1), 16, 64, 6, 5, 1},
      {window(5, 7, 7, 1, 1, 1), 64, 160, infinity, 2, 5},
      {window(1, 3, 250, 1, 1, 1), 16, 32}, // a row of more positions than a block
      {window(1, 4, 401, 2, 0, 0), 16, 32},
      {window(4, 7, 7, 1, 1, 1), 1024, 32},  // several blocks of a group of images
      {window(1, 14, 14, 1, 1, 1), 140, 80}, // tiles: reductions of various lengths, and of half a tile
      {window(2, 9, 15, 2, 0, 1), 250, 112, 6, 2, 1},
      {window(2, 11, 11, 1, 1, 1), 520, 48},
      {window(1, 12, 11, 1, 1, 1), 1040, 96, 6, 1, 2},
      {window(2, 8, 7, 1, 1, 1), 16, 32, 6, 1, 1, nan},
      {window(2, 8, 7, 2, 1, 1), 16, 32, infinity, 1, 1, infinity},
      {window(2, 8, 7, 2, 1, 1), 16, 32, infinity, 1, 1, -infinity},
  };
  for (const Case &c : named) test(c);
  for (int i = 0; i < 40; i++) {
    const int stride = random_between(1, 2);
    Case c{window(random_between(1, 4), random_between(1, 20), random_between(1, 20), stride, random_between(0, 1),
                  random_between(0, 1)),
           random_between(1, 90), random_between(1, 110)};
    if (random_between(0, 1)) c.cap = float(random_between(1, 24)) / 4;
    c.row_parts = random_between(1, 3), c.column_parts = random_between(1, 3);
    test(c);
  }
  const int heads[][4] = {{1, 8, 1, 1},    {1, 1024, 1000, 2}, {13, 24, 2, 1},   {14, 200, 3, 1},
                          {5, 136, 20, 1}, {30, 129, 47, 3},   {7, 1000, 100, 2}};
  for (const auto &h : heads) test_head(h[0], h[1], h[2], h[3]);
  for (int i = 0; i < 20; i++)
    test_head(random_between(1, 40), random_between(1, 400), random_between(1, 200), random_between(1, 4));
#if defined(__AMX_BF16__)
  const float imagenet[2][3] = {{0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}},
              plain[2][3] = {{0, 0.5f, 1}, {1, 0.5f, 1e-3f}};
  test_pixels(imagenet[0], imagenet[1]), test_pixels(plain[0], plain[1]);
  for (int i = 0; i < 100; i++) {
    float random[2][3];
    for (float &m : random[0]) m = float(random_between(0, 1 << 20)) / (1 << 20);
    for (float &d : random[1]) d = float(random_between(1, 1 << 20)) / (1 << 20);
    test_pixels(random[0], random[1]);
  }
#endif
  if (failures) printf("%d values differ\n", failures);
  return failures != 0;
}
