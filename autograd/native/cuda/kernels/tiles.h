// Sizes of the work of threads and blocks: of 3x3 windows and of elementwise kernels the fastest of those
// that were measured on an H200; 5x5 windows have not been measured. Host and device.
#pragma once

namespace depthwise::cuda {

constexpr int kMaxThreads = 256; // of a block

// Depthwise kernels: a thread slides down a strip of some columns.
struct Tile {
  int channels; // of a thread
  int columns;  // of a thread: of the output (forward), of groups of `stride` inputs (backward)
  int ahead;    // steps for which rows are loaded ahead; more than one was not faster
  int threads;  // of a block
  int blocks;   // of a multiprocessor, at least: bounds the registers
  int prefetch; // rows below those loaded that are prefetched to the L2 cache; 0 none
};

template <int K, int S> struct Forward;
template <> struct Forward<3, 1> {
  static constexpr Tile tile{4, 2, 1, 256, 2, 2};
};
template <> struct Forward<3, 2> {
  static constexpr Tile tile{2, 2, 1, 256, 3, 2};
};
template <> struct Forward<5, 1> {
  static constexpr Tile tile{2, 2, 1, 256, 2, 0};
};
template <> struct Forward<5, 2> {
  static constexpr Tile tile{2, 1, 1, 256, 2, 0};
};
template <int K, int S> struct Backward;
template <> struct Backward<3, 1> {
  static constexpr Tile tile{2, 4, 1, 128, 3, 0};
};
template <> struct Backward<3, 2> {
  static constexpr Tile tile{2, 2, 1, 256, 2, 1};
};
template <> struct Backward<5, 1> {
  static constexpr Tile tile{2, 1, 1, 256, 1, 0};
};
template <> struct Backward<5, 2> {
  static constexpr Tile tile{2, 1, 1, 256, 1, 0};
};

// Steps of an unrolled loop in which neither the ring of `ahead` rows nor the `rotation` rows of
// sums have to be moved. Moving a register that a load has yet to fill would wait for the load.
template <int K, int Ahead, int Rotation>
constexpr int kUnrolled = K != 3                  ? Ahead
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
constexpr Stream kOneInput{4, 256, 4};  // moments, scale_activate
constexpr Stream kTwoInputs{2, 256, 3}; // norm_backward and its sums

// Kernels that finish sums: x channels, y rows of threads among which the parts are divided.
constexpr int kFinishX = 32, kFinishY = 32;

constexpr int kColors = 3;
constexpr int kPatch = 32, kPatchThreads = 256;       // values of a row of patches: 27, and zeros up to whole vectors
constexpr int kImageThreads = 256, kImagePixels = 16; // a thread's pixels

} // namespace depthwise::cuda
