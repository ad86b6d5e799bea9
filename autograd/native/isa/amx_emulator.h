// For tests: runs the kernels of gemm/amx.h on a processor with AVX-512 but without AMX.
//
// Such a processor raises SIGILL at a tile instruction. The handler here decodes the instruction,
// executes it on tiles in memory, one set per thread, and resumes after it; so the compiled kernel
// itself is tested. Encodings and semantics follow Intel's Software Developer's Manual: volume 2,
// under the names of the instructions, and volume 1, chapter 18. Whatever the manual forbids ends
// the program: wrong shapes, tiles that are not configured, an invalid configuration.
//
// kernels_test.go includes this file before each test of the amx variant. Where the processor has
// AMX nothing is emulated, unless the program is compiled with AMX_EMULATED: then it does not
// request permission to use tiles, so that Linux raises SIGILL for every instruction that touches
// them, and the two instructions that need no permission follow one that is always illegal.
#pragma once
#if defined(AMX_EMULATED)
asm(".macro ldtilecfg operand:vararg\n ud2\n {vex3} ldtilecfg \\operand\n .endm\n"
    ".macro tilerelease\n ud2\n {vex3} tilerelease\n .endm\n");
#endif
#include "isa/amx_permission.h"
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <immintrin.h>
#include <signal.h>
#include <ucontext.h>

