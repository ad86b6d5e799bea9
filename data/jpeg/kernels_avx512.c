// The inner loops for AVX-512 with byte permutations (VBMI) and dot products (VNNI):
// Ice Lake, Zen 4 and later.
#ifdef __x86_64__
#include "kernels_avx512.h"

// For reductions too large for windows: one output at a time.
AVX512 static void horizontal_far(const dw_filter *f, const uint8_t *row, uint8_t *dst) {
	for (int i = 0; i < f->count; i++) {
		const uint8_t *pixel = row + (f->start[i] - f->low);
		const int16_t *weight = f->weight + (size_t)i * f->stride;
		__m512i sum = _mm512_setzero_si512();
		for (int t = 0; t < f->taps[i]; t += 32) {
			__m512i p = _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)(pixel + t)));
			sum = _mm512_dpwssd_epi32(sum, p, _mm512_loadu_si512(weight + t));
		}
		dst[i] = dw_clip((_mm512_reduce_add_epi32(sum) + (1 << (f->precision - 1))) >> f->precision);
	}
}

// Sixteen outputs at a time, in one window of up to 128 bytes, which moves by two
// pixels with each pair of weights.
AVX512 static void horizontal(const dw_filter *f, const uint8_t *row, uint8_t *dst) {
	if (f->span == 0)
		return horizontal_far(f, row, dst);
	const __mmask64 low_bytes = 0x5555555555555555;
	const __m512i rounding = _mm512_set1_epi32(1 << (f->precision - 1));
	const __m128i shift = _mm_cvtsi32_si128(f->precision);
	const int32_t *weights = f->pair_weight;
	for (int g = 0; g < f->groups; g++, weights += 16 * f->most_pairs) {
		const uint8_t *window = row + f->base[g];
		const __m512i index = _mm512_loadu_si512(f->index + 16 * g);
		__m512i sum = rounding;
		if (f->span <= 64)
			for (int t = 0; t < f->pairs[g]; t++) {
				__m512i p = _mm512_maskz_permutexvar_epi8(low_bytes, index, _mm512_loadu_si512(window + 2 * t));
				sum = _mm512_dpwssd_epi32(sum, p, _mm512_loadu_si512(weights + 16 * t));
			}
		else
			for (int t = 0; t < f->pairs[g]; t++) {
				__m512i a = _mm512_loadu_si512(window + 2 * t), b = _mm512_loadu_si512(window + 2 * t + 64);
				__m512i p = _mm512_maskz_permutex2var_epi8(low_bytes, a, index, b);
				sum = _mm512_dpwssd_epi32(sum, p, _mm512_loadu_si512(weights + 16 * t));
			}
		sum = _mm512_max_epi32(_mm512_sra_epi32(sum, shift), _mm512_setzero_si512());
		_mm_storeu_si128((__m128i *)(dst + 16 * g), _mm512_cvtusepi32_epi8(sum));
	}
}

AVX512 static void vertical(const dw_filter *f, int i, const uint8_t *rows, size_t stride, size_t n, uint8_t *dst) {
	const int16_t *weight = f->weight + (size_t)i * f->stride;
	const __m512i zero = _mm512_setzero_si512(), rounding = _mm512_set1_epi32(1 << (f->precision - 1));
	const __m128i shift = _mm_cvtsi32_si128(f->precision);
	rows += (size_t)(f->start[i] - f->low) * stride;
	for (size_t at = 0; at < n; at += 64) {
		__m512i s0 = rounding, s1 = rounding, s2 = rounding, s3 = rounding;
		const uint8_t *row = rows + at;
		for (int t = 0; t < f->taps[i]; t += 2, row += 2 * stride) {
			int32_t pair;
			memcpy(&pair, weight + t, sizeof pair);
			const __m512i w = _mm512_set1_epi32(pair);
			__m512i a = _mm512_loadu_si512(row), b = _mm512_loadu_si512(row + stride);
			__m512i low = _mm512_unpacklo_epi8(a, b), high = _mm512_unpackhi_epi8(a, b);
			s0 = _mm512_dpwssd_epi32(s0, _mm512_unpacklo_epi8(low, zero), w);
			s1 = _mm512_dpwssd_epi32(s1, _mm512_unpackhi_epi8(low, zero), w);
			s2 = _mm512_dpwssd_epi32(s2, _mm512_unpacklo_epi8(high, zero), w);
			s3 = _mm512_dpwssd_epi32(s3, _mm512_unpackhi_epi8(high, zero), w);
		}
		__m512i low = _mm512_packs_epi32(_mm512_sra_epi32(s0, shift), _mm512_sra_epi32(s1, shift));
		__m512i high = _mm512_packs_epi32(_mm512_sra_epi32(s2, shift), _mm512_sra_epi32(s3, shift));
		_mm512_storeu_si512(dst + at, _mm512_packus_epi16(low, high));
	}
}

// The first n bytes of a mask of 64.
static inline uint64_t first(int n) {
	return n >= 64 ? ~0ull : n <= 0 ? 0 : (1ull << n) - 1;
}

// Byte i of a register of one color is byte 3*i + color of 192.
AVX512 static void split(const uint8_t *rgb, uint8_t *const planes[3], int n) {
	__m512i index[3];
	uint64_t third[3]; // the bytes from the third register
	for (int c = 0; c < 3; c++) {
		uint8_t at[64];
		third[c] = 0;
		for (int i = 0; i < 64; i++) {
			at[i] = (uint8_t)((3 * i + c) & 127);
			if (3 * i + c >= 128)
				third[c] |= 1ull << i;
		}
		index[c] = _mm512_loadu_si512(at);
	}
	for (int i = 0; i < n; i += 64) {
		int bytes = 3 * (n - i);
		__m512i x0 = _mm512_maskz_loadu_epi8(first(bytes), rgb + 3 * i);
		__m512i x1 = _mm512_maskz_loadu_epi8(first(bytes - 64), rgb + 3 * i + 64);
		__m512i x2 = _mm512_maskz_loadu_epi8(first(bytes - 128), rgb + 3 * i + 128);
		for (int c = 0; c < 3; c++) {
			__m512i v = _mm512_permutex2var_epi8(x0, index[c], x1);
			_mm512_storeu_si512(planes[c] + i, _mm512_mask_permutexvar_epi8(v, third[c], index[c], x2));
		}
	}
}

AVX512 static void join(const uint8_t *const planes[3], uint8_t *rgb, int n) {
	uint8_t at[64] = {0};
	for (int i = 0; i < 48; i++)
		at[i] = (uint8_t)(16 * (i % 3) + i / 3);
	const __m512i index = _mm512_loadu_si512(at);
	for (int i = 0; i < n; i += 16) {
		__m512i v = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)(planes[0] + i)));
		v = _mm512_inserti32x4(v, _mm_loadu_si128((const __m128i *)(planes[1] + i)), 1);
		v = _mm512_inserti32x4(v, _mm_loadu_si128((const __m128i *)(planes[2] + i)), 2);
		int bytes = 3 * (n - i);
		_mm512_mask_storeu_epi8(rgb + 3 * i, first(bytes < 48 ? bytes : 48), _mm512_permutexvar_epi8(index, v));
	}
}

const dw_kernels dw_kernels_avx512 = {
	.name = "avx512", .lanes = 16, .sharing = 16, .reach = 128,
	.horizontal = horizontal, .vertical = vertical, .split = split, .join = join,
	.transform = dw_transform_avx512, .transform_half = dw_transform_half_avx512,
	.widen = dw_widen_avx512, .widen_two = dw_widen_two_avx512, .color = dw_color_avx512,
};
#endif
