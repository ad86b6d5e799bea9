// Sizes of the work of threads and blocks: of 3x3 windows and of elementwise kernels the fastest of those
// that were measured on an H200; 5x5 windows have not been measured. Host and device.
#pragma once

// Tests of other sizes compile with -D.
#ifndef DW_FORWARD
#define DW_FORWARD 4, 2, 1, 256, 2, 2
#endif
#ifndef DW_FORWARD_2
#define DW_FORWARD_2 2, 2, 1, 256, 3, 2
#endif
#ifndef DW_BACKWARD
#define DW_BACKWARD 2, 4, 1, 128, 3, 0
#endif
#ifndef DW_BACKWARD_2
#define DW_BACKWARD_2 2, 2, 1, 256, 2, 1
#endif
#ifndef DW_STREAM
#define DW_STREAM 4, 256, 4
#endif
#ifndef DW_STREAM_2
#define DW_STREAM_2 2, 256, 3
#endif

namespace depthwise::cuda {

constexpr int kMaxThreads = 256; // of a block

// Depthwise kernels: a thread slides down a strip of some columns.
struct Tile {
  int channels;   // of a thread
  int columns;    // of a thread: of the output (forward), of groups of `stride` inputs (backward)
  int ahead;      // steps for which rows are loaded ahead: these bytes in flight bound the speed
  int threads;    // of a block
  int blocks;     // of a multiprocessor, at least: bounds the registers
  int prefetch;   // rows below those loaded that are prefetched to the L2 cache; 0 none
};

#define DW_TILE static constexpr Tile tile
template <int K, int S> struct Forward;
template <> struct Forward<3, 1> { DW_TILE{DW_FORWARD}; };
template <> struct Forward<3, 2> { DW_TILE{DW_FORWARD_2}; };
template <> struct Forward<5, 1> { DW_TILE{2, 2, 1, 256, 2, 0}; };
template <> struct Forward<5, 2> { DW_TILE{2, 1, 1, 256, 2, 0}; };
template <int K, int S> struct Backward;
template <> struct Backward<3, 1> { DW_TILE{DW_BACKWARD}; };
template <> struct Backward<3, 2> { DW_TILE{DW_BACKWARD_2}; };
template <> struct Backward<5, 1> { DW_TILE{2, 1, 1, 256, 1, 0}; };
template <> struct Backward<5, 2> { DW_TILE{2, 1, 1, 256, 1, 0}; };
#undef DW_TILE

// Steps of an unrolled loop in which neither the ring of `ahead` rows nor the `rotation` rows of
// sums have to be moved. Moving a register that a load has yet to fill would wait for the load.
template <int K, int Ahead, int Rotation>
constexpr int kUnrolled = K != 3                ? Ahead
                          : Ahead % Rotation == 0 ? Ahead
                          : Rotation % Ahead == 0 ? Rotation
                                                  : Ahead * Rotation;

// Blocks of a multiprocessor that the registers must suffice for. float's rows take more registers.
template <class T, class Kernel> constexpr int kResident = sizeof(T) == 4 ? 1 : Kernel::tile.blocks;

// Elementwise kernels: a thread has the channels of 16 bytes and visits rows.
struct Stream {
  int rows;    // loaded before the first is used
  int threads; // of a block
  int blocks;  // of a multiprocessor
};
constexpr Stream kOneInput{DW_STREAM};     // moments, scale_activate
constexpr Stream kTwoInputs{DW_STREAM_2};  // norm_backward and its sums

// Kernels that finish sums: x channels, y rows of threads among which the parts are divided.
constexpr int kFinishX = 32, kFinishY = 32;

constexpr int kColors = 3;
constexpr int kPatch = 32, kPatchThreads = 256; // values of a row of patches: 27, and zeros up to whole vectors
constexpr int kImageThreads = 256, kImagePixels = 16; // a thread's pixels

} // namespace depthwise::cuda
