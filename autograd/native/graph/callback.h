// Calls from C++ into Go: ownership of the Go value, the call itself, and error propagation.
#pragma once
#include "graph.h"
#include "tensors/guard.h"
#include "tensors/handle.h"
#include <ATen/ATen.h>
#include <memory>
#include <stdexcept>
#include <vector>

namespace depthwise {

// A handle of a Go value, released when its last owner is destroyed.
class GoHandle {
public:
  explicit GoHandle(uintptr_t handle) : handle_(handle) {}
  ~GoHandle();
  GoHandle(const GoHandle &) = delete;
  uintptr_t handle() const { return handle_; }
  uintptr_t give() { return std::exchange(handle_, 0); } // ownership moves to the caller

private:
  uintptr_t handle_;
};

// Carries a Go error through libtorch as an exception. It holds the error itself, so no information
// is lost.
class CallFailed : public std::runtime_error {
public:
  CallFailed(const std::string &text, uintptr_t failure)
      : std::runtime_error(text), error(std::make_shared<GoHandle>(failure)) {}
  std::shared_ptr<GoHandle> error;
};

// Calls the Go value; throws CallFailed when it fails.
std::vector<at::Tensor> call(const GoHandle &go, const std::vector<at::Tensor> &in, size_t n_out);

// guard, for functions that may call Go.
template <class F> dw_error guard_calls(uintptr_t *failure, F &&f) noexcept {
  return guard([&] {
    try {
      f();
    } catch (const CallFailed &e) {
      *failure = e.error->give();
      throw;
    }
  });
}

inline std::vector<at::Tensor> tensors(const dw_tensor *xs, int n) {
  std::vector<at::Tensor> list;
  list.reserve(n);
  for (int i = 0; i < n; i++) list.push_back(xs[i] == nullptr ? at::Tensor() : tensor(xs[i]));
  return list;
}

} // namespace depthwise
