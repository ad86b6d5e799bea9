//go:build ignore

// Chooses a kernel's variant and its grid, and runs it where the tensors are.
#include "cuda/kernel_calls.h"
#include "cuda/kernels/all.h"
#include "cuda/kernels/geometry.h"
#include "cuda/launch.h"
#include "cuda/nvrtc.h"

namespace depthwise::cuda::tensors {
namespace {

template <class T> const T *in(const at::Tensor &t) {
  return t.defined() ? static_cast<const T *>(t.const_data_ptr()) : nullptr;
}
template <class T> T *out(const at::Tensor &t) { return t.defined() ? static_cast<T *>(t.data_ptr()) : nullptr; }

// Multiprocessors that the emulation's grids are for: few blocks, since it runs them one after another.
constexpr int kEmulated = 2;

int processors(const at::Tensor &t) { return t.is_cuda() ? multiprocessors(t.get_device()) : kEmulated; }

template <class... P>
void run(const at::Tensor &where, const Launch &launch, const std::string &name, void (*kernel)(P...),
         std::type_identity_t<P>... p) {
  void *arguments[] = {static_cast<void *>(&p)...};
  if (where.is_cuda())
    gpu_launch(where.get_device(), name.c_str(), launch, arguments);
  else
    emulate(launch, kernel, p...);
}

template <class T> constexpr const char *type_name = std::is_same_v<T, bf16> ? "bf16" : "float";

// Runs a variant of a template, whose first parameter is the storage type, with its name for NVRTC.
#define DW_RUN(where, launch, kernel, types, ...)                                                                      \
  do {                                                                                                                 \
    static const std::string name = kernel_name types;                                                                 \
    run(where, launch, name, kernel, __VA_ARGS__);                                                                     \
  } while (0)

// Calls f with the storage type of a tensor, as a value.
template <class F> void with_type(const at::Tensor &t, F f) {
  if (t.scalar_type() == at::kBFloat16)
    f(bf16{});
  else
    f(float{});
}

template <int Kernel, int Stride> struct Variant {
  static constexpr int kernel = Kernel, stride = Stride;
};

// Calls f with the storage type, and the window's kernel and stride, as values.
template <class F> void with_variant(const at::Tensor &t, const dw_window &w, F f) {
  with_type(t, [&](auto type) {
    if (w.kernel == 3 && w.stride == 1) f(type, Variant<3, 1>{});
    if (w.kernel == 3 && w.stride == 2) f(type, Variant<3, 2>{});
    if (w.kernel == 5 && w.stride == 1) f(type, Variant<5, 1>{});
    if (w.kernel == 5 && w.stride == 2) f(type, Variant<5, 2>{});
  });
}

int bytes_of(const at::Tensor &t) { return int(t.element_size()); }
at::TensorOptions floats(const at::Tensor &t) { return t.options().dtype(at::kFloat); }
at::Tensor output_of(const at::Tensor &x, const dw_window &w) {
  return empty_image({w.n, w.c, w.out_h, w.out_w}, x.options());
}

} // namespace

Summed depthwise_forward(const at::Tensor &x, const at::Tensor &weight, const dw_window &w) {
  const Launch l = depthwise_forward_launch(w, processors(x));
  Summed s{output_of(x, w), at::empty({l.parts(), 2, w.c}, floats(x))};
  with_variant(x, w, [&](auto type, auto v) {
    using T = decltype(type);
    constexpr int K = decltype(v)::kernel, S = decltype(v)::stride;
    DW_RUN(x, l, (cuda::depthwise_forward<T, K, S>), ("depthwise_forward", type_name<T>, K, S), in<T>(x),
           in<float>(weight), out<T>(s.y), out<float>(s.partial), w, l.rows);
  });
  return s;
}

Summed moments(const at::Tensor &y) {
  const dw_rows r = rows_of(y);
  const Launch l = moments_launch(r, bytes_of(y), processors(y));
  Summed s{y, at::empty({l.parts(), 2, r.c}, floats(y))};
  with_type(y, [&](auto type) {
    using T = decltype(type);
    DW_RUN(y, l, (cuda::moments<T>), ("moments", type_name<T>), in<T>(y), out<float>(s.partial), r);
  });
  return s;
}

at::Tensor moments_finish(const Summed &s, float eps, float momentum, const at::Tensor &gamma, const at::Tensor &beta,
                          const at::Tensor &mean, const at::Tensor &var) {
  const dw_rows r = rows_of(s.y);
  at::Tensor coefficients = at::empty({4, r.c}, floats(s.y));
  DW_RUN(s.y, moments_finish_launch(r.c), (cuda::moments_finish), ("moments_finish"), in<float>(s.partial),
         int(s.partial.size(0)), r, eps, momentum, in<float>(gamma), in<float>(beta), out<float>(mean), out<float>(var),
         out<float>(coefficients));
  return coefficients;
}

at::Tensor scale_activate(const at::Tensor &y, const at::Tensor &coefficients, const at::Tensor &residual,
                          int activation) {
  const dw_rows r = rows_of(y);
  const Launch l = scale_activate_launch(r, bytes_of(y), processors(y));
  at::Tensor a = empty_image(y.sizes(), y.options());
  with_type(y, [&](auto type) {
    using T = decltype(type);
    DW_RUN(y, l, (cuda::scale_activate<T>), ("scale_activate", type_name<T>), in<T>(y), in<float>(coefficients),
           in<T>(residual), out<T>(a), r, activation);
  });
  return a;
}

at::Tensor norm_backward_sums(const NormGradient &g) {
  const dw_rows r = rows_of(g.y);
  const Launch l = norm_backward_sums_launch(r, bytes_of(g.y), processors(g.y));
  at::Tensor partial = at::empty({l.parts(), 2, r.c}, floats(g.y));
  with_type(g.y, [&](auto type) {
    using T = decltype(type);
    DW_RUN(g.y, l, (cuda::norm_backward_sums<T>), ("norm_backward_sums", type_name<T>), in<T>(g.da), in<T>(g.y),
           in<float>(g.coefficients), out<float>(partial), r, g.activation);
  });
  return partial;
}

void norm_backward_finish(NormGradient &g, const at::Tensor &partial, const at::Tensor &gamma, const at::Tensor &dgamma,
                          const at::Tensor &dbeta) {
  const dw_rows r = rows_of(g.y);
  g.dcoefficients = at::empty({3, r.c}, floats(g.y));
  DW_RUN(g.y, norm_backward_finish_launch(r.c), (cuda::norm_backward_finish), ("norm_backward_finish"),
         in<float>(partial), int(partial.size(0)), r, in<float>(gamma), in<float>(g.coefficients), out<float>(dgamma),
         out<float>(dbeta), out<float>(g.dcoefficients));
}

at::Tensor rank_sums(const at::Tensor &partial, double factor, double n, const at::Tensor &own) {
  const int c = int(partial.size(2));
  at::Tensor sums = at::empty({2 * c + 1}, partial.options().dtype(at::kDouble));
  DW_RUN(partial, rank_sums_launch(c), (cuda::rank_sums), ("rank_sums"), in<float>(partial), int(partial.size(0)), c,
         factor, n, out<double>(sums), out<float>(own));
  return sums;
}

at::Tensor moments_finish_ranks(const at::Tensor &sums, float eps, float momentum, const at::Tensor &gamma,
                                const at::Tensor &beta, const at::Tensor &mean, const at::Tensor &var) {
  const int c = int(gamma.size(0));
  at::Tensor coefficients = at::empty({4, c}, floats(sums));
  DW_RUN(sums, moments_finish_ranks_launch(c), (cuda::moments_finish_ranks), ("moments_finish_ranks"), in<double>(sums),
         c, eps, momentum, in<float>(gamma), in<float>(beta), out<float>(mean), out<float>(var),
         out<float>(coefficients));
  return coefficients;
}

void norm_backward_finish_ranks(NormGradient &g, const at::Tensor &sums, double returned, const at::Tensor &gamma) {
  const int c = int(gamma.size(0));
  g.dcoefficients = at::empty({3, c}, floats(g.y));
  DW_RUN(sums, norm_backward_finish_ranks_launch(c), (cuda::norm_backward_finish_ranks), ("norm_backward_finish_ranks"),
         in<double>(sums), c, returned, in<float>(gamma), in<float>(g.coefficients), out<float>(g.dcoefficients));
}

at::Tensor norm_backward(const NormGradient &g) {
  const dw_rows r = rows_of(g.y);
  const Launch l = norm_backward_launch(r, bytes_of(g.y), processors(g.y));
  at::Tensor dy = empty_image(g.y.sizes(), g.y.options());
  with_type(g.y, [&](auto type) {
    using T = decltype(type);
    DW_RUN(g.y, l, (cuda::norm_backward<T>), ("norm_backward", type_name<T>), in<T>(g.da), in<T>(g.y),
           in<float>(g.coefficients), in<float>(g.dcoefficients), out<T>(dy), r, g.activation);
  });
  return dy;
}

at::Tensor depthwise_backward(const NormGradient &g, const at::Tensor &x, const at::Tensor &weight,
                              const at::Tensor &dx, const dw_window &w) {
  const Launch l = depthwise_backward_launch(w, processors(x));
  at::Tensor partial = at::empty({l.parts(), w.kernel * w.kernel, w.c}, floats(x));
  with_variant(x, w, [&](auto type, auto v) {
    using T = decltype(type);
    constexpr int K = decltype(v)::kernel, S = decltype(v)::stride;
    DW_RUN(x, l, (cuda::depthwise_backward<T, K, S>), ("depthwise_backward", type_name<T>, K, S), in<T>(g.da),
           in<T>(g.y), in<float>(g.coefficients), in<float>(g.dcoefficients), in<T>(x), in<float>(weight), out<T>(dx),
           out<float>(partial), w, g.activation, l.rows);
  });
  return partial;
}

void depthwise_backward_finish(const at::Tensor &partial, const at::Tensor &dweight) {
  const int taps = int(partial.size(1)), c = int(partial.size(2));
  DW_RUN(partial, depthwise_backward_finish_launch(taps, c), (cuda::depthwise_backward_finish),
         ("depthwise_backward_finish"), in<float>(partial), int(partial.size(0)), taps, c, out<float>(dweight));
}

at::Tensor depthwise_inference(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias,
                               const dw_window &w, int before, int activation) {
  const Launch l = depthwise_inference_launch(w, processors(x));
  at::Tensor y = output_of(x, w);
  with_variant(x, w, [&](auto type, auto v) {
    using T = decltype(type);
    constexpr int K = decltype(v)::kernel, S = decltype(v)::stride;
    DW_RUN(x, l, (cuda::depthwise_inference<T, K, S>), ("depthwise_inference", type_name<T>, K, S), in<T>(x),
           in<float>(weight), in<float>(bias), out<T>(y), w, before, activation, l.rows);
  });
  return y;
}

at::Tensor patches(const at::Tensor &x, const dw_window &w) {
  at::Tensor rows = at::empty({int64_t(w.n) * w.out_h * w.out_w, kPatch}, x.options());
  with_type(x, [&](auto type) {
    using T = decltype(type);
    DW_RUN(x, patches_launch(w), (cuda::patches<T>), ("patches", type_name<T>), in<T>(x), out<T>(rows), w);
  });
  return rows;
}

void normalize_images(const at::Tensor &pixels, const at::Tensor &x, const dw_normalization &n) {
  const long long count = pixels.numel() / 3;
  const Launch l = normalize_images_launch(count);
  with_type(x, [&](auto type) {
    using T = decltype(type);
    DW_RUN(x, l, (cuda::normalize_images<T>), ("normalize_images", type_name<T>), in<unsigned char>(pixels), out<T>(x),
           count, n);
  });
}

} // namespace depthwise::cuda::tensors
