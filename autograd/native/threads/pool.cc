//go:build ignore

#include "threads/pool.h"
#include "threads/wait.h"
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <functional>
#include <mutex>
#include <pthread.h>
#include <signal.h>
#include <system_error>
#include <thread>

namespace depthwise::threads {

namespace {

constexpr int kJobs = 16;
constexpr size_t kApart = 128; // bytes: processors fetch pairs of cache lines

#if defined(DEPTHWISE_POOL_DELAYS)
// For tests: a thread that has been away at any place.
void delay(int thread) {
  static thread_local uint32_t state = 12345 + 977 * uint32_t(thread);
  state = state * 1664525 + 1013904223;
  if (state >> 29 == 0) std::this_thread::sleep_for(std::chrono::microseconds(state >> 8 & 511));
}
#else
void delay(int) {}
#endif

// Adjacent parts of a loop that threads take one after another. The word is the loop's number and
// how many parts are left: whoever exchanges it has both looked at the right loop and taken a part.
struct alignas(kApart) Lane {
  std::atomic<uint64_t> left{0};

  void open(uint32_t loop, int parts) { left.store(uint64_t(loop) << 32 | uint32_t(parts), std::memory_order_release); }
  // Returns how many were left of that loop, or 0 if none are.
  int take(uint32_t loop) {
    uint64_t word = left.load(std::memory_order_acquire);
    while (uint32_t(word >> 32) == loop && uint32_t(word) != 0)
      if (left.compare_exchange_weak(word, word - 1, std::memory_order_acq_rel, std::memory_order_acquire))
        return int(uint32_t(word));
    return 0;
  }
};

thread_local bool computing = false; // a part, on this thread

// The loop of one caller. Jobs are static: a thread may look at one that has ended, whose fields
// are being overwritten, but then takes no part of it (Lane).
class alignas(kApart) Job {
public:
  bool acquire() {
    return !taken_.load(std::memory_order_relaxed) && !taken_.exchange(true, std::memory_order_acquire);
  }
  void release() { taken_.store(false, std::memory_order_release); }

  void open(int threads, int parts, Body body, void *context) {
    constexpr auto relaxed = std::memory_order_relaxed;
    const uint32_t loop = loop_.load(relaxed) + 1;
    const int lanes = lanes_of(parts, threads);
    threads_.store(threads, relaxed), parts_.store(parts, relaxed), lanes_.store(lanes, relaxed);
    body_.store(body, relaxed), context_.store(context, relaxed);
    unfinished_.store(uint32_t(parts), relaxed);
    for (int i = 0; i < lanes; i++) lane_[i].open(loop, first_part(i + 1, parts, lanes) - first_part(i, parts, lanes));
    loop_.store(loop, std::memory_order_release);
  }

  // Takes parts until none are left, first of the thread's own lane; returns whether it took one.
  bool help(int thread) {
    constexpr auto relaxed = std::memory_order_relaxed;
    const uint32_t loop = loop_.load(std::memory_order_acquire);
    const int threads = threads_.load(relaxed), parts = parts_.load(relaxed), lanes = lanes_.load(relaxed);
    const Body body = body_.load(relaxed);
    void *context = context_.load(relaxed);
    if (thread >= threads) return false;
    bool took = false;
    for (int i = 0; i < lanes; i++) {
      const int lane = (thread + i) % lanes;
      while (const int left = lane_[lane].take(loop)) {
        delay(thread);
        body(context, first_part(lane + 1, parts, lanes) - left, thread);
        delay(thread);
        finish();
        took = true;
      }
    }
    return took;
  }

  // Returns when all parts are finished. useless as in spin.
  template <class Useless> void wait(Useless useless) {
    if (spin([&] { return unfinished_.load(std::memory_order_acquire) == 0; }, useless)) return;
    uint32_t left = unfinished_.fetch_or(kWaiting, std::memory_order_acq_rel) | kWaiting;
    while (left != kWaiting) {
      sleep_while(unfinished_, left);
      left = unfinished_.load(std::memory_order_acquire);
    }
  }

private:
  static constexpr uint32_t kWaiting = 1u << 31; // the caller sleeps

  void finish() {
    if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) == (kWaiting | 1)) threads::wake(unfinished_);
  }

  std::atomic<bool> taken_{false};
  std::atomic<uint32_t> loop_{0}; // their number
  std::atomic<int> threads_{0}, parts_{0}, lanes_{0};
  std::atomic<Body> body_{nullptr};
  std::atomic<void *> context_{nullptr};
  alignas(kApart) std::atomic<uint32_t> unfinished_{0};
  Lane lane_[kMostLanes];
};

Job jobs[kJobs];
std::atomic<int> jobs_used{0}; // the first ones

