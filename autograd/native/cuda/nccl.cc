//go:build ignore

// c10d's ProcessGroupNCCL. Compiled without NCCL where its header is missing.
#include "distributed/nccl.h"
#if defined(DEPTHWISE_CUDA) && __has_include(<nccl.h>)
#define USE_C10D_NCCL
#include <c10/cuda/CUDAGuard.h>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

namespace depthwise::distributed {

#ifdef USE_C10D_NCCL

c10::intrusive_ptr<c10d::Backend> open_nccl(const c10::intrusive_ptr<c10d::Store> &store, int rank, int size,
                                            int device) {
  c10::cuda::CUDAGuard on{c10::DeviceIndex(device)};
  return c10::make_intrusive<c10d::ProcessGroupNCCL>(store, rank, size, c10d::ProcessGroupNCCL::Options::create());
}

#else

c10::intrusive_ptr<c10d::Backend> open_nccl(const c10::intrusive_ptr<c10d::Store> &, int, int, int) {
  TORCH_CHECK(false, "this build has no NCCL, which exchanges tensors between GPUs");
}

#endif

} // namespace depthwise::distributed
