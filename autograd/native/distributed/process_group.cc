//go:build ignore

// Operations on c10d's backends. c10d's own wait ends only with the operation, so on the CPU a thread waits here for the
// operation's future, or until the group is canceled.
#include "distributed/process_group.h"
#include <ATen/ATen.h>
#include <thread>

namespace depthwise::distributed {

void Watch::cancel(const std::string &why) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (!canceled_) canceled_ = why;
  changed_.notify_all();
}

bool Watch::canceled() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return canceled_.has_value();
}

void Watch::set_grace(std::chrono::milliseconds grace) {
  std::lock_guard<std::mutex> lock(mutex_);
  grace_ = grace;
}

void Watch::notify() {
  std::lock_guard<std::mutex> lock(mutex_); // else between the check of a waiting thread and its sleep
  changed_.notify_all();
}

template <class Done> void Watch::wait(Done done) {
  std::unique_lock<std::mutex> lock(mutex_);
  waits_since_ = Clock::now();
  changed_.wait(lock, [&] { return canceled_ || done(); });
  waits_since_.reset();
  TORCH_CHECK(!canceled_ || done(), *canceled_);
}

void Watch::report(const std::string &failure) {
  std::unique_lock<std::mutex> lock(mutex_);
  failed_ = true;
  changed_.wait_for(lock, grace_, [&] { return canceled_.has_value(); });
  TORCH_CHECK(false, canceled_ ? *canceled_ : failure);
}

std::chrono::milliseconds Watch::waited() const {
  std::lock_guard<std::mutex> lock(mutex_);
  if (!waits_since_) return std::chrono::milliseconds(0);
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - *waits_since_);
}

namespace {

// c10d's own limit of an operation. The group's is that of whoever watches it.
constexpr auto no_limit = std::chrono::hours(24 * 365);

std::string text_of(const std::exception_ptr &failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception &e) {
    return e.what();
  } catch (...) {
    return "unknown failure";
  }
}

class CPUWork : public Work {
public:
  CPUWork(c10::intrusive_ptr<c10d::Work> work, std::shared_ptr<Watch> watch)
      : work_(std::move(work)), future_(work_->getFuture()), watch_(std::move(watch)) {
    future_->addCallback([watch = watch_](c10::ivalue::Future &) { watch->notify(); });
  }

  bool done() const override { return future_->completed(); }

  void wait() override {
    watch_->wait([&] { return future_->completed(); });
    if (future_->hasError()) watch_->report(text_of(future_->exception_ptr()));
  }

private:
  c10::intrusive_ptr<c10d::Work> work_; // holds the tensor
  c10::intrusive_ptr<c10::ivalue::Future> future_;
  std::shared_ptr<Watch> watch_;
};

// On a GPU the current stream waits. NCCL's own thread ends operations of a group that was aborted.
class GPUWork : public Work {
public:
  GPUWork(c10::intrusive_ptr<c10d::Work> work, std::shared_ptr<Watch> watch)
      : work_(std::move(work)), watch_(std::move(watch)) {}

  bool done() const override { return work_->isCompleted(); }

  void wait() override {
    try {
      work_->wait();
    } catch (...) {
      watch_->report(text_of(std::current_exception()));
    }
  }

private:
  c10::intrusive_ptr<c10d::Work> work_;
  std::shared_ptr<Watch> watch_;
};

// A sum of which each rank gathers all terms, and adds them up in the order of the ranks.
class GatheredSum : public Work {
public:
  GatheredSum(std::shared_ptr<Work> gather, at::Tensor terms, at::Tensor sum)
      : gather_(std::move(gather)), terms_(std::move(terms)), sum_(std::move(sum)) {}

  bool done() const override { return gather_->done(); }

  void wait() override {
    gather_->wait();
    c10::NoGradGuard no_grad;
    sum_.copy_(terms_[0]);
    for (int64_t r = 1; r < terms_.size(0); r++) sum_.add_(terms_[r]);
  }

private:
  std::shared_ptr<Work> gather_;
  at::Tensor terms_, sum_;
};

// Up to this number of bytes of all ranks, terms are gathered: n-1 messages one after another instead of the 2(n-1) of a
// ring of sums, which send less each. Two ranks on loopback, 1 to 64 KiB: 0.22 instead of 0.28 ms; 256 KiB: no gain.
constexpr size_t gathered_bytes = 128 << 10;

} // namespace

ProcessGroup::ProcessGroup(int rank, int size, c10::intrusive_ptr<c10d::Backend> cpu,
                           c10::intrusive_ptr<c10d::Backend> gpu)
    : rank_(rank), size_(size), cpu_(std::move(cpu)), gpu_(std::move(gpu)) {}

template <class Begin> std::shared_ptr<Work> ProcessGroup::start(const at::Tensor &tensor, Begin begin) {
  TORCH_CHECK(tensor.is_contiguous(), "an operation of ranks needs a contiguous tensor");
  const bool on_gpu = !tensor.device().is_cpu();
  const auto &backend = on_gpu ? gpu_ : cpu_;
  TORCH_CHECK(backend, "a tensor is on ", tensor.device(), ", but the group of ranks was opened without that device");
  watch_->wait([] { return true; });
  std::lock_guard<std::mutex> lock(begin_);
  watch_->begin();
  try {
    auto work = begin(*backend);
    if (on_gpu) return std::make_shared<GPUWork>(work, watch_);
    return std::make_shared<CPUWork>(work, watch_);
  } catch (...) {
    watch_->report(text_of(std::current_exception()));
  }
}

std::shared_ptr<Work> ProcessGroup::all_reduce(at::Tensor tensor) {
  if (tensor.device().is_cpu() && tensor.is_contiguous() && tensor.numel() > 0 &&
      size_ * tensor.nbytes() <= gathered_bytes) {
    at::Tensor sum = tensor.detach().view({-1}), terms = at::empty({size_, sum.numel()}, sum.options());
    return std::make_shared<GatheredSum>(all_gather(terms, sum), terms, sum);
  }
  return start(tensor, [&](c10d::Backend &backend) {
    std::vector<at::Tensor> tensors{tensor};
    c10d::AllreduceOptions options;
    options.timeout = no_limit;
    return backend.allreduce(tensors, options);
  });
}

std::shared_ptr<Work> ProcessGroup::broadcast(at::Tensor tensor) {
  return start(tensor, [&](c10d::Backend &backend) {
    std::vector<at::Tensor> tensors{tensor};
    c10d::BroadcastOptions options;
    options.timeout = no_limit;
    return backend.broadcast(tensors, options);
  });
}

std::shared_ptr<Work> ProcessGroup::all_gather(at::Tensor out, at::Tensor tensor) {
  return start(tensor, [&](c10d::Backend &backend) {
    std::vector<std::vector<at::Tensor>> outs{out.unbind(0)};
    std::vector<at::Tensor> tensors{tensor};
    c10d::AllgatherOptions options;
    options.timeout = no_limit;
    return backend.allgather(outs, tensors, options);
  });
}

void ProcessGroup::cancel(const std::string &why) {
  watch_->cancel(why);
  // NCCL ends what runs on the GPU; it may wait for that.
  if (gpu_) std::thread([gpu = gpu_] { gpu->abort(); }).detach();
}

} // namespace depthwise::distributed
