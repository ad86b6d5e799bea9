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

// The N pixels of a row, V channels each, that a step loads: the columns from `column` on of the rows
// from `row` on. Offsets are ints from the image's first value,
// because pointers would take twice the registers and instructions.
template <int N, int V> struct Columns {
  int at, pixel, line; // offset of the first column in `row`, and between columns and rows
  int row, first, end; // only rows in [first, end) are loaded
  unsigned inside = 0; // bit i: column i is in the image

  DW_DEVICE Columns(int width, int c, int channel, int row, int column, int first, int end)
      : at((row * width + column) * c + channel), pixel(c), line(width * c), row(row), first(first), end(end) {
    DW_UNROLL for (int i = 0; i < N; i++) inside |= unsigned(unsigned(column + i) < unsigned(width)) << i;
  }
  DW_DEVICE bool all_inside() const { return inside == (1u << N) - 1; }
  DW_DEVICE bool loads(int row) const { return row >= first && row < end; }
  DW_DEVICE void next_row() { row++, at += line; }

  // Loads the pixels of the row. With All, all columns are in the image. Otherwise pixels that are not
  // keep their value. So does a row that is not loaded.
  template <bool All, class T> DW_DEVICE void load_row(const T *image, Pack<T, V> (&to)[N]) const {
    const bool ok = loads(row);
    DW_UNROLL for (int i = 0; i < N; i++) if (ok && (All || (inside >> i & 1))) to[i] =
        load<V>(image + (at + i * pixel));
  }

  // Prefetches the columns [from, to) of the row `rows` below the row that is loaded next.
  template <class T> DW_DEVICE void prefetch_row(const T *image, int rows, int from, int to) const {
    const bool ok = loads(row + rows);
    DW_UNROLL for (int i = 0; i < N; i++) if (i >= from && i < to)
        prefetch_where(ok && (inside >> i & 1), image + (at + rows * line + i * pixel));
  }
};

} // namespace depthwise::cuda
