// The inner loops for AVX2.
#ifdef __x86_64__
#include "kernels_avx2.h"

// Adds the sums of products and rounds to a byte.
AVX2 static inline uint8_t sum_up(__m256i sum, const dw_filter *f) {
	__m128i s = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
	s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
	s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1));
	return dw_clip((_mm_cvtsi128_si32(s) + (1 << (f->precision - 1))) >> f->precision);
}

// For reductions too large for windows: one output at a time.
AVX2 static void horizontal_far(const dw_filter *f, const uint8_t *row, uint8_t *dst) {
	for (int i = 0; i < f->count; i++) {
		const uint8_t *pixel = row + (f->start[i] - f->low);
		const int16_t *weight = f->weight + (size_t)i * f->stride;
		__m256i sum = _mm256_setzero_si256();
		for (int t = 0; t < f->taps[i]; t += 16) {
			__m256i p = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(pixel + t)));
			sum = _mm256_add_epi32(sum, _mm256_madd_epi16(p, _mm256_loadu_si256((const __m256i *)(weight + t))));
		}
		dst[i] = sum_up(sum, f);
	}
}

// Eight outputs at a time, in two windows of four. A window moves by two pixels with each pair of weights.
AVX2 static void horizontal(const dw_filter *f, const uint8_t *row, uint8_t *dst) {
	if (f->span == 0)
		return horizontal_far(f, row, dst);
	const __m256i rounding = _mm256_set1_epi32(1 << (f->precision - 1));
	const __m128i shift = _mm_cvtsi32_si128(f->precision);
	const int32_t *weights = f->pair_weight;
	for (int g = 0; g < f->groups; g++, weights += 8 * f->most_pairs) {
		const uint8_t *low = row + f->base[2 * g], *high = row + f->base[2 * g + 1];
		const __m256i index = _mm256_loadu_si256((const __m256i *)(f->index + 8 * g));
		__m256i sum = rounding;
		for (int t = 0; t < f->pairs[g]; t++) {
			__m256i p = _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)(low + 2 * t)));
			p = _mm256_inserti128_si256(p, _mm_loadu_si128((const __m128i *)(high + 2 * t)), 1);
			p = _mm256_shuffle_epi8(p, index);
			sum = _mm256_add_epi32(sum, _mm256_madd_epi16(p, _mm256_loadu_si256((const __m256i *)(weights + 8 * t))));
		}
		sum = _mm256_sra_epi32(sum, shift);
		sum = _mm256_packs_epi32(sum, sum);
		sum = _mm256_packus_epi16(sum, sum);
		int32_t first = _mm256_extract_epi32(sum, 0), second = _mm256_extract_epi32(sum, 4);
		memcpy(dst + 8 * g, &first, 4);
		memcpy(dst + 8 * g + 4, &second, 4);
	}
}

AVX2 static void vertical(const dw_filter *f, int i, const uint8_t *rows, size_t stride, size_t n, uint8_t *dst) {
	const int16_t *weight = f->weight + (size_t)i * f->stride;
	const __m256i zero = _mm256_setzero_si256(), rounding = _mm256_set1_epi32(1 << (f->precision - 1));
	const __m128i shift = _mm_cvtsi32_si128(f->precision);
	rows += (size_t)(f->start[i] - f->low) * stride;
	for (size_t at = 0; at < n; at += 32) {
		__m256i sums[4] = {rounding, rounding, rounding, rounding};
		const uint8_t *row = rows + at;
		for (int t = 0; t < f->taps[i]; t += 2, row += 2 * stride) {
			int32_t pair;
			memcpy(&pair, weight + t, sizeof pair);
			const __m256i w = _mm256_set1_epi32(pair);
			__m256i a = _mm256_loadu_si256((const __m256i *)row), b = _mm256_loadu_si256((const __m256i *)(row + stride));
			__m256i low = _mm256_unpacklo_epi8(a, b), high = _mm256_unpackhi_epi8(a, b);
			sums[0] = _mm256_add_epi32(sums[0], _mm256_madd_epi16(_mm256_unpacklo_epi8(low, zero), w));
			sums[1] = _mm256_add_epi32(sums[1], _mm256_madd_epi16(_mm256_unpackhi_epi8(low, zero), w));
			sums[2] = _mm256_add_epi32(sums[2], _mm256_madd_epi16(_mm256_unpacklo_epi8(high, zero), w));
			sums[3] = _mm256_add_epi32(sums[3], _mm256_madd_epi16(_mm256_unpackhi_epi8(high, zero), w));
		}
		for (int k = 0; k < 4; k++)
			sums[k] = _mm256_sra_epi32(sums[k], shift);
		__m256i bytes = _mm256_packus_epi16(_mm256_packs_epi32(sums[0], sums[1]), _mm256_packs_epi32(sums[2], sums[3]));
		_mm256_storeu_si256((__m256i *)(dst + at), bytes);
	}
}

