// The C face of the fused backbone: stem, blocks and pooling of a MobileNet as one operation of libtorch's graph.
// Conventions are those of native.h.
#pragma once
#include "native.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum { DW_STEM, DW_DEPTHWISE, DW_POINTWISE } dw_layer_kind;

// A convolution with batch norm at the sizes of this call's images.
typedef struct {
  dw_layer_kind kind;
  int in, out, stride;
  int has_bias;
  int height, width, out_height, out_width;
  int top, left; // zeros before the image
} dw_layer;

typedef struct {
  const dw_layer *layers;
  int n;
  double cap;           // of the activation: 6 for ReLU6, infinity for ReLU
  double eps, momentum; // of batch norm
  int training;         // normalize by the batch's statistics and move the running ones
  int bf16;             // store and multiply in bfloat16, else float
} dw_backbone;

// The kernels that run here, as "avx512_bf16"; DEPTHWISE_ISA names others that this processor has. An error where it does not.
dw_error dw_backbone_isa(const char **name);

// Layers that fused kernels have computed since the process began, forward and backward counted each.
int64_t dw_backbone_count(void);

// Channels of stored tensors are padded to a multiple of it: the floats of the widest vector.
enum { DW_LANES = 16 };

// The function that Go gives at start. It takes the handle that dw_backbone_forward was given and the n seconds of a pass: the
// whole call, and of it packing the weights, laying out the images, the pooling, and each layer (from its kernel's start to the
// next one's). The backward pass packs and lays out nothing.
typedef void (*dw_report_times)(uintptr_t times, int backward, double *seconds, int n);
void dw_set_report_times(dw_report_times report);

// What this processor can do with a number of threads, measured in less than a second (peaks/peaks.cc).
typedef struct {
  double multiply_adds;       // a second, of bfloat16 or float operands, by the instruction of the matrix products
  double float_multiply_adds; // a second, of floats
  double read, add;           // bytes a second: of one array; of a = b + c, with a past the caches
} dw_backbone_peaks;
dw_error dw_measure_peaks(dw_backbone_peaks *out, int bf16, int threads);

// Images as a loader leaves them: (n, height, width, 3). The network's input is (value/255 - mean)/std by color.
typedef struct {
  const uint8_t *values;
  int64_t n;
  int height, width;
  double mean[3], std[3];
} dw_pixels;

// features (N, channels) float32 of images x (N, 3, H, W) float32, or of pixels where x is NULL. parameters holds for each layer
// weight, bias where it has one, batch norm's weight and bias; statistics running mean and variance; all float32 on the CPU.
// pixels are read before the function returns, and never again. times is a handle (graph.h) that C++ owns from the call on: the
// forward pass and later the backward pass report their times with it; 0 to measure nothing.
dw_error dw_backbone_forward(dw_tensor *features, const dw_backbone *t, dw_tensor x, const dw_pixels *pixels, const dw_tensor *parameters,
                          int n_parameters, const dw_tensor *statistics, int n_statistics, uintptr_t times);

// inference/api.cc: the backbone for inference, whose layers are a stem and blocks of a depthwise and a pointwise one.
// Folds batch norm into weights and biases, in a tensor of bytes that becomes as big as is needed and that dw_backbone_infer reads.
// The layers' channels matter, not their sizes. A head behind the backbone has a weight (classes, channels) and perhaps a bias
// (classes), float32; NULL where there is none.
dw_error dw_backbone_fold(dw_tensor folded, const dw_backbone *t, const dw_tensor *parameters, int n_parameters, const dw_tensor *statistics,
                       int n_statistics, dw_tensor head_weight, dw_tensor head_bias);

// features (N, channels) or, where logits are wanted, logits (N, classes), float32, of images x (N, 3, H, W) float32, or of pixels
// where x is NULL. The workspace is a tensor of bytes that becomes as big as is needed and may serve the next call. classes are those of the head that was folded, 0 without one.
// seconds, which may be NULL, are 3 + t->n: threads' waiting, the pooling, the head and each layer; each the time of all threads,
// divided by their number.
dw_error dw_backbone_infer(dw_tensor *out, const dw_backbone *t, dw_tensor folded, int classes, int logits, dw_tensor workspace, dw_tensor x,
                        const dw_pixels *pixels, double *seconds);

// How often each tensor has been written to.
dw_error dw_versions(int64_t *versions, const dw_tensor *xs, int n);

// Makes copy, a tensor of bytes, hold the values of running statistics, and tells whether it held them before. libtorch's batch
// norm writes to them in training without counting it.
dw_error dw_copy_if_changed(int *same, dw_tensor copy, const dw_tensor *statistics, int n);

#ifdef __cplusplus
}
#endif
