// Which gradients travel together.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <vector>

namespace depthwise::distributed {

// Sizes in bytes. The first bucket is small, so that sending begins early in the backward pass; middle ones are large,
// because each costs the latency of a sum; the last one is small, because no backward pass is left to hide it. MobileNet v1
// has 17 MB, nearly all in its last layers, and its first layers take most of the time: without a last bucket, 12.8 MB are
// sent after the backward pass (docs/allreduce.md).
struct BucketSizes {
  int64_t first, middle, last;
};

// Divides gradients of these sizes, in the order in which they arrive, into buckets of places. As in
// DistributedDataParallel, a first or middle bucket ends with the gradient that reaches its size. The last bucket are as many
// of the last gradients as fit into its size.
inline std::vector<std::vector<int>> assign(const std::vector<int64_t> &bytes, const std::vector<int> &order,
                                            const BucketSizes &sizes) {
  size_t last = order.size(); // where the last bucket begins
  for (int64_t sum = 0; last > 0 && sum + bytes[order[last - 1]] <= sizes.last; last--) sum += bytes[order[last - 1]];
  std::vector<std::vector<int>> buckets;
  int64_t sum = 0;
  bool open = false;
  for (size_t k = 0; k < order.size(); k++) {
    if (!open || k == last) buckets.emplace_back(), sum = 0;
    buckets.back().push_back(order[k]);
    sum += bytes[order[k]];
    open = k >= last || sum < (buckets.size() == 1 ? sizes.first : sizes.middle);
  }
  return buckets;
}

} // namespace depthwise::distributed
