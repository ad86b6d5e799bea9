// Waiting for other threads: a while by looking, since to wake a sleeping thread takes longer than many loops, then asleep.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#if defined(__linux__)
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace depthwise::threads {

// How long a thread looks for work, or for the end of a loop, before it sleeps: on two idle Zen 5 cores training reached 1,744
// images/s, with 50 us 1,684.
constexpr std::chrono::microseconds kSpin{200};

inline void pause() {
#if defined(__SSE2__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// The processor on which the calling thread runs, or kNoProcessor where the system does not tell.
constexpr int kNoProcessor = -1;
inline int processor() {
#if defined(__linux__)
  return sched_getcpu();
#else
  return kNoProcessor;
#endif
}

// Calls done until it returns true, or until useless does or kSpin has passed; returns what done says last. useless gets the
// calling thread's processor: a thread that was last seen there is not running, and cannot until the caller sleeps.
template <class Done, class Useless> bool spin(Done done, Useless useless) {
  const auto end = std::chrono::steady_clock::now() + kSpin;
  do {
    for (int i = 0; i < 32; i++) {
      if (done()) return true;
      pause();
    }
    const int here = processor();
    if (here != kNoProcessor && useless(here)) break;
  } while (std::chrono::steady_clock::now() < end);
  return done();
}

// Sleeps while the word has this value, or shorter. std::atomic::wait of libstdc++ calls sched_yield before it sleeps, for which
// Linux 6.18 takes the rest of its time slice from the thread: beside two busy loops the second thread then got 30 % of a
// core, and 35 to 47 % without.
inline void sleep_while(std::atomic<uint32_t> &word, uint32_t value) {
#if defined(__linux__)
  static_assert(sizeof word == sizeof(uint32_t));
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, value, nullptr, nullptr, 0);
#else
  word.wait(value, std::memory_order_acquire);
#endif
}

// Wakes one thread that sleeps on the word.
inline void wake(std::atomic<uint32_t> &word) {
#if defined(__linux__)
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
#else
  word.notify_one();
#endif
}

} // namespace depthwise::threads
