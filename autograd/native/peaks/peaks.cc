//go:build ignore

// Measures the processor's peak performance with a given number of threads: the roofs that the
// kernels' speed is compared with.
#include "isa/select.h"
#include "backbone.h"
#include "backbone/stopwatch.h"
#include "tensors/guard.h"
#include <algorithm>
#include <stdexcept>
#include <sys/mman.h>

using namespace depthwise::fused;

namespace {

constexpr size_t kArray = 128 << 20; // bytes of each array, several times the caches of the processors tested
constexpr int kRepeats = 8;          // of which the best counts: the processor may be shared
constexpr int64_t kProducts = 1 << 20;
constexpr size_t kScratch = 1 << 14; // bytes for a thread's sums (kPeakScratch of peaks.h)

// Memory directly from the kernel, returned afterwards: libtorch's allocator and malloc keep
// theirs.
class Mapped {
public:
  explicit Mapped(size_t bytes)
      : bytes_(bytes), p_(mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
    if (p_ == MAP_FAILED) throw std::runtime_error("not enough memory to measure the bandwidth");
#if defined(MADV_HUGEPAGE)
    madvise(p_, bytes_, MADV_HUGEPAGE); // like the backbone's arena
#endif
  }
  ~Mapped() { munmap(p_, bytes_); }
  Mapped(const Mapped &) = delete;

  template <class T> T *at(size_t offset = 0) { return reinterpret_cast<T *>(static_cast<char *>(p_) + offset); }

private:
  size_t bytes_;
  void *p_;
};

// The highest rate of f, which returns the work done by one call.
template <class F> double best(F f) {
  double most = 0;
  for (int i = 0; i < kRepeats; i++) {
    Stopwatch watch;
    double done = f();
    most = std::max(most, done / watch.lap());
  }
  return most;
}

dw_backbone_peaks measure(bool bf16, int threads) {
  const Kernels &k = kernels_here();
  Mapped scratch(threads * kScratch), arrays(3 * kArray);
  const Workers w{threads, scratch.at<char>()};
  float *a = arrays.at<float>(), *b = arrays.at<float>(kArray), *c = arrays.at<float>(2 * kArray);
  constexpr size_t n = kArray / sizeof(float);
  k.add_memory(w, b, c, c, n); // maps the pages
  k.add_memory(w, c, b, b, n);
  dw_backbone_peaks p;
  p.float_multiply_adds = best([&] { return k.float32.multiply_in_registers(w, kProducts); });
  p.multiply_adds = bf16 ? best([&] { return k.bfloat16.multiply_in_registers(w, kProducts); }) : p.float_multiply_adds;
  p.read = best([&] { return k.read_memory(w, b, 2 * n), 2.0 * kArray; });
  p.add = best([&] { return k.add_memory(w, a, b, c, n), 3.0 * kArray; });
  return p;
}

} // namespace

dw_error dw_measure_peaks(dw_backbone_peaks *out, int bf16, int threads) {
  return depthwise::guard([&] {
    if (threads < 1) throw std::invalid_argument("peaks need at least one thread");
    *out = measure(bf16 != 0, threads);
  });
}
