//go:build ignore

// The timers of a thread that runs other code: Linux lets a thread set its own timer slack only, so a signal makes it.
#include "native.h"
#include <atomic>
#if defined(__linux__)
#include <cerrno>
#include <csignal>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace {

std::atomic<int> target{0};
std::atomic<uint64_t> slack{0};
std::atomic<bool> is_set{false};

void set_slack(int) {
  const int before = errno;
  if (syscall(SYS_gettid) == target) is_set = syscall(SYS_prctl, PR_SET_TIMERSLACK, slack.load(), 0, 0, 0) == 0;
  errno = before;
}

void sleep_milliseconds(int n) {
  const timespec duration{0, n * 1'000'000L};
  nanosleep(&duration, nullptr);
}

} // namespace

int dw_set_timer_slack(int thread, uint64_t nanoseconds) {
  const int number = SIGRTMAX - 1;
  struct sigaction mine{};
  struct sigaction before{};
  mine.sa_handler = set_slack;
  mine.sa_flags = SA_ONSTACK | SA_RESTART;
  sigfillset(&mine.sa_mask);
  target = thread, slack = nanoseconds, is_set = false;
  if (sigaction(number, &mine, &before) != 0) return 0;
  const bool sent = syscall(SYS_tgkill, getpid(), thread, number) == 0;
  for (int i = 0; sent && i < 1000 && !is_set; i++) sleep_milliseconds(1);
  if (!sent || is_set) sigaction(number, &before, nullptr); // or else the signal may still come
  return is_set;
}
#else
int dw_set_timer_slack(int, uint64_t) { return 0; }
#endif
