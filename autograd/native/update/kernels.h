// Interpreter of optimizers' update programs (fused.h) and the sum of squares for their gradient
// norms.
//
// A program runs block by block: each operation is a loop over one block of its operands, so that
// parameters, gradients and state are read from and written to memory once, and temporaries stay in
// the first-level cache.
#pragma once
#include "isa/simd.h"

namespace depthwise::fused::FUSED_ISA {

// Floats of a block. With 128, a program of five operations is about 200 instructions, fewer than a
// processor keeps in flight: it begins the next block while roots and quotients of this one are
// computed. On a Zen 5 core, AdamW took 1.1 to 1.2 times as long as its formula compiled in C++
// with 128, 1.3 to 1.4 times with 256 and 512, and 1.2 to 1.3 times with 64, where the overhead of
// each operation shows (SGD 1.3 times).
constexpr int kUpdateBlock = 128;

// Floats between a block and what is prefetched for later ones: 2 KB. Arrays are read in turns of a
// block, which the processor's own prefetchers follow badly: without, SGD took 1.25 times as long
// as compiled, with it 1.05 to 1.17 times.
constexpr int kUpdateAhead = 4 * kUpdateBlock;

// An instruction with its operands as addresses. Arrays advance with the blocks, temporaries do
// not: the mask of a temporary is zero.
struct DecodedInstruction {
  Op op;
  float s, t;
  float *out;
  const float *a, *b, *c;
  int64_t out_mask, a_mask, b_mask, c_mask;
};

template <class F> FUSED_INLINE void each_vector(float *out, F f) {
#pragma GCC unroll 8
  for (int i = 0; i < kUpdateBlock; i += kLanes) store(out + i, f(i));
}

// Executes one instruction on the block that starts at an element.
FUSED_INLINE void execute(const DecodedInstruction &x, int64_t start) {
  float *out = x.out + (start & x.out_mask);
  const float *pa = x.a + (start & x.a_mask), *pb = x.b + (start & x.b_mask), *pc = x.c + (start & x.c_mask);
  const V s = set1(x.s), t = set1(x.t);
  auto a = [&](int i) { return load(pa + i); };
  auto b = [&](int i) { return load(pb + i); };
  auto c = [&](int i) { return load(pc + i); };
  // clang-format off
  switch (x.op) {
  case Op::scale: return each_vector(out, [&](int i) { return s * a(i); });
  case Op::add_scaled: return each_vector(out, [&](int i) { return multiply_add(s, a(i), b(i)); });
  case Op::sum_scaled: return each_vector(out, [&](int i) { return multiply_add(s, a(i), t * b(i)); });
  case Op::lerp_from_a: return each_vector(out, [&](int i) { return multiply_add(s, b(i) - a(i), a(i)); });
  case Op::lerp_from_b: return each_vector(out, [&](int i) { return multiply_add(s, b(i) - a(i), b(i)); });
  case Op::mul: return each_vector(out, [&](int i) { return a(i) * b(i); });
  case Op::add_product: return each_vector(out, [&](int i) { return multiply_add(s * a(i), b(i), t * c(i)); });
  case Op::add_rounded_product: return each_vector(out, [&](int i) { return multiply_add(t, c(i), s * a(i) * b(i)); });
  case Op::quotient: return each_vector(out, [&](int i) { return s * a(i) / b(i); });
  case Op::add_quotient: return each_vector(out, [&](int i) { return multiply_add(t, c(i), s * a(i) / b(i)); });
  case Op::sqrt: return each_vector(out, [&](int i) { return root(a(i) + t); });
  case Op::affine_sqrt: return each_vector(out, [&](int i) { return multiply_add(s, root(a(i)), t); });
  }
  // clang-format on
}

// Memory of one thread that runs a program.
struct UpdateScratch {
  alignas(64) float temporaries[kUpdateTemporaries][kUpdateBlock];
  alignas(64) float tails[kUpdateArrays][kUpdateBlock]; // copies of the arrays' ends
};

// The code with the arrays' addresses.
static void decode(DecodedInstruction *code, const UpdateProgram &p, float *const *arrays, UpdateScratch &scratch) {
  auto address = [&](uint8_t operand) {
    return operand < kUpdateArrays ? arrays[operand] : scratch.temporaries[operand - kUpdateArrays];
  };
  auto mask = [](uint8_t operand) { return operand < kUpdateArrays ? int64_t(-1) : int64_t(0); };
  for (int k = 0; k < p.length; k++) {
    const Instruction &x = p.code[k];
    code[k] = {x.op,         x.s,         x.t,       address(x.out), address(x.a), address(x.b),
               address(x.c), mask(x.out), mask(x.a), mask(x.b),      mask(x.c)};
  }
}

// Runs the program on less than a block: on copies, filled up with zeros.
static void update_tail(const UpdateProgram &p, float *const *arrays, int n, UpdateScratch &scratch) {
  float *tails[kUpdateArrays];
  for (int k = 0; k < kUpdateArrays; k++) {
    tails[k] = scratch.tails[k];
    if (!arrays[k]) continue;
    memcpy(tails[k], arrays[k], n * sizeof(float));
    memset(tails[k] + n, 0, (kUpdateBlock - n) * sizeof(float));
  }
  DecodedInstruction code[kUpdateLength];
  decode(code, p, tails, scratch);
  for (int k = 0; k < p.length; k++) execute(code[k], 0);
  for (int k = 0; k < p.length; k++)
    if (int out = p.code[k].out; out < kUpdateArrays) memcpy(arrays[out], tails[out], n * sizeof(float));
}

// Prefetches a block of each array, also past the ends: pieces of one parameter are neighbors.
FUSED_INLINE void prefetch_block(float *const *arrays, int count, int64_t start) {
  for (int k = 0; k < count; k++)
#pragma GCC unroll 8
    for (int i = 0; i < kUpdateBlock; i += kLanes) __builtin_prefetch(arrays[k] + start + i, 1);
}

static void update(const UpdateProgram &p, const UpdatePiece &x) {
  UpdateScratch scratch;
  DecodedInstruction code[kUpdateLength];
  decode(code, p, x.arrays, scratch);
  float *used[kUpdateArrays];
  int count = 0;
  for (float *array : x.arrays)
    if (array) used[count++] = array;
  int64_t start = 0;
  for (; start + kUpdateBlock <= x.n; start += kUpdateBlock) {
    prefetch_block(used, count, start + kUpdateAhead);
    for (int k = 0; k < p.length; k++) execute(code[k], start);
  }
  if (start == x.n) return;
  float *rest[kUpdateArrays];
  for (int k = 0; k < kUpdateArrays; k++) rest[k] = x.arrays[k] ? x.arrays[k] + start : nullptr;
  update_tail(p, rest, int(x.n - start), scratch);
}

// The sum of squares of n floats, in double: no float's square overflows there.
static double square_sum(const float *x, int64_t n) {
  double sums[kLanes] = {}, total = 0;
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
#pragma omp simd
    for (int k = 0; k < kLanes; k++) sums[k] += double(x[i + k]) * x[i + k];
  for (; i < n; i++) sums[i % kLanes] += double(x[i]) * x[i];
  for (double sum : sums) total += sum;
  return total;
}

} // namespace depthwise::fused::FUSED_ISA
