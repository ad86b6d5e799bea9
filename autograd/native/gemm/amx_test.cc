//go:build ignore

// Tests the matrix products in tiles (gemm/amx.h), and that a tile instruction does what Intel's
// manual defines: the emulation's where the processor has no AMX, else the processor's. A
// standalone program, compiled in autograd/native:
//   g++ -std=c++20 -I. -O2 -pthread -DFUSED_ISA=amx -march=x86-64-v4 -mavx512bf16 -mamx-tile \
//     -mamx-bf16 gemm/amx_test.cc threads/pool.cc && ./a.out
#include "isa/amx_emulator.h"
#include "gemm/gemm.h"
#include <cmath>
#include <random>
#include <vector>

using namespace depthwise::fused;
using namespace depthwise::fused::FUSED_ISA;

static int failures = 0;
static std::mt19937 generator(1);
static int between(int low, int high) { return low + int(generator() % (high - low + 1)); }

static void check(bool ok, const char *what, int a = 0, int b = 0, int c = 0) {
  if (!ok && ++failures <= 20) printf("%s (%d, %d, %d)\n", what, a, b, c);
}

// Special bfloat16 values: zeros, denormals, the smallest normal ones, whose differences are
// denormal, ones, infinities, NaN, the largest. any_value mixes them with ordinary values whose
// sums depend on their order.
static uint16_t special_value() {
  static const uint16_t values[] = {0,      0x8000, 1,      0x807f, 0x0080, 0x8080, 0x00c0, 0x80c0,
                                    0x3f80, 0x3f80, 0xbf80, 0x7f80, 0xff80, 0x7fc0, 0x7f7f, 0xff7f};
  return values[generator() % 16];
}
static uint16_t any_value() {
  if (generator() % 50 == 0) return special_value();
  return uint16_t((generator() & 0x807f) | between(100, 140) << 7);
}
static uint16_t small_integer() { // sums of products are exact
  const float v = float(between(-8, 8));
  uint32_t u;
  memcpy(&u, &v, sizeof u);
  return uint16_t(u >> 16);
}
static uint32_t pair(uint16_t (*value)()) {
  const uint32_t low = value();
  return low | uint32_t(value()) << 16;
}
static float half(uint32_t pair, int which) {
  const uint32_t u = which ? pair & 0xffff0000 : pair << 16;
  float f;
  memcpy(&f, &u, sizeof f);
  return f;
}
static float flushed(float v) { return std::fabs(v) < 0x1p-126f ? std::copysign(0.0f, v) : v; }
static float fused_multiply_add(float a, float b, float c) {
  return flushed(std::fma(flushed(a), flushed(b), flushed(c)));
}

// TDPBF16PS as defined in the manual, element by element.
static float expected_sum(float c, int depth, const uint32_t *a, const uint32_t *b, size_t b_step) {
  float even = 0, odd = 0;
  for (int k = 0; k < depth; k++) {
    even = fused_multiply_add(half(a[k], 0), half(b[k * b_step], 0), even);
    odd = fused_multiply_add(half(a[k], 1), half(b[k * b_step], 1), odd);
  }
  return flushed(flushed(c) + flushed(even + odd));
}
static bool same(float a, float b) { return memcmp(&a, &b, sizeof a) == 0 || (std::isnan(a) && std::isnan(b)); }

// One product of registers, for every depth.
static void test_instruction(int depth, uint16_t (*value)()) {
  constexpr size_t kStride = 19; // rows need no alignment
  std::vector<uint32_t> a(16 * kStride), b(16 * kStride);
  std::vector<float> c(16 * kStride), got(16 * kStride);
  for (auto &v : a) v = pair(value);
  for (auto &v : b) v = pair(value);
  for (auto &v : c) v = half(pair(value), 0);
  {
    TileShapes shapes(depth);
    tile_load<0>(c.data(), kStride * 4);
    tile_load<4>(a.data(), kStride * 4);
    tile_load<6>(b.data(), kStride * 4);
    tile_multiply<0, 4, 6>();
    tile_store<0>(got.data(), kStride * 4);
  }
  for (size_t m = 0; m < 16; m++)
    for (size_t n = 0; n < 16; n++) {
      const float want = expected_sum(c[m * kStride + n], depth, &a[m * kStride], &b[n], kStride);
      check(same(got[m * kStride + n], want), "tdpbf16ps", depth, int(m), int(n));
    }
}

