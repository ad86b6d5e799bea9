//go:build ignore

// Compares the GPU's depthwise kernels, emulated, with plain loops in double. Prints differences,
// and exits with 1 if there are any. A standalone program, compiled in autograd/native:
//   g++ -std=c++20 -I. -O1 -ffp-contract=off cuda/depthwise_test.cc -o test && ./test
#include "cuda/reference_test.h"

using namespace depthwise::cuda;

struct Case {
  const char *name;
  dw_window w;
  bool exact = false; // whole numbers, so that z falls on the activation functions' bounds
  float special = 0;  // replaces some values, if not 0
};

// Symmetric padding of half the kernel.
static dw_window symmetric(int n, int h, int w, int c, int kernel, int stride) {
  return {n, h, w, c, (h - 1) / stride + 1, (w - 1) / stride + 1, kernel, stride, kernel / 2, kernel / 2};
}

// TensorFlow's "same" padding: the smaller half before.
static dw_window same(int n, int h, int w, int c, int kernel, int stride) {
  dw_window s = symmetric(n, h, w, c, kernel, stride);
  auto before = [&](int size, int out) { return std::max((out - 1) * stride + kernel - size, 0) / 2; };
  s.top = before(h, s.out_h), s.left = before(w, s.out_w);
  return s;
}

// No padding.
static dw_window valid(int n, int h, int w, int c, int kernel, int stride) {
  return {n, h, w, c, (h - kernel) / stride + 1, (w - kernel) / stride + 1, kernel, stride, 0, 0};
}

// Visits the pairs of an output and an input under its window.
static void for_pairs(const dw_window &w,
                      const std::function<void(size_t out, size_t in, int channel, int tap)> &visit) {
  for (int n = 0; n < w.n; n++)
    for (int oh = 0; oh < w.out_h; oh++)
      for (int ow = 0; ow < w.out_w; ow++)
        for (int tap = 0; tap < w.kernel * w.kernel; tap++) {
          const int h = oh * w.stride - w.top + tap / w.kernel, x = ow * w.stride - w.left + tap % w.kernel;
          if (h < 0 || h >= w.h || x < 0 || x >= w.w) continue;
          for (int c = 0; c < w.c; c++)
            visit(((size_t(n) * w.out_h + oh) * w.out_w + ow) * w.c + c, ((size_t(n) * w.h + h) * w.w + x) * w.c + c, c,
                  tap);
        }
}

