// Memory planner of the backbone's large buffers: one arena, in which buffers share memory when
// their lifetimes do not overlap.
#pragma once
#include <algorithm>
#include <cstddef>
#include <vector>

namespace depthwise::fused {

// A buffer is live from the step that writes it to the last one that reads it, both inclusive.
struct Buffer {
  size_t bytes;
  int first, last;
  size_t offset = 0; // set by place
};

// Assigns each buffer the lowest offset that is free during its lifetime, largest buffers first,
// and returns the bytes needed. No placement needs less than the maximum of the bytes live at once;
// a greedy one may need more.
inline size_t place(std::vector<Buffer> &buffers) {
  constexpr size_t kAlign = 4096; // a page: rows of different buffers do not share one
  std::vector<Buffer *> order, placed;
  for (auto &b : buffers) order.push_back(&b);
  std::stable_sort(order.begin(), order.end(), [](auto *a, auto *b) { return a->bytes > b->bytes; });
  size_t end = 0;
  for (Buffer *b : order) {
    size_t at = 0;
    for (const Buffer *p : placed) { // by offset
      if (p->last < b->first || b->last < p->first) continue;
      if (at + b->bytes <= p->offset) break;
      at = std::max(at, (p->offset + p->bytes + kAlign - 1) / kAlign * kAlign);
    }
    b->offset = at;
    end = std::max(end, at + b->bytes);
    placed.insert(
        std::upper_bound(placed.begin(), placed.end(), b, [](auto *x, auto *y) { return x->offset < y->offset; }), b);
  }
  return end;
}

} // namespace depthwise::fused
