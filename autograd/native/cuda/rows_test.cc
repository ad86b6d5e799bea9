//go:build ignore

// Compares the GPU's batch norm, activation, image and patch kernels, emulated, with plain loops in double.
// Prints differences, and exits with 1 if there are any. A standalone program, compiled in
// autograd/native:
//   g++ -std=c++20 -I. -O1 -ffp-contract=off cuda/rows_test.cc -o test && ./test
#include "cuda/reference_test.h"

using namespace depthwise::cuda;

struct Case {
  const char *name;
  dw_rows m;
  bool exact = false; // whole numbers, so that z falls on the activation functions' bounds
  float special = 0;  // replaces a value, if not 0
  double offset = 0;  // added to y: the mean of a channel against its deviation of about 1.7
};

static const int processors[] = {1, 3, 132};

template <class T> struct Test {
  Case c;
  dw_rows m;
  Buffer<T> y, da, residual;
  Buffer<float> gamma, beta, coef, dcoef;

  explicit Test(const Case &c)
      : c(c), m(c.m), y(m.rows * m.c), da(y.n), residual(y.n), gamma(m.c), beta(m.c), coef(4 * m.c), dcoef(3 * m.c) {
    auto value = [&] { return c.exact ? float(between(-3, 9)) : uniform(-3, 3); };
    y.fill([&] { return value() + float(c.offset); }), da.fill(value), residual.fill(value);
    gamma.fill([] { return uniform(-2, 2); }), beta.fill([] { return uniform(-2, 2); });
    fill_coefficients(coef, dcoef, m.c, c.exact);
    if (c.special != 0) narrow(y[between(0, int(y.n) - 1)], c.special);
  }
  std::string name(const char *what) const {
    return std::string(c.name) + (sizeof(T) == 2 ? " bf16 " : " float ") + what;
  }

  // Checks a sum of terms of the given magnitudes.
  void check_sum(const char *what, size_t i, double got, double want, double size) const {
    check(name(what), i, got, want, 1e-5 * size + 1e-30);
  }

  struct Statistics {
    std::vector<double> mean, variance;
  };
  Statistics statistics() const {
    Statistics s{std::vector<double>(m.c), std::vector<double>(m.c)};
    for (size_t i = 0; i < y.n; i++) s.mean[i % m.c] += y.value(i) / double(m.rows);
    for (size_t i = 0; i < y.n; i++) s.variance[i % m.c] += std::pow(y.value(i) - s.mean[i % m.c], 2) / double(m.rows);
    return s;
  }

  void test_moments() const {
    constexpr float eps = 1e-3f, momentum = 0.1f;
    const Statistics s = statistics();
    for (int p : processors) {
      const Launch l = moments_launch(m, sizeof(T), p);
      Buffer<float> partial(size_t(l.parts()) * 2 * m.c), again(partial.n), got(4 * m.c), mean(m.c), variance(m.c);
      emulate(l, moments<T>, y.p, partial.p, m);
      in_reverse([&] { emulate(l, moments<T>, y.p, again.p, m); });
      check_true(name("moments differ from run to run"), partial == again);
      mean.fill([] { return 0.5f; }), variance.fill([] { return 2.0f; });
      auto finish = [&](float *running_mean, float *running_var) {
        emulate(moments_finish_launch(m.c), moments_finish, partial.p, l.parts(), m, eps, momentum, gamma.p, beta.p,
                running_mean, running_var, got.p);
      };
      finish(nullptr, nullptr), got.poison();
      finish(mean.p, variance.p);
      for (int i = 0; i < m.c; i++) {
        // Sums of squares lose what the mean has of them.
        const double lost = 1e-6 * (1 + s.mean[i] * s.mean[i]), tolerance = 1e-5 + lost / (s.variance[i] + eps);
        const double inverse = 1 / std::sqrt(s.variance[i] + double(eps)), scale = inverse * gamma[i];
        const double unbiased = m.rows > 1 ? s.variance[i] * double(m.rows) / double(m.rows - 1) : s.variance[i];
        check(name("mean"), i, got[i], s.mean[i], 1e-5 * (1 + std::fabs(s.mean[i])));
        check(name("1/std"), i, got[m.c + i], inverse, tolerance * inverse);
        check(name("scale"), i, got[2 * m.c + i], scale, tolerance * std::fabs(scale));
        check(name("shift"), i, got[3 * m.c + i], beta[i] - s.mean[i] * scale,
              tolerance * std::fabs(s.mean[i] * scale) + 1e-5);
        check(name("running mean"), i, mean[i], 0.45 + 0.1 * s.mean[i], 1e-5 * (1 + std::fabs(s.mean[i])));
        check(name("running variance"), i, variance[i], 1.8 + 0.1 * unbiased, 1e-5 * (1 + unbiased) + 2 * lost);
      }
    }
  }

  // Two ranks with these rows, of which one counts, are one process with them.
  void test_ranks() const {
    const Launch l = norm_backward_sums_launch(m, sizeof(T), 3);
    Buffer<float> partial(size_t(l.parts()) * 2 * m.c), own(2 * m.c), want(4 * m.c), got(4 * m.c), mean(m.c), var(m.c),
        other_mean(m.c), other_var(m.c);
    Buffer<double> sums(2 * m.c + 1), absent(sums.n), total(sums.n);
    for (Buffer<float> *b : {&mean, &other_mean}) b->fill([] { return 0.5f; });
    for (Buffer<float> *b : {&var, &other_var}) b->fill([] { return 2.0f; });
    auto sum = [&](const Buffer<double> &to, double factor, double n, float *first) {
      emulate(rank_sums_launch(m.c), rank_sums, partial.p, l.parts(), m.c, factor, n, to.p, first);
    };
    auto add_up = [&] {
      for (size_t i = 0; i < total.n; i++) total[i] = sums[i] + absent[i];
    };
    emulate(l, moments<T>, y.p, partial.p, m);
    sum(sums, 1, double(m.rows), nullptr), sum(absent, 0, 0, nullptr), add_up();
    emulate(moments_finish_launch(m.c), moments_finish, partial.p, l.parts(), m, 1e-3f, 0.1f, gamma.p, beta.p, mean.p,
            var.p, want.p);
    emulate(moments_finish_ranks_launch(m.c), moments_finish_ranks, total.p, m.c, 1e-3f, 0.1f, gamma.p, beta.p,
            other_mean.p, other_var.p, got.p);
    for (int i = 0; i < 4 * m.c; i++) check(name("coefficients of ranks"), i, got[i], want[i], 0);
    for (int i = 0; i < m.c; i++) check(name("running mean of ranks"), i, other_mean[i], mean[i], 0);
    for (int i = 0; i < m.c; i++) check(name("running variance of ranks"), i, other_var[i], var[i], 0);

    Buffer<float> dgamma(m.c), dbeta(m.c), want_back(3 * m.c), got_back(3 * m.c);
    emulate(l, norm_backward_sums<T>, da.p, y.p, coef.p, partial.p, m, 2);
    sum(sums, 4, double(m.rows), own.p), sum(absent, 0, 0, nullptr), add_up();
    emulate(norm_backward_finish_launch(m.c), norm_backward_finish, partial.p, l.parts(), m, gamma.p, coef.p, dgamma.p,
            dbeta.p, want_back.p);
    emulate(norm_backward_finish_ranks_launch(m.c), norm_backward_finish_ranks, total.p, m.c, 0.25, gamma.p, coef.p,
            got_back.p);
    for (int i = 0; i < 3 * m.c; i++) check(name("gradients of ranks"), i, got_back[i], want_back[i], 0);
    for (int i = 0; i < m.c; i++) check(name("dbeta of a rank"), i, own[i], dbeta[i], 0);
    for (int i = 0; i < m.c; i++) check(name("dgamma of a rank"), i, own[m.c + i], dgamma[i], 0);
  }

  void test_activate(int activation, bool added) const {
    for (int p : processors) {
      Buffer<T> a(y.n);
      emulate(scale_activate_launch(m, sizeof(T), p), scale_activate<T>, y.p, coef.p, added ? residual.p : nullptr, a.p,
              m, activation);
      for (size_t i = 0; i < y.n; i++) {
        const double z = z_of(widen(y[i]), coef, m.c, int(i % m.c));
        const double want = activate(z, activation) + (added ? residual.value(i) : 0);
        check(name("a"), i, a.value(i), want, kRounding<T> * std::fabs(want) + 1e-6);
      }
    }
  }

  void test_backward_sums(int activation) const {
    std::vector<double> want(2 * m.c), size(2 * m.c);
    for (size_t i = 0; i < y.n; i++) {
      const int channel = int(i % m.c);
      const double dz = passes(z_of(widen(y[i]), coef, m.c, channel), activation) ? da.value(i) : 0;
      const double xhat = (y.value(i) - coef[kMean * m.c + channel]) * coef[kInverse * m.c + channel];
      want[channel] += dz, size[channel] += std::fabs(dz);
      want[m.c + channel] += dz * xhat, size[m.c + channel] += std::fabs(dz * xhat);
    }
    for (int p : processors) {
      const Launch l = norm_backward_sums_launch(m, sizeof(T), p);
      Buffer<float> partial(size_t(l.parts()) * 2 * m.c), again(partial.n);
      emulate(l, norm_backward_sums<T>, da.p, y.p, coef.p, partial.p, m, activation);
      in_reverse([&] { emulate(l, norm_backward_sums<T>, da.p, y.p, coef.p, again.p, m, activation); });
      check_true(name("sums differ from run to run"), partial == again);
      const std::vector<double> sums = totals(partial, l.parts());
      for (int i = 0; i < 2 * m.c; i++) check_sum("sums of dz", i, sums[i], want[i], size[i]);
      test_backward_finish(partial, l.parts(), sums);
    }
  }

  void test_backward_finish(const Buffer<float> &partial, int parts, const std::vector<double> &sums) const {
    Buffer<float> dgamma(m.c), dbeta(m.c), got(3 * m.c);
    emulate(norm_backward_finish_launch(m.c), norm_backward_finish, partial.p, parts, m, gamma.p, coef.p, dgamma.p,
            dbeta.p, got.p);
    for (int i = 0; i < m.c; i++) {
      const double n = double(m.rows), mean = coef[kMean * m.c + i], inverse = coef[kInverse * m.c + i];
      const double c0 = gamma[i] * inverse, c1 = -c0 * inverse * sums[m.c + i] / n, c2 = -c0 * sums[i] / n - c1 * mean;
      check_sum("dbeta", i, dbeta[i], sums[i], std::fabs(sums[i]));
      check_sum("dgamma", i, dgamma[i], sums[m.c + i], std::fabs(sums[m.c + i]));
      check_sum("dcoef0", i, got[i], c0, std::fabs(c0));
      check_sum("dcoef1", i, got[m.c + i], c1, std::fabs(c1));
      check_sum("dcoef2", i, got[2 * m.c + i], c2, std::fabs(c0 * sums[i] / n) + std::fabs(c1 * mean));
    }
  }

  void test_backward(int activation) const {
    for (int p : processors) {
      Buffer<T> dy(y.n);
      emulate(norm_backward_launch(m, sizeof(T), p), norm_backward<T>, da.p, y.p, coef.p, dcoef.p, dy.p, m, activation);
      for (size_t i = 0; i < y.n; i++) {
        const int channel = int(i % m.c);
        const double dz = passes(z_of(widen(y[i]), coef, m.c, channel), activation) ? da.value(i) : 0;
        const double terms[] = {dcoef[channel] * dz, dcoef[m.c + channel] * y.value(i), dcoef[2 * m.c + channel]};
        const double want = terms[0] + terms[1] + terms[2];
        const double size = std::fabs(terms[0]) + std::fabs(terms[1]) + std::fabs(terms[2]);
        check(name("dy"), i, dy.value(i), want, kRounding<T> * std::fabs(want) + 1e-6 * size);
      }
    }
  }

  void run() const {
    check_true(name("is not supported"), rows_supported(m));
    test_moments();
    test_ranks();
    for (int activation : {0, 1, 2}) {
      test_activate(activation, false), test_activate(activation, true);
      test_backward_sums(activation), test_backward(activation);
    }
  }
};

