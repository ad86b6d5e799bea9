//go:build ignore

// Sums of batch norm over a batch, in one pass over memory on the CPU.
#include "distributed/channel_sums.h"
#include "threads/pool.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace depthwise::distributed {

namespace {

// Rows of C channels, next to each other.
template <class T> struct Rows {
  const T *a, *b;
  const double *p, *q;
  int64_t c;

  void add(int64_t begin, int64_t end, double *sums) const {
    for (int64_t r = begin; r < end; r++) {
      const T *x = a + r * c, *y = b + r * c;
      for (int64_t k = 0; k < c; k++) {
        const double d = double(x[k]) - p[k];
        sums[k] += d;
        sums[c + k] += d * (double(y[k]) - q[k]);
      }
    }
  }
};

template <class T> at::Tensor sum_rows(const Rows<T> &rows, int64_t n) {
  constexpr int64_t kElements = 1 << 15; // below which another part does not pay
  const int threads = at::get_num_threads();
  const int parts = threads::parts_of(threads, n, std::max<int64_t>(1, kElements / rows.c));
  const at::Tensor partial = at::zeros({parts, 2 * rows.c}, at::kDouble);
  double *to = partial.data_ptr<double>();
  threads::run(threads, parts, [&](int part, int) {
    const threads::Range range = threads::range_of(n, part, parts);
    rows.add(range.begin, range.end, to + part * 2 * rows.c);
  });
  return partial.sum(0);
}

at::Tensor in_rows(const at::Tensor &t) {
  return t.dim() == 4 ? t.contiguous(at::MemoryFormat::ChannelsLast) : t.contiguous();
}

template <class T>
at::Tensor sums_on_cpu(const at::Tensor &a, const at::Tensor &p, const at::Tensor &b, const at::Tensor &q) {
  constexpr auto type = c10::CppTypeToScalarType<T>::value;
  const at::Tensor x = in_rows(a.to(type)), y = a.is_same(b) ? x : in_rows(b.to(type));
  const at::Tensor from = p.to(at::kDouble).contiguous(), less = q.to(at::kDouble).contiguous();
  const int64_t c = a.size(1);
  return sum_rows<T>(
      {x.const_data_ptr<T>(), y.const_data_ptr<T>(), from.const_data_ptr<double>(), less.const_data_ptr<double>(), c},
      a.numel() / c);
}

} // namespace

at::Tensor extend(const at::Tensor &values, const at::Tensor &x) {
  std::vector<int64_t> shape(x.dim(), 1);
  shape[1] = values.size(0);
  return values.to(x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat).reshape(shape);
}

at::Tensor channel_sums(const at::Tensor &a, const at::Tensor &p, const at::Tensor &b, const at::Tensor &q) {
  if (a.is_cpu() && (a.dim() == 4 || a.dim() == 2))
    return a.scalar_type() == at::kDouble ? sums_on_cpu<double>(a, p, b, q) : sums_on_cpu<float>(a, p, b, q);
  std::vector<int64_t> others{0};
  for (int64_t i = 2; i < a.dim(); i++) others.push_back(i);
  const at::Tensor d = a - extend(p, a);
  return at::cat({d.sum(others, false, at::kDouble), d.mul(b - extend(q, b)).sum(others, false, at::kDouble)});
}

} // namespace depthwise::distributed
