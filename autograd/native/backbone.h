// The C interface of the fused backbone: stem, blocks and pooling of a MobileNet as one operation
// of libtorch's graph. Conventions are those of native.h.
#pragma once
#include "batch_norm.h"

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
  int training;         // normalize by the batch's statistics and update the running ones
  int frozen;           // the first layers, as many as this, use the running statistics and have no gradients
  int bf16;             // store and multiply in bfloat16, else float
  dw_norm_sync sync;    // whose batches the batch's statistics are of
} dw_backbone;

// The name of the ISA variant in use, such as "avx512bf16". DEPTHWISE_ISA selects another one that
// this processor supports; any other value is an error.
dw_error dw_backbone_isa(const char **name);

// The number of layers that fused kernels have computed since the process started; forward and
// backward count separately.
int64_t dw_backbone_count(void);

// Channels of stored tensors are padded to a multiple of this: the number of floats in the widest
// vector.
enum { DW_LANES = 16 };

// The callback that Go registers at startup. It receives the handle passed to dw_backbone_forward
// and the n times of a pass in seconds: the whole call, and within it packing the weights,
// preparing the images, pooling, and each layer (from its kernel's start to the start of the next).
// The backward pass neither packs nor prepares images.
typedef void (*dw_report_times)(uintptr_t times, int backward, double *seconds, int n);
void dw_set_report_times(dw_report_times report);

// The processor's peak performance with a given number of threads, measured in less than a second
// (peaks/peaks.cc).
typedef struct {
  double multiply_adds;       // per second, of bfloat16 or float operands, by the instruction of the matrix products
  double float_multiply_adds; // per second, of floats
  double read, add;           // bytes per second: reading one array; a = b + c with non-temporal stores
} dw_backbone_peaks;
dw_error dw_measure_peaks(dw_backbone_peaks *out, int bf16, int threads);

// Images as the loader delivers them: (n, height, width, 3). The network's input is (value/255 -
// mean)/std per color.
typedef struct {
  const uint8_t *values;
  int64_t n;
  int height, width;
  double mean[3], std[3];
} dw_pixels;

// Computes features (N, channels) float32 from images x (N, 3, H, W) float32, or from pixels where
// x is NULL. For each layer, parameters holds the weight, the bias if it has one, and batch norm's
// weight and bias; statistics holds the running mean and variance. All are float32 on the CPU.
// pixels are not read after the function returns. times is a handle (graph.h) that C++ owns from
// the call on: the forward pass, and later the backward pass, report their times with it; 0
// disables measurement.
dw_error dw_backbone_forward(dw_tensor *features, const dw_backbone *t, dw_tensor x, const dw_pixels *pixels,
                             const dw_tensor *parameters, int n_parameters, const dw_tensor *statistics,
                             int n_statistics, uintptr_t times);

// inference/api.cc: the backbone for inference; its layers are a stem followed by blocks of a
// depthwise and a pointwise layer. dw_backbone_fold folds batch norm into weights and biases, into
// a byte tensor that grows as needed and that dw_backbone_infer reads. Only the layers' channels
// matter, not their sizes. A head after the backbone has a weight (classes, channels) and
// optionally a bias (classes), float32; NULL where there is none.
dw_error dw_backbone_fold(dw_tensor folded, const dw_backbone *t, const dw_tensor *parameters, int n_parameters,
                          const dw_tensor *statistics, int n_statistics, dw_tensor head_weight, dw_tensor head_bias);

// Computes features (N, channels) or, if logits is nonzero, logits (N, classes), float32, from
// images x (N, 3, H, W) float32, or from pixels where x is NULL. The workspace is a byte tensor
// that grows as needed and can be reused. classes is the number of classes of the folded head, 0
// without one. seconds, which may be NULL, has 3 + t->n entries: threads' waiting time, pooling,
// head and each layer; each is the sum over all threads divided by their number.
dw_error dw_backbone_infer(dw_tensor *out, const dw_backbone *t, dw_tensor folded, int classes, int logits,
                           dw_tensor workspace, dw_tensor x, const dw_pixels *pixels, double *seconds);

// The version counter of each tensor: how often it has been written to.
dw_error dw_versions(int64_t *versions, const dw_tensor *xs, int n);

// Copies the values of running statistics into the byte tensor copy and reports whether it already
// held them. The version counter cannot tell: libtorch's batch norm does not bump it in training.
dw_error dw_copy_if_changed(int *unchanged, dw_tensor copy, const dw_tensor *statistics, int n);

#ifdef __cplusplus
}
#endif
