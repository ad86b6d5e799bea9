//go:build ignore

// c10d's key-value store.
#include "distributed/store.h"
#include "tensors/guard.h"
#include <c10/util/Logging.h>
#include <algorithm>
#include <cstdlib>
#include <cstring>
#ifndef DEPTHWISE_NO_GLOO
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#endif

using depthwise::guard;

namespace {

std::vector<uint8_t> value_of(const void *data, size_t size) {
  const auto *bytes = static_cast<const uint8_t *>(data);
  return std::vector<uint8_t>(bytes, bytes + size);
}

dw_bytes copy_of(const std::vector<uint8_t> &value) {
  void *data = std::malloc(value.size() + 1);
  TORCH_CHECK(data != nullptr, "out of memory");
  std::memcpy(data, value.data(), value.size());
  return {data, value.size()};
}

} // namespace

#ifndef DEPTHWISE_NO_GLOO

namespace {

// c10d warns on standard error, with its C++ stack, of what it throws anyway, such as a connection that ends.
void quiet() {
  constexpr int error = 2; // of glog's levels
  if (std::getenv("TORCH_CPP_LOG_LEVEL") == nullptr) FLAGS_caffe2_log_level = std::max(FLAGS_caffe2_log_level, error);
}

} // namespace

dw_error dw_store_open(dw_store **out, const char *host, int port, int listen_fd, const char *prefix, int timeout_ms) {
  return guard([&] {
    quiet();
    c10d::TCPStoreOptions options;
    options.port = uint16_t(port);
    options.isServer = listen_fd >= 0;
    options.waitWorkers = false;
    options.timeout = std::chrono::milliseconds(timeout_ms);
    if (listen_fd >= 0) options.masterListenFd = listen_fd;
    auto store = c10::make_intrusive<c10d::TCPStore>(host, options);
    *out = new dw_store{c10::make_intrusive<c10d::PrefixStore>(prefix, store)};
  });
}

#else

dw_error dw_store_open(dw_store **, const char *, int, int, const char *, int) {
  return guard([] { TORCH_CHECK(false, "this libtorch has no gloo"); });
}

#endif

dw_error dw_store_set(dw_store *s, const char *key, const void *data, size_t size) {
  return guard([&] { s->store->set(key, value_of(data, size)); });
}

dw_error dw_store_set_first(dw_bytes *out, dw_store *s, const char *key, const void *data, size_t size) {
  return guard([&] { *out = copy_of(s->store->compareSet(key, std::vector<uint8_t>(), value_of(data, size))); });
}

dw_error dw_store_check(int *exists, dw_store *s, const char *key) {
  return guard([&] { *exists = s->store->check({key}); });
}

dw_error dw_store_get(dw_bytes *outs, dw_store *s, const char *const *keys, int n) {
  return guard([&] {
    const auto values = s->store->multiGet(std::vector<std::string>(keys, keys + n));
    for (int i = 0; i < n; i++) outs[i] = copy_of(values[i]);
  });
}

void dw_store_free(dw_store *s) {
  // The destructor of a store that serves waits for its thread.
  if (dw_error e = guard([&] { delete s; })) dw_free_error(e);
}