// What callers write when they begin a loop, after its job.
struct alignas(kApart) Published {
  std::atomic<uint32_t> loops{0};           // by all callers
  std::atomic<int> processor{kNoProcessor}; // of the caller of the last one
};
Published published;

// A thread of the pool.
struct alignas(kApart) Worker {
  std::atomic<uint32_t> asleep{0};
  std::atomic<int> processor{kNoProcessor}; // on which it began to compute parts; kNoProcessor while it has none

  // A caller publishes its loop before it looks at asleep, and a thread sets asleep before it looks
  // for loops a last time, so one of them sees the other.
  void wake() {
    if (asleep.load() && asleep.exchange(0)) threads::wake(asleep);
  }
  void sleep(uint32_t seen) {
    asleep.store(1);
    if (published.loops.load() != seen) asleep.store(0);
    while (asleep.load()) sleep_while(asleep, 1);
  }
};

bool help_any(int thread) {
  bool helped = false;
  const int n = jobs_used.load(std::memory_order_acquire);
  for (int i = 0; i < n; i++) helped |= jobs[(thread + i) % n].help(thread);
  return helped;
}

// The name that top shows with H.
void name_thread(int thread) {
  char name[16];
  snprintf(name, sizeof name, "depthwise/%d", thread);
#if defined(__APPLE__)
  pthread_setname_np(name);
#else
  pthread_setname_np(pthread_self(), name);
#endif
}

[[noreturn]] void work(Worker &self, int thread) {
  name_thread(thread);
  computing = true;
  for (;;) {
    const uint32_t seen = published.loops.load();
    self.processor.store(processor(), std::memory_order_relaxed);
    const bool helped = help_any(thread);
    self.processor.store(kNoProcessor, std::memory_order_relaxed);
    if (helped) continue;
    auto next = [&] { return published.loops.load(std::memory_order_acquire) != seen; };
    auto useless = [](int here) { return published.processor.load(std::memory_order_relaxed) == here; };
    if (!spin(next, useless)) self.sleep(seen);
  }
}

// While it lives, new threads block all signals but those that their own instructions raise: others
// are for the program's threads.
class SignalsBlocked {
public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    for (int own : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS}) sigdelset(&all, own);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
  sigset_t before_;
};

// The threads, numbered from 1. They live as long as the process.
class Workers {
public:
  // Creates threads up to this number, or fewer where the system refuses: the others, and at least
  // the caller, then compute their parts.
  void grow(int last) {
    last = std::min(last, kMost);
    if (last <= count_.load(std::memory_order_acquire)) return;
    const std::lock_guard<std::mutex> lock(mutex_);
    const SignalsBlocked signals;
    try {
      for (int n = count_.load(std::memory_order_relaxed); n < last; n++) {
        std::thread(work, std::ref(worker_[n]), n + 1).detach();
        count_.store(n + 1, std::memory_order_release);
      }
    } catch (const std::system_error &) {
    }
  }
  void wake(int last) {
    last = std::min(last, count_.load(std::memory_order_acquire));
    for (int i = 0; i < last; i++) worker_[i].wake();
  }
  // Whether one of them, up to a number, computes parts on the processor: it then is not running if the calling thread is there.
  bool computes(int last, int on) const {
    last = std::min(last, count_.load(std::memory_order_acquire));
    return std::any_of(worker_, worker_ + last,
                       [on](const Worker &w) { return w.processor.load(std::memory_order_relaxed) == on; });
  }

private:
  static constexpr int kMost = 1023;
  std::atomic<int> count_{0};
  std::mutex mutex_;
  Worker worker_[kMost];
};

// Never destroyed: threads use it until the process ends.
Workers &workers = *new Workers;

// A job for the calling thread, or null if too many callers have one.
Job *acquire_job() {
  for (int i = 0; i < kJobs; i++) {
    if (!jobs[i].acquire()) continue;
    int used = jobs_used.load(std::memory_order_relaxed);
    while (used <= i && !jobs_used.compare_exchange_weak(used, i + 1, std::memory_order_release)) {
    }
    return &jobs[i];
  }
  return nullptr;
}

} // namespace

void run(int threads, int parts, Body body, void *context) noexcept {
  Job *job = threads > 1 && parts > 1 && !computing ? acquire_job() : nullptr;
  if (!job) {
    for (int part = 0; part < parts; part++) body(context, part, 0);
    return;
  }
  const int helpers = std::min(threads, parts) - 1;
  workers.grow(threads - 1);
  job->open(threads, parts, body, context);
  published.processor.store(processor(), std::memory_order_relaxed);
  published.loops.fetch_add(1);
  workers.wake(helpers);
  computing = true;
  job->help(0);
  computing = false;
  job->wait([&](int here) { return workers.computes(threads - 1, here); });
  job->release();
}

} // namespace depthwise::threads
