// The interface between the schedule of the fused backbone (backbone/schedule.cc: which layer,
// which buffer, in which order; inference/schedule.cc likewise) and its kernels (a folder per
// operator: pointwise/, depthwise/, stem/, pool/, inference/; loops over memory, one file per
// kernel). The kernels are compiled once for each instruction set (isa/avx512bf16.cc, ...) and
// called through the table Kernels.
//
// Activations. Every convolution writes its raw output y (bias added, before batch norm) once, as
// rows of channels (NHWC), in the storage type S: float, or bfloat16 as its upper 16 bits. The
// consumer of y applies batch norm and activation as it reads (Activation below); neither is ever
// stored. Gradients g are stored like y. They are gradients of the normalized value before the
// activation, with the activation's mask already applied.
//
// Channels are padded to a multiple of kLanes in every stored tensor. The padding of y and g is
// zero, and stays zero because weights, scales, shifts and coefficients of padding channels are
// zero. So no kernel masks a channel.
//
// No kernel allocates, throws or depends on anything but its arguments. All are deterministic for a
// given number of threads: it and the sizes decide into which contiguous parts the rows are split,
// any thread computes a part (threads/pool.h), and sums by part are added in the order of parts.
#pragma once
#include <cstddef>
#include <cstdint>

namespace depthwise::fused {

constexpr int kLanes = 16; // floats in the widest vector

constexpr int padded(int channels) { return (channels + kLanes - 1) / kLanes * kLanes; }

// Threads to run on, and scratch memory of as many bytes as the kernel's scratch function returns,
// 64-byte aligned, content undefined. The region is each thread's share, which kernels that run one
// after another should have at the same address; 0: as many bytes as the kernel needs.
struct Workers {
  int threads;
  char *scratch;
  size_t region = 0;
};

// How a consumer of y computes the activation a = min(max(scale*y + shift, 0), cap). All are per
// channel except cap, which is infinite for ReLU and 6 for ReLU6. NaN propagates, as in libtorch.
struct Activation {
  const float *scale, *shift; // (padded channels)
  float cap;
};

// Sums over all rows of y - pivot and of its square, per channel: the batch's mean and variance.
// The pivot (the running mean) keeps the difference of squares from canceling where the mean is far
// from zero. sum is null where the moments are not needed.
struct Moments {
  const float *pivot;   // (padded channels)
  double *sum, *square; // (padded channels), overwritten
};

// The gradient of a layer's raw output from the gradient g of its normalized output: dy = c1*g +
// c2*y + c3 per channel.
struct NormGradient {
  const float *c1, *c2, *c3; // (padded channels)
};

// Sums over all rows of g and of g*(x - mean) per channel, where g is the gradient that a kernel
// writes for the layer below and x is that layer's raw output. The gradients of its batch norm's
// bias and weight and its NormGradient follow from them.
struct GradientSums {
  const float *mean; // (padded channels)
  double *g, *gx;    // (padded channels), overwritten
};

// 1x1 convolution: y[r] = W a(x[r]) + bias for rows r = (image, row, column).
struct PointwiseForward {
  int64_t rows;
  int in, out;   // padded channels
  const void *x; // S (rows, in)
  Activation activation;
  const void *weight; // forward panels made by pack_pointwise
  const float *bias;  // (out)
  void *y;            // S (rows, out)
  Moments moments;    // of y before it is rounded to S
};

// Its gradients: gx = mask(x) * (W^T dy), dW = dy^T a(x). The mask is 0 where scale*x + shift <= 0
// or >= cap.
struct PointwiseBackward {
  int64_t rows;
  int in, out;               // padded channels
  int weight_in, weight_out; // channels of dw
  const void *g, *y;         // S (rows, out)
  NormGradient norm;
  const void *weight; // backward panels made by pack_pointwise
  const void *x;      // S (rows, in)
  Activation activation;
  void *gx;          // S (rows, in)
  GradientSums sums; // of gx before it is rounded to S
  float *dw;         // (weight_out, weight_in), overwritten
};

// Packs weights (out, in), float and unpadded, into the panels that the GEMMs read. panel_bytes
// returns the size in bytes, the same for both directions.
struct PackPointwise {
  int in, out;         // unpadded
  const float *weight; // (out, in)
  void *forward;       // for PointwiseForward
  void *backward;      // for PointwiseBackward; null where no gradient is needed
};

// The geometry of a 3x3 convolution. Rows and columns before the image are zeros, and so are as
// many after it as the windows need.
struct Window {
  int64_t images;
  int height, width; // of the input
  int out_height, out_width;
  int stride;    // 1 or 2
  int top, left; // zeros before the image, 0 or 1
};

// The network's input as the stem reads it: (images, out_height*2+1 or more rows, columns, 3) of S
// including its padding, so that the 27 values under a window are three runs of nine. Exactly one
// of pixels and values is set.
struct StemImage {
  Window window;
  const uint8_t *pixels; // (images, height, width, 3): input is (pixel/255 - mean)/std per color
  const float *values;   // (images, height, width, 3), already normalized
  float mean[3], std[3]; // of pixels
  void *image;           // S, stem_image_bytes(window)
};

struct StemForward {
  Window window;
  int out;            // padded channels
  const void *image;  // from StemImage
  const void *weight; // panels from pack_stem
  const float *bias;  // (out)
  void *y;            // S (images*out_height*out_width, out)
  Moments moments;
};

// The stem's weight gradient; that of the image is not computed here.
struct StemBackward {
  Window window;
  int out, weight_out;
  const void *g, *y;
  NormGradient norm;
  const void *image;
  float *dw; // (weight_out, 3, 3, 3): output channel, row, column, color; overwritten
};

struct PackStem {
  int out;             // unpadded
  const float *weight; // (out, 3, 3, 3): output channel, row, column, color
  void *panels;
};

// 3x3 depthwise convolution.
struct DepthwiseForward {
  Window window;
  int channels;  // padded
  const void *x; // S (images, height, width, channels)
  Activation activation;
  const float *weight; // (9, channels), from pack_depthwise
  const float *bias;   // (channels)
  void *y;             // S (images, out_height, out_width, channels)
  Moments moments;
};

struct DepthwiseBackward {
  Window window;
  int channels, weight_channels;
  const void *g, *y; // S (images, out_height, out_width, channels)
  NormGradient norm;
  const float *weight; // (9, channels)
  const void *x;       // S (images, height, width, channels)
  Activation activation;
  void *gx; // S, as x
  GradientSums sums;
  float *dw; // (weight_channels, 9), overwritten
};

struct PackDepthwise {
  int channels;        // unpadded
  const float *weight; // (channels, 9)
  float *packed;       // (9, padded channels)
};

// Global average pooling of the activations.
struct PoolForward {
  int64_t images, positions;
  int channels, features_channels; // padded, unpadded
  const void *x;                   // S (images, positions, channels)
  Activation activation;
  float *features; // (images, features_channels)
};

struct PoolBackward {
  int64_t images, positions;
  int channels, features_channels;
  const float *dfeatures; // (images, features_channels)
  const void *x;
  Activation activation;
  void *gx; // S, as x
  GradientSums sums;
};

// Inference. Batch norm is folded into weights and biases, and activations are stored activated: a
// = min(max(y, 0), cap). These kernels run on one thread, over a range of the output's rows,
// counted over all images; scratch is 64-byte aligned.

// The stem, directly from the images.
struct InferStem {
  StemImage image;    // its image is not used
  int out;            // padded channels
  const void *weight; // panels from infer_pack_stem
  const float *bias;  // (out)
  float cap;
  void *y;            // S (images*out_height, out_width, out), activated
  int64_t begin, end; // rows of y to compute
};

// A block: depthwise 3x3 convolution, activation, 1x1 convolution, activation.
struct InferBlock {
  Window window;               // of the 3x3 convolution
  int in, out;                 // padded channels
  const void *x;               // S (images, height, width, in), activated
  const float *depthwise;      // (9, in), from pack_depthwise
  const float *depthwise_bias; // (in)
  const void *pointwise;       // panels from infer_pack_pointwise
  const float *pointwise_bias; // (out)
  float cap;
  void *y;            // S (images*out_height, out_width, out), activated
  int64_t begin, end; // rows of y to compute, at least one
  int first, last;    // channels of y to compute, at least one; multiples of infer_columns, or the end
  double *seconds;    // the times of the two convolutions are added to seconds[0] and [1]; null: not measured
};

// The linear layer after pooling, from features to classes, in float.
struct InferHead {
  int images;
  int in, classes;       // padded channels, unpadded classes
  const float *features; // (images, in), readable up to a multiple of infer_head_rows images
  size_t stride;         // floats between images
  const void *weight;    // panels from float32's infer_pack_pointwise
  const float *bias;     // (padded classes)
  float *logits;         // (images, classes)
  int first, last;       // classes to compute, at least one; multiples of infer_columns, or the padded end
};

// A fully connected layer in float, of unpadded rows.
struct LinearSize {
  int rows, in, out;
};

struct LinearForward {
  LinearSize size;
  const float *x;      // (rows, in)
  const float *weight; // (out, in)
  const float *bias;   // (out); may be null
  float *y;            // (rows, out)
};

// Its gradients. dx, or dw and with it db, may be null.
struct LinearBackward {
  LinearSize size;
  const float *x, *weight;
  const float *dy; // (rows, out)
  float *dx, *dw, *db;
};

// The kernels for one storage type. A scratch function of training returns the bytes that all threads
// need together, one of inference those that each needs.
struct KernelSet {
  size_t element;                         // bytes of S
  size_t (*panel_bytes)(int in, int out); // of the panels of one direction, from unpadded channels
  void (*pack_pointwise)(const Workers &, const PackPointwise &);
  size_t (*pointwise_forward_scratch)(int threads, const PointwiseForward &);
  void (*pointwise_forward)(const Workers &, const PointwiseForward &);
  size_t (*pointwise_backward_scratch)(int threads, const PointwiseBackward &);
  void (*pointwise_backward)(const Workers &, const PointwiseBackward &);

