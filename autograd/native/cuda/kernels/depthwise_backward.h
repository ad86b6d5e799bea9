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
  static constexpr Tile tile = Backward<K, S>::tile;
  static constexpr int V = tile.channels, C = tile.columns, Ahead = tile.ahead, D = (K - 1) / S + 1;
  static constexpr int M = C + D - 1, N = C * S; // columns of dy and of x
  static constexpr int Unroll = kUnrolled<K, Ahead, D>;

  // What a step loads.
  struct Rows {
    Pack<T, V> da[M], y[M], x[S][N];
  };

  const T *da, *y, *x; // of the image
  T *dx;
  Columns<M, V> outputs; // loaded next
  Columns<N, V> inputs;

  DW_DEVICE BackwardStrip(const dw_window &w, const Strip &strip, const T *da, const T *y, const T *x, T *dx,
                          int channel)
      : outputs(w.out_w, w.c, channel, strip.row - (D - 1), strip.column - (D - 1), 0,
                strip.end < w.out_h ? strip.end : w.out_h),
        inputs(w.w, w.c, channel, (strip.row - (D - 1)) * S - w.top, strip.column * S - w.left,
               strip.row * S > w.top ? strip.row * S - w.top : 0,
               strip.end * S - w.top < w.h ? strip.end * S - w.top : w.h) {
    const long long out = (long long)strip.image * w.out_h * w.out_w * w.c,
                    in = (long long)strip.image * w.h * w.w * w.c;
    this->da = da + out, this->y = y + out, this->x = x + in, this->dx = dx + in;
    keep(this->da), keep(this->y), keep(this->x), keep(this->dx);
  }

  // With All, here and below, all columns are inside the images, and need no checks.
  template <bool All> DW_DEVICE void load_step(Rows &rows) {
    outputs.template load_row<All>(da, rows.da);
    outputs.template load_row<All>(y, rows.y);
    if (tile.prefetch) outputs.prefetch_row(da, tile.prefetch, D / 2, D / 2 + C);
    if (tile.prefetch) outputs.prefetch_row(y, tile.prefetch, D / 2, D / 2 + C);
    outputs.next_row();
    DW_UNROLL for (int j = 0; j < S; j++, inputs.next_row()) {
      inputs.template load_row<All>(x, rows.x[j]);
      if (tile.prefetch) inputs.prefetch_row(x, S * tile.prefetch, 0, N);
    }
  }

  // dy of the outputs loaded. Those outside the output are zeros.
  template <bool All>
  DW_DEVICE void compute_dy(const Rows &rows, const NormBackward<V> &norm, float (&dy)[M][V]) const {
    DW_UNROLL for (int i = 0; i < M; i++) {
      float g[V], v[V];
      unpack(rows.da[i], g), unpack(rows.y[i], v);
      DW_UNROLL for (int k = 0; k < V; k++) {
        dy[i][k] = norm.dy(g[k], v[k], k);
        if (All) continue;
        keep(dy[i][k]); // no branch
        if (!(outputs.inside >> i & 1)) dy[i][k] = 0;
      }
    }
  }

  // dx of row j of a group's inputs, x, stored from offset `at` on; and the gradient of the weights.
  template <bool All>
  DW_DEVICE void row_of_inputs(int j, const float (&x)[N][V], int at, const float (&dy)[D][M][V],
                               const float (&taps)[K * K][V], float (&dweight)[K * K][V]) const {
    DW_UNROLL for (int i = 0; i < N; i++) {
      float sums[V] = {};
      DW_UNROLL for (int d = 0; d < D; d++) DW_UNROLL for (int m = 0; m < M; m++) {
        const int kh = j + d * S, kw = i + (D - 1 - m) * S;
        if (kh < K && kw >= 0 && kw < K) DW_UNROLL for (int k = 0; k < V; k++) {
            sums[k] = fmaf(taps[kh * K + kw][k], dy[d][m][k], sums[k]);
            dweight[kh * K + kw][k] = fmaf(x[i][k], dy[d][m][k], dweight[kh * K + kw][k]);
          }
      }
      if (!All && !(inputs.inside >> i & 1)) continue;
      Pack<T, V> stored;
      pack(sums, stored);
      store<V>(dx + (at + i * inputs.pixel), stored);
    }
  }

  DW_DEVICE void run(const Strip &strip, const NormBackward<V> &norm, const float (&taps)[K * K][V],
                     float (&dweight)[K * K][V]) {
    if (outputs.all_inside() && inputs.all_inside())
      slide<true>(strip, norm, taps, dweight);
    else
      slide<false>(strip, norm, taps, dweight);
  }

  template <bool All>
  DW_DEVICE void slide(const Strip &strip, const NormBackward<V> &norm, const float (&taps)[K * K][V],
                       float (&dweight)[K * K][V]) {
    float dy[D][M][V] = {};
    Rows rows[Ahead] = {}; // columns outside the images stay zeros
    int row = outputs.row, at = inputs.at;
    DW_UNROLL for (int a = 0; a < Ahead; a++) load_step<All>(rows[a]);
    while (row < strip.end) {
      DW_UNROLL for (int u = 0; u < Unroll; u++, row++) {
        if (row >= strip.end) break;
        Rows &now = rows[u % Ahead];
        DW_UNROLL for (int d = D - 1; d > 0; d--) DW_UNROLL for (int m = 0; m < M; m++)
            DW_UNROLL for (int k = 0; k < V; k++) dy[d][m][k] = dy[d - 1][m][k];
        if (outputs.loads(row))
          compute_dy<All>(now, norm, dy[0]);
        else
          DW_UNROLL for (int m = 0; m < M; m++) DW_UNROLL for (int k = 0; k < V; k++) dy[0][m][k] = 0;
        float v[S][N][V];
        DW_UNROLL for (int j = 0; j < S; j++) DW_UNROLL for (int i = 0; i < N; i++) unpack(now.x[j][i], v[j][i]);
        const int from = inputs.row - Ahead * S; // the first of the step's rows of inputs
        load_step<All>(now);
        DW_UNROLL for (int j = 0; j < S; j++, at += inputs.line) if (inputs.loads(from + j))
            row_of_inputs<All>(j, v[j], at, dy, taps, dweight);
      }
    }
  }
};

// dx, and partial (parts, k*k, c): the gradient of the weights. da is the gradient of the activation
// function's output; coef and dcoef are of moments_finish and norm_backward_finish.
template <class T, int K, int S>
DW_KERNEL((Backward<K, S>::tile.threads), (kResident<T, Backward<K, S>>))
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
    BackwardStrip<K, S, T>(w, strip, da, y, x, dx, channel).run(strip, norm, taps, dweight);
  });
  store_block_sums(dweight, partial + (long long)blockIdx.y * K * K * w.c, w.c);
}

// dweight (c, taps) from partial (parts, taps, c).
DW_KERNEL(kFinishX *kFinishY, 1)
depthwise_backward_finish(const float *__restrict__ partial, int parts, int taps, int c, float *__restrict__ dweight) {
  const int at = blockIdx.x * kFinishX + threadIdx.x;
  const bool inside = at < taps * c;
  double sum[1];
  sum_parts(partial, parts, taps * c, {at}, inside, sum);
  if (threadIdx.y == 0 && inside) dweight[at % c * taps + at / c] = float(sum[0]);
}

} // namespace depthwise::cuda
