// Depthwise convolutions, forward.
#pragma once
#include "cuda/kernels/reduce.h"
#include "cuda/kernels/rows.h"
#include "cuda/kernels/strips.h"

namespace depthwise::cuda {

// The weights (c, taps) of V channels.
template <int Taps, int V> DW_DEVICE void load_taps(const float *weight, int channel, float (&taps)[Taps][V]) {
  DW_UNROLL for (int v = 0; v < V; v++) DW_UNROLL for (int k = 0; k < Taps; k++) taps[k][v] =
      weight[(channel + v) * Taps + k];
}

// Convolves a strip of outputs. A step loads the S input rows that are new to an output row, and
// adds them to the sums of all D output rows that they are under; the first of these is then
// complete. Calls finish(offset, sums) for each output. Inputs go through `bounded` first.
template <class Kernel, int K, int S, class T> struct ForwardStrip {
  static constexpr int V = Kernel::tile.channels, C = Kernel::tile.columns, Ahead = Kernel::tile.ahead;
  static constexpr int N = (C - 1) * S + K, D = (K - 1) / S + 1;
  static constexpr int Unroll = kUnrolled<K, Ahead, D>;
  using Rows = Pack<T, V>[S][N]; // what a step loads

  // Adds row j of the step's new rows.
  static DW_DEVICE void add_row(int j, const float (&v)[N][V], const float (&taps)[K * K][V], float (&sums)[D][C][V]) {
    DW_UNROLL for (int d = 0; d < D; d++) {
      const int kh = K - S + j - d * S; // the row of the window of the output row d after the step's
      if (kh >= 0)
        DW_UNROLL for (int kw = 0; kw < K; kw++) DW_UNROLL for (int i = 0; i < C; i++)
            DW_UNROLL for (int k = 0; k < V; k++) sums[d][i][k] =
                fmaf(taps[kh * K + kw][k], v[i * S + kw][k], sums[d][i][k]);
    }
  }

  template <class Bound, class Finish>
  static DW_DEVICE void run(const T *x, const dw_window &w, const Strip &strip, int channel,
                            const float (&taps)[K * K][V], Bound bounded, Finish finish) {
    const int column = strip.column * S - w.left;
    if (column >= 0 && column + N <= w.w && strip.column + C <= w.out_w)
      slide<true>(x, w, strip, channel, taps, bounded, finish);
    else
      slide<false>(x, w, strip, channel, taps, bounded, finish);
  }

  // With All, all columns are inside the image, and need no checks.
  template <bool All, class Bound, class Finish>
  static DW_DEVICE void slide(const T *x, const dw_window &w, const Strip &strip, int channel,
                              const float (&taps)[K * K][V], Bound bounded, Finish finish) {
    const int first = strip.row * S - w.top, end = (strip.end - 1) * S - w.top + K;
    int step = strip.row - (D - 1);
    Columns<N, V> columns(w.w, w.c, channel, step * S - w.top + K - S, strip.column * S - w.left, first > 0 ? first : 0,
                          end < w.h ? end : w.h);
    x += (long long)strip.image * w.h * w.w * w.c;
    keep(x);
    int at = (strip.row * w.out_w + strip.column) * w.c + channel; // of the output
    Rows rows[Ahead] = {};                                         // columns outside the image stay zeros
    auto load_step = [&](Rows &to) {
      DW_UNROLL for (int j = 0; j < S; j++, columns.next_row()) {
        columns.template load_row<All>(x, to[j]);
        if (Kernel::tile.prefetch) columns.prefetch_row(x, Kernel::tile.prefetch, K / 2, K / 2 + C * S);
      }
    };
    DW_UNROLL for (int a = 0; a < Ahead; a++) load_step(rows[a]);
    float sums[D][C][V] = {};
    while (step < strip.end) {
      DW_UNROLL for (int u = 0; u < Unroll; u++, step++) {
        if (step >= strip.end) break;
        const int row = columns.row - Ahead * S; // the first of the step's
        Rows &now = rows[u % Ahead];
        float v[S][N][V];
        DW_UNROLL for (int j = 0; j < S; j++) DW_UNROLL for (int i = 0; i < N; i++) {
          unpack(now[j][i], v[j][i]);
          DW_UNROLL for (int k = 0; k < V; k++) v[j][i][k] = bounded(v[j][i][k]);
        }
        load_step(now);
        DW_UNROLL for (int j = 0; j < S; j++) if (columns.loads(row + j)) add_row(j, v[j], taps, sums);
        if (step >= strip.row) {
          DW_UNROLL for (int i = 0; i < C; i++) if (All || strip.column + i < w.out_w) finish(at + i * w.c, sums[0][i]);
          at += w.out_w * w.c;
        }
        DW_UNROLL for (int i = 0; i < C; i++) DW_UNROLL for (int k = 0; k < V; k++) {
          DW_UNROLL for (int d = 1; d < D; d++) sums[d - 1][i][k] = sums[d][i][k];
          sums[D - 1][i][k] = 0;
        }
      }
    }
  }
};

// y, and partial (parts, 2, c): the sums of y, as stored, and of its squares.
template <class T, int K, int S>
DW_KERNEL((Forward<K, S>::tile.threads), (kResident<T, Forward<K, S>>))
depthwise_forward(const T *__restrict__ x, const float *__restrict__ weight, T *__restrict__ y,
                  float *__restrict__ partial, dw_window w, int rows) {
  constexpr int V = Forward<K, S>::tile.channels;
  const int channel = first_channel(V);
  float taps[K * K][V], sums[2][V] = {};
  load_taps(weight, channel, taps);
  Strips(w.n, w.out_h, w.out_w, rows, Forward<K, S>::tile.columns).for_each([&](const Strip &strip) {
    T *to = y + (long long)strip.image * w.out_h * w.out_w * w.c;
    keep(to);
    ForwardStrip<Forward<K, S>, K, S, T>::run(
        x, w, strip, channel, taps, [](float v) { return v; },
        [&](int at, const float(&result)[V]) {
          Pack<T, V> stored;
          pack(result, stored);
          store<V>(to + at, stored);
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
DW_KERNEL((Forward<K, S>::tile.threads), (kResident<T, Forward<K, S>>))
depthwise_inference(const T *__restrict__ x, const float *__restrict__ weight, const float *__restrict__ bias,
                    T *__restrict__ y, dw_window w, int in_activation, int activation, int rows) {
  constexpr int V = Forward<K, S>::tile.channels;
  const int channel = first_channel(V);
  const Activation in(in_activation), out(activation);
  float taps[K * K][V], added[V];
  load_taps(weight, channel, taps);
  load_floats(bias + channel, added);
  Strips(w.n, w.out_h, w.out_w, rows, Forward<K, S>::tile.columns).for_each([&](const Strip &strip) {
    T *to = y + (long long)strip.image * w.out_h * w.out_w * w.c;
    keep(to);
    ForwardStrip<Forward<K, S>, K, S, T>::run(x, w, strip, channel, taps, in, [&](int at, const float(&result)[V]) {
      float v[V];
      DW_UNROLL for (int k = 0; k < V; k++) v[k] = out(result[k] + added[k]);
      Pack<T, V> stored;
      pack(v, stored);
      store<V>(to + at, stored);
    });
  });
}

} // namespace depthwise::cuda
