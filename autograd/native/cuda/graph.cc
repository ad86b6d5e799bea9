//go:build ignore

// CUDA graphs by libtorch's CUDAGraph, and the stream that they are captured on.
#include "capture.h"
#include "tensors/guard.h"
#include <ATen/ATen.h>
#ifdef DEPTHWISE_CUDA
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>
#include <map>
#include <mutex>
#endif

using depthwise::guard;

#ifdef DEPTHWISE_CUDA

namespace {

c10::cuda::CUDAStream stream_of(c10::DeviceIndex device) {
  static std::mutex mutex;
  static std::map<c10::DeviceIndex, c10::cuda::CUDAStream> streams;
  std::lock_guard<std::mutex> lock(mutex);
  auto found = streams.find(device);
  if (found == streams.end()) found = streams.emplace(device, c10::cuda::getStreamFromPool(true, device)).first;
  return found->second;
}

} // namespace

struct dw_capture {
  c10::DeviceIndex device;
  at::cuda::CUDAGraph graph;
  bool open = false; // between begin and end
};

dw_error dw_use_stream(int device) {
  return guard([&] {
    c10::cuda::set_device(c10::DeviceIndex(device));
    c10::cuda::setCurrentCUDAStream(stream_of(c10::DeviceIndex(device)));
  });
}

dw_error dw_capture_begin(dw_capture **out, int device, const dw_capture *shares) {
  return guard([&] {
    auto c = std::make_unique<dw_capture>();
    c->device = c10::DeviceIndex(device);
    c10::cuda::CUDAGuard on(c->device);
    c10::cuda::device_synchronize();
    c10::cuda::CUDACachingAllocator::emptyCache(); // what the same work has used before; a graph has memory of its own
    // Other threads, of a server, may go on calling CUDA.
    c->graph.capture_begin(shares ? const_cast<dw_capture *>(shares)->graph.pool() : at::cuda::MempoolId_t{0, 0},
                           cudaStreamCaptureModeThreadLocal);
    c->open = true;
    *out = c.release();
  });
}

dw_error dw_capture_end(dw_capture *c) {
  return guard([&] {
    c10::cuda::CUDAGuard on(c->device);
    c->graph.capture_end();
    c->open = false;
  });
}

dw_error dw_capture_replay(dw_capture *c) {
  return guard([&] {
    c10::cuda::CUDAGuard on(c->device);
    c->graph.replay();
  });
}

void dw_capture_free(dw_capture *c) {
  if (c == nullptr) return;
  // A capture that failed: the stream must leave its capture, and the allocator must stop taking
  // memory from the graph's pool. capture_end may throw at either.
  if (c->open) {
    c10::cuda::CUDAGuard on(c->device);
    const auto pool = c->graph.pool();
    bool ended = true;
    if (dw_error e = guard([&] { c->graph.capture_end(); })) ended = false, dw_free_error(e);
    if (!ended) {
      if (dw_error e = guard([&] { c10::cuda::CUDACachingAllocator::endAllocateToPool(c->device, pool); })) dw_free_error(e);
      cudaGetLastError(); // the failure was reported
    }
  }
  delete c;
}

#else

struct dw_capture {};

namespace {
dw_error no_cuda() {
  return guard([] { TORCH_CHECK(false, "this libtorch has no CUDA"); });
}
} // namespace

dw_error dw_use_stream(int) { return no_cuda(); }
dw_error dw_capture_begin(dw_capture **, int, const dw_capture *) { return no_cuda(); }
dw_error dw_capture_end(dw_capture *) { return no_cuda(); }
dw_error dw_capture_replay(dw_capture *) { return no_cuda(); }
void dw_capture_free(dw_capture *) {}

#endif