  size_t (*stem_image_bytes)(const Window &);
  void (*stem_image)(const Workers &, const StemImage &);
  size_t (*stem_panel_bytes)(int out);
  void (*pack_stem)(const PackStem &);
  size_t (*stem_forward_scratch)(int threads, const StemForward &);
  void (*stem_forward)(const Workers &, const StemForward &);
  size_t (*stem_backward_scratch)(int threads, const StemBackward &);
  void (*stem_backward)(const Workers &, const StemBackward &);

  void (*pack_depthwise)(const PackDepthwise &);
  size_t (*depthwise_forward_scratch)(int threads, const DepthwiseForward &);
  void (*depthwise_forward)(const Workers &, const DepthwiseForward &);
  size_t (*depthwise_backward_scratch)(int threads, const DepthwiseBackward &);
  void (*depthwise_backward)(const Workers &, const DepthwiseBackward &);

  void (*pool_forward)(const Workers &, const PoolForward &);
  void (*pool_backward)(const Workers &, const PoolBackward &);

  int infer_columns;                            // channels in a panel
  int infer_positions;                          // in a good block; images are grouped to reach it
  size_t infer_band_bytes;                      // larger outputs of an image are computed in bands of rows
  size_t (*infer_panel_bytes)(int in, int out); // from unpadded channels
  void (*infer_pack_pointwise)(const Workers &, const PackPointwise &); // forward only, into infer_panel_bytes
  size_t (*infer_stem_panel_bytes)(int out);
  void (*infer_pack_stem)(const PackStem &);                 // into infer_stem_panel_bytes
  void (*infer_thread)(void (*work)(void *), void *context); // wraps all the work of a thread
  size_t (*infer_stem_scratch)(const InferStem &);
  void (*infer_stem)(char *scratch, const InferStem &);
  size_t (*infer_block_scratch)(const InferBlock &);
  void (*infer_block)(char *scratch, const InferBlock &);
  void (*infer_pool)(const PoolForward &); // of one image

