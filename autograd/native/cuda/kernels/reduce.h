// Sums over the threads of a block, in a fixed order.
#pragma once
#include "cuda/kernels/tiles.h"
#include "cuda/kernels/types.h"

namespace depthwise::cuda {

// Adds `values`, N quantities of V channels, of the threads of a block with the same threadIdx.x,
// in order of threadIdx.y, and stores the sums in to[quantity * c + channel]. The channels of a
// thread start at (blockIdx.x * blockDim.x + threadIdx.x) * V.
template <int N, int V> DW_DEVICE void store_block_sums(const float (&values)[N][V], float *to, int c) {
  constexpr int kAtOnce = 16 / V; // quantities, for which 16 KiB of shared memory suffice
  DW_SHARED float shared[16][kMaxThreads];
  const int width = blockDim.x, threads = width * blockDim.y, thread = threadIdx.y * width + threadIdx.x;
  DW_UNROLL for (int first = 0; first < N; first += kAtOnce) {
    const int n = N - first < kAtOnce ? N - first : kAtOnce;
    __syncthreads(); // the previous sums have been read
    DW_UNROLL for (int i = 0; i < kAtOnce; i++) DW_UNROLL for (int v = 0; v < V; v++) if (first + i < N)
        shared[i * V + v][thread] = values[first + i][v];
    __syncthreads();
    for (int i = thread; i < n * V * width; i += threads) {
      const int value = i / width, x = i - value * width;
      float sum = 0;
      for (int at = x; at < threads; at += width) sum += shared[value][at];
      to[(first + value / V) * c + (blockIdx.x * width + x) * V + value % V] = sum;
    }
  }
}

// For kernels that finish sums: adds values of the threads of a block with the same threadIdx.x, in
// order of threadIdx.y. Threads with threadIdx.y 0 get the sum.
DW_DEVICE double block_sum(double value) {
  DW_SHARED double shared[kFinishY][kFinishX];
  __syncthreads(); // the previous values have been read
  shared[threadIdx.y][threadIdx.x] = value;
  __syncthreads();
  double sum = 0;
  if (threadIdx.y == 0)
    for (int y = 0; y < kFinishY; y++) sum += shared[y][threadIdx.x];
  return sum;
}

// The sum over the parts of partial[part * stride + at]; to threads with threadIdx.y 0. `inside` is
// whether the thread has a column.
DW_DEVICE double sum_of_parts(const float *partial, int parts, int stride, int at, bool inside) {
  double sum = 0;
  if (inside)
    DW_UNROLL_BY(4) for (int part = threadIdx.y; part < parts; part += kFinishY)
      sum += partial[(long long)part * stride + at];
  return block_sum(sum);
}

} // namespace depthwise::cuda
