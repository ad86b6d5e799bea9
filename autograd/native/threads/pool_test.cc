//go:build ignore

// Tests the pool of threads. A standalone program, compiled in autograd/native, best with
// -fsanitize=thread, and with -DDEPTHWISE_POOL_DELAYS, which makes threads pause at random places:
//   g++ -std=c++20 -I. -O2 -pthread threads/pool_test.cc threads/pool.cc && ./a.out
#include "threads/pool.h"
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <dirent.h>
#include <sched.h>
#include <string>
#include <thread>
#include <vector>

using namespace depthwise::threads;

static const char *test = "";

static void expect(bool ok, const char *what, long got, long want) {
  if (ok) return;
  printf("%s: %s is %ld, want %ld\n", test, what, got, want);
  exit(1);
}
static void expect_equal(const char *what, long got, long want) { expect(got == want, what, got, want); }

// Runs a loop and checks that each part runs once, on a valid thread, and that its result is seen.
static void check_loop(int threads, int parts) {
  std::vector<int> count(parts);
  std::vector<std::atomic<int>> inside(threads);
  std::atomic<int> shared{0}, invalid{0};
  run(threads, parts, [&](int part, int thread) {
    if (thread < 0 || thread >= threads || part < 0 || part >= parts) {
      invalid++;
      return;
    }
    if (inside[thread]++ != 0) shared++;
    count[part]++;
    inside[thread]--;
  });
  expect_equal("calls with an invalid part or thread", invalid, 0);
  expect_equal("calls with a thread's number that was in use", shared, 0);
  for (int n : count) expect_equal("calls of a part", n, 1);
}

static void test_every_part_once() {
  for (int threads : {1, 2, 3, 5, 16, 100})
    for (int parts : {0, 1, 2, 3, 7, 64, 65, 200, 1000}) check_loop(threads, parts);
}

static void test_resize() {
  for (int i = 0; i < 200; i++) check_loop(1 + i * 7 % 9, 1 + i % 13);
}

static void test_many_short_loops() {
  long sum = 0, want = 0;
  std::vector<long> own(4);
  for (int i = 0; i < 5000; i++) {
    run(4, 4, [&](int part, int) { own[part] += part + i; });
    want += 6 + 4L * i;
  }
  for (long v : own) sum += v;
  expect_equal("the sum", sum, want);
}

// A sum of floats in parts depends on the order of additions only by part.
static float sum_by_parts(int threads) {
  constexpr int kParts = 37;
  std::vector<float> values(10007), sums(kParts);
  for (size_t i = 0; i < values.size(); i++) values[i] = 1.0f / float(i + 1);
  run(threads, kParts, [&](int part, int) {
    const size_t begin = values.size() * part / kParts, end = values.size() * (part + 1) / kParts;
    for (size_t i = begin; i < end; i++) sums[part] += values[i];
  });
  float sum = 0;
  for (float s : sums) sum += s;
  return sum;
}

static void test_same_bits() {
  const float want = sum_by_parts(1);
  for (int i = 0; i < 100; i++)
    for (int threads : {2, 3, 8}) {
      const float got = sum_by_parts(threads);
      expect_equal("a sum with the bits of another run", memcmp(&got, &want, sizeof got), 0);
    }
}

static void test_nested() {
  std::atomic<int> calls{0}, elsewhere{0};
  run(3, 5, [&](int, int) {
    const auto self = std::this_thread::get_id();
    run(3, 7, [&](int, int thread) {
      calls++;
      if (thread != 0 || std::this_thread::get_id() != self) elsewhere++;
    });
  });
  expect_equal("calls", calls, 35);
  expect_equal("nested calls on another thread", elsewhere, 0);
}

static void test_concurrent_callers() {
  constexpr int kCallers = 24; // more than the pool has places for
  std::vector<std::thread> callers;
  for (int c = 0; c < kCallers; c++)
    callers.emplace_back([c] {
      for (int i = 0; i < 100; i++) check_loop(1 + (c + i) % 5, 1 + i % 17);
    });
  for (auto &c : callers) c.join();
}

// A thread that is in a part for long does not delay the others: they compute all the rest.
static void test_slow_thread() {
  std::atomic<int> done{0};
  run(2, 100, [&](int part, int) {
    if (part == 0)
      while (done < 99) std::this_thread::yield();
    done++;
  });
  expect_equal("parts", done, 100);
}

