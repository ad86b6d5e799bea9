//go:build ignore

// How libtorch computes on GPUs.
#include "capture.h"
#include "tensors/guard.h"
#include <ATen/Context.h>
#include <cstdlib>

using depthwise::guard;

dw_error dw_set_gpu_math(int deterministic, int tf32) {
  return guard([&] {
    auto &context = at::globalContext();
    context.setDeterministicCuDNN(deterministic != 0);
    context.setBenchmarkCuDNN(deterministic == 0);
    context.setAllowTF32CuDNN(tf32 != 0);
    context.setAllowTF32CuBLAS(tf32 != 0);
    // cuBLAS reads it when it starts; without it the bits of a product can depend on other streams
    // (its manual, "Results reproducibility").
    if (deterministic != 0) setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
  });
}
