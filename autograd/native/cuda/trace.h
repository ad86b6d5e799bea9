// A library that CUDA loads into a process (CUDA_INJECTION64_PATH): it records the kernels of the GPU with CUPTI, and writes to the
// file DEPTHWISE_TRACE how busy the GPU was in the last DEPTHWISE_TRACE_MS milliseconds (default 300) before the last recorded kernel
// ended, and the kernels that took the longest. The last that a benchmark does is its steps.
//
// It is a library of its own for scripts/gpu_check.sh and no part of libdepthwise: scripts/gpu_pack.sh compiles it, and set-up, which
// compiles the .cc files here, does not.
//
// The file is written again while the process runs: programs in Go end without calling atexit's functions.
#include <cupti_activity.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace {

struct Span {
  uint64_t start, end; // nanoseconds
  std::string name;
};

std::mutex mutex;
std::vector<Span> spans; // of twice the window
uint64_t last = 0;       // end of the last one
uint64_t written = 0;    // the last end that was written

uint64_t window() {
  const char *milliseconds = getenv("DEPTHWISE_TRACE_MS");
  return (milliseconds ? strtoull(milliseconds, nullptr, 10) : 300) * 1000000;
}

// CUPTI returns a buffer when it is full: with 256 KB after about a thousand kernels, some steps of a network.
void CUPTIAPI buffer_requested(uint8_t **buffer, size_t *size, size_t *records) {
  *size = 256 << 10;
  *buffer = static_cast<uint8_t *>(aligned_alloc(8, *size));
  *records = 0; // as many as fit
}

void add(uint64_t start, uint64_t end, std::string name) {
  if (end == 0) return; // incomplete
  spans.push_back({start, end, std::move(name)});
  last = std::max(last, end);
}

void write();

void CUPTIAPI buffer_completed(CUcontext, uint32_t, uint8_t *buffer, size_t, size_t valid) {
  std::lock_guard<std::mutex> lock(mutex);
  CUpti_Activity *record = nullptr;
  while (cuptiActivityGetNextRecord(buffer, valid, &record) == CUPTI_SUCCESS) {
    if (record->kind == CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL) {
      auto *k = reinterpret_cast<CUpti_ActivityKernel10 *>(record);
      add(k->start, k->end, k->name ? k->name : "?");
    } else if (record->kind == CUPTI_ACTIVITY_KIND_MEMCPY) {
      auto *m = reinterpret_cast<CUpti_ActivityMemcpy6 *>(record);
      add(m->start, m->end, "copy " + std::to_string(m->copyKind)); // CUpti_ActivityMemcpyKind
    } else if (record->kind == CUPTI_ACTIVITY_KIND_MEMSET) {
      auto *m = reinterpret_cast<CUpti_ActivityMemset4 *>(record);
      add(m->start, m->end, "fill");
    }
  }
  free(buffer);
  if (last < written + window() / 3) return;
  written = last;
  std::erase_if(spans, [](const Span &s) { return s.end + 2 * window() < last; });
  write();
}

// quoted is a name as a string of JSON, shortened.
std::string quoted(const std::string &name) {
  std::string out = "\"";
  for (char c : name.substr(0, 100)) {
    if (c == '"' || c == '\\') out += '\\';
    if (c >= ' ') out += c;
  }
  return out + '"';
}

// write writes the trace of the last window.
void write() {
  const char *path = getenv("DEPTHWISE_TRACE");
  FILE *file = path ? fopen(path, "w") : nullptr;
  if (!file) return;
  const uint64_t first = last > window() ? last - window() : 0;
  uint64_t busy = 0, covered = first, kernels = 0;
  std::sort(spans.begin(), spans.end(), [](const Span &a, const Span &b) { return a.start < b.start; });
  std::map<std::string, uint64_t> total;
  for (const Span &s : spans) {
    if (s.end <= first) continue;
    const uint64_t start = std::max(s.start, first);
    total[s.name] += s.end - start;
    kernels++;
    if (s.end > covered) busy += s.end - std::max(start, covered);
    covered = std::max(covered, s.end);
  }
  std::vector<std::pair<uint64_t, std::string>> top;
  for (const auto &t : total) top.push_back({t.second, t.first});
  std::sort(top.rbegin(), top.rend());
  fprintf(file, "{\"busy_percent\": %.1f, \"window_ms\": %.0f, \"kernels\": %llu, \"top\": [",
          100.0 * busy / std::max<uint64_t>(last - first, 1), (last - first) / 1e6,
          static_cast<unsigned long long>(kernels));
  for (size_t i = 0; i < top.size() && i < 12; i++)
    fprintf(file, "%s[%s, %.1f]", i ? ", " : "", quoted(top[i].second).c_str(),
            100.0 * top[i].first / std::max<uint64_t>(last - first, 1));
  fprintf(file, "]}\n");
  fclose(file);
}

} // namespace

extern "C" int InitializeInjection() {
  cuptiActivityRegisterCallbacks(buffer_requested, buffer_completed);
  for (CUpti_ActivityKind kind :
       {CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL, CUPTI_ACTIVITY_KIND_MEMCPY, CUPTI_ACTIVITY_KIND_MEMSET})
    if (cuptiActivityEnable(kind) != CUPTI_SUCCESS)
      fprintf(stderr, "trace: CUPTI does not record activities of kind %d\n", kind);
  return 1;
}
