// Threads of elementwise kernels over a (rows, c) matrix: a thread keeps kWide<T> channels and
// visits every (threads_y * parts)-th row, several at a time so that their loads overlap.
#pragma once
#include "cuda/kernels/types.h"

namespace depthwise::cuda {

DW_DEVICE int first_channel(int channels) { return (blockIdx.x * blockDim.x + threadIdx.x) * channels; }

// Calls body(offset of the thread's channels in the row) for the thread's rows: first load(i, offset) for up
// to N rows, then use(i, offset) for them.
template <int N, class Load, class Use> DW_DEVICE void for_rows(const dw_rows &m, int channel, Load load, Use use) {
  const long long step = (long long)gridDim.y * blockDim.y;
  long long row = (long long)blockIdx.y * blockDim.y + threadIdx.y;
  const long long apart = step * m.c;
  long long at = row * m.c + channel;
  for (; row + (N - 1) * step < m.rows; row += N * step, at += N * apart) {
    DW_UNROLL for (int i = 0; i < N; i++) load(i, at + i * apart);
    DW_UNROLL for (int i = 0; i < N; i++) use(i, at + i * apart);
  }
  for (; row < m.rows; row += step, at += apart) {
    load(0, at);
    use(0, at);
  }
}

} // namespace depthwise::cuda