template <class T> struct Test {
  Case c;
  const dw_window &w;
  int taps;
  Buffer<T> x, y, da;
  Buffer<float> weight, bias, coef, dcoef;

  explicit Test(const Case &c)
      : c(c), w(this->c.w), taps(w.kernel * w.kernel), x(size_t(w.n) * w.h * w.w * w.c),
        y(size_t(w.n) * w.out_h * w.out_w * w.c), da(y.n), weight(w.c * taps), bias(w.c), coef(4 * w.c),
        dcoef(3 * w.c) {
    auto value = [&] { return c.exact ? float(between(-3, 9)) : uniform(-3, 3); };
    x.fill(value), y.fill(value), da.fill(value), weight.fill([] { return uniform(-1, 1); }), bias.fill(value);
    fill_coefficients(coef, dcoef, w.c, c.exact);
    if (c.special != 0) narrow(x[between(0, int(x.n) - 1)], c.special);
    if (c.special != 0) narrow(y[between(0, int(y.n) - 1)], c.special);
  }
  std::string name(const char *what) const {
    return std::string(c.name) + (sizeof(T) == 2 ? " bf16 " : " float ") + what;
  }

  // Runs a kernel of the window's size and stride.
  template <class Run> void dispatch(Run run) const {
    using std::integral_constant;
    auto stride = [&](auto k) {
      if (w.stride == 1)
        run(k, integral_constant<int, 1>());
      else
        run(k, integral_constant<int, 2>());
    };
    if (w.kernel == 3)
      stride(integral_constant<int, 3>());
    else
      stride(integral_constant<int, 5>());
  }

  // Compares values with those wanted, whose terms have the given sum of magnitudes.
  template <class U>
  void compare(const char *what, const Buffer<U> &got, const std::vector<double> &want,
               const std::vector<double> &size) const {
    for (size_t i = 0; i < got.n; i++)
      check(name(what), i, got.value(i), want[i], kRounding<U> * std::fabs(want[i]) + 1e-6 * size[i] + 1e-30);
  }

  // Returns the partial sums.
  std::unique_ptr<Buffer<float>> forward(int processors, const Buffer<T> &out) const {
    const Launch l = depthwise_forward_launch(w, processors);
    auto partial = std::make_unique<Buffer<float>>(size_t(l.parts()) * 2 * w.c);
    out.poison();
    dispatch(
        [&](auto k, auto s) { emulate(l, depthwise_forward<T, k, s>, x.p, weight.p, out.p, partial->p, w, l.rows); });
    return partial;
  }

  void test_forward() const {
    std::vector<double> want(y.n), size(y.n);
    for_pairs(w, [&](size_t out, size_t in, int channel, int tap) {
      const double term = x.value(in) * weight[channel * taps + tap];
      want[out] += term, size[out] += std::fabs(term);
    });
    Buffer<T> first(y.n), again(y.n);
    for (int processors : {1, 3, 132}) {
      const auto partial = forward(processors, again);
      compare("y", again, want, size);
      if (processors == 1) memcpy(static_cast<void *>(first.p), again.p, y.n * sizeof(T));
      check_true(name("y differs with the number of parts"), first == again);
      check_moments(again, totals(*partial, depthwise_forward_launch(w, processors).parts()));
      if (processors != 3) continue;
      std::unique_ptr<Buffer<float>> repeated;
      in_reverse([&] { repeated = forward(processors, again); });
      check_true(name("y or its sums differ from run to run"), first == again && *partial == *repeated);
    }
  }

  void check_moments(const Buffer<T> &y, const std::vector<double> &sums) const {
    std::vector<double> want(2 * w.c), size(2 * w.c);
    for (size_t i = 0; i < y.n; i++) {
      const double v = y.value(i);
      want[i % w.c] += v, size[i % w.c] += std::fabs(v);
      want[w.c + i % w.c] += v * v, size[w.c + i % w.c] += v * v;
    }
    for (int i = 0; i < 2 * w.c; i++) check(name("sums of y"), i, sums[i], want[i], 1e-5 * size[i] + 1e-30);
  }

  void test_inference(int in_activation, int activation) const {
    std::vector<double> want(y.n), size(y.n);
    for (size_t i = 0; i < y.n; i++) want[i] = bias[i % w.c], size[i] = std::fabs(want[i]);
    for_pairs(w, [&](size_t out, size_t in, int channel, int tap) {
      const double term = activate(x.value(in), in_activation) * weight[channel * taps + tap];
      want[out] += term, size[out] += std::fabs(term);
    });
    for (double &v : want) v = activate(v, activation);
    Buffer<T> got(y.n);
    const Launch l = depthwise_inference_launch(w, 3);
    dispatch([&](auto k, auto s) {
      emulate(l, depthwise_inference<T, k, s>, x.p, weight.p, bias.p, got.p, w, in_activation, activation, l.rows);
    });
    compare("inference", got, want, size);
  }

  double dy(size_t i, int activation) const {
    const int channel = i % w.c;
    const double dz = passes(z_of(widen(y[i]), coef, w.c, channel), activation) ? da.value(i) : 0;
    return dcoef[channel] * dz + dcoef[w.c + channel] * y.value(i) + dcoef[2 * w.c + channel];
  }

  void backward(int processors, int activation, const Buffer<T> &dx, const Buffer<float> &dweight) const {
    const Launch l = depthwise_backward_launch(w, processors);
    Buffer<float> partial(size_t(l.parts()) * taps * w.c);
    dispatch([&](auto k, auto s) {
      emulate(l, depthwise_backward<T, k, s>, da.p, y.p, coef.p, dcoef.p, x.p, weight.p, dx.p, partial.p, w, activation,
              l.rows);
    });
    emulate(depthwise_backward_finish_launch(taps, w.c), depthwise_backward_finish, partial.p, l.parts(), taps, w.c,
            dweight.p);
  }

  void test_backward(int activation, const std::vector<int> &processor_numbers) const {
    std::vector<double> gradients(y.n), want(x.n), size(x.n), weights(w.c * taps), weights_size(w.c * taps);
    for (size_t i = 0; i < y.n; i++) gradients[i] = dy(i, activation);
    for_pairs(w, [&](size_t out, size_t in, int channel, int tap) {
      const double term = gradients[out] * weight[channel * taps + tap], wide = gradients[out] * x.value(in);
      // Each dy is a sum of three terms of some magnitude, whose rounding counts too.
      want[in] += term, size[in] += std::fabs(term) + std::fabs(weight[channel * taps + tap]) * 9;
      weights[channel * taps + tap] += wide,
          weights_size[channel * taps + tap] += std::fabs(wide) + std::fabs(x.value(in)) * 9;
    });
    Buffer<T> dx(x.n), first(x.n), again(x.n);
    Buffer<float> dweight(w.c * taps), repeated(w.c * taps);
    for (int processors : processor_numbers) {
      dx.poison(), dweight.poison();
      backward(processors, activation, dx, dweight);
      compare("dx", dx, want, size);
      // The kernel also adds NaN times the zeros around an image.
      for (size_t i = 0; i < dweight.n; i++)
        if (std::isnan(c.special) && std::isnan(dweight[i])) weights[i] = kNaN;
      compare("dweight", dweight, weights, weights_size);
      if (processors == processor_numbers[0]) memcpy(static_cast<void *>(first.p), dx.p, x.n * sizeof(T));
      check_true(name("dx differs with the number of parts"), first == dx);
      if (processors != 3) continue;
      in_reverse([&] { backward(processors, activation, again, repeated); });
      check_true(name("dx or dweight differ from run to run"), dx == again && dweight == repeated);
    }
  }

  void run() const {
    check_true(name("is not supported"), depthwise_supported(w));
    test_forward();
    test_inference(0, 2), test_inference(2, 1), test_inference(1, 0);
    test_backward(0, {132}), test_backward(1, {132}), test_backward(2, {1, 3, 132});
  }
};

