//go:build ignore

// The C interface of groups, see distributed.h.
#include "distributed.h"
#include "distributed/handle.h"
#include "distributed/nccl.h"
#include "distributed/process_group.h"
#include "distributed/store.h"
#include "tensors/guard.h"
#include "tensors/handle.h"
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <cstring>
#ifndef DEPTHWISE_NO_GLOO // cmd/setup defines it for a libtorch without gloo
#define USE_C10D_GLOO
#include "gloo/algorithm.h"
#include "gloo/common/error.h"
#include "gloo/context.h"
#include "gloo/rendezvous/store.h"
#include "gloo/transport/device.h"
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#endif

using depthwise::guard;
using depthwise::tensor;
using depthwise::distributed::ProcessGroup;
using depthwise::distributed::Work;

namespace {

ProcessGroup &group(const dw_process_group *g) {
  auto *group = dynamic_cast<ProcessGroup *>(g->collective.get());
  TORCH_CHECK(group != nullptr, "this group of ranks only adds up tensors");
  return *group;
}

#ifdef USE_C10D_GLOO

std::shared_ptr<ProcessGroup> open_group(const c10::intrusive_ptr<c10d::Store> &store, const dw_group_options &o) {
  using Gloo = c10d::ProcessGroupGloo;
  auto keys = c10::make_intrusive<c10d::PrefixStore>(o.prefix, store);
  auto options = Gloo::Options::create(std::chrono::milliseconds(o.timeout_ms));
  options->threads = 4; // so that small sums of synchronized batch norm do not wait behind buckets of gradients
  options->devices.push_back(o.is_interface ? Gloo::createDeviceForInterface(o.address)
                                            : Gloo::createDeviceForHostname(o.address));
  auto cpu = c10::make_intrusive<Gloo>(c10::make_intrusive<c10d::PrefixStore>("gloo", keys), o.rank, o.size, options);
  c10::intrusive_ptr<c10d::Backend> gpu;
  if (o.device >= 0)
    gpu = depthwise::distributed::open_nccl(c10::make_intrusive<c10d::PrefixStore>("nccl", keys), o.rank, o.size,
                                            o.device);
  return std::make_shared<ProcessGroup>(o.rank, o.size, cpu, gpu);
}

constexpr int has_gloo = 1;

#else

std::shared_ptr<ProcessGroup> open_group(const c10::intrusive_ptr<c10d::Store> &, const dw_group_options &) {
  TORCH_CHECK(false, "this libtorch has no gloo");
}

constexpr int has_gloo = 0;

#endif

// The tensor itself, or a copy of one that is not contiguous.
at::Tensor contiguous(const at::Tensor &t) { return t.detach().contiguous(); }

// Takes the result of an operation in place over.
void write_back(at::Tensor &t, const at::Tensor &result) {
  auto own = t.detach();
  if (result.data_ptr() != t.data_ptr())
    own.copy_(result);
  else
    t.unsafeGetTensorImpl()->bump_version();
}

at::Tensor bytes_of(size_t size) { return at::empty({int64_t(size)}, at::kByte); }

} // namespace

int dw_has_gloo(void) { return has_gloo; }

dw_error dw_process_group_open(dw_process_group **out, dw_store *store, const dw_group_options *o) {
  return guard([&] { *out = new dw_process_group{open_group(store->store, *o)}; });
}

void dw_process_group_cancel(dw_process_group *g, const char *why) {
  if (dw_error e = guard([&] { group(g).cancel(why); })) dw_free_error(e);
}

void dw_process_group_free(dw_process_group *g) {
  dw_error e = guard([&] {
    if (!group(g).watch().canceled()) delete g;
  });
  if (e != nullptr) dw_free_error(e);
}

dw_group_status dw_process_group_status(const dw_process_group *g) {
  dw_group_status status{};
  dw_error e = guard([&] {
    const auto &watch = group(g).watch();
    status = {watch.begun(), watch.waited().count(), watch.failed()};
  });
  if (e != nullptr) dw_free_error(e);
  return status;
}

void dw_process_group_grace(dw_process_group *g, int grace_ms) {
  if (dw_error e = guard([&] { group(g).watch().set_grace(std::chrono::milliseconds(grace_ms)); })) dw_free_error(e);
}

dw_error dw_process_group_all_reduce(dw_process_group *g, dw_tensor t) {
  return guard([&] {
    c10::NoGradGuard no_grad;
    const auto sum = contiguous(tensor(t));
    g->collective->all_reduce(sum)->wait();
    write_back(tensor(t), sum);
  });
}

dw_error dw_process_group_broadcast(dw_process_group *g, const dw_tensor *ts, int n) {
  return guard([&] {
    c10::NoGradGuard no_grad;
    std::vector<at::Tensor> copies;
    std::vector<std::shared_ptr<Work>> works;
    for (int i = 0; i < n; i++) {
      copies.push_back(contiguous(tensor(ts[i])));
      works.push_back(group(g).broadcast(copies[i]));
    }
    for (int i = 0; i < n; i++) {
      works[i]->wait();
      write_back(tensor(ts[i]), copies[i]);
    }
  });
}

// The operations on bytes compute in memory of their own: of an operation that was canceled, gloo's threads may write to it later.

dw_error dw_process_group_sum(dw_process_group *g, double *values, size_t n) {
  return guard([&] {
    auto sum = at::empty({int64_t(n)}, at::kDouble);
    std::memcpy(sum.data_ptr(), values, n * sizeof(double));
    g->collective->all_reduce(sum)->wait();
    std::memcpy(values, sum.data_ptr(), n * sizeof(double));
  });
}

dw_error dw_process_group_broadcast_bytes(dw_process_group *g, void *data, size_t size) {
  return guard([&] {
    auto bytes = bytes_of(size);
    if (g->collective->rank() == 0) std::memcpy(bytes.data_ptr(), data, size);
    group(g).broadcast(bytes)->wait();
    std::memcpy(data, bytes.data_ptr(), size);
  });
}

dw_error dw_process_group_gather_bytes(dw_process_group *g, const void *data, size_t size, void *out) {
  return guard([&] {
    auto bytes = bytes_of(size),
         all = bytes_of(size * g->collective->size()).reshape({g->collective->size(), int64_t(size)});
    std::memcpy(bytes.data_ptr(), data, size);
    group(g).all_gather(all, bytes)->wait();
    std::memcpy(out, all.data_ptr(), size * g->collective->size());
  });
}
