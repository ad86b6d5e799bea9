//go:build ignore

// The allocator of CPU tensors. libtorch frees every activation as soon as it is dead, and malloc
// returns such blocks to the kernel, which clears their pages again for the next step: a fifth of
// the time of a training step (perf, MobileNet 1.0 at batch 32 and 224, bfloat16). Here they stay
// with the process, in one region of huge pages.
#include "tensors/guard.h"
#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/util/Exception.h>
#include <climits>
#include <cstdlib>
#include <malloc.h>
#include <map>
#include <mutex>
#include <set>
#include <sys/mman.h>

namespace {

constexpr size_t kSmall = 256 << 10; // smaller blocks come from malloc
constexpr size_t kAlign = 64;        // of block sizes, and so of addresses
constexpr size_t kStagger =
    832; // between blocks, so that power-of-two sizes do not share cache sets (57.3 vs 56.9 img/s, bf16)
constexpr size_t kHugePage = 2 << 20;
constexpr size_t kRegion = size_t(1) << 40; // address space, not memory: pages are mapped on first touch

// Region allocates blocks from one range of addresses: best fit, lowest address first, neighbors
// merged when freed.
class Region {
public:
  bool open() {
    void *p = mmap(nullptr, kRegion, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) return false;
    base_ = static_cast<char *>(p);
    madvise(base_, kRegion, MADV_HUGEPAGE); // a kernel without huge pages keeps small ones
    insert(kHugePage - reinterpret_cast<size_t>(base_) % kHugePage, kRegion - kHugePage);
    return true;
  }

  bool holds(void *p) const { return p >= base_ && p < base_ + kRegion; }

  void *take(size_t bytes) {
    bytes = (bytes + kStagger + kAlign - 1) / kAlign * kAlign;
    std::lock_guard<std::mutex> lock(mutex_);
    auto fit = by_size_.lower_bound({bytes, 0});
    if (fit == by_size_.end()) return nullptr;
    auto [size, at] = *fit;
    erase(at, size);
    if (size > bytes) insert(at + bytes, size - bytes);
    used_[at] = bytes;
    taken_ += bytes;
    return base_ + at;
  }

  size_t taken() {
    std::lock_guard<std::mutex> lock(mutex_);
    return taken_;
  }

  void give(void *p) {
    std::lock_guard<std::mutex> lock(mutex_);
    auto block = used_.find(static_cast<char *>(p) - base_);
    size_t at = block->first, size = block->second;
    used_.erase(block);
    taken_ -= size;
    auto next = free_.lower_bound(at);
    if (next != free_.end() && next->first == at + size) {
      size_t more = next->second;
      erase(at + size, more);
      size += more;
    }
    auto before = free_.lower_bound(at);
    if (before != free_.begin() && (--before, before->first + before->second == at)) {
      size_t start = before->first, more = before->second;
      erase(start, more);
      at = start;
      size += more;
    }
    insert(at, size);
  }

private:
  void insert(size_t at, size_t size) {
    free_[at] = size;
    by_size_.insert({size, at});
  }
  void erase(size_t at, size_t size) {
    free_.erase(at);
    by_size_.erase({size, at});
  }

  char *base_ = nullptr;
  std::mutex mutex_;
  size_t taken_ = 0;                            // bytes in used blocks
  std::map<size_t, size_t> free_, used_;        // offset to size
  std::set<std::pair<size_t, size_t>> by_size_; // of the free blocks
};

Region &region() {
  static Region *r = new Region; // never destroyed: tensors may outlive static objects
  return *r;
}

void release(void *p) {
  if (region().holds(p))
    region().give(p);
  else
    free(p);
}

class RegionAllocator final : public c10::Allocator {
public:
  at::DataPtr allocate(size_t bytes) override {
    void *p = bytes >= kSmall ? region().take(bytes) : nullptr;
    if (p == nullptr && bytes > 0 && posix_memalign(&p, 64, bytes) != 0)
      TORCH_CHECK_WITH(OutOfMemoryError, false, "not enough memory for a tensor of ", bytes, " bytes");
    return {p, p, &release, at::Device(at::DeviceType::CPU)};
  }
  at::DeleterFnPtr raw_deleter() const override { return &release; }
  void copy_data(void *to, const void *from, size_t bytes) const override { default_copy_data(to, from, bytes); }
};

} // namespace

void dw_tune_allocator(void) {
  // oneDNN allocates its scratch memory with malloc, which should keep it as well.
  mallopt(M_ARENA_MAX, 1); // other threads' arenas return everything above 64 MB
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, INT_MAX);
  static RegionAllocator allocator;
  if (region().open()) c10::SetCPUAllocator(&allocator, /*priority=*/100);
}

int64_t dw_memory_allocated(void) { return int64_t(region().taken()); }
