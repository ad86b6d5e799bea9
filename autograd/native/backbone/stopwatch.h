// Times of the parts of a pass through the backbone.
#pragma once
#include <chrono>
#include <optional>
#include <vector>

namespace depthwise::fused {

// Seconds of one pass, forward or backward.
struct Times {
  double whole = 0; // including memory and tensors around the kernels
  double pack = 0, image = 0, pool = 0;
  std::vector<double> layers;
};

// One reading of the clock takes about 30 ns.
class Stopwatch {
public:
  // Seconds since the previous lap, or since the start.
  double lap() {
    auto now = std::chrono::steady_clock::now();
    double seconds = std::chrono::duration<double>(now - last_).count();
    last_ = now;
    return seconds;
  }

private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

// Measures the parts of one pass, each from the end of the previous part. With null times it does
// not read the clock.
class PassStopwatch {
public:
  PassStopwatch(Times *times, size_t layers) : times_(times) {
    if (!times_) return;
    *times_ = {.layers = std::vector<double>(layers)};
    watch_.emplace();
  }
  void lap(double Times::*part) {
    if (times_) times_->*part = watch_->lap();
  }
  void lap_layer(size_t i) {
    if (times_) times_->layers[i] = watch_->lap();
  }

private:
  Times *times_;
  std::optional<Stopwatch> watch_;
};

} // namespace depthwise::fused
