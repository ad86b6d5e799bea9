// Computes the first stages of an image in bands of rows: an image's activations there exceed a
// core's second-level cache, but those of a few rows do not. Each stage but the last keeps, in a
// buffer, the rows that the next stage still reads, and adds as many as that stage's next rows
// need.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

namespace depthwise::fused {

class Bands {
public:
  struct Stage {
    int rows;         // of its output
    size_t row_bytes; // of one
    int stride, top;  // of the window over the previous stage; unused for the first stage
  };

  Bands() = default;
  // Computes `rows` rows of the last stage at a time.
  Bands(std::vector<Stage> stages, int rows) : stages_(std::move(stages)), rows_(rows), buffers_(stages_.size()) {
    for (size_t s = stages_.size() - 1; s > 0; s--) {
      rows = under(s, rows);
      buffers_[s - 1] = bytes_;
      bytes_ += rows * stages_[s - 1].row_bytes + kApart;
    }
  }

  size_t stages() const { return stages_.size(); }
  size_t bytes() const { return bytes_; } // of the buffers

  // Computes rows begin to end of the last stage, whose output starts at y, by calls of
  // compute(stage, x, y, begin, end) for some rows of one stage after another. x and y point to
  // where row 0 would be; only the rows that are read and written exist.
  template <class Compute> void compute(char *buffers, char *y, int begin, int end, Compute compute) const {
    const size_t last = stages_.size() - 1;
    std::vector<int> done(last + 1), first(last + 1),
        target(last + 1); // rows: computed up to, first in the buffer, needed up to
    done[last] = begin;
    for (size_t s = last; s > 0; s--) first[s - 1] = done[s - 1] = from(s, done[s]);
    for (int row = begin; row < end; row += rows_) {
      target[last] = std::min(end, row + rows_);
      for (size_t s = last; s > 0; s--)
        target[s - 1] = std::min(stages_[s - 1].rows, (target[s] - 1) * stages_[s].stride + 3 - stages_[s].top);
      for (size_t s = 0; s <= last; s++) {
        if (s < last)
          first[s] = keep(buffers + buffers_[s], stages_[s].row_bytes, first[s],
                          std::min(from(s + 1, done[s + 1]), done[s]), done[s]);
        char *to = s < last ? buffers + buffers_[s] - first[s] * stages_[s].row_bytes : y;
        const char *x = s > 0 ? buffers + buffers_[s - 1] - first[s - 1] * stages_[s - 1].row_bytes : nullptr;
        if (done[s] < target[s]) compute(s, x, to, done[s], target[s]);
        done[s] = std::max(done[s], target[s]);
      }
    }
  }

private:
  static constexpr size_t kApart = 832; // so that buffers do not start in the same cache set

  // The first row, and the number of rows, that rows of a stage read.
  int from(size_t stage, int row) const { return std::max(0, row * stages_[stage].stride - stages_[stage].top); }
  int under(size_t stage, int rows) const { return (rows - 1) * stages_[stage].stride + 3; }

  // Moves rows `row` to end to the start of the buffer, which held rows from `first` on; returns
  // row.
  static int keep(char *buffer, size_t row_bytes, int first, int row, int end) {
    memmove(buffer, buffer + (row - first) * row_bytes, (end - row) * row_bytes);
    return row;
  }

  std::vector<Stage> stages_;
  int rows_ = 0;
  std::vector<size_t> buffers_;
  size_t bytes_ = 0;
};

} // namespace depthwise::fused