static std::vector<Case> cases() {
  std::vector<Case> list = {
      {"one pixel", symmetric(1, 1, 1, 8, 3, 1)},
      {"bounds of the activation", symmetric(2, 6, 7, 16, 3, 1), true},
      {"bounds, stride 2", symmetric(2, 6, 7, 16, 3, 2), true},
      {"NaN", symmetric(1, 5, 5, 8, 3, 1), false, kNaN},
      {"an output that ends before the image", {2, 9, 9, 8, 4, 5, 3, 1, 1, 1}},
      {"many strips", symmetric(1, 40, 3, 8, 3, 1)},
      {"many strips, stride 2", same(1, 61, 4, 8, 3, 2)},
      {"many images", symmetric(37, 3, 2, 8, 3, 1)},
      {"lanes that do not fill a warp", symmetric(2, 5, 4, 24, 3, 1)},
      {"two slices", symmetric(2, 4, 4, 144, 3, 1)},
      {"no lanes divide", symmetric(1, 4, 3, 8 * 37, 3, 2)},
      {"width 1024", symmetric(1, 7, 7, 1024, 3, 1)},
  };
  for (int kernel : {3, 5})
    for (int stride : {1, 2})
      for (int h : {2, 7})
        for (int w : {1, 6, 9}) {
          list.push_back({"symmetric padding", symmetric(2, h, w, 8, kernel, stride)});
          list.push_back({"same padding", same(1, h, w, 16, kernel, stride)});
          if (h >= kernel && w >= kernel) list.push_back({"no padding", valid(1, h, w, 8, kernel, stride)});
        }
  return list;
}

static void test_supported() {
  const struct {
    const char *name;
    dw_window w;
    bool want;
  } windows[] = {
      {"a layer of MobileNet v1", symmetric(256, 112, 112, 32, 3, 1), true},
      {"a large batch", symmetric(1024, 112, 112, 64, 3, 2), true},
      {"channels that are no multiple of 8", symmetric(1, 7, 7, 12, 3, 1), false},
      {"a kernel of 7", symmetric(1, 7, 7, 8, 7, 1), false},
      {"a stride of 3", symmetric(1, 7, 7, 8, 3, 3), false},
      {"no images", symmetric(0, 7, 7, 8, 3, 1), false},
      {"more padding than the kernel covers", {1, 7, 7, 8, 9, 9, 3, 1, 3, 3}, false},
      {"a window outside the image", {1, 4, 4, 8, 6, 4, 3, 2, 1, 1}, false},
      {"an image of more than 2^30 values", symmetric(1, 1 << 14, 1 << 14, 8, 3, 1), false},
  };
  for (const auto &c : windows)
    check_true(std::string(c.name) + ": wrong depthwise_supported", depthwise_supported(c.w) == c.want);
}

// Launches of all layers are within a GPU's limits.
static void test_launches() {
  for (int n : {1, 32, 256, 1024})
    for (int c = 8; c <= 1280; c += 8)
      for (int size : {112, 56, 28, 14, 7, 1})
        for (int stride : {1, 2}) {
          const dw_window w = symmetric(n, size, size, c, 3, stride);
          for (const Launch &l : {depthwise_forward_launch(w, 132), depthwise_backward_launch(w, 132)}) {
            const std::string name =
                "launch for " + std::to_string(n) + " x " + std::to_string(size) + " x " + std::to_string(c);
            check_true(name + ": threads", l.threads_x * l.threads_y <= kMaxThreads && l.threads_y > 0);
            check_true(name + ": parts", l.blocks_y > 0 && l.blocks_y <= 1024 && l.rows > 0);
            check_true(name + ": channels", c % (l.blocks_x * l.threads_x) == 0);
          }
        }
}

int main() {
  test_supported();
  test_launches();
  for (const Case &c : cases()) {
    Test<float>(c).run();
    Test<bf16>(c).run();
  }
  if (failures != 0) printf("%d differences\n", failures);
  return failures != 0;
}