// Batch norm and the activation function, forward and backward, against their definition: the
// gradient of sum(da * a) by finite differences in double.
static void test_gradient() {
  constexpr int kRows = 5, kChannels = 8;
  constexpr double kStep = 1e-5, kEps = 1e-3;
  const dw_rows m{kRows, kChannels};
  Buffer<float> y(kRows * kChannels), da(y.n), dy(y.n), gamma(kChannels), beta(kChannels), coef(4 * kChannels),
      dcoef(3 * kChannels), dgamma(kChannels), dbeta(kChannels);
  y.fill([] { return uniform(-3, 3); }), da.fill([] { return uniform(-1, 1); });
  gamma.fill([] { return uniform(1, 3); }), beta.fill([] { return uniform(0, 4); });
  auto loss = [&](std::vector<double> v) {
    double sum = 0;
    for (int c = 0; c < kChannels; c++) {
      double mean = 0, variance = 0;
      for (int r = 0; r < kRows; r++) mean += v[r * kChannels + c] / kRows;
      for (int r = 0; r < kRows; r++) variance += std::pow(v[r * kChannels + c] - mean, 2) / kRows;
      for (int r = 0; r < kRows; r++) {
        const double xhat = (v[r * kChannels + c] - mean) / std::sqrt(variance + kEps);
        sum += da[r * kChannels + c] * activate(xhat * gamma[c] + beta[c], 2);
      }
    }
    return sum;
  };
  const Launch forward = moments_launch(m, 4, 1), backward = norm_backward_sums_launch(m, 4, 1);
  Buffer<float> partial(forward.parts() * 2 * kChannels), sums(backward.parts() * 2 * kChannels);
  emulate(forward, moments<float>, y.p, partial.p, m);
  emulate(moments_finish_launch(kChannels), moments_finish, partial.p, forward.parts(), m, float(kEps), 0.1f, gamma.p,
          beta.p, nullptr, nullptr, coef.p);
  emulate(backward, norm_backward_sums<float>, da.p, y.p, coef.p, sums.p, m, 2);
  emulate(norm_backward_finish_launch(kChannels), norm_backward_finish, sums.p, backward.parts(), m, gamma.p, coef.p,
          dgamma.p, dbeta.p, dcoef.p);
  emulate(norm_backward_launch(m, 4, 1), norm_backward<float>, da.p, y.p, coef.p, dcoef.p, dy.p, m, 2);
  std::vector<double> v(y.p, y.p + y.n);
  for (size_t i = 0; i < y.n; i++) {
    std::vector<double> more = v, less = v;
    more[i] += kStep, less[i] -= kStep;
    check("gradient of batch norm", i, dy[i], (loss(more) - loss(less)) / (2 * kStep), 1e-4);
  }
}