// split_index[c][k] picks the bytes of color c from the k-th of three registers of
// RGBRGB..., join_index[k][c] those of the k-th of three registers from color c.
static const int8_t split_index[3][3][16] = {
	{
		{0, 3, 6, 9, 12, 15, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1},
		{-1, -1, -1, -1, -1, -1, 2, 5, 8, 11, 14, -1, -1, -1, -1, -1},
		{-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 1, 4, 7, 10, 13},
	},
	{
		{1, 4, 7, 10, 13, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1},
		{-1, -1, -1, -1, -1, 0, 3, 6, 9, 12, 15, -1, -1, -1, -1, -1},
		{-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 2, 5, 8, 11, 14},
	},
	{
		{2, 5, 8, 11, 14, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1},
		{-1, -1, -1, -1, -1, 1, 4, 7, 10, 13, -1, -1, -1, -1, -1, -1},
		{-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 3, 6, 9, 12, 15},
	},
};
static const int8_t join_index[3][3][16] = {
	{
		{0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1, -1, 5},
		{-1, 0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1, -1},
		{-1, -1, 0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1},
	},
	{
		{-1, -1, 6, -1, -1, 7, -1, -1, 8, -1, -1, 9, -1, -1, 10, -1},
		{5, -1, -1, 6, -1, -1, 7, -1, -1, 8, -1, -1, 9, -1, -1, 10},
		{-1, 5, -1, -1, 6, -1, -1, 7, -1, -1, 8, -1, -1, 9, -1, -1},
	},
	{
		{-1, 11, -1, -1, 12, -1, -1, 13, -1, -1, 14, -1, -1, 15, -1, -1},
		{-1, -1, 11, -1, -1, 12, -1, -1, 13, -1, -1, 14, -1, -1, 15, -1},
		{10, -1, -1, 11, -1, -1, 12, -1, -1, 13, -1, -1, 14, -1, -1, 15},
	},
};

AVX2 static inline __m128i pick(const __m128i from[3], const int8_t index[3][16]) {
	__m128i sum = _mm_setzero_si128();
	for (int k = 0; k < 3; k++)
		sum = _mm_or_si128(sum, _mm_shuffle_epi8(from[k], _mm_loadu_si128((const __m128i *)index[k])));
	return sum;
}

AVX2 static void split(const uint8_t *rgb, uint8_t *const planes[3], int n) {
	int i = 0;
	for (; i + 16 <= n; i += 16) {
		__m128i from[3];
		for (int k = 0; k < 3; k++)
			from[k] = _mm_loadu_si128((const __m128i *)(rgb + 3 * i + 16 * k));
		for (int c = 0; c < 3; c++)
			_mm_storeu_si128((__m128i *)(planes[c] + i), pick(from, split_index[c]));
	}
	uint8_t *const rest[3] = {planes[0] + i, planes[1] + i, planes[2] + i};
	dw_kernels_portable.split(rgb + 3 * i, rest, n - i);
}

AVX2 static void join(const uint8_t *const planes[3], uint8_t *rgb, int n) {
	int i = 0;
	for (; i + 16 <= n; i += 16) {
		__m128i from[3];
		for (int c = 0; c < 3; c++)
			from[c] = _mm_loadu_si128((const __m128i *)(planes[c] + i));
		for (int k = 0; k < 3; k++)
			_mm_storeu_si128((__m128i *)(rgb + 3 * i + 16 * k), pick(from, join_index[k]));
	}
	const uint8_t *const rest[3] = {planes[0] + i, planes[1] + i, planes[2] + i};
	dw_kernels_portable.join(rest, rgb + 3 * i, n - i);
}

const dw_kernels dw_kernels_avx2 = {
	.name = "avx2", .lanes = 8, .sharing = 4, .reach = 16,
	.horizontal = horizontal, .vertical = vertical, .split = split, .join = join,
	.transform = dw_transform_avx2, .transform_half = dw_transform_half_avx2,
	.widen = dw_widen_avx2, .widen_two = dw_widen_two_avx2, .color = dw_color_avx2,
};
#endif