namespace amx_emulator {

struct Tile {
  int rows = 0, bytes = 0; // bytes per row
  alignas(64) uint8_t data[16][64] = {};
};

struct Tiles {
  bool configured = false;
  Tile tile[8];
};

inline thread_local Tiles tiles;
inline std::atomic<long> products, configured_threads;
inline bool active;

[[noreturn]] inline void fail(const char *what) {
  fprintf(stderr, "AMX emulation: %s\n", what);
  _Exit(1);
}
inline void require(bool ok, const char *what) {
  if (!ok) fail(what);
}

// An instruction with a three-byte VEX prefix: C4, then R X B (inverted) and five bits of opcode
// map, then W, vvvv (inverted), L and two bits that stand for a prefix; opcode; ModRM, SIB and
// displacement (manual, volume 2, section 2.3).
struct Instruction {
  int length = 0;
  int map, prefix, w, l, vvvv; // prefix: 0 none, 1 66, 2 F3, 3 F2
  int opcode, reg, rm;
  bool memory;
  uint64_t address = 0, index = 0; // of memory: base + displacement, and the scaled index register, zero without one
};

inline uint64_t general_register(const greg_t *registers, int n) {
  static const int order[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
  return uint64_t(registers[order[n]]);
}

template <class T> int64_t displacement(const uint8_t *&p) {
  T d;
  memcpy(&d, p, sizeof d);
  p += sizeof d;
  return d;
}

// Decodes the memory operand that follows a ModRM byte of this mode.
inline void decode_memory(Instruction &i, const uint8_t *&p, int mode, bool x, bool b, const greg_t *registers) {
  int base = i.rm;
  bool based = true, relative = false;
  if (i.rm == 4) { // a SIB byte: scale, index, base
    const int sib = *p++, index = (sib >> 3 & 7) | x << 3;
    base = sib & 7;
    if (index != 4) i.index = general_register(registers, index) << (sib >> 6);
    based = base != 5 || mode != 0;
  } else if (i.rm == 5 && mode == 0) {
    based = false, relative = true;
  }
  if (based) i.address = general_register(registers, base | b << 3);
  if (mode == 1)
    i.address += displacement<int8_t>(p);
  else if (mode == 2 || !based)
    i.address += displacement<int32_t>(p);
  if (relative) i.address += reinterpret_cast<uint64_t>(p); // of the next instruction
}

inline bool decode(const uint8_t *start, const greg_t *registers, Instruction &i) {
  const uint8_t *p = start;
  if (*p++ != 0xc4) return false;
  const int first = *p++, second = *p++;
  const bool r = !(first & 0x80), x = !(first & 0x40), b = !(first & 0x20);
  i.map = first & 31, i.w = second >> 7, i.vvvv = ~(second >> 3) & 15, i.l = second >> 2 & 1, i.prefix = second & 3;
  i.opcode = *p++;
  const int modrm = *p++, mode = modrm >> 6;
  i.reg = (modrm >> 3 & 7) | r << 3, i.rm = modrm & 7;
  i.memory = mode != 3;
  if (i.memory)
    decode_memory(i, p, mode, x, b, registers);
  else
    i.rm |= b << 3;
  i.length = int(p - start);
  return true;
}

inline void set_configured(bool configured) {
  configured_threads += configured - tiles.configured;
  tiles.configured = configured;
}

// LDTILECFG: palette, start row, 14 reserved bytes, 16 row lengths of two bytes, 16 numbers of
// rows.
inline void load_configuration(const uint8_t *memory) {
  uint8_t config[64];
  memcpy(config, memory, sizeof config);
  require(config[0] == 1 && config[1] == 0, "palette 1 and start row 0 are expected");
  for (int i = 2; i < 16; i++) require(config[i] == 0, "reserved bytes of a configuration are not zero");
  for (int t = 0; t < 16; t++) {
    const int bytes = config[16 + 2 * t] | config[17 + 2 * t] << 8, rows = config[48 + t];
    require(bytes <= 64 && rows <= 16 && (bytes == 0) == (rows == 0) && (t < 8 || rows == 0), "invalid tile shape");
    if (t < 8) tiles.tile[t] = Tile{rows, bytes};
  }
  set_configured(true);
}

inline Tile &configured_tile(int n) {
  require(tiles.configured, "no configuration is loaded");
  require(n < 8 && tiles.tile[n].rows > 0, "a tile that is not configured");
  return tiles.tile[n];
}

// TILELOADD: rows start at base + displacement and are the index register apart.
inline void load_tile(Tile &t, const Instruction &i) {
  memset(t.data, 0, sizeof t.data);
  for (int r = 0; r < t.rows; r++) memcpy(t.data[r], reinterpret_cast<const void *>(i.address + r * i.index), t.bytes);
}

inline void store_tile(const Tile &t, const Instruction &i) {
  for (int r = 0; r < t.rows; r++) memcpy(reinterpret_cast<void *>(i.address + r * i.index), t.data[r], t.bytes);
}

// TDPBF16PS: for each row of A the products of the even and of the odd values are accumulated by
// fused multiply-add, each in float from zero; then their sum is added to C. Denormals are zeros,
// and rounding is to nearest even regardless of MXCSR.
inline void multiply(Tile &c, const Tile &a, const Tile &b) {
  require(&c != &a && &c != &b && &a != &b, "TDPBF16PS with the same tile twice");
  require(c.rows == a.rows && c.bytes == b.bytes && a.bytes == 4 * b.rows && c.bytes % 4 == 0,
          "TDPBF16PS with shapes that do not fit");
  const unsigned saved = _mm_getcsr();
  _mm_setcsr(0x1f80 | 0x8000 | 0x0040); // exceptions masked, to nearest, flush to zero, denormals are zeros
  const __mmask16 columns = static_cast<__mmask16>((1u << c.bytes / 4) - 1);
  const __m512i upper = _mm512_set1_epi32(int(0xffff0000));
  for (int m = 0; m < c.rows; m++) {
    __m512 even = _mm512_setzero_ps(), odd = _mm512_setzero_ps();
    for (int k = 0; k < b.rows; k++) {
      uint32_t pair;
      memcpy(&pair, &a.data[m][4 * k], sizeof pair);
      const __m512i left = _mm512_set1_epi32(int(pair)), right = _mm512_load_si512(b.data[k]);
      even = _mm512_fmadd_ps(_mm512_castsi512_ps(_mm512_slli_epi32(left, 16)),
                             _mm512_castsi512_ps(_mm512_slli_epi32(right, 16)), even);
      odd = _mm512_fmadd_ps(_mm512_castsi512_ps(_mm512_and_si512(left, upper)),
                            _mm512_castsi512_ps(_mm512_and_si512(right, upper)), odd);
    }
    const __m512 sum = _mm512_add_ps(_mm512_load_ps(c.data[m]), _mm512_add_ps(even, odd));
    _mm512_store_ps(c.data[m], _mm512_maskz_mov_ps(columns, sum));
  }
  for (int m = c.rows; m < 16; m++) memset(c.data[m], 0, sizeof c.data[m]);
  _mm_setcsr(saved);
  products++;
}

// Executes an instruction; returns false if it is not a tile instruction. All have map 0F38, W 0
// and L 0.
inline bool execute(const Instruction &i) {
  constexpr int kNone = 0, k66 = 1, kF3 = 2, kF2 = 3;
  if (i.map != 2 || i.w != 0 || i.l != 0) return false;
  const bool sib = i.memory && i.rm == 4;
  if (i.opcode == 0x49 && i.prefix == kNone && i.memory && i.reg == 0) { // LDTILECFG m512: NP 49 !(11):000:bbb
    load_configuration(reinterpret_cast<const uint8_t *>(i.address + i.index));
  } else if (i.opcode == 0x49 && i.prefix == kNone && !i.memory && i.reg == 0 && i.rm == 0) { // TILERELEASE: NP 49 C0
    tiles = Tiles{tiles.configured};
    set_configured(false);
  } else if (i.opcode == 0x49 && i.prefix == kF2 && !i.memory && i.rm == 0) { // TILEZERO tmm1: F2 49 11:rrr:000
    Tile &t = configured_tile(i.reg);
    memset(t.data, 0, sizeof t.data);
  } else if (i.opcode == 0x4b && (i.prefix == kF2 || i.prefix == k66) &&
             sib) { // TILELOADD, TILELOADDT1: F2, 66 4B !(11):rrr:100
    load_tile(configured_tile(i.reg), i);
  } else if (i.opcode == 0x4b && i.prefix == kF3 && sib) { // TILESTORED: F3 4B !(11):rrr:100
    store_tile(configured_tile(i.reg), i);
  } else if (i.opcode == 0x5c && i.prefix == kF3 &&
             !i.memory) { // TDPBF16PS tmm1, tmm2, tmm3: F3 5C 11:rrr:bbb, tmm3 in vvvv
    multiply(configured_tile(i.reg), configured_tile(i.rm), configured_tile(i.vvvv));
  } else {
    return false;
  }
  return true;
}

inline void on_illegal_instruction(int, siginfo_t *, void *context) {
  greg_t *registers = static_cast<ucontext_t *>(context)->uc_mcontext.gregs;
  const auto *at = reinterpret_cast<const uint8_t *>(registers[REG_RIP]);
  if (at[0] == 0x0f && at[1] == 0x0b) registers[REG_RIP] += 2; // UD2 before an instruction that would not be illegal
  Instruction i;
  if (decode(reinterpret_cast<const uint8_t *>(registers[REG_RIP]), registers, i) && execute(i))
    registers[REG_RIP] += i.length;
  else
    fail("an illegal instruction that is not a tile instruction");
}

// Starts the emulation before main where it is needed, and fails programs whose threads have not
// released their tiles.
struct Emulation {
  Emulation() {
#if !defined(AMX_EMULATED)
    if (depthwise::fused::amx_permitted()) return;
#endif
    active = true;
    struct sigaction action = {};
    action.sa_sigaction = on_illegal_instruction;
    action.sa_flags = SA_SIGINFO;
    if (sigaction(SIGILL, &action, nullptr)) fail("sigaction");
  }
  ~Emulation() { require(configured_threads == 0, "tiles have not been released"); }
};
inline Emulation emulation;

} // namespace amx_emulator
