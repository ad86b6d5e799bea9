// The parts of a kernel's rows, and its scratch memory. A part has sums of its own, which are added
// up in the order of parts, so that results do not depend on which thread computes a part. A thread
// has a block for its operands, which stays in its core's caches from part to part.
#pragma once
#include "fused.h"
#include "threads/pool.h"

namespace depthwise::fused::FUSED_ISA {

constexpr int kCacheLine = 64;

constexpr size_t whole_cache_lines(size_t bytes) { return (bytes + kCacheLine - 1) / kCacheLine * kCacheLine; }

// Allocates from scratch memory.
struct ScratchMemory {
  char *at;
  template <class T> T *take(size_t n) {
    T *p = reinterpret_cast<T *>(at);
    at += whole_cache_lines(n * sizeof(T));
    return p;
  }
};

// Counts the bytes that would be taken from a ScratchMemory.
struct ScratchSize {
  size_t bytes = 0;
  template <class T> T *take(size_t n) {
    bytes += whole_cache_lines(n * sizeof(T));
    return nullptr;
  }
};

// Each thread has a region of scratch memory: its block, and the sums of the parts that it begins
// with. The same memory then stays in the caches of one core from kernel to kernel.
struct Parts {
  int threads, count;
  size_t sums, block; // bytes from one part's sums to the next, and of a thread's block

  // From the bytes that each has. The sums do not start in the block's cache set.
  Parts(int threads, int count, size_t sums_bytes, size_t block_bytes)
      : threads(threads), count(count), sums(whole_cache_lines(sums_bytes) + kCacheLine),
        block((block_bytes + 4095) / 4096 * 4096 + 1088) {}

  size_t region() const { return block + sums * threads::most_parts(count, threads); }
  size_t bytes() const { return threads * region(); }
  char *block_of(const Workers &w, int thread) const { return w.scratch + thread * (w.region ? w.region : region()); }
  char *sums_of(const Workers &w, int part) const {
    const int thread = threads::first_thread(part, count, threads);
    return block_of(w, thread) + block + (part - threads::first_part(thread, count, threads)) * sums;
  }

  // The totals of n doubles of every part's sums, from the first one.
  void sum(const Workers &w, size_t first, size_t n, double *to) const {
    for (size_t i = 0; i < n; i++) to[i] = 0;
    for (int part = 0; part < count; part++) {
      const double *from = reinterpret_cast<const double *>(sums_of(w, part)) + first;
      for (size_t i = 0; i < n; i++) to[i] += from[i];
    }
  }
};

} // namespace depthwise::fused::FUSED_ISA
