//go:build ignore

// Copies between host and GPU for which the host does not wait. A training step that reads a value
// back at once keeps the GPU idle until the next step's first kernel; and a copy from memory that
// is not pinned waits for all work before it.
#include "stream.h"
#include "tensors/guard.h"
#include "tensors/handle.h"
#include "threads/pool.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <algorithm>
#include <cstring>
#include <c10/core/Event.h>
#include <chrono>
#include <thread>
#ifdef DEPTHWISE_CUDA
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <map>
#endif

using depthwise::guard;
using depthwise::tensor;

namespace {

// Copies with a few threads: one reaches a fraction of the memory's bandwidth.
void copy(void *to, const void *from, size_t bytes) {
  constexpr size_t kPart = 1 << 20;
  constexpr int kThreads = 4; // the loader needs the other cores
  const int parts = int((bytes + kPart - 1) / kPart);
  depthwise::threads::run(std::min(kThreads, at::get_num_threads()), parts, [&](int part, int) {
    const size_t at = part * kPart;
    std::memcpy(static_cast<char *>(to) + at, static_cast<const char *>(from) + at, std::min(kPart, bytes - at));
  });
}

#ifdef DEPTHWISE_CUDA
// The stream of copies to a GPU. One thread calls libtorch.
c10::cuda::CUDAStream copies(c10::DeviceIndex device) {
  static std::map<c10::DeviceIndex, c10::cuda::CUDAStream> streams;
  auto found = streams.find(device);
  if (found == streams.end()) found = streams.emplace(device, c10::cuda::getStreamFromPool(false, device)).first;
  return found->second;
}

at::Tensor upload(const at::Tensor &pinned, c10::DeviceIndex device) {
  const auto compute = c10::cuda::getCurrentCUDAStream(device), stream = copies(device);
  at::Tensor out;
  {
    c10::cuda::CUDAStreamGuard guard(stream);
    out = at::empty(pinned.sizes(), pinned.options().pinned_memory(false).device(at::Device(at::kCUDA, device)));
    out.copy_(pinned, /*non_blocking=*/true); // keeps the pinned memory until it is copied
  }
  c10::Event copied(at::kCUDA);
  copied.record(stream);
  copied.block(compute);
  out.record_stream(compute);
  return out;
}
#endif

} // namespace

dw_error dw_upload(dw_tensor *out, const void *data, const int64_t *shape, int ndim, int dtype, int device) {
  return guard([&] {
    const auto options = at::TensorOptions(static_cast<at::ScalarType>(dtype));
#ifndef DEPTHWISE_CUDA
    TORCH_CHECK(device < 0, "this libtorch has no CUDA");
#endif
    auto host = at::empty(at::IntArrayRef(shape, ndim), options.pinned_memory(device >= 0));
    if (host.nbytes() > 0) copy(host.data_ptr(), data, host.nbytes());
#ifdef DEPTHWISE_CUDA
    if (device >= 0) host = upload(host, c10::DeviceIndex(device));
#endif
    *out = new at::Tensor(std::move(host));
  });
}

struct dw_readback {
  at::Tensor values;                // on the host
  std::optional<c10::Event> copied; // from a GPU
};

dw_error dw_read_later(dw_readback **out, const dw_tensor *xs, int n) {
  return guard([&] {
    std::vector<at::Tensor> all;
    for (int i = 0; i < n; i++) all.push_back(tensor(xs[i]).detach().to(at::kDouble).reshape(-1));
    const auto values = at::cat(all);
    auto r = std::make_unique<dw_readback>();
    r->values = at::empty(values.sizes(), at::TensorOptions(at::kDouble).pinned_memory(values.is_cuda()));
    r->values.copy_(values, /*non_blocking=*/true);
#ifdef DEPTHWISE_CUDA
    if (values.is_cuda()) {
      r->copied.emplace(at::kCUDA);
      r->copied->record(c10::cuda::getCurrentCUDAStream(values.device().index()));
    }
#endif
    *out = r.release();
  });
}

dw_error dw_readback_ready(int *ready, const dw_readback *r) {
  return guard([&] { *ready = !r->copied || r->copied->query(); });
}

dw_error dw_readback_values(double *values, int n, const dw_readback *r) {
  return guard([&] {
    while (r->copied && !r->copied->query()) // cudaEventSynchronize would keep a core busy, which the loader needs
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    TORCH_CHECK(r->values.numel() == n, "want ", n, " values, have ", r->values.numel());
    std::memcpy(values, r->values.data_ptr(), r->values.nbytes());
  });
}

void dw_readback_free(dw_readback *r) { delete r; }
