//go:build ignore

// Calls from C++ into Go.
#include "graph/callback.h"

namespace {
dw_call go_call = nullptr;
dw_release go_release = nullptr;
} // namespace

void dw_set_callbacks(dw_call call, dw_release release) {
  go_call = call;
  go_release = release;
}

namespace depthwise {

GoHandle::~GoHandle() {
  if (handle_ != 0) go_release(handle_);
}

std::vector<at::Tensor> call(const GoHandle &go, const std::vector<at::Tensor> &in, size_t n_out) {
  std::vector<dw_tensor> given, made(n_out, nullptr);
  given.reserve(in.size());
  for (const auto &t : in) given.push_back(t.defined() ? new at::Tensor(t) : nullptr);
  uintptr_t failure = 0;
  dw_error message = go_call(go.handle(), given.data(), int(given.size()), made.data(), int(n_out), &failure);
  std::vector<at::Tensor> out(n_out);
  for (size_t i = 0; i < n_out; i++) {
    std::unique_ptr<at::Tensor> owned(static_cast<at::Tensor *>(made[i]));
    if (owned) out[i] = std::move(*owned);
  }
  if (message != nullptr) {
    std::string text = message;
    dw_free_error(message);
    throw CallFailed(text, failure);
  }
  return out;
}

} // namespace depthwise
