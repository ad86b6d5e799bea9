// The inner loops, in one form for each kind of processor. All forms give the same
// bytes; kernels.c chooses one at run time.
#ifndef DEPTHWISE_KERNELS_H
#define DEPTHWISE_KERNELS_H

#include "worker.h"

// Except where it says otherwise, rows may be read and written up to dw_slack bytes
// beyond their ends; what lies there does not reach the result.
struct dw_kernels {
	const char *name;

	// The resize's windows (see filter.c): sums in a register, sums that share a window
	// of source bytes, and the longest window. Without windows all are 0.
	int lanes, sharing, reach;

	// One plane's row from the pixel f->low on becomes f->count pixels.
	void (*horizontal)(const dw_filter *f, const uint8_t *row, uint8_t *dst);

	// n bytes, a multiple of 64, of output line i, from rows that start at line f->low.
	void (*vertical)(const dw_filter *f, int i, const uint8_t *rows, size_t stride, size_t n, uint8_t *dst);

	// n pixels RGBRGB... to three planes and back; rgb is not touched beyond its end.
	void (*split)(const uint8_t *rgb, uint8_t *const planes[3], int n);
	void (*join)(const uint8_t *const planes[3], uint8_t *rgb, int n);
};

extern const dw_kernels dw_kernels_portable;
#ifdef __x86_64__
extern const dw_kernels dw_kernels_avx2, dw_kernels_avx512;
#endif

// The fastest form that this processor runs, or the one that a word of the comma-separated list names.
const dw_kernels *dw_kernels_choose(const char *words);

// Whether a comma-separated list, which may be NULL, has the word.
int dw_has_word(const char *list, const char *word);

static inline uint8_t dw_clip(int32_t v) {
	return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

#endif
