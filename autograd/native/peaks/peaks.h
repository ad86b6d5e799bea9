// The processor's peak performance, for comparison: products whose operands stay in registers, by
// the instruction that the matrix products use, and memory that is read or written once, in order.
// peaks/peaks.cc times them.
#pragma once
#include "pointwise/pointwise.h"

namespace depthwise::fused::FUSED_ISA {

constexpr size_t kPeakScratch = 1 << 14; // bytes of scratch memory for a thread's sums

// Runs body(part, memory) once for each thread; on an idle machine, on each thread.
template <class Body> void for_each_thread(const Workers &w, Body body) {
  for_each_part(w.threads, w.threads,
                [&](int part, int) { body(part, ScratchMemory{w.scratch + part * kPeakScratch}); });
}

#if defined(__AMX_BF16__)
// The products of tiles of zeros. Returns the multiply-adds of a thread.
static double multiply_in_tiles(int64_t products) {
  constexpr int kSums = 4, kPairs = 2;
  TileShapes shapes(kTile);
  zero_sums<2, 2>();
  tile_zero<tile_a(0)>();
  tile_zero<tile_b(0)>();
  for (int64_t i = 0; i < products; i++) {
    tile_multiply<tile_sums(0, 0), tile_a(0), tile_b(0)>();
    tile_multiply<tile_sums(0, 1), tile_a(0), tile_b(0)>();
    tile_multiply<tile_sums(1, 0), tile_a(0), tile_b(0)>();
    tile_multiply<tile_sums(1, 1), tile_a(0), tile_b(0)>();
  }
  return double(products) * kSums * kTile * kTile * kTile * kPairs;
}
#endif

// Adds the product of 1 and 1 (bfloat16: of pairs of ones) `products` times to each of as many sums
// as a tile has, which is more than the latency of one addition hides. Returns the multiply-adds of
// a thread; the sums start at 0, 1, 2...
template <class S> double multiply_in_vectors(int64_t products, V (&sums)[kRows * kVectors]) {
  constexpr int kSums = kRows * kVectors;
  Element<S> one = element<S>(1, 1), ones[kLanes];
  asm volatile("" : "+m"(one)); // hides the value from the compiler
  for (auto &e : ones) e = one;
  const V factor = load(reinterpret_cast<const float *>(ones));
  for (int s = 0; s < kSums; s++) sums[s] = set1(float(s)); // equal sums would be computed once
  for (int64_t i = 0; i < products; i++)
#pragma GCC unroll 32
    for (int s = 0; s < kSums; s++) sums[s] = accumulate(sums[s], &one, factor);
  return double(products) * kSums * kLanes * kPack<Element<S>>;
}

// Runs `products` on each thread and returns the multiply-adds of all threads. The sums are stored
// in scratch memory so that the compiler does not remove them.
template <class S> double multiply_in_registers(const Workers &w, int64_t products) {
  double *done = reinterpret_cast<double *>(w.scratch);
  for_each_thread(w, [&](int, ScratchMemory memory) {
    double *count = memory.take<double>(1);
#if defined(__AMX_BF16__)
    if constexpr (kTiled<Element<S>>) {
      *count = multiply_in_tiles(products);
      return;
    }
#endif
    V sums[kRows * kVectors];
    *count = multiply_in_vectors<S>(products, sums);
    memcpy(memory.take<V>(kRows * kVectors), sums, sizeof sums);
  });
  return *done * w.threads;
}

// Reads n floats, a multiple of 64.
static void read_memory(const Workers &w, const float *from, size_t n) {
  for_each_thread(w, [&](int t, ScratchMemory memory) {
    const threads::Range part = threads::range_of(int64_t(n / 64), t, w.threads);
    V sums[4] = {};
    for (int64_t i = part.begin; i < part.end; i++)
      for (int s = 0; s < 4; s++) sums[s] += load(from + i * 64 + s * kLanes);
    memcpy(memory.take<V>(4), sums, sizeof sums);
  });
}

// a = b + c for n floats each, a multiple of 64, with non-temporal stores: STREAM's addition,
// https://www.cs.virginia.edu/stream.
static void add_memory(const Workers &w, float *a, const float *b, const float *c, size_t n) {
  for_each_thread(w, [&](int t, ScratchMemory) {
    const threads::Range part = threads::range_of(int64_t(n / 64), t, w.threads);
    for (int64_t i = part.begin * 64; i < part.end * 64; i += kLanes) stream(a + i, load(b + i) + load(c + i));
    stream_fence();
  });
}

} // namespace depthwise::fused::FUSED_ISA