// Keeps all threads of the process, and of later ones, on the processors of a mask.
#if defined(__linux__)
static void keep_on(const cpu_set_t &processors) {
  DIR *tasks = opendir("/proc/self/task");
  while (dirent *entry = readdir(tasks))
    if (const int thread = atoi(entry->d_name)) sched_setaffinity(thread, sizeof processors, &processors);
  closedir(tasks);
}
#endif

// Threads that share one processor sleep while they wait for each other, and lose no part.
static void test_one_processor() {
#if defined(__linux__)
  cpu_set_t all, one;
  sched_getaffinity(0, sizeof all, &all);
  CPU_ZERO(&one);
  for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++)
    if (CPU_ISSET(i, &all)) CPU_SET(i, &one);
  check_loop(3, 100); // so that the threads exist
  keep_on(one);
  for (int i = 0; i < 500; i++) check_loop(2 + i % 2, 1 + i % 13);
  std::atomic<int> inside{0};
  for (int i = 1; i <= 50; i++) // the caller and another thread are in a part at the same time, and either ends last
    run(2, 2, [&](int, int) {
      inside++;
      while (inside < 2 * i) std::this_thread::yield();
    });
  keep_on(all);
#endif
}

static double processor_seconds() {
  timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
}

// Threads that have nothing to do take no processor time.
static void test_idle() {
  check_loop(4, 100);
  std::this_thread::sleep_for(std::chrono::milliseconds(50)); // until all sleep
  const double before = processor_seconds();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  const long milliseconds = long(1e3 * (processor_seconds() - before));
  expect(milliseconds < 30, "processor time while idle, in ms,", milliseconds, 0);
}

static void test_names() {
#if defined(__linux__)
  check_loop(3, 100);
  int found = 0;
  DIR *tasks = opendir("/proc/self/task");
  while (dirent *entry = readdir(tasks)) {
    char name[32] = {};
    FILE *f = fopen((std::string("/proc/self/task/") + entry->d_name + "/comm").c_str(), "r");
    if (!f) continue;
    if (fgets(name, sizeof name, f) && (!strcmp(name, "depthwise/1\n") || !strcmp(name, "depthwise/2\n"))) found++;
    fclose(f);
  }
  closedir(tasks);
  expect_equal("threads with their names", found, 2);
#endif
}

static void test_parts_of() {
  const struct {
    int threads;
    int64_t n, least;
    int per_thread, want;
  } cases[] = {
      {1, 1000, 10, 4, 1}, {2, 1000, 10, 4, 8}, {2, 0, 10, 4, 0}, {2, 9, 10, 4, 1},
      {2, 25, 10, 4, 2},   {2, 1, 1, 4, 1},     {8, 3, 1, 4, 3},  {3, 1'000'000'000'000, 1, 4, 12},
  };
  for (const auto &c : cases)
    expect_equal("the number of parts", parts_of(c.threads, c.n, c.least, c.per_thread), c.want);
}

// Every part has one thread that begins with it, and a thread's parts are adjacent.
static void test_first_parts() {
  for (int threads : {1, 2, 3, 5, 63, 64, 65, 200})
    for (int parts : {1, 2, 3, 7, 8, 63, 64, 65, 300}) {
      const int lanes = lanes_of(parts, threads);
      int next = 0;
      for (int thread = 0; thread < lanes; thread++) {
        expect_equal("a thread's first part", first_part(thread, parts, threads), next);
        for (; next < first_part(thread + 1, parts, threads); next++)
          expect_equal("a part's thread", first_thread(next, parts, threads), thread);
        const int own = next - first_part(thread, parts, threads);
        expect(own > 0 && own <= most_parts(parts, threads), "a thread's number of parts", own,
               most_parts(parts, threads));
      }
      expect_equal("the end of the last thread's parts", next, parts);
    }
  expect_equal("the most parts of none", most_parts(0, 4), 0);
}

int main() {
  const struct {
    const char *name;
    void (*f)();
  } tests[] = {
      {"every part once", test_every_part_once},
      {"resize", test_resize},
      {"many short loops", test_many_short_loops},
      {"same bits", test_same_bits},
      {"nested", test_nested},
      {"concurrent callers", test_concurrent_callers},
      {"slow thread", test_slow_thread},
      {"one processor", test_one_processor},
      {"idle", test_idle},
      {"names", test_names},
      {"parts_of", test_parts_of},
      {"first parts", test_first_parts},
  };
  for (const auto &t : tests) {
    test = t.name;
    t.f();
  }
}
