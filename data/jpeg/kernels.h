// The inner loops, with one variant per instruction set (ISA). All variants give the same
// bytes; kernels.c selects one at run time.
#ifndef DEPTHWISE_KERNELS_H
#define DEPTHWISE_KERNELS_H

#include "worker.h"

// Unless stated otherwise, rows may be read and written up to dw_slack bytes beyond their
// ends; those bytes do not affect the result.
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

	// Inverse DCT of four blocks of dequantized coefficients, in 8 rows of 32, which are then
	// cleared. Returns -1 if a block has values that no 8-bit image has, and for which
	// implementations of the inverse DCT differ.
	int (*transform)(int16_t *coefficients, uint8_t *dst, size_t stride);

	// The same to half the size: 4 rows of 16, of the four lowest frequencies each way.
	int (*transform_half)(int16_t *coefficients, uint8_t *dst, size_t stride);

	// n samples of half width become 2*n by a triangle filter, from one row or from two with
	// weights 3 and 1. The samples before the first and after the last are read.
	void (*widen)(const uint8_t *src, uint8_t *dst, int n);
	void (*widen_two)(const uint8_t *near, const uint8_t *far, uint8_t *dst, int n);

	// n samples in YCbCr become red, green and blue.
	void (*color)(const uint8_t *const ycc[3], uint8_t *const rgb[3], int n);
};

extern const dw_kernels dw_kernels_portable;
#ifdef __x86_64__
extern const dw_kernels dw_kernels_avx2, dw_kernels_avx512;
#endif

// The fastest variant that this processor supports, or the one that a word of the comma-separated list selects.
const dw_kernels *dw_kernels_choose(const char *words);

// Whether a comma-separated list, which may be NULL, has the word.
int dw_has_word(const char *list, const char *word);

// The sum of a block's absolute coefficients up to which every intermediate value fits
// 16 bits: |value| <= 4 * 1.3871 * sum.
enum { dw_most_sum = 5900 };

// The constants of the inverse DCT (Loeffler, Ligtenberg, Moschytz; libjpeg's jidctint): times 2^13.
enum {
	dw_0_298631336 = 2446, dw_0_390180644 = 3196, dw_0_541196100 = 4433, dw_0_765366865 = 6270, dw_0_899976223 = 7373,
	dw_1_175875602 = 9633, dw_1_501321110 = 12299, dw_1_847759065 = 15137, dw_1_961570560 = 16069, dw_2_053119869 = 16819,
	dw_2_562915447 = 20995, dw_3_072711026 = 25172, dw_1_306562965 = 10703, dw_one = 8192,
};

static inline uint8_t dw_clip(int32_t v) {
	return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

#endif
