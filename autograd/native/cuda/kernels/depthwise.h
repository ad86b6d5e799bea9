// Depthwise convolutions, forward.
#pragma once
#include "cuda/kernels/reduce.h"
#include "cuda/kernels/rows.h"
#include "cuda/kernels/strips.h"

namespace depthwise::cuda {

// The weights (c, taps) of V channels.
template <int Taps, int V> DW_DEVICE void load_taps(const float *weight, int channel, float (&taps)[Taps][V]) {
  DW_UNROLL for (int v = 0; v < V; v++) DW_UNROLL for (int k = 0; k < Taps; k++)
      taps[k][v] = weight[(channel + v) * Taps + k];
}

// Convolves a strip of outputs. A step loads the S input rows that are new to an output row, and
// adds them to the sums of all D output rows that they are under; the first of these is then
// complete. Calls finish(row, column, sums) for each output. Inputs go through `bounded` first.
template <class Kernel, int K, int S, class T, class Finish>
DW_DEVICE void convolve_strip(const T *x, const dw_window &w, const Strip &strip, int channel,
                              const float (&taps)[K * K][Kernel::tile.channels], const Activation *bounded,
                              Finish finish) {
  constexpr int V = Kernel::tile.channels, C = Kernel::tile.columns, Ahead = Kernel::tile.ahead;
  constexpr int N = (C - 1) * S + K, D = (K - 1) / S + 1;
  const int first = strip.row * S - w.top, end = (strip.end - 1) * S - w.top + K;
  const Image image{w.w, w.c, first > 0 ? first : 0, end < w.h ? end : w.h};
  const int column = strip.column * S - w.left;
  x += (long long)strip.image * w.h * w.w * w.c + channel;
  float sums[D][C][V] = {};
  Pack<T, V> next[Ahead][S][N];
  int step = strip.row - (D - 1), row = step * S - w.top + K - S; // the first of the step's new rows
  DW_UNROLL for (int a = 0; a < Ahead; a++) DW_UNROLL for (int j = 0; j < S; j++)
      image.load_row(x, row + a * S + j, column, next[a][j]);
  for (; step < strip.end; step++, row += S) {
    Pack<T, V> now[S][N];
    DW_UNROLL for (int j = 0; j < S; j++) {
      DW_UNROLL for (int i = 0; i < N; i++) {
        now[j][i] = next[0][j][i];
        DW_UNROLL for (int a = 1; a < Ahead; a++) next[a - 1][j][i] = next[a][j][i];
      }
      image.load_row(x, row + Ahead * S + j, column, next[Ahead - 1][j]);
    }
    DW_UNROLL for (int j = 0; j < S; j++) {
      float v[N][V];
      DW_UNROLL for (int i = 0; i < N; i++) {
        unpack(now[j][i], v[i]);
        if (bounded != nullptr) DW_UNROLL for (int k = 0; k < V; k++) v[i][k] = (*bounded)(v[i][k]);
      }
      DW_UNROLL for (int d = 0; d < D; d++) {
        const int kh = K - S + j - d * S; // the row of the window of output row step + d
        if (kh >= 0)
          DW_UNROLL for (int kw = 0; kw < K; kw++) DW_UNROLL for (int i = 0; i < C; i++)
              DW_UNROLL for (int k = 0; k < V; k++)
                  sums[d][i][k] = fmaf(taps[kh * K + kw][k], v[i * S + kw][k], sums[d][i][k]);
      }
    }
    if (step >= strip.row)
      DW_UNROLL for (int i = 0; i < C; i++) if (strip.column + i < w.out_w) finish(step, strip.column + i, sums[0][i]);
    DW_UNROLL for (int i = 0; i < C; i++) DW_UNROLL for (int k = 0; k < V; k++) {
      DW_UNROLL for (int d = 1; d < D; d++) sums[d - 1][i][k] = sums[d][i][k];
      sums[D - 1][i][k] = 0;
    }
  }
}

// y, and partial (parts, 2, c): the sums of y, as stored, and of its squares.
template <class T, int K, int S>
DW_KERNEL((Forward<K, S>::tile.threads), (Forward<K, S>::tile.blocks))
depthwise_forward(const T *__restrict__ x, const float *__restrict__ weight, T *__restrict__ y,
                  float *__restrict__ partial, dw_window w, int rows) {
  constexpr int V = Forward<K, S>::tile.channels;
  const int channel = first_channel(V);
  float taps[K * K][V], sums[2][V] = {};
  load_taps(weight, channel, taps);
  Strips(w.n, w.out_h, w.out_w, rows, Forward<K, S>::tile.columns).for_each([&](const Strip &strip) {
    T *to = y + (long long)strip.image * w.out_h * w.out_w * w.c + channel;
    convolve_strip<Forward<K, S>, K, S>(
        x, w, strip, channel, taps, nullptr, [&](int row, int column, const float(&result)[V]) {
          Pack<T, V> stored;
          pack(result, stored);
          store<V>(to + (row * w.out_w + column) * w.c, stored);
          float v[V];
          unpack(stored, v);
          DW_UNROLL for (int k = 0; k < V; k++) sums[0][k] += v[k], sums[1][k] = fmaf(v[k], v[k], sums[1][k]);
        });
  });
  store_block_sums(sums, partial + (long long)blockIdx.y * 2 * w.c, w.c);
}

// y = activation(convolution(in_activation(x)) + bias); the padding is zeros. For inference, with
// batch norm folded into the weights.
template <class T, int K, int S>
DW_KERNEL((Forward<K, S>::tile.threads), (Forward<K, S>::tile.blocks))
depthwise_inference(const T *__restrict__ x, const float *__restrict__ weight, const float *__restrict__ bias,
                    T *__restrict__ y, dw_window w, int in_activation, int activation, int rows) {
  constexpr int V = Forward<K, S>::tile.channels;
  const int channel = first_channel(V);
  const Activation in(in_activation), out(activation);
  float taps[K * K][V], added[V];
  load_taps(weight, channel, taps);
  load_floats(bias + channel, added);
  Strips(w.n, w.out_h, w.out_w, rows, Forward<K, S>::tile.columns).for_each([&](const Strip &strip) {
    T *to = y + (long long)strip.image * w.out_h * w.out_w * w.c + channel;
    convolve_strip<Forward<K, S>, K, S>(x, w, strip, channel, taps, &in,
                                        [&](int row, int column, const float(&result)[V]) {
                                          float v[V];
                                          DW_UNROLL for (int k = 0; k < V; k++) v[k] = out(result[k] + added[k]);
                                          Pack<T, V> stored;
                                          pack(v, stored);
                                          store<V>(to + (row * w.out_w + column) * w.c, stored);
                                        });
  });
}

} // namespace depthwise::cuda