// The bits in float are those of the same operations on the CPU; bf16 is that rounded.
template <class T> static void test_images(long long count, long long behind) {
  const dw_normalization p{{0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}};
  Buffer<unsigned char> pixels(3 * count);
  for (size_t i = 0; i < pixels.n; i++) pixels[i] = (unsigned char)(i < 768 ? i / 3 : between(0, 255));
  Buffer<T> out(3 * (count + behind)), want(out.n);
  for (size_t i = 0; i < pixels.n; i++) narrow(want[i], (float(pixels[i]) / 255.0f - p.mean[i % 3]) / p.std[i % 3]);
  emulate(normalize_images_launch(count), normalize_images<T>, pixels.p, out.p, count, p);
  check_true(std::to_string(count) + " pixels have other bits, or memory behind them was written", out == want);
}

// A convolution's windows, with padding before rows and columns and, as the output's size requires, after.
template <class T> static void test_patches(const dw_window &w) {
  Buffer<T> x(size_t(w.n) * w.h * w.w * 3), got(size_t(w.n) * w.out_h * w.out_w * 32), want(got.n);
  x.fill([] { return uniform(-3, 3); });
  for (size_t i = 0; i < want.n; i++) {
    const int value = int(i % 32), pixel = int(i / 32), color = value % 3;
    const int row = pixel / w.out_w % w.out_h * w.stride - w.top + value / 9;
    const int column = pixel % w.out_w * w.stride - w.left + value / 3 % 3;
    const bool inside = value < 27 && row >= 0 && row < w.h && column >= 0 && column < w.w;
    narrow(want[i], 0);
    if (inside) want[i] = x[((size_t(pixel / w.out_w / w.out_h) * w.h + row) * w.w + column) * 3 + color];
  }
  check_true("patches are not supported", patches_supported(w));
  emulate(patches_launch(w), patches<T>, x.p, got.p, w);
  check_true("patches of " + std::to_string(w.h) + " x " + std::to_string(w.w) + " differ", got == want);
}

