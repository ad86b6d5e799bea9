// Whether this process may use the matrix tiles of gemm/amx.h.
#pragma once
#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace depthwise::fused {

// Checks that the processor has tiles with bfloat16 and that the system saves them (Intel's manual,
// volume 1, section 13.3: bits 17 and 18 of XCR0), and requests permission to use them from Linux.
// Permission covers the whole process, including later threads, and cannot be revoked
// (Documentation/arch/x86/xstate.rst). GCC 12's __builtin_cpu_supports does not check the system.
//
// With permission a signal handler's frame holds 8 KB of tiles, about 11 KB in all. Linux refuses
// with ENOSPC if a thread has a smaller alternate signal stack; Go's are 32 KB. On other systems
// tiles are not used.
inline bool amx_permitted() {
#if defined(__x86_64__) && defined(__linux__)
  constexpr unsigned kXsave = 1u << 27;                      // leaf 1, ecx: the system uses XSAVE
  constexpr unsigned kTile = 1u << 24, kBfloat16 = 1u << 22; // leaf 7, edx
  constexpr unsigned kTileConfig = 1u << 17, kTileData = 1u << 18;
  constexpr int kRequestPermission = 0x1023, kTileDataState = 18; // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & kXsave)) return false;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(d & kTile) || !(d & kBfloat16)) return false;
  unsigned low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  if (!(low & kTileConfig) || !(low & kTileData)) return false;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileDataState) == 0;
#else
  return false;
#endif
}

} // namespace depthwise::fused
