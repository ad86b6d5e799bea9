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

struct Parts {
  int threads, count;
  size_t sums, block; // bytes from one part's sums, and from one thread's block, to the next

  // From the bytes that each has. The next block does not start in the same cache set.
  Parts(int threads, int count, size_t sums_bytes, size_t block_bytes)
      : threads(threads), count(count), sums(whole_cache_lines(sums_bytes) + kCacheLine),
        block((block_bytes + 4095) / 4096 * 4096 + 1088) {}

  size_t bytes() const { return count * sums + threads * block; }
  char *sums_of(const Workers &w, int part) const { return w.scratch + part * sums; }
  char *block_of(const Workers &w, int thread) const { return w.scratch + count * sums + thread * block; }

  // The total of the i-th double of every part's sums.
  double sum(const Workers &w, size_t i) const {
    double total = 0;
    for (int part = 0; part < count; part++) total += reinterpret_cast<const double *>(sums_of(w, part))[i];
    return total;
  }
  // Of n doubles from the first one.
  void sum(const Workers &w, size_t first, size_t n, double *to) const {
    for (size_t i = 0; i < n; i++) to[i] = sum(w, first + i);
  }
};

} // namespace depthwise::fused::FUSED_ISA
