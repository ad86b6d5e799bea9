// What gradient buckets and synchronized batch norm need of a group of processes.
#pragma once
#include <ATen/core/Tensor.h>
#include <memory>

namespace depthwise::distributed {

// An operation in progress.
class Work {
public:
  virtual ~Work() = default;
  virtual bool done() const = 0;
  // Returns when the result can be used, on a GPU by the current stream. Throws if a rank failed, was cut off, or the
  // group was canceled.
  virtual void wait() = 0;
};

// A group of processes, the ranks. All ranks must begin the same operations in the same order.
class Collective {
public:
  virtual ~Collective() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;
  // Adds up a contiguous tensor of all ranks, in place; all ranks get the same bits. The tensor is kept until the work is done.
  virtual std::shared_ptr<Work> all_reduce(at::Tensor tensor) = 0;
};

} // namespace depthwise::distributed
