//go:build ignore

// The process-wide state of libtorch: threads, generators, and processor features.
#include "tensors/guard.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/cpu/Utils.h>
#include <c10/util/Logging.h>
#include <cstdlib>
#include <string>

using depthwise::guard;

namespace {
at::Tensor &tensor(dw_tensor t) { return *static_cast<at::Tensor *>(t); }
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

dw_error dw_generator_state(dw_tensor *out) {
  return guard([&] { *out = new at::Tensor(at::globalContext().defaultGenerator(at::kCPU).get_state()); });
}

dw_error dw_set_generator_state(dw_tensor t) {
  return guard([&] {
    at::Generator generator = at::globalContext().defaultGenerator(at::kCPU);
    generator.set_state(tensor(t));
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
