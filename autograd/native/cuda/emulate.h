// Runs the kernels of cuda/kernels on the CPU: what they use of CUDA C++ as plain C++, and blocks
// of threads as fibers of one OS thread, one after another. Each fiber runs to the next barrier, so
// the order of everything is fixed, and the sanitizers see every access. For tests: slow.
#pragma once
#include <cmath>
#include <cstdint>
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

// A stack with what it takes to continue on it.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__)
// By hand: swapcontext makes two system calls, with which the tests of whole networks take ten times as long.
class Context {
public:
  void prepare(char *stack, size_t size, void (*start)()) {
    void **top = reinterpret_cast<void **>((reinterpret_cast<uintptr_t>(stack) + size) & ~uintptr_t(15));
    *--top = nullptr; // a call would have pushed its return address, which aligns what follows
    *--top = reinterpret_cast<void *>(start);
    for (int i = 0; i < 6; i++) *--top = nullptr; // registers
    pointer = top;
  }
  void switch_to(Context &to) { swap(&pointer, to.pointer); }

private:
  // Saves the registers that a function must preserve, and returns on the other stack.
  __attribute__((naked, noinline)) static void swap(void **, void *) {
    __asm__("pushq %rbp\n pushq %rbx\n pushq %r12\n pushq %r13\n pushq %r14\n pushq %r15\n"
            "movq %rsp, (%rdi)\n movq %rsi, %rsp\n"
            "popq %r15\n popq %r14\n popq %r13\n popq %r12\n popq %rbx\n popq %rbp\n ret");
  }
  void *pointer = nullptr;
};
#else
class Context {
public:
  void prepare(char *stack, size_t size, void (*start)()) {
    getcontext(&context);
    context.uc_stack.ss_sp = stack, context.uc_stack.ss_size = size;
    makecontext(&context, start, 0);
  }
  void switch_to(Context &to) { swapcontext(&context, &to.context); }

private:
  ucontext_t context;
};
#endif

// The fibers of a block. The stacks are kept from block to block.
class Block {
public:
  // Runs body once for each of the block's threads.
  template <class Body> void run(size_t threads, Body &body) {
    while (fibers.size() < threads) fibers.push_back({{}, std::unique_ptr<char[]>(new char[kStack]), false});
    count = threads;
    for (size_t i = 0; i < count; i++) {
      Fiber &f = fibers[i];
      f.finished = false;
      f.context.prepare(f.stack.get(), kStack, &start<Body>);
    }
    entry = &body;
    current = this;
    while (round()) {
    }
    current = nullptr;
  }

  // Suspends the fiber that runs until all others are here too.
  static void barrier() {
    Block *b = current;
    b->fibers[b->running].context.switch_to(b->scheduler);
  }

private:
  static constexpr size_t kStack = 1 << 16;
  struct Fiber {
    Context context;
    std::unique_ptr<char[]> stack;
    bool finished;
  };
  std::vector<Fiber> fibers;
  Context scheduler;
  size_t count = 0, running = 0;
  void *entry = nullptr;
  inline static thread_local Block *current = nullptr;

  template <class Body> static void start() {
    Block *b = current;
    (*static_cast<Body *>(b->entry))();
    b->fibers[b->running].finished = true;
    barrier(); // for good: the next block prepares the stack again
  }

  // Runs each fiber to its next barrier or its end. Returns whether there is another round.
  bool round() {
    size_t finished = 0;
    for (size_t i = 0; i < count; i++) {
      running = ordered(i, count);
      threadIdx = {unsigned(running % blockDim.x), unsigned(running / blockDim.x)};
      scheduler.switch_to(fibers[running].context);
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
