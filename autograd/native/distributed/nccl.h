// NCCL for tensors on GPUs.
#pragma once
#include <memory>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

namespace depthwise::distributed {

// cuda/nccl.cc: throws if libtorch has no NCCL.
c10::intrusive_ptr<c10d::Backend> open_nccl(const c10::intrusive_ptr<c10d::Store> &store, int rank, int size,
                                            int device);

} // namespace depthwise::distributed
