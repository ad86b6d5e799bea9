// A group of processes on c10d's backends, whose waiting operations another thread can end.
#pragma once
#include "collective.h"
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <torch/csrc/distributed/c10d/Backend.hpp>

namespace depthwise::distributed {

// What the operations of a group share with the thread that watches over the group.
class Watch {
public:
  // Ends what waits, now and later, with this error.
  void cancel(const std::string &why);
  bool canceled() const;
  void set_grace(std::chrono::milliseconds grace);

  void begin() { begun_++; }
  void notify(); // an operation has ended
  // Returns when `done`. Throws when the group is canceled before.
  template <class Done> void wait(Done done);
  // Throws the cause that `cancel` gives within the grace period, else the failure of an operation.
  [[noreturn]] void report(const std::string &failure);

  int64_t begun() const { return begun_; }
  bool failed() const { return failed_; }
  std::chrono::milliseconds waited() const; // for the operation that a thread waits for; 0: none

private:
  using Clock = std::chrono::steady_clock;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<std::string> canceled_;
  std::optional<Clock::time_point> waits_since_;
  std::chrono::milliseconds grace_{0};
  std::atomic<int64_t> begun_{0};
  std::atomic<bool> failed_{false};
};

class ProcessGroup : public Collective {
public:
  // `gpu` is null for a group on the CPU.
  ProcessGroup(int rank, int size, c10::intrusive_ptr<c10d::Backend> cpu, c10::intrusive_ptr<c10d::Backend> gpu);
  int rank() const override { return rank_; }
  int size() const override { return size_; }
  std::shared_ptr<Work> all_reduce(at::Tensor tensor) override;
  std::shared_ptr<Work> broadcast(at::Tensor tensor);                  // from rank 0, in place
  std::shared_ptr<Work> all_gather(at::Tensor out, at::Tensor tensor); // out: a row for each rank
  void cancel(const std::string &why);
  Watch &watch() const { return *watch_; }

private:
  template <class Begin> std::shared_ptr<Work> start(const at::Tensor &tensor, Begin begin);

  const int rank_, size_;
  c10::intrusive_ptr<c10d::Backend> cpu_, gpu_;
  std::shared_ptr<Watch> watch_ = std::make_shared<Watch>();
  std::mutex begin_; // c10d numbers operations without a lock
};

} // namespace depthwise::distributed
