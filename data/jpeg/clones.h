// Functions that are compiled for several instruction sets. Each call uses the best that
// the processor supports. Sums are written so that all variants give the same bits.
//
//	DW_CLONES(void, name, (int a, int b), (a, b)) { body }
#ifndef DEPTHWISE_CLONES_H
#define DEPTHWISE_CLONES_H

// The instruction set in use: the best of the processor, or the one of the environment variable (see Environment).
enum { dw_portable, dw_avx2, dw_avx512 };
int dw_level(void);

#define DW_INLINE static inline __attribute__((always_inline))

#if defined(__x86_64__)
#define DW_X86 1
#define DW_CLONES(type, name, parameters, arguments)                                                          \
	DW_INLINE type name##_body parameters;                                                                    \
	__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))) static type name##_avx512 parameters {      \
		return name##_body arguments;                                                                         \
	}                                                                                                         \
	__attribute__((target("avx2"))) static type name##_avx2 parameters { return name##_body arguments; }      \
	static type name##_portable parameters { return name##_body arguments; }                                  \
	type name parameters {                                                                                    \
		switch (dw_level()) {                                                                                 \
		case dw_avx512: return name##_avx512 arguments;                                                       \
		case dw_avx2: return name##_avx2 arguments;                                                           \
		}                                                                                                     \
		return name##_portable arguments;                                                                     \
	}                                                                                                         \
	DW_INLINE type name##_body parameters
#else
#define DW_X86 0
#define DW_CLONES(type, name, parameters, arguments) type name parameters
#endif

#endif
