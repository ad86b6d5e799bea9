// Batch norm's per-channel arithmetic, between the kernels that sum and those that apply it:
// https://arxiv.org/abs/1502.03167.
#pragma once
#include <cmath>

namespace depthwise::fused {

// A layer's per-channel values, all padded with zeros.
struct Channels {
  float *bias, *pivot;   // of the convolution; of Moments
  float *scale, *shift;  // normalized = scale*y + shift
  float *mean, *inverse; // of y; 1/sqrt(variance + eps)
  float *c1, *c2, *c3;   // of NormGradient
  double *sum, *square;  // of Moments, then of GradientSums
};

// A batch norm's parameters and statistics, unpadded.
struct Norm {
  int channels;
  const float *weight, *bias;
  float *running_mean, *running_var;
  double eps, momentum;
};

inline void use(const Norm &n, Channels &c, int i, double mean, double variance) {
  double inverse = 1 / std::sqrt(variance + n.eps);
  c.mean[i] = float(mean);
  c.inverse[i] = float(inverse);
  c.scale[i] = float(n.weight[i] * inverse);
  c.shift[i] = float(n.bias[i] - mean * n.weight[i] * inverse);
}

// Normalizes by the batch's statistics, which Moments holds for `rows` rows, and updates the
// running ones; their variance is the unbiased one, as in PyTorch.
inline void use_batch(const Norm &n, Channels &c, double rows) {
  for (int i = 0; i < n.channels; i++) {
    double shifted = c.sum[i] / rows, mean = c.pivot[i] + shifted;
    double variance = c.square[i] / rows - shifted * shifted;
    if (variance < 0) // by rounding; NaN propagates
      variance = 0;
    use(n, c, i, mean, variance);
    n.running_mean[i] = float((1 - n.momentum) * n.running_mean[i] + n.momentum * mean);
    n.running_var[i] = float((1 - n.momentum) * n.running_var[i] + n.momentum * variance * rows / (rows - 1));
  }
}

// Normalizes by the running statistics.
inline void use_running(const Norm &n, Channels &c) {
  for (int i = 0; i < n.channels; i++) use(n, c, i, n.running_mean[i], n.running_var[i]);
}

// Computes the gradients of weight and bias, null where not needed, from GradientSums.
inline void differentiate_parameters(const Norm &n, const Channels &c, float *dweight, float *dbias) {
  for (int i = 0; i < n.channels; i++) {
    if (dweight) dweight[i] = float(c.square[i] * c.inverse[i]);
    if (dbias) dbias[i] = float(c.sum[i]);
  }
}

// Computes NormGradient from GradientSums over `rows` rows. With running statistics, which do not depend on y, only the
// first coefficient remains.
inline void differentiate_values(const Norm &n, Channels &c, double rows, bool batch) {
  for (int i = 0; i < n.channels; i++) {
    double g = c.sum[i], inverse = c.inverse[i], dw = c.square[i] * inverse;
    double c1 = n.weight[i] * inverse, c2 = batch ? -c1 * inverse * dw / rows : 0;
    c.c1[i] = float(c1);
    c.c2[i] = float(c2);
    c.c3[i] = batch ? float(-c1 * g / rows - c2 * c.mean[i]) : 0;
  }
}

} // namespace depthwise::fused
