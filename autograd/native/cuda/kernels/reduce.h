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

// For kernels that finish sums: the sums over the parts of partial[part * stride + at[i]], i < N. Each
// thread adds every kFinishY-th part, in double; those with threadIdx.y 0 then add the results in
// order, and get the sums. `inside` is whether the thread has columns.
template <int N>
DW_DEVICE void sum_parts(const float *partial, int parts, int stride, const int (&at)[N], bool inside,
                         double (&sums)[N]) {
  DW_SHARED double shared[N][kFinishY][kFinishX];
  double own[N] = {};
  if (inside) DW_UNROLL_BY(8)
  for (int part = threadIdx.y; part < parts; part += kFinishY)
    DW_UNROLL for (int i = 0; i < N; i++) own[i] += partial[(long long)part * stride + at[i]];
  DW_UNROLL for (int i = 0; i < N; i++) shared[i][threadIdx.y][threadIdx.x] = own[i], sums[i] = 0;
  __syncthreads();
  if (threadIdx.y != 0) return;
  for (int y = 0; y < kFinishY; y++) DW_UNROLL for (int i = 0; i < N; i++) sums[i] += shared[i][y][threadIdx.x];
}

} // namespace depthwise::cuda