  double (*multiply_in_registers)(const Workers &, int64_t products); // peaks/peaks.h
};

// An optimizer's update is a straight-line program of elementwise operations, which package optim
// writes and update/kernels.h interprets. The numbers of the operations are those of dw_op
// (update.h). a, b, c and the result are vectors; s and t are scalars. Every operation rounds as
// written below: fma(x, y, z) = x*y + z is rounded once where the processor has such an
// instruction, every other operation by itself.
enum class Op : uint8_t {
  scale,               // s*a
  add_scaled,          // fma(s, a, b)
  sum_scaled,          // fma(s, a, t*b)
  lerp_from_a,         // fma(s, b - a, a)
  lerp_from_b,         // fma(s, b - a, b)
  mul,                 // a*b
  add_product,         // fma(s*a, b, t*c)
  add_rounded_product, // fma(t, c, (s*a)*b)
  quotient,            // (s*a)/b
  add_quotient,        // fma(t, c, (s*a)/b)
  sqrt,                // sqrt(a + t)
  affine_sqrt,         // fma(s, sqrt(a), t)
};
constexpr int kOps = int(Op::affine_sqrt) + 1;

// Operands are numbered: arrays from 0, temporaries from kUpdateArrays.
constexpr int kUpdateArrays = 8, kUpdateTemporaries = 8, kUpdateLength = 32;

struct Instruction {
  Op op;
  uint8_t out, a, b, c; // operands; those that the operation lacks are 0
  float s, t;
};

struct UpdateProgram {
  int length; // at most kUpdateLength
  Instruction code[kUpdateLength];
};

// Parts of the arrays that a program runs over: n floats each, null where the program does not use
// the operand. They do not overlap.
struct UpdatePiece {
  int64_t n;
  float *arrays[kUpdateArrays];
};

// The kernels of one instruction set.
struct Kernels {
  const char *name;                                           // "avx512bf16"
  void (*update)(const UpdateProgram &, const UpdatePiece &); // on one thread
  double (*square_sum)(const float *, int64_t n);
  KernelSet float32, bfloat16;
  int infer_head_rows;
  void (*infer_head)(const InferHead &);                     // on one thread
  size_t (*linear_scratch)(int threads, const LinearSize &); // bytes, for both directions
  void (*linear_forward)(const Workers &, const LinearForward &);
  void (*linear_backward)(const Workers &, const LinearBackward &);
  void (*read_memory)(const Workers &, const float *from, size_t n); // peaks/peaks.h
  void (*add_memory)(const Workers &, float *a, const float *b, const float *c, size_t n);
};

// One function each, in isa/NAME.cc. Each returns null where the library was built for another
// architecture, or by a compiler that does not know the instructions.
const Kernels *amx_kernels();
const Kernels *avx512bf16_kernels();
const Kernels *avx512_kernels();
const Kernels *avx2_kernels();
const Kernels *portable_kernels();

} // namespace depthwise::fused
