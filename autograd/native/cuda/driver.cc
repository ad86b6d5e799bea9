//go:build ignore

// Launches of compiled kernels through CUDA's driver, whose library has no version that a program would have to be
// linked with.
#include "cuda/launch.h"
#include "cuda_layer.h"
#include "tensors/guard.h"
#include <c10/util/Exception.h>

#ifndef DEPTHWISE_CUDA

namespace {
constexpr const char *kWithout =
    "this program was built without CUDA; set up with: go run ./cmd/setup --cuda, and build again";
}

void depthwise::cuda::gpu_launch(int, const char *, const Launch &, void **) { TORCH_CHECK(false, kWithout); }
int depthwise::cuda::multiprocessors(int) { TORCH_CHECK(false, kWithout); }
dw_error dw_cuda_check(int) {
  return depthwise::guard([] { TORCH_CHECK(false, kWithout); });
}

#else
#include "cuda/nvrtc.h"
#include <algorithm>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>
#include <dlfcn.h>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace {

using depthwise::cuda::Launch;

// What is used of cuda.h.
using Result = int;
using Module = struct CUmod_st *;
using Function = struct CUfunc_st *;
struct Driver {
  Result (*load)(Module *, const void *image);
  Result (*function)(Function *, Module, const char *name);
  Result (*launch)(Function, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned shared, cudaStream_t,
                   void **arguments, void **extra);
  Result (*error_string)(Result, const char **);
};

template <class F> void take(void *library, const char *name, F &to) {
  to = reinterpret_cast<F>(dlsym(library, name));
  TORCH_CHECK(to, "CUDA's driver has no function ", name, "; install a newer driver, or use --backend torch");
}

const Driver &driver() {
  static const Driver loaded = [] {
    void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    TORCH_CHECK(library, "CUDA's driver cannot be loaded: ", dlerror());
    Driver d;
    take(library, "cuModuleLoadData", d.load);
    take(library, "cuModuleGetFunction", d.function);
    take(library, "cuLaunchKernel", d.launch);
    take(library, "cuGetErrorString", d.error_string);
    return d;
  }();
  return loaded;
}

void check(Result r, const char *what) {
  if (r == 0) return;
  const char *text = nullptr;
  driver().error_string(r, &text);
  TORCH_CHECK(false, "CUDA: ", what, ": ", text ? text : "unknown error", " (", r, "); use --backend torch");
}

int attribute(cudaDeviceAttr what, int device) {
  int value = 0;
  C10_CUDA_CHECK(cudaDeviceGetAttribute(&value, what, device));
  return value;
}

// 90 for Hopper.
int capability_of(int device) {
  return 10 * attribute(cudaDevAttrComputeCapabilityMajor, device) +
         attribute(cudaDevAttrComputeCapabilityMinor, device);
}

constexpr int kOldest = 80; // has conversions to bfloat16, and minima that propagate NaN

// The compiled kernels of a GPU, program by program as they are used. They stay until the process ends.
class Kernels {
public:
  explicit Kernels(int device) : capability_(capability_of(device)) {}

  Function find(const std::string &name) {
    if (functions_.count(name) == 0) load(name);
    return functions_.at(name);
  }

private:
  void load(const std::string &name) {
    for (const auto &names : depthwise::cuda::programs()) {
      if (std::find(names.begin(), names.end(), name) == names.end()) continue;
      const depthwise::cuda::Compiled compiled = depthwise::cuda::compile_kernels(names, capability_);
      Module module = nullptr;
      check(driver().load(&module, compiled.code.data()), "load the kernels");
      for (const auto &[kernel, symbol] : compiled.symbols)
        check(driver().function(&functions_[kernel], module, symbol.c_str()), kernel.c_str());
    }
    TORCH_CHECK(functions_.count(name), "no program has the CUDA kernel ", name);
  }

  int capability_;
  std::unordered_map<std::string, Function> functions_;
};

std::mutex mutex;

Function function_of(int device, const char *name) {
  static std::unordered_map<int, std::unique_ptr<Kernels>> devices;
  std::lock_guard<std::mutex> lock(mutex);
  auto &kernels = devices[device];
  if (!kernels) kernels = std::make_unique<Kernels>(device);
  return kernels->find(name);
}

} // namespace

void depthwise::cuda::gpu_launch(int device, const char *name, const Launch &l, void **arguments) {
  c10::cuda::CUDAGuard guard(static_cast<c10::DeviceIndex>(device));
  thread_local bool has_context = false; // a thread has none before the runtime's first call in it
  if (!has_context) C10_CUDA_CHECK(cudaSetDevice(device));
  has_context = true;
  const cudaStream_t stream = c10::cuda::getCurrentCUDAStream(static_cast<c10::DeviceIndex>(device)).stream();
  check(driver().launch(function_of(device, name), l.blocks_x, l.blocks_y, 1, l.threads_x, l.threads_y, 1, 0, stream,
                        arguments, nullptr),
        name);
}

int depthwise::cuda::multiprocessors(int device) {
  thread_local int of = -1, count = 0; // asked before each launch
  if (of != device) count = attribute(cudaDevAttrMultiProcessorCount, of = device);
  return count;
}

dw_error dw_cuda_check(int device) {
  return depthwise::guard([&] {
    TORCH_CHECK(depthwise::cuda::has_nvrtc(), depthwise::cuda::kWithoutNvrtc);
    const int capability = capability_of(device);
    TORCH_CHECK(capability >= kOldest, "the CUDA kernels need a GPU of compute capability 8.0 (Ampere) or later, not ",
                capability / 10, ".", capability % 10);
    driver();
  });
}

#endif