// The encodings of an address: each loads tile 0 from %0 + 256 with rows 64 bytes apart, using the
// given registers.
#define FORM(number, setup, address, ...)                                                                              \
  do {                                                                                                                 \
    memset(got, 0, sizeof got);                                                                                        \
    asm volatile(setup "tileloadd " address ", %%tmm0" : : "r"(memory), "r"(64L) : "memory", __VA_ARGS__);             \
    tile_store<0>(got, 64);                                                                                            \
    check(memcmp(got, memory + 256, sizeof got) == 0, "an address", number);                                           \
  } while (0)

static void test_addresses() {
  alignas(64) static uint8_t memory[2048], got[1024];
  for (auto &v : memory) v = uint8_t(generator());
  TileShapes shapes(16);
  FORM(1, "lea 256(%0), %%rbx; mov %1, %%rdx;", "(%%rbx,%%rdx,1)", "rbx", "rdx");
  FORM(2, "lea 246(%0), %%r12; mov %1, %%r13;", "10(%%r12,%%r13,1)", "r12", "r13");
  FORM(3, "lea 266(%0), %%r13; mov %1, %%r9; shr $1, %%r9;", "-10(%%r13,%%r9,2)", "r13", "r9");
  FORM(4, "lea -744(%0), %%r8; mov %1, %%r12; shr $3, %%r12;", "1000(%%r8,%%r12,8)", "r8", "r12");
  FORM(5, "lea 1256(%0), %%rdi; mov %1, %%rsi; shr $2, %%rsi;", "-1000(%%rdi,%%rsi,4)", "rdi", "rsi");
  FORM(6, "mov %1, %%rax; lea 256(%0), %%r15; sub $0, %%r15;", "(%%r15,%%rax,1)", "rax", "r15");
  memset(got, 0, sizeof got);
  asm volatile("tileloadd (%0), %%tmm0" : : "r"(memory + 256) : "memory"); // no index: every row is the first
  tile_store<0>(got, 64);
  for (int r = 0; r < 16; r++) check(memcmp(got + 64 * r, memory + 256, 64) == 0, "an address without an index", r);
  asm volatile("tileloaddt1 64(%0,%1,1), %%tmm0" : : "r"(memory), "r"(64L) : "memory");
  memset(got, 0, sizeof got);
  tile_store<0>(got, 64);
  check(memcmp(got, memory + 64, sizeof got) == 0, "tileloaddt1");
  tile_zero<0>();
  tile_store<0>(got, 64);
  for (int i = 0; i < 1024; i++) check(got[i] == 0, "tilezero", i);
}

static void test_transposition(int rows) {
  std::vector<uint32_t> from(16 * 21), to(16 * 18, 7);
  for (auto &v : from) v = generator();
  transpose(rows, from.data(), 21, to.data(), 18);
  for (int r = 0; r < 16; r++)
    for (int c = 0; c < 16; c++) check(to[c * 18 + r] == (r < rows ? from[r * 21 + c] : 0), "transposed", rows, r, c);
}

static double expected_product(int depth, const uint32_t *a, size_t a_step, const uint32_t *b, size_t b_step) {
  double sum = 0;
  for (int k = 0; k < depth; k++)
    for (int i = 0; i < 2; i++) sum += double(half(a[k * a_step], i)) * half(b[k * b_step], i);
  return sum;
}

static int tiles_of(int n) { return (n + 15) / 16; }

