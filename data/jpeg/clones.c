// Selects the ISA variant of a function.
#include "clones.h"
#include "kernels.h"

#include <stdlib.h>

int dw_level(void) {
#if DW_X86
	const char *words = getenv("DEPTHWISE_JPEG");
	if (words != NULL && dw_has_word(words, "portable"))
		return dw_portable;
	int avx512 = __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
	             __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi");
	if (avx512 && (words == NULL || !dw_has_word(words, "avx2")))
		return dw_avx512;
	if (__builtin_cpu_supports("avx2"))
		return dw_avx2;
#endif
	return dw_portable;
}
