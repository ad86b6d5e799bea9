// Selects the ISA variant of the inner loops.
#include "kernels.h"

#include <string.h>

int dw_has_word(const char *list, const char *word) {
	size_t n = strlen(word);
	for (const char *at = list; at != NULL && (at = strstr(at, word)) != NULL; at += n)
		if ((at == list || at[-1] == ',') && (at[n] == 0 || at[n] == ','))
			return 1;
	return 0;
}

const dw_kernels *dw_kernels_choose(const char *words) {
	if (dw_has_word(words, "portable"))
		return &dw_kernels_portable;
#ifdef __x86_64__
	__builtin_cpu_init();
	int avx2 = __builtin_cpu_supports("avx2");
	int avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	             __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi") &&
	             __builtin_cpu_supports("avx512vnni");
	if (avx512 && !dw_has_word(words, "avx2"))
		return &dw_kernels_avx512;
	if (avx2)
		return &dw_kernels_avx2;
#endif
	return &dw_kernels_portable;
}

const char *dw_isa(const dw_worker *w) {
	return w->kernels->name;
}
