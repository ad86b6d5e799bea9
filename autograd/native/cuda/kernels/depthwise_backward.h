// Backward of a depthwise convolution followed by batch norm and an activation function, in one
// pass: dy is computed as it is loaded, and never stored.
#pragma once
#include "cuda/kernels/depthwise.h"
#include "cuda/kernels/norm_backward.h"

namespace depthwise::cuda {

// A thread's strip of inputs, in groups of S x S: group (r, q) is the inputs from row r*S - top and
// column q*S - left. They are under the windows of outputs (r - d, q - e), 0 <= d, e < D. The thread
// keeps the dy of these and slides down: a step computes dy of output row r, then the inputs' dx, and
// adds x * dy to the gradient of the weights.
template <int K, int S, class T> struct BackwardStrip {
  using Kernel = Backward<K, S>;
  static constexpr int V = Kernel::tile.channels, C = Kernel::tile.columns, D = (K - 1) / S + 1;
  static constexpr int M = C + D - 1, N = C * S; // columns of dy and of x

  // What a step loads.
  struct Rows {
    Pack<T, V> da[M], y[M], x[S][N];
  };

  const dw_window &w;
  const Strip strip;
  const T *da, *y, *x;
  T *dx;
  Image outputs, inputs;

  DW_DEVICE BackwardStrip(const dw_window &w, const Strip &strip, const T *da, const T *y, const T *x, T *dx,
                          int channel)
      : w(w), strip(strip) {
    const long long out = (long long)strip.image * w.out_h * w.out_w * w.c + channel,
                    in = (long long)strip.image * w.h * w.w * w.c + channel;
    this->da = da + out, this->y = y + out, this->x = x + in, this->dx = dx + in;
    outputs = {w.out_w, w.c, 0, strip.end < w.out_h ? strip.end : w.out_h};
    const int first = strip.row * S - w.top, end = strip.end * S - w.top;
    inputs = {w.w, w.c, first > 0 ? first : 0, end < w.h ? end : w.h};
  }
  DW_DEVICE int first_output() const { return strip.column - (D - 1); }
  DW_DEVICE int first_input() const { return strip.column * S - w.left; }

  DW_DEVICE void load_step(int r, Rows &rows) const {
    outputs.load_row(da, r, first_output(), rows.da);
    outputs.load_row(y, r, first_output(), rows.y);
    DW_UNROLL for (int j = 0; j < S; j++) inputs.load_row(x, r * S - w.top + j, first_input(), rows.x[j]);
  }

  // dy of output row r; zeros outside the output.
  DW_DEVICE void compute_dy(int r, const Rows &rows, const NormBackward<V> &norm, float (&dy)[M][V]) const {
    const bool inside = r >= 0 && r < w.out_h;
    DW_UNROLL for (int i = 0; i < M; i++) {
      const bool valid = inside && unsigned(first_output() + i) < unsigned(w.out_w);
      float g[V], v[V];
      unpack(rows.da[i], g), unpack(rows.y[i], v);
      DW_UNROLL for (int k = 0; k < V; k++) dy[i][k] = valid ? norm.dy(g[k], v[k], k) : 0;
    }
  }

  // dx of a row of inputs, r*S - top + j, and the gradient of the weights.
  DW_DEVICE void row_of_inputs(int r, int j, const Rows &rows, const float (&dy)[D][M][V],
                               const float (&taps)[K * K][V], float (&dweight)[K * K][V]) const {
    const int row = r * S - w.top + j;
    DW_UNROLL for (int i = 0; i < N; i++) {
      float v[V], sums[V] = {};
      unpack(rows.x[j][i], v);
      DW_UNROLL for (int d = 0; d < D; d++) DW_UNROLL for (int m = 0; m < M; m++) {
        const int kh = j + d * S, kw = i + (D - 1 - m) * S;
        if (kh < K && kw >= 0 && kw < K)
          DW_UNROLL for (int k = 0; k < V; k++) {
            sums[k] = fmaf(taps[kh * K + kw][k], dy[d][m][k], sums[k]);
            dweight[kh * K + kw][k] = fmaf(v[k], dy[d][m][k], dweight[kh * K + kw][k]);
          }
      }
      const int column = first_input() + i;
      if (row < 0 || row >= w.h || unsigned(column) >= unsigned(w.w)) continue;
      Pack<T, V> stored;
      pack(sums, stored);
      store<V>(dx + (row * w.w + column) * w.c, stored);
    }
  }

  DW_DEVICE void run(const NormBackward<V> &norm, const float (&taps)[K * K][V], float (&dweight)[K * K][V]) const {
    constexpr int Ahead = Kernel::tile.ahead;
    float dy[D][M][V] = {};
    Rows next[Ahead];
    int r = strip.row - (D - 1);
    DW_UNROLL for (int a = 0; a < Ahead; a++) load_step(r + a, next[a]);
    for (; r < strip.end; r++) {
      const Rows now = next[0];
      DW_UNROLL for (int a = 1; a < Ahead; a++) next[a - 1] = next[a];
      load_step(r + Ahead, next[Ahead - 1]);
      DW_UNROLL for (int d = D - 1; d > 0; d--) DW_UNROLL for (int m = 0; m < M; m++)
          DW_UNROLL for (int k = 0; k < V; k++) dy[d][m][k] = dy[d - 1][m][k];
      compute_dy(r, now, norm, dy[0]);
      if (r >= strip.row)
        DW_UNROLL for (int j = 0; j < S; j++) row_of_inputs(r, j, now, dy, taps, dweight);
    }
  }
};

// dx, and partial (parts, k*k, c): the gradient of the weights. da is the gradient of the activation
// function's output; coef and dcoef are of moments_finish and norm_backward_finish.
template <class T, int K, int S>
DW_KERNEL((Backward<K, S>::tile.threads), (Backward<K, S>::tile.blocks))
depthwise_backward(const T *__restrict__ da, const T *__restrict__ y, const float *__restrict__ coef,
                   const float *__restrict__ dcoef, const T *__restrict__ x, const float *__restrict__ weight,
                   T *__restrict__ dx, float *__restrict__ partial, dw_window w, int activation, int rows) {
  constexpr int V = Backward<K, S>::tile.channels;
  const int channel = first_channel(V);
  float taps[K * K][V], dweight[K * K][V] = {};
  load_taps(weight, channel, taps);
  const NormBackward<V> norm(coef, dcoef, w.c, channel, activation);
  const int height = (w.h - 1 + w.top) / S + 1, width = (w.w - 1 + w.left) / S + 1; // groups of inputs
  Strips(w.n, height, width, rows, Backward<K, S>::tile.columns).for_each([&](const Strip &strip) {
    BackwardStrip<K, S, T>(w, strip, da, y, x, dx, channel).run(norm, taps, dweight);
  });
  store_block_sums(dweight, partial + (long long)blockIdx.y * K * K * w.c, w.c);
}

// dweight (c, taps) from partial (parts, taps, c).
DW_KERNEL(kFinishX *kFinishY, 1)
depthwise_backward_finish(const float *__restrict__ partial, int parts, int taps, int c, float *__restrict__ dweight) {
  const int at = blockIdx.x * kFinishX + threadIdx.x;
  const bool inside = at < taps * c;
  const double sum = sum_of_parts(partial, parts, taps * c, at, inside);
  if (threadIdx.y == 0 && inside) dweight[at % c * taps + at / c] = float(sum);
}

} // namespace depthwise::cuda