int main() {
  const Case cases[] = {
      {"one row", {1, 8}},
      {"few rows", {3, 16}},
      {"whole numbers", {50, 24}, true},
      {"rows of several parts", {1234, 32}},
      {"lanes that do not fill a warp", {77, 144}},
      {"no lanes divide", {33, 8 * 37}},
      {"wide", {70, 1024}},
      {"NaN", {40, 16}, false, kNaN},
      {"a mean of ten deviations", {500, 16}, false, 0, 17},
  };
  for (const Case &c : cases) {
    Test<float>(c).run();
    Test<bf16>(c).run();
  }
  test_gradient();
  for (long long count : {1, 15, 16, 17, 256, 4096, 4099, 10000}) {
    test_images<float>(count, 5);
    test_images<bf16>(count, 5);
  }
  for (const dw_window &w : {dw_window{2, 8, 8, 3, 4, 4, 3, 2, 1, 1}, dw_window{1, 7, 10, 3, 4, 5, 3, 2, 0, 1},
                             dw_window{1, 9, 150, 3, 9, 150, 3, 1, 1, 1}, dw_window{3, 1, 1, 3, 1, 1, 3, 2, 1, 1}}) {
    test_patches<float>(w);
    test_patches<bf16>(w);
  }
  check_true("channels that are no multiple of 8 are supported", !rows_supported({10, 12}));
  check_true("no rows are supported", !rows_supported({0, 16}));
  if (failures != 0) printf("%d differences\n", failures);
  return failures != 0;
}
