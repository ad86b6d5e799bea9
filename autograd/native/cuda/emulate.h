// Runs the kernels of cuda/kernels on the CPU: what they use of CUDA C++ as plain C++, and blocks
// of threads as fibers of one OS thread, one after another. Each fiber runs to the next barrier, so
// the order of everything is fixed, and the sanitizers see every access. For tests: slow.
#pragma once
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <ucontext.h>
#include <vector>

#include "cuda/kernels/shapes.h"

#define DW_KERNEL(threads, blocks) inline void
#define DW_DEVICE inline
#define DW_SHARED static thread_local
#define DW_UNROLL
#define DW_UNROLL_BY(times)

namespace depthwise::cuda {

// CUDA's built-in variables, of the fiber that runs.
struct Index {
  unsigned x = 0, y = 0;
};
inline thread_local Index threadIdx, blockIdx, blockDim, gridDim;

namespace emulation {

// Runs the threads of blocks, and the blocks, from the last to the first: a kernel that lacks a
// barrier, or depends on the order otherwise, computes something else.
inline thread_local bool reversed = false;
inline size_t ordered(size_t i, size_t n) { return reversed ? n - 1 - i : i; }

// The fibers of a block. The stacks are kept from block to block.
class Block {
public:
  // Runs body once for each of the block's threads.
  template <class Body> void run(size_t threads, Body &body) {
    while (fibers.size() < threads) fibers.push_back({{}, std::unique_ptr<char[]>(new char[kStack]), false});
    count = threads;
    for (size_t i = 0; i < count; i++) {
      Fiber &f = fibers[i];
      getcontext(&f.context);
      f.context.uc_stack.ss_sp = f.stack.get(), f.context.uc_stack.ss_size = kStack;
      f.context.uc_link = &scheduler;
      f.finished = false;
      makecontext(&f.context, reinterpret_cast<void (*)()>(&start<Body>), 0);
    }
    entry = &body;
    current = this;
    while (round()) {}
    current = nullptr;
  }

  // Suspends the fiber that runs until all others are here too.
  static void barrier() {
    Block *b = current;
    swapcontext(&b->fibers[b->running].context, &b->scheduler);
  }

private:
  static constexpr size_t kStack = 1 << 16;
  struct Fiber {
    ucontext_t context;
    std::unique_ptr<char[]> stack;
    bool finished;
  };
  std::vector<Fiber> fibers;
  ucontext_t scheduler;
  size_t count = 0, running = 0;
  void *entry = nullptr;
  inline static thread_local Block *current = nullptr;

  template <class Body> static void start() {
    Block *b = current;
    (*static_cast<Body *>(b->entry))();
    b->fibers[b->running].finished = true;
  }

  // Runs each fiber to its next barrier or its end. Returns whether there is another round.
  bool round() {
    size_t finished = 0;
    for (size_t i = 0; i < count; i++) {
      running = ordered(i, count);
      threadIdx = {unsigned(running % blockDim.x), unsigned(running / blockDim.x)};
      swapcontext(&scheduler, &fibers[running].context);
      finished += fibers[running].finished;
    }
    if (finished != 0 && finished != count) {
      fprintf(stderr, "depthwise: a kernel's threads reached different numbers of barriers\n");
      abort();
    }
    return finished == 0;
  }
};

} // namespace emulation

inline void __syncthreads() { emulation::Block::barrier(); }

// Runs a kernel, as a launch with these numbers of blocks and threads does on a GPU.
template <class... Parameters, class... Arguments>
void emulate(const Launch &launch, void (*kernel)(Parameters...), Arguments... arguments) {
  blockDim = {launch.threads_x, launch.threads_y}, gridDim = {launch.blocks_x, launch.blocks_y};
  static thread_local emulation::Block block;
  auto body = [&] { kernel(arguments...); };
  const size_t blocks = size_t(gridDim.x) * gridDim.y;
  for (size_t i = 0; i < blocks; i++) {
    const size_t at = emulation::ordered(i, blocks);
    blockIdx = {unsigned(at % gridDim.x), unsigned(at / gridDim.x)};
    block.run(size_t(blockDim.x) * blockDim.y, body);
  }
}

} // namespace depthwise::cuda
