//go:build ignore

// A group whose ranks are threads of one process, for tests of what ranks compute together.
#include "local_group.h"
#include "distributed/handle.h"
#include "tensors/guard.h"
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

namespace depthwise::distributed {

namespace {

// An operation: the tensors of the ranks that have begun it.
struct Operation {
  std::vector<at::Tensor> tensors;
  int begun = 0;
  bool done = false;
  std::string failure;
};

// What the ranks share.
struct Meeting {
  explicit Meeting(int ranks) : size(ranks), next(ranks) {}

  std::mutex mutex;
  std::condition_variable changed;
  const int size;
  std::vector<int64_t> next; // the number of each rank's next operation
  int64_t first = 0;         // the number of open.front()
  std::deque<std::shared_ptr<Operation>> open;
  std::string canceled;
};

class LocalWork : public Work {
public:
  LocalWork(std::shared_ptr<Meeting> meeting, std::shared_ptr<Operation> operation)
      : meeting_(std::move(meeting)), operation_(std::move(operation)) {}

  bool done() const override {
    std::lock_guard<std::mutex> lock(meeting_->mutex);
    return operation_->done;
  }

  void wait() override {
    std::unique_lock<std::mutex> lock(meeting_->mutex);
    meeting_->changed.wait(lock, [&] { return operation_->done || !meeting_->canceled.empty(); });
    TORCH_CHECK(operation_->done, meeting_->canceled);
    TORCH_CHECK(operation_->failure.empty(), operation_->failure);
  }

private:
  std::shared_ptr<Meeting> meeting_;
  std::shared_ptr<Operation> operation_;
};

// Adds up in the order of the ranks, so that results do not depend on who comes last.
void sum(Operation &o) {
  c10::NoGradGuard no_grad;
  const at::Tensor &first = o.tensors[0];
  for (size_t r = 1; r < o.tensors.size(); r++) {
    const at::Tensor &t = o.tensors[r];
    if (t.sizes() != first.sizes() || t.scalar_type() != first.scalar_type()) {
      o.failure = c10::str("rank ", r, " adds up ", t.sizes(), " ", t.scalar_type(), " where rank 0 adds up ",
                           first.sizes(), " ", first.scalar_type());
      return;
    }
  }
  at::Tensor total = first.clone();
  for (size_t r = 1; r < o.tensors.size(); r++) total.add_(o.tensors[r]);
  for (auto &t : o.tensors) t.copy_(total);
}

class LocalCollective : public Collective {
public:
  LocalCollective(std::shared_ptr<Meeting> meeting, int rank) : meeting_(std::move(meeting)), rank_(rank) {}

  int rank() const override { return rank_; }
  int size() const override { return meeting_->size; }

  std::shared_ptr<Work> all_reduce(at::Tensor tensor) override {
    TORCH_CHECK(tensor.is_contiguous(), "all_reduce of a tensor that is not contiguous");
    std::lock_guard<std::mutex> lock(meeting_->mutex);
    TORCH_CHECK(meeting_->canceled.empty(), meeting_->canceled);
    const size_t place = size_t(meeting_->next[rank_]++ - meeting_->first);
    if (place == meeting_->open.size()) {
      meeting_->open.push_back(std::make_shared<Operation>());
      meeting_->open.back()->tensors.resize(meeting_->size);
    }
    auto operation = meeting_->open[place];
    operation->tensors[rank_] = std::move(tensor);
    if (++operation->begun == meeting_->size) { // then all before it are done too
      sum(*operation);
      operation->tensors.clear();
      operation->done = true;
      meeting_->open.pop_front();
      meeting_->first++;
      meeting_->changed.notify_all();
    }
    return std::make_shared<LocalWork>(meeting_, std::move(operation));
  }

  void cancel(const std::string &why) {
    std::lock_guard<std::mutex> lock(meeting_->mutex);
    meeting_->canceled = why.empty() ? "the group was canceled" : why;
    meeting_->changed.notify_all();
  }

private:
  std::shared_ptr<Meeting> meeting_;
  int rank_;
};

} // namespace

} // namespace depthwise::distributed

using namespace depthwise::distributed;

dw_error dw_local_groups(dw_process_group **out, int n) {
  return depthwise::guard([&] {
    auto meeting = std::make_shared<Meeting>(n);
    for (int rank = 0; rank < n; rank++)
      out[rank] = new dw_process_group{std::make_shared<LocalCollective>(meeting, rank)};
  });
}

void dw_local_cancel(dw_process_group *group, const char *why) {
  static_cast<LocalCollective &>(*group->collective).cancel(why);
}

void dw_local_free(dw_process_group *group) { delete group; }
