// Averages gradients over ranks while the backward pass runs: the design of PyTorch's DistributedDataParallel
// (Li et al. 2020, https://arxiv.org/abs/2006.15704), with exact weights for uneven batches.
#pragma once
#include "distributed/buckets.h"
#include "distributed/collective.h"
#include <ATen/core/Tensor.h>
#include <chrono>
#include <mutex>
#include <vector>

namespace depthwise::distributed {

struct ReducerOptions {
  std::vector<at::Tensor> parameters, statistics;
  BucketSizes sizes;
  bool summed, bf16, deferred; // see dw_reducer_options
};

// One step is begin, gradients that arrive in any order, finish. Sums over ranks begin in the order of the buckets whatever
// arrives first, because all ranks must begin them in the same order: first the statistics with the weights of the ranks,
// which the forward pass has left when the first gradient arrives.
class Reducer {
public:
  Reducer(std::shared_ptr<Collective> group, ReducerOptions options);

  void begin(int64_t images, double weight);
  // The gradient of parameter i before it is accumulated; `accumulated` follows.
  void early(int i, const at::Tensor &gradient);
  // Parameter i has accumulated the gradient of this pass.
  void accumulated(int i);
  // Returns the parameters that lack a gradient; if there are any, nothing is averaged.
  std::vector<int> finish();

  const std::vector<at::Tensor> &parameters() const { return options_.parameters; }

  struct Times {
    int64_t bytes = 0;
    int parameters = 0;
    double begun = 0, ended = 0;
  };
  std::vector<Times> times() const;               // of the last step, for each bucket
  double finishing() const { return finishing_; } // when finish was called
  double waited() const { return waited_; }       // for sums, within finish
  int bucket_of(int i) const { return slots_[i].bucket; }

private:
  enum class Arrival { None, Early, Done };
  struct Slot { // of a parameter
    int bucket = 0;
    at::Tensor sent, mean; // its parts of the bucket, laid out as the parameter
    Arrival arrival = Arrival::None;
  };
  struct Bucket {
    std::vector<int> places;
    at::Tensor sent, mean; // the same tensor unless gradients are sent in another type
    size_t missing = 0;    // gradients that have not arrived
    std::shared_ptr<Work> work;
    Times times;
  };

  void make_buckets(std::vector<int> order);
  void forget_last_step();
  void put(int i, const at::Tensor &gradient);
  void arrived(int i);
  void launch();
  void launch_statistics();
  std::vector<int> complete();
  void average();
  void average_statistics();
  void observe_order();
  void wait(std::shared_ptr<Work> &work);
  bool scaled() const { return !options_.summed && group_->size() > 1; }
  double seconds() const;

  std::shared_ptr<Collective> group_;
  ReducerOptions options_;
  std::vector<Slot> slots_;
  std::vector<Bucket> buckets_;
  std::vector<int> order_;   // in which buckets were made
  std::vector<int> arrival_; // in which gradients arrived in this step
  bool observed_ = false;    // order_ is that of a backward pass

  std::mutex mutex_; // a GPU's gradients arrive on another thread
  bool active_ = false, broken_ = false;
  int64_t images_ = 0;
  double weight_ = 0;
  at::Tensor scale_, divisor_; // weight_; the sum over ranks
  size_t next_ = 0;            // the next bucket to launch
  // float64: this rank's statistics; the sums over ranks of images, weight, and images times the statistics
  at::Tensor statistics_, totals_;
  std::shared_ptr<Work> totals_work_;
  std::chrono::steady_clock::time_point begun_;
  double finishing_ = 0, waited_ = 0;
};

} // namespace depthwise::distributed
