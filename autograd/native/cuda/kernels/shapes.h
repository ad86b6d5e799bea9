// Shapes of the kernels' tensors, and on the host how a kernel is launched.
#pragma once

// A depthwise convolution. Images are NHWC. Padding before rows and columns is given; after them it
// is what the output's size requires, so it may differ.
struct dw_window {
  int n, h, w, c;     // input; c is a multiple of 8
  int out_h, out_w;   // output, (n, out_h, out_w, c)
  int kernel, stride; // 3 or 5; 1 or 2
  int top, left;      // rows and columns of zeros before the image
};

// A matrix of `rows` pixels, n*h*w, and c channels, a multiple of 8.
struct dw_rows {
  long long rows;
  int c;
};

// Channel means and standard deviations of normalized images, of values in [0, 1].
struct dw_normalization {
  float mean[3], std[3];
};

#if !defined(__CUDACC__)
namespace depthwise::cuda {

// A grid of blocks of threads. Threads with the same x have the same channels. blocks_y is the
// number of parts, in which sums over a batch are computed.
struct Launch {
  unsigned blocks_x, blocks_y, threads_x, threads_y;
  int rows; // of a strip, for depthwise kernels
  int parts() const { return int(blocks_y); }
};

} // namespace depthwise::cuda
#endif