// multiply_block computes each value once, with no more products than the shape needs.
static void test_block(int rows, int columns, int depth, bool start) {
  const size_t stride = depth + 16;
  std::vector<uint32_t> a((rows + 31) / 32 * 32 * stride, 0x7fc07fc0), panels(size_t(columns) * depth);
  std::vector<float> c(size_t(rows) * columns, NAN), first(columns);
  for (int r = 0; r < rows; r++)
    for (int k = 0; k < depth; k++) a[r * stride + k] = pair(small_integer);
  for (auto &v : panels) v = pair(small_integer);
  for (auto &v : first) v = float(between(-100, 100));
  auto finish = [&](const auto &tile, int row, int column, int count) {
    constexpr int kVectors = sizeof(tile.sums[0]) / 64;
    for (int r = 0; r < count; r++)
      for (int v = 0; v < kVectors; v++) {
        float *to = &c[size_t(row + r) * columns + column + 16 * v];
        check(std::isnan(to[0]), "a value is written twice", row + r, column);
        store(to, tile.get(r, v));
      }
  };
  Prefetcher prefetcher;
  const long before = amx_emulator::products;
  multiply_block(rows, columns, depth, a.data(), stride, panels.data(), start ? first.data() : nullptr, prefetcher,
                 finish);
  const long products = amx_emulator::products - before;
  for (int r = 0; r < rows; r++)
    for (int n = 0; n < columns; n++) {
      const int panel = n / 32 * 32, width = columns - panel < 32 ? 16 : 32;
      const uint32_t *b = &panels[size_t(panel) * depth + n - panel];
      const double want = (start ? first[n] : 0) + expected_product(depth, &a[r * stride], 1, b, width);
      check(c[size_t(r) * columns + n] == want, "a block's value", rows, columns, depth);
    }
  check(!amx_emulator::active || products == tiles_of(rows) * tiles_of(columns) * even_steps(depth).count,
        "a block's products", rows, columns, depth);
}

// outer_block, overwriting or adding to existing sums.
static void test_outer(int rows, int columns, int depth, bool overwrite) {
  const size_t a_step = rows + 16, b_step = columns + 16, stride = columns + 5;
  std::vector<uint32_t> a(depth * a_step), b(depth * b_step);
  std::vector<float> sums(rows * stride, overwrite ? NAN : 3);
  for (auto &v : a) v = pair(small_integer);
  for (auto &v : b) v = pair(small_integer);
  const long before = amx_emulator::products;
  Prefetcher prefetcher;
  outer_block(overwrite, rows, columns, depth, a.data(), a_step, b.data(), b_step, sums.data(), stride, prefetcher);
  const long products = amx_emulator::products - before;
  for (int r = 0; r < rows; r++)
    for (int n = 0; n < columns; n++) {
      const double want = (overwrite ? 0 : 3) + expected_product(depth, &a[r], a_step, &b[n], b_step);
      check(sums[r * stride + n] == want, "an outer product's value", rows, columns, depth);
    }
  check(!amx_emulator::active || products == tiles_of(rows) * tiles_of(columns) * tiles_of(depth),
        "an outer product's products", rows, columns, depth);
}

int main() {
  for (int depth = 1; depth <= 16; depth++)
    for (int i = 0; i < 20; i++) test_instruction(depth, any_value), test_instruction(depth, special_value);
  test_addresses();
  for (int rows : {1, 7, 16}) test_transposition(rows);
  for (int rows : {1, 8, 16, 17, 32, 33, 77})
    for (int columns : {16, 32, 48, 64, 80, 96, 176})
      for (int depth : {8, 14, 16, 24, 40, 88, 272}) test_block(rows, columns, depth, depth % 16 == 0);
  for (int rows : {16, 32, 48})
    for (int columns : {16, 32, 80})
      for (int depth : {1, 15, 16, 17, 100, 208, 209, 450}) test_outer(rows, columns, depth, depth % 2 == 0);
  if (failures) printf("%d failures\n", failures);
  return failures != 0;
}
