// How long the parts of a pass through the backbone take.
#pragma once
#include <chrono>
#include <vector>

namespace depthwise::fused {

// Seconds of one pass, forward or backward.
struct Times {
  double whole = 0; // with the memory and the tensors around the kernels
  double pack = 0, image = 0, pool = 0;
  std::vector<double> layers;
};

// A reading of the clock takes some 30 ns, so every pass is measured.
class Stopwatch {
public:
  // Seconds since the last lap, or since the start.
  double lap() {
    auto now = std::chrono::steady_clock::now();
    double seconds = std::chrono::duration<double>(now - last_).count();
    last_ = now;
    return seconds;
  }

private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

} // namespace depthwise::fused
