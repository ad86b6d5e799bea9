// How depthwise kernels divide images among threads: a thread slides down a strip of some rows and
// columns, with V channels. Strips are numbered along columns first, then rows, then images, and
// the threads of a block take consecutive ones, so that neighbors find shared pixels in the L1 cache.
#pragma once
#include "cuda/kernels/types.h"

namespace depthwise::cuda {

// A thread's strip: rows [row, end) and columns from `column`, in units of Strips.
struct Strip {
  int image, row, end, column;
};

// All strips of a batch with `height` x `width` positions, each `rows` x `columns`.
struct Strips {
  int height, rows, columns, across, down;
  long long count;

  DW_DEVICE Strips(int n, int height, int width, int rows, int columns)
      : height(height), rows(rows), columns(columns), across((width + columns - 1) / columns),
        down((height + rows - 1) / rows), count((long long)n * across * down) {}
  DW_DEVICE Strip at(long long i) const {
    const int image = int(i / (across * down)), within = int(i - (long long)image * across * down);
    const int row = within / across * rows;
    return {image, row, row + rows < height ? row + rows : height, within % across * columns};
  }
  // Calls body(strip) for the strips of the thread.
  template <class Body> DW_DEVICE void for_each(Body body) const {
    const long long step = (long long)gridDim.y * blockDim.y;
    for (long long i = (long long)blockIdx.y * blockDim.y + threadIdx.y; i < count; i += step) body(at(i));
  }
};

// Positions of rows and columns that a step loads, some outside the image: zeros are loaded for those.
struct Image {
  int width, c, first_row, end_row; // only rows in [first_row, end_row) are loaded

  // Loads N pixels from (row, column) on; `p` is the thread's channels of the image's first pixel.
  template <int N, int V, class T> DW_DEVICE void load_row(const T *p, int row, int column, Pack<T, V> (&to)[N]) const {
    const bool inside = row >= first_row && row < end_row;
    const T *from = p + (row * width + column) * c;
    DW_UNROLL for (int i = 0; i < N; i++) {
      to[i] = Pack<T, V>{};
      if (inside && unsigned(column + i) < unsigned(width)) to[i] = load<V>(from + i * c);
    }
  }
};

} // namespace depthwise::cuda
