// Shared by the depthwise kernels: rows of an image as lines of float surrounded by zeros, sums
// accumulated in float for a limited number of positions and then in double, and non-temporal
// stores.
#pragma once
#include "isa/simd.h"
#include "threads/parts.h"
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace depthwise::fused::FUSED_ISA {

// Tensors larger than this are written with non-temporal stores: they would have left the caches
// before the next layer reads them, and an ordinary store first reads the memory that it
// overwrites. With AMX kernels on another processor this saved 18 of about 170 ms of a step (224,
// batch 32, two threads); it has not been measured separately with these kernels.
constexpr size_t kStreamedBytes = 1 << 20;

// Copies bytes with non-temporal stores to memory that is not read soon. Rows of 16 bfloat16
// channels start at any multiple of 32 bytes, so partial cache lines at both ends are stored as
// usual.
FUSED_INLINE void stream_copy(void *to, const void *from, size_t bytes) {
  char *d = static_cast<char *>(to);
  const char *s = static_cast<const char *>(from);
#if defined(__SSE2__)
  size_t head = -uintptr_t(d) % size_t(kCacheLine);
  if (head > bytes) head = bytes;
  memcpy(d, s, head);
  d += head, s += head, bytes -= head;
  for (; bytes >= size_t(kCacheLine); bytes -= kCacheLine, d += kCacheLine, s += kCacheLine) {
#if defined(__AVX512F__)
    _mm512_stream_si512(reinterpret_cast<__m512i *>(d), _mm512_loadu_si512(s));
#else
    for (int i = 0; i < kCacheLine; i += 16)
      _mm_stream_si128(reinterpret_cast<__m128i *>(d + i), _mm_loadu_si128(reinterpret_cast<const __m128i *>(s + i)));
#endif
  }
#endif
  memcpy(d, s, bytes);
}

// Makes non-temporal stores visible to the other threads before the kernel ends.
FUSED_INLINE void stream_fence() {
#if defined(__SSE2__)
  _mm_sfence();
#endif
}

// Prefetches the cache line at p into the second-level cache. Any address is valid, even past a
// tensor's end.
FUSED_INLINE void prefetch_line(const void *p) { __builtin_prefetch(p, 0, 2); }

// Three consecutive rows of one image as float, and a row of zeros for rows outside it. A line is
// blocked by 16 channels, (channels/16, columns, 16): the kernels slide along one block, and with a
// power of two between columns every column would fall into the same set of the first-level cache.
// Columns outside the image stay zero.
struct Lines {
  float *memory; // (4, channels/16, columns, 16)
  int channels, columns;
  int next = 0; // the next row to compute

  size_t size() const { return size_t(channels) * columns; }
  size_t block(int channel) const { return size_t(channel) * columns; } // channel is a multiple of 16
  float *slot(int row) const { return memory + row % 3 * size(); }
  const float *row(int row, int height) const { return row < 0 || row >= height ? memory + 3 * size() : slot(row); }
  void clear() const { memset(memory, 0, 4 * size() * sizeof(float)); }
};
constexpr size_t line_bytes(int channels, int columns) { return size_t(4) * channels * columns * sizeof(float); }

// Sums over positions, for each of count values: in float over a few rows, then in double, so that
// the error does not grow with the batch. After 512 additions a float has lost 5 of its 24 bits to
// random rounding.
constexpr int kFloatPositions = 512;
struct RunningSums {
  double *total; // (count)
  float *part;   // (count)
  size_t count;
  int positions = 0;

  template <class Memory>
  RunningSums(Memory &memory, size_t count)
      : total(memory.template take<double>(count)), part(memory.template take<float>(count)), count(count) {}

  void clear() {
    memset(total, 0, count * sizeof *total);
    memset(part, 0, count * sizeof *part);
  }
  void flush() {
    for (size_t i = 0; i < count; i++) total[i] += part[i], part[i] = 0;
    positions = 0;
  }
  void add_positions(int n) {
    if ((positions += n) >= kFloatPositions) flush();
  }
};

} // namespace depthwise::fused::FUSED_ISA
