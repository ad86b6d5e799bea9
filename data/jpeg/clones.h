// Functions that are compiled for several instruction sets, of which each call takes the
// best that the processor has. Sums are written so that all give the same bits.
//
//	DW_CLONES(void, name, (int a, int b), (a, b)) { body }
#ifndef DEPTHWISE_CLONES_H
#define DEPTHWISE_CLONES_H

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
		if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&                       \
		    __builtin_cpu_supports("avx512vl"))                                                               \
			return name##_avx512 arguments;                                                                   \
		if (__builtin_cpu_supports("avx2"))                                                                   \
			return name##_avx2 arguments;                                                                     \
		return name##_portable arguments;                                                                     \
	}                                                                                                         \
	DW_INLINE type name##_body parameters
#else
#define DW_X86 0
#define DW_CLONES(type, name, parameters, arguments) type name parameters
#endif

#endif
