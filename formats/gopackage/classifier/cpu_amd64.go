package classifier

// cpu are the instruction sets that processor and operating system support.
var cpu = detect()

type features struct{ avx2, avx512 bool }

// detect asks the processor. Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1, 14.3, 14.5 and 15.2.
func detect() (f features) {
	const osxsave, avx, fma = 1 << 27, 1 << 28, 1 << 12 // leaf 1, ecx
	const avx2, avx512f = 1 << 5, 1 << 16               // leaf 7, ebx
	const saved256, saved512 = 0x06, 0xe6               // of XCR0: the registers
	if leaves, _, _, _ := cpuid(0, 0); leaves < 7 {
		return f
	}
	_, _, c, _ := cpuid(1, 0)
	if c&(osxsave|avx|fma) != osxsave|avx|fma {
		return f
	}
	saved := xgetbv()
	_, b, _, _ := cpuid(7, 0)
	f.avx2 = saved&saved256 == saved256 && b&avx2 != 0
	f.avx512 = f.avx2 && saved&saved512 == saved512 && b&avx512f != 0
	return f
}
