//go:build ignore

// Selects among the kernels that are compiled in.
#include "isa/select.h"
#include "isa/amx_permission.h"
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>

namespace depthwise::fused {

namespace {

bool has_avx2() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return false;
#endif
}

bool has_avx512() {
#if defined(__x86_64__)
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512cd");
#else
  return false;
#endif
}

bool has_avx512bf16() {
#if defined(__x86_64__)
  return has_avx512() && __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}

bool has_amx() { return has_avx512bf16() && amx_permitted(); }

const Kernels &choose() {
  const struct {
    bool runs;
    const Kernels *kernels;
  } sets[] = {{has_amx(), amx_kernels()},
              {has_avx512bf16(), avx512bf16_kernels()},
              {has_avx512(), avx512_kernels()},
              {has_avx2(), avx2_kernels()},
              {true, portable_kernels()}};
  const char *requested = getenv("DEPTHWISE_ISA");
  std::string names;
  for (const auto &set : sets) {
    if (!set.runs || !set.kernels) continue;
    if (!requested || !*requested || strcmp(requested, set.kernels->name) == 0) return *set.kernels;
    names += names.empty() ? set.kernels->name : std::string(", ") + set.kernels->name;
  }
  throw std::runtime_error("DEPTHWISE_ISA=" + std::string(requested) + " is not available; this processor supports " +
                           names);
}

} // namespace

const Kernels &kernels_here() {
  static const Kernels &chosen = choose();
  return chosen;
}

} // namespace depthwise::fused
