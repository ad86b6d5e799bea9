// cuda/device.cc: what GPUs there are, and their memory. Devices are numbered from 0 among those that CUDA_VISIBLE_DEVICES
// leaves. With a libtorch without CUDA, dw_cuda_probe says so and the others return an error.
#pragma once
#include "native.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  int built;         // 1 where libtorch has CUDA
  int error;         // cudaError_t of counting the devices; 0 is success
  char message[256]; // CUDA's text of the error
  int driver;        // the CUDA version that the driver supports, 1000 * major + 10 * minor; 0 without a driver
  int runtime;       // the CUDA version of libtorch, likewise
  int count;         // devices
} dw_cuda_status;

typedef struct {
  char name[256];
  int major, minor; // compute capability
  int multiprocessors;
  int64_t memory; // bytes in total
} dw_gpu;

typedef struct {
  int64_t allocated, peak; // bytes of live tensors, and their maximum since the start or the last reset
  int64_t reserved;        // bytes that libtorch's allocator holds, peak included
  int64_t free, total;     // bytes of the device, whoever uses the rest
} dw_gpu_memory;

void dw_cuda_probe(dw_cuda_status *out); // never fails
dw_error dw_cuda_properties(dw_gpu *out, int device);
dw_error dw_cuda_memory(dw_gpu_memory *out, int device);
dw_error dw_cuda_reset_peak(int device);
dw_error dw_cuda_synchronize(int device);
char *dw_build_config(
    void); // libtorch's description of itself, with the GPUs that it has kernels for; release with dw_free_error

#ifdef __cplusplus
}
#endif
