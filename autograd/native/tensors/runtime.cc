//go:build ignore

// The process-wide state of libtorch: threads, generators, and processor features.
#include "tensors/guard.h"
#include "tensors/handle.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/cpu/Utils.h>
#include <c10/util/Logging.h>
#include <cstdlib>
#include <mutex>
#include <string>

using depthwise::guard;
using depthwise::tensor;

namespace {
at::Generator generator(int device) {
  const at::Device on = device < 0 ? at::Device(at::kCPU) : at::Device(at::kCUDA, c10::DeviceIndex(device));
  return at::globalContext().defaultGenerator(on);
}

// The features by which oneDNN selects its bfloat16 kernels, beyond libtorch's own name for the
// instruction set.
std::string matrix_units() {
  std::string units;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512bf16")) units += "+bf16";
  if (__builtin_cpu_supports("amx-bf16")) units += "+amx";
#endif
  return units;
}
} // namespace

void dw_free_error(dw_error e) { free(e); }

dw_error dw_set_threads(int n) {
  return guard([&] { at::set_num_threads(n); });
}

// Otherwise each error walks the C++ stack for a trace that is never shown (opError cuts it off),
// which takes most of the error's time.
void dw_disable_stack_traces(void) {
  c10::SetStackTraceFetcher([]() -> std::string { return ""; });
}

int dw_threads(void) { return at::get_num_threads(); }

dw_error dw_manual_seed(uint64_t seed) {
  return guard([&] { at::manual_seed(seed); });
}

dw_error dw_generator_state(dw_tensor *out, int device) {
  return guard([&] {
    at::Generator g = generator(device);
    std::lock_guard<std::mutex> lock(g.mutex());
    *out = new at::Tensor(g.get_state());
  });
}

dw_error dw_set_generator_state(int device, dw_tensor state) {
  return guard([&] {
    at::Generator g = generator(device);
    std::lock_guard<std::mutex> lock(g.mutex());
    g.set_state(tensor(state));
  });
}

int dw_has_bf16(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512bf16") || __builtin_cpu_supports("amx-bf16");
#else
  return 0;
#endif
}

const char *dw_cpu_capability(void) {
  static const std::string name = at::get_cpu_capability() + matrix_units();
  return name.c_str();
}
