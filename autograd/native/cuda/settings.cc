//go:build ignore

// How libtorch computes on GPUs, the state of their generators, and the gradients of leaves.
#include "capture.h"
#include "tensors/guard.h"
#include <ATen/ATen.h>
#include <cstdlib>
#include <mutex>

using depthwise::guard;

namespace {
at::Tensor &tensor(dw_tensor t) { return *static_cast<at::Tensor *>(t); }

at::Generator generator(int device) {
  auto g = at::globalContext().defaultGenerator(at::Device(at::kCUDA, c10::DeviceIndex(device)));
  return g;
}
} // namespace

dw_error dw_set_gradient(dw_tensor leaf, dw_tensor gradient) {
  return guard([&] { tensor(leaf).mutable_grad() = tensor(gradient); });
}

dw_error dw_gpu_generator_state(dw_tensor *out, int device) {
  return guard([&] {
    auto g = generator(device);
    std::lock_guard<std::mutex> lock(g.mutex());
    *out = new at::Tensor(g.get_state());
  });
}

dw_error dw_set_gpu_generator_state(int device, dw_tensor state) {
  return guard([&] {
    auto g = generator(device);
    std::lock_guard<std::mutex> lock(g.mutex());
    g.set_state(tensor(state));
  });
}

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
