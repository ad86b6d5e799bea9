//go:build ignore

// The GPUs of this machine, and libtorch's allocator for them.
#include "device.h"
#include "tensors/guard.h"
#include <ATen/ATen.h>
#include <ATen/Version.h>
#include <cstdio>
#ifdef DEPTHWISE_CUDA
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <cuda_runtime_api.h>
#endif

using depthwise::guard;

char *dw_build_config(void) {
  try {
    return strdup(at::show_config().c_str());
  } catch (...) {
    return strdup("");
  }
}

#ifdef DEPTHWISE_CUDA

namespace {
// The first entry of libtorch's statistics is the sum over its pools.
const auto &total(const c10::CachingDeviceAllocator::StatArray &s) { return s[0]; }

void initialize() { at::globalContext().lazyInitDevice(c10::DeviceType::CUDA); }
} // namespace

void dw_cuda_probe(dw_cuda_status *out) {
  *out = {};
  out->built = 1;
  cudaDriverGetVersion(&out->driver);
  cudaRuntimeGetVersion(&out->runtime);
  cudaError_t error = cudaGetDeviceCount(&out->count);
  if (error == cudaSuccess) return;
  cudaGetLastError(); // or the next call of libtorch reports it
  out->error = error, out->count = 0;
  snprintf(out->message, sizeof out->message, "%s", cudaGetErrorString(error));
}

dw_error dw_cuda_properties(dw_gpu *out, int device) {
  return guard([&] {
    cudaDeviceProp p;
    C10_CUDA_CHECK(cudaGetDeviceProperties(&p, device));
    *out = {};
    snprintf(out->name, sizeof out->name, "%s", p.name);
    out->major = p.major, out->minor = p.minor, out->multiprocessors = p.multiProcessorCount;
    out->memory = int64_t(p.totalGlobalMem);
  });
}

dw_error dw_cuda_memory(dw_gpu_memory *out, int device) {
  return guard([&] {
    initialize();
    auto stats = c10::cuda::CUDACachingAllocator::getDeviceStats(c10::DeviceIndex(device));
    *out = {};
    out->allocated = total(stats.allocated_bytes).current, out->peak = total(stats.allocated_bytes).peak;
    out->reserved = total(stats.reserved_bytes).current;
    c10::cuda::CUDAGuard on{c10::DeviceIndex(device)};
    size_t free = 0, all = 0;
    C10_CUDA_CHECK(cudaMemGetInfo(&free, &all));
    out->free = int64_t(free), out->total = int64_t(all);
  });
}

dw_error dw_cuda_reset_peak(int device) {
  return guard([&] {
    initialize();
    c10::cuda::CUDACachingAllocator::resetPeakStats(c10::DeviceIndex(device));
  });
}

dw_error dw_cuda_synchronize(int device) {
  return guard([&] {
    c10::cuda::CUDAGuard on{c10::DeviceIndex(device)};
    c10::cuda::device_synchronize();
  });
}

#else

namespace {
dw_error without_cuda() { return strdup("this libtorch has no CUDA"); }
} // namespace

void dw_cuda_probe(dw_cuda_status *out) { *out = {}; }
dw_error dw_cuda_properties(dw_gpu *, int) { return without_cuda(); }
dw_error dw_cuda_memory(dw_gpu_memory *, int) { return without_cuda(); }
dw_error dw_cuda_reset_peak(int) { return without_cuda(); }
dw_error dw_cuda_synchronize(int) { return without_cuda(); }

#endif
