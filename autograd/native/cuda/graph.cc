//go:build ignore

// CUDA graphs by libtorch's CUDAGraph, and the stream that they are captured on.
#include "capture.h"
#include "tensors/guard.h"
#include <ATen/ATen.h>
#ifdef DEPTHWISE_CUDA
#include <ATen/cuda/CUDAGeneratorImpl.h>
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

// Gives the default generator a state of its own again. Of a capture that failed, it would go on to refuse every number:
// it has no other end of a capture than a complete one.
void leave_capture(c10::DeviceIndex device) {
  auto generator = at::globalContext().defaultGenerator(at::Device(at::kCUDA, device));
  auto fresh = at::cuda::detail::createCUDAGenerator(device);
  std::lock_guard<std::mutex> lock(generator.mutex());
  fresh.set_state(generator.get_state());
  generator.graphsafe_set_state(fresh);
}

// Ends a capture that failed: the stream must leave it, and the allocator must stop taking memory from the graph's pool.
// CUDAGraph::capture_end throws, in some versions before it has done the second. The operation that failed was reported.
void abandon(c10::DeviceIndex device, at::cuda::CUDAGraph &graph, at::cuda::MempoolId_t pool) {
  const auto attempt = [](auto &&f) {
    dw_error e = guard(f);
    dw_free_error(e);
    return e == nullptr;
  };
  c10::cuda::CUDAGuard on(device);
  if (!attempt([&] { graph.capture_end(); }))
    attempt([&] { c10::cuda::CUDACachingAllocator::endAllocateToPool(device, pool); });
  cudaGetLastError();
  leave_capture(device);
}

} // namespace

struct dw_capture {
  c10::DeviceIndex device;
  at::cuda::MempoolId_t pool;
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
    c->pool = shares ? shares->pool : at::cuda::graph_pool_handle();
    c->graph.capture_begin(c->pool,
                           cudaStreamCaptureModeThreadLocal); // other threads, of a server, may go on calling CUDA
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
  if (c->open)
    if (dw_error e = guard([&] { abandon(c->device, c->graph, c->pool); })) dw_free_error(e);
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
