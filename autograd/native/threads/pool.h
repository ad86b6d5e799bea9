// The threads of the kernels: a loop over numbered parts, which any thread may compute. Made for
// cores that other processes use too. The caller takes parts itself, so a thread that the operating
// system does not run delays nothing but the part that it has begun.
//
// Threads are created when a loop first needs them, sleep when there is nothing to do, and are
// shared by all callers in the process. Loops of several callers run at the same time. A loop that
// is started inside a part runs on that part's thread alone. A process that has forked must not
// compute in the child: the threads exist only in the parent.
#pragma once
#include <cstdint>
#include <type_traits>

namespace depthwise::threads {

// Computes one part. `thread` is below the loop's number of threads, and no other thread computes
// with the same number at that time: it selects scratch memory. Results must not depend on it.
using Body = void (*)(void *context, int part, int thread) noexcept;

// Calls body(context, part, thread) once for each part from 0 to parts - 1, on at most `threads`
// threads, and returns when all calls have returned. What the caller wrote is visible to the
// parts, and what they wrote to the caller. Threads begin with adjacent parts: the caller with the
// first ones.
void run(int threads, int parts, Body body, void *context) noexcept;

// The same for a function of (part, thread) that does not throw.
template <class F> void run(int threads, int parts, F &&f) {
  using Function = std::remove_reference_t<F>;
  run(
      threads, parts,
      [](void *context, int part, int thread) noexcept { (*static_cast<Function *>(context))(part, thread); }, &f);
}

// Parts for each thread, so that one thread can go on while another is not running.
constexpr int kPartsPerThread = 4;

// The number of parts for n units of work of which each part should have at least `least`. A single
// thread needs only one.
constexpr int parts_of(int threads, int64_t n, int64_t least, int per_thread = kPartsPerThread) {
  if (threads <= 1 || n <= least) return n > 0 ? 1 : 0;
  const int64_t most = int64_t(threads) * per_thread, fit = n / least;
  return int(fit < most ? fit : most);
}

// Threads begin with adjacent parts of their own: this many threads do.
constexpr int kMostLanes = 64;
constexpr int lanes_of(int parts, int threads) {
  const int lanes = parts < threads ? parts : threads;
  return lanes < kMostLanes ? lanes : kMostLanes;
}
// The first part that a thread begins with; that of the thread after the last one is `parts`.
constexpr int first_part(int thread, int parts, int threads) {
  return int(int64_t(parts) * thread / lanes_of(parts, threads));
}
// The thread that begins with a part.
constexpr int first_thread(int part, int parts, int threads) {
  return int((int64_t(part + 1) * lanes_of(parts, threads) - 1) / parts);
}
// The most parts that a thread begins with.
constexpr int most_parts(int parts, int threads) {
  const int lanes = lanes_of(parts, threads);
  return lanes > 0 ? (parts + lanes - 1) / lanes : 0;
}

// A range of n units.
struct Range {
  int64_t begin, end;
};
constexpr Range range_of(int64_t n, int part, int parts) { return {n * part / parts, n * (part + 1) / parts}; }

// Calls f(i) for i from 0 to n - 1, in parts of at least `least`.
template <class F> void for_each(int threads, int64_t n, int64_t least, F f) {
  const int parts = parts_of(threads, n, least);
  run(threads, parts, [&](int part, int) {
    const Range range = range_of(n, part, parts);
    for (int64_t i = range.begin; i < range.end; i++) f(i);
  });
}

} // namespace depthwise::threads
