// The sums of batch norm over ranks: forward those of the values, backward those of the gradients.
#pragma once
#include "batch_norm.h"
#include "distributed/handle.h"
#include <ATen/core/Tensor.h>

namespace depthwise::distributed {

// The group of ranks that a batch norm's statistics are of, and what this rank's batch is worth in it.
class NormSync {
public:
  NormSync() = default; // one process
  explicit NormSync(const dw_norm_sync &s)
      : group_(s.group ? s.group->collective : nullptr), weight_(s.absent ? 0 : s.weight), counts_(!s.absent) {}

  explicit operator bool() const { return group_ != nullptr; }

  // Whether this rank's images count in the statistics.
  bool counts() const { return counts_; }

  // Each rank computes the gradients of its own loss, which the sum over ranks multiplies by the rank's weight. Batch norm
  // takes a gradient from rank to rank, so its sums are of weighted gradients: weight() times the rank's own ones, and
  // what comes back is divided by the weight, which the sum over ranks will apply. A rank without weight adds nothing, and
  // nothing comes back: its gradients will not count.
  double weight() const { return weight_; }
  double returned() const { return weight_ != 0 ? 1 / weight_ : 0; }

  // Adds up values (contiguous, float64) over ranks, in place.
  void add_up(const at::Tensor &values) const { group_->all_reduce(values)->wait(); }

private:
  std::shared_ptr<Collective> group_;
  double weight_ = 1;
  bool counts_ = true;
};

} // namespace depthwise::distributed
